from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.core.errors import EncodingError
from earwitness.core.files.atomic import atomic_file, remove_partial_files


@pytest.mark.parametrize("stem", ["m" * 251, "é" * 125, "short"])
def test_a_name_as_long_as_names_can_be_is_written_and_its_partial_file_known(tmp_path: Path, stem: str) -> None:
    path = tmp_path / f"{stem}.csv"
    with atomic_file(path) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".csv"
        temporary.write_text("x")
        left = tmp_path / temporary.name.replace(f".{_own_process(temporary)}.", ".99999999.")
        left.write_text("of a program that was killed")
        remove_partial_files(tmp_path)
        assert not left.exists()
        assert temporary.exists()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def _own_process(temporary: Path) -> str:
    return temporary.name.split(".")[-3]


def test_a_name_that_is_too_long_says_what_to_do(tmp_path: Path) -> None:
    def write() -> None:
        with atomic_file(tmp_path / ("m" * 252 + ".csv")) as temporary:
            temporary.write_text("x")

    with pytest.raises(EncodingError, match="shorter name"):
        write()
    assert list(tmp_path.iterdir()) == []
