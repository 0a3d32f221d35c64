"""The page's texts: every key that is used exists, and every key that exists is used."""

import json
import re
from importlib import resources

PAGES = resources.files("foveal.server.pages")
TEXTS = json.loads(PAGES.joinpath("texts.en.json").read_text("utf-8"))
MADE = re.compile(
    r"^(kind\.|nav\.|teach\.lead\.|findings\.|js\.flag\.|js\.reason\.|js\.good|js\.defect|js\.other|js\.running|js\.stopped)"
)


def used():
    keys = set()
    for file in PAGES.joinpath("templates").iterdir():
        keys |= set(re.findall(r"""\bt\(["']([a-z_.0-9]+)["'][,)]""", file.read_text("utf-8")))
    for file in PAGES.joinpath("static").iterdir():
        if file.name.endswith(".js"):
            keys |= {f"js.{key}" for key in re.findall(r"""\bt\(["']([a-z_]+)["'][,)]""", file.read_text("utf-8"))}
    return keys


def test_every_key_that_is_used_exists():
    assert used() - set(TEXTS) == set()


def test_every_text_is_used():
    assert {key for key in set(TEXTS) - used() if not MADE.match(key)} == set()


def test_no_text_stands_in_a_template():
    """Letters between tags would be a text that nobody can translate."""
    for file in PAGES.joinpath("templates").iterdir():
        bare = re.sub(r"\{[{%#].*?[%#}]\}", " ", file.read_text("utf-8"), flags=re.DOTALL)
        bare = re.sub(r"<script.*?</script>|<!doctype[^>]*>|<[^>]*>", " ", bare, flags=re.DOTALL)
        words = set(re.findall(r"[A-Za-z]{2,}", bare)) - {"webhook", "mqtt", "apprise", "openapi", "json"}
        assert words == set(), file.name
