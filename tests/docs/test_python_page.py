"""The examples of docs/python.md run, in order; `make lint` checks their types."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)


def examples() -> str:
    return "\n".join(BLOCK.findall((ROOT / "docs" / "python.md").read_text(encoding="utf-8")))


def test_the_examples_run(
    meter_model: Path, make_burst: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    pytest.importorskip("pandas")
    from earwitness.media.writer import MediaWriter

    monkeypatch.chdir(tmp_path)
    with MediaWriter("clip.mp4", 64, 48, audio_rate=24_000) as writer:
        writer.write_audio(make_burst(3, (0.5, 1.5, 40)))
        for number in range(75):
            writer.write_frame(np.full((48, 64, 3), number, np.uint8), number / 25)
    code = examples().replace('Detector.load("default")', f"Detector.load({str(meter_model)!r}, vision=None)")
    space: dict[str, Any] = {}
    exec(compile(code, "python.md", "exec"), space)
    assert [event.slug for event in space["result"].events] == ["music"]
    assert space["from_bytes"].table.same_as(space["result"].table)
    assert space["from_file"].path == Path("clip.mp4")
    assert len(space["from_samples"]) == 0
    assert len(space["on_the_left"]) == 1
    assert len(space["bells"]) == 0
    assert space["events"]["class"].tolist() == ["music"]
    assert len(space["tracks"]) == len(space["result"].table)
    assert "allow_mono=True" in capsys.readouterr().out
    for name in ("plot.png", "clip.srt", "clip.events.csv", "markers.edl", "clips/clip.clips.csv"):
        assert (tmp_path / name).stat().st_size > 0
    assert "Musik spielt" in (tmp_path / "clip.srt").read_text(encoding="utf-8")


def test_the_checked_file_holds_the_examples_of_the_page() -> None:
    """`make lint` checks the types of `examples/python_page.py`."""
    checked = (ROOT / "examples" / "python_page.py").read_text(encoding="utf-8")
    assert checked.partition('"""\n\n')[2] == examples(), "copy the code of docs/python.md to examples/python_page.py"
    assert "examples/python_page.py" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_public_names_are_visible_to_tab() -> None:
    import earwitness

    assert {"Detector", "Detection", "read_result", "__version__"} <= set(dir(earwitness))
    assert all(getattr(earwitness, name) is not None for name in dir(earwitness))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = earwitness.Nothing
