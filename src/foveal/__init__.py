"""Image recognition you can teach, trust, correct and take away from.

>>> import foveal
>>> foveal.__version__
'0.1.0'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foveal.core.errors import (
        BusyError,
        DecodeError,
        FovealError,
        InputError,
        IntegrityError,
        MissingExtraError,
        ModelError,
        StoreError,
    )
    from foveal.core.gallery import Found, Hit
    from foveal.core.image import Image
    from foveal.core.inspection import Inspection
    from foveal.core.prediction import Prediction
    from foveal.recognizers.settings import Settings
    from foveal.server.client import Client
    from foveal.workflows.finding.searching import Wish
    from foveal.workflows.gallery import Gallery
    from foveal.workflows.part import Part, load_part, teach_part
    from foveal.workflows.recognizer import Recognizer, load, teach

__version__ = "0.1.0"

# Where each public name lives: looked up at first use, so that importing foveal stays fast.
_HOMES = {
    "teach": "foveal.workflows.recognizer",
    "load": "foveal.workflows.recognizer",
    "Recognizer": "foveal.workflows.recognizer",
    "teach_part": "foveal.workflows.part",
    "load_part": "foveal.workflows.part",
    "Part": "foveal.workflows.part",
    "Gallery": "foveal.workflows.gallery",
    "Client": "foveal.server.client",
    "Wish": "foveal.workflows.finding.searching",
    "Found": "foveal.core.gallery",
    "Hit": "foveal.core.gallery",
    "Inspection": "foveal.core.inspection",
    "Image": "foveal.core.image",
    "Prediction": "foveal.core.prediction",
    "Settings": "foveal.recognizers.settings",
    "FovealError": "foveal.core.errors",
    "InputError": "foveal.core.errors",
    "DecodeError": "foveal.core.errors",
    "ModelError": "foveal.core.errors",
    "StoreError": "foveal.core.errors",
    "BusyError": "foveal.core.errors",
    "IntegrityError": "foveal.core.errors",
    "MissingExtraError": "foveal.core.errors",
}

__all__ = [
    "BusyError",
    "Client",
    "DecodeError",
    "Found",
    "FovealError",
    "Gallery",
    "Hit",
    "Image",
    "InputError",
    "Inspection",
    "IntegrityError",
    "MissingExtraError",
    "ModelError",
    "Part",
    "Prediction",
    "Recognizer",
    "Settings",
    "StoreError",
    "Wish",
    "__version__",
    "load",
    "load_part",
    "teach",
    "teach_part",
]


def __getattr__(name: str) -> Any:
    """Import a public name at first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'foveal' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Public names."""
    return sorted(__all__)
