"""Why a hit was found: which regions of the query and of the hit match, drawn side by side."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from foveal.core.contracts import Backbone, Code, Float32s
from foveal.core.errors import InputError
from foveal.core.gallery import Found, Hit, MatchEvidence
from foveal.core.image import Image
from foveal.imaging.match_sheet import Explained, draw_found
from foveal.imaging.to_image import to_image
from foveal.memory.codes import make_code
from foveal.recognizers.evidence import measure_heatmap
from foveal.recognizers.statistics import Floats
from foveal.workflows.finding.gallery import OpenGallery
from foveal.workflows.finding.searching import Query

SHOWN = 5  # hits drawn with their regions


def explain(gallery: OpenGallery, query: Query, found: Found, most: int = SHOWN) -> tuple[Found, list[Explained]]:
    """Add evidence to the best hits, and return the pictures to draw it on."""
    ranked = [*found.hits, *found.others]
    explained = [_explain_hit(gallery, query, hit) for hit in ranked[:most]]
    hits = [one.hit for one in explained] + ranked[most:]
    n = len(found.hits)
    return replace(found, hits=tuple(hits[:n]), others=tuple(hits[n:])), explained


def draw(gallery: OpenGallery, query: Query, found: Found, most: int = SHOWN) -> Image:
    """One sheet that shows a query, its hits and why they match."""
    found, explained = explain(gallery, query, found, most)
    seen = query.image if query.image is None or gallery.backbone is None else gallery.backbone.crop(query.image)
    return draw_found(query.image, seen, found, explained)


def _explain_hit(gallery: OpenGallery, query: Query, hit: Hit) -> Explained:
    picture = read_hit(gallery, hit)
    backbone = gallery.backbone
    if backbone is None or query.image is None or query.code is None or picture is None:
        return Explained(hit, picture)
    theirs = make_code(backbone.pool(picture))
    ours, other = gallery.project(np.stack([query.code, theirs]))
    evidence = MatchEvidence(
        _split(gallery, backbone, query.image, query.code, other), _split(gallery, backbone, picture, theirs, ours)
    )
    return Explained(replace(hit, evidence=evidence), backbone.crop(picture))


def _split(gallery: OpenGallery, backbone: Backbone, image: Image, code: Code, other: Float32s) -> Floats:
    """Parts of the similarity of an image to a vector, by position."""
    weights, bias = gallery.model.metric.weigh(code, other)
    return measure_heatmap("", weights, bias, code, backbone.feature_maps(image)).contributions


def read_hit(gallery: OpenGallery, hit: Hit) -> Image | None:
    """The picture of a hit from its file, or its small copy where that is gone; None without either."""
    if Path(hit.path).is_file():
        try:
            return to_image(hit.path, at_least=gallery.side)[0]
        except InputError:
            pass
    small = gallery.store.thumbnail(hit.picture)
    return to_image(small)[0] if small else None
