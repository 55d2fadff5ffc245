from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from earwitness.core.errors import EncoderError
from earwitness.encoders.weights.pretrained_models import MODELS, HubSource, WheelSource, find_entry

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
EXTRAS = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]


@pytest.mark.parametrize("name", list(MODELS))
def test_entries_are_complete(name: str) -> None:
    entry = find_entry(name)
    assert entry.what
    assert entry.licence
    assert len({file.name for file in entry.files}) == len(entry.files) > 0
    for file in entry.files:
        assert "/" not in file.name
        if isinstance(entry.source, WheelSource):
            assert file.size
            assert re.fullmatch("[0-9a-f]{64}", file.sha256 or "")
    assert entry.extra in ("", *EXTRAS)
    if isinstance(entry.source, HubSource):
        assert re.fullmatch("[0-9a-f]{40}", entry.source.revision)


def test_unknown_names_get_a_choice() -> None:
    with pytest.raises(EncoderError, match="yamnet"):
        find_entry("vggish")
