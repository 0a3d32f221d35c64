"""The search for byte strings finds exactly what a plain search finds."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from foveal.store.scan import CHUNK_BYTES, Search, scan

LETTERS = st.lists(st.sampled_from(b"ab\0"), min_size=4, max_size=9).map(bytes)


@given(st.lists(LETTERS, max_size=12), st.lists(st.sampled_from(b"ab\0"), min_size=1, max_size=60).map(bytes))
def test_search_equals_one_search_each(needles: list[bytes], chunk: bytes) -> None:
    assert Search(needles)(chunk) == {needle for needle in needles if needle in chunk}


@given(st.integers(0, 40), st.integers(1, 40))
def test_many_long_needles_are_found_too(n: int, length: int) -> None:
    needles = [bytes([number]) * 3 + bytes(range(length, length + 40)) for number in range(n)]
    chunk = b"--".join(needles[::2])
    assert Search(needles)(chunk) == set(needles[::2])


def test_a_needle_across_two_chunks_is_found(tmp_path: Path) -> None:
    needle = b"here it is, split in two"
    for place in (CHUNK_BYTES - 10, CHUNK_BYTES - len(needle), CHUNK_BYTES, 2 * CHUNK_BYTES - 1):
        file = tmp_path / f"{place}.bin"
        file.write_bytes(b"\0" * place + needle)
        report = scan(tmp_path, [file], [needle, b"nowhere"])
        assert report.found == ((file.name, needle),) and report.n_bytes == place + len(needle)
