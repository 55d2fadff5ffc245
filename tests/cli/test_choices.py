from __future__ import annotations

from pathlib import Path

import pytest
import typer

from earwitness.cli.choices import check_fov, folder_name, one_of
from earwitness.core.errors import UsageError


def test_a_word_is_one_of_a_few() -> None:
    assert one_of("--layout", "foa", ("auto", "foa")) == "foa"
    with pytest.raises(UsageError, match=r"--layout must be one of auto, foa, not 'FOA'"):
        one_of("--layout", "FOA", ("auto", "foa"))


@pytest.mark.parametrize("fov", [0.0, 170.5, float("nan"), float("inf")])
def test_no_camera_has_this_field_of_view(fov: float) -> None:
    with pytest.raises(UsageError, match="--fov"):
        check_fov(fov)


def test_usual_fields_of_view() -> None:
    for fov in (1.0, 100.0, 170.0):
        check_fov(fov)


def test_an_empty_folder_name_is_refused() -> None:
    assert folder_name("runs/a") == Path("runs/a")
    with pytest.raises(typer.BadParameter, match="empty"):
        folder_name("")
