from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from earwitness.core.errors import UsageError  # noqa: E402
from earwitness.models.architectures import model_config  # noqa: E402
from earwitness.models.checkpoint import build  # noqa: E402
from earwitness.training.learn.unfinished import UnfinishedRun  # noqa: E402

RECORD: dict[str, Any] = {"recordings": [["kettle/a.wav", "kettle", 0, "00ff"]], "--scenes": 120, "--seed": 1}


def network() -> Any:
    config = {"architecture": "seld", "stem_width": 4, "stem_kernel": 3, "widths": (4, 8), "pools": ((5, 2), (1, 2)),
              "dim": 16, "heads": 2, "blocks": 1, "conv_kernel": 3, "ffn_mult": 2, "activity": "logit"}  # fmt: skip
    return build(model_config(config)).eval()  # type: ignore[arg-type]


def test_the_same_run_continues_with_its_networks(tmp_path: Path) -> None:
    out = tmp_path / "mine.onnx"
    first = UnfinishedRun(out, RECORD)
    assert first.note == ""
    trained = first.network("fold-0", network)
    again = UnfinishedRun(out, RECORD)
    assert "continuing" in again.note
    kept = again.network("fold-0", lambda: pytest.fail("trained twice"))
    assert all(torch.equal(value, kept.state_dict()[name]) for name, value in trained.state_dict().items())
    (tmp_path / "mine.unfinished" / "fold-0.safetensors").write_bytes(b"cut off")
    other = again.network("fold-0", network)
    assert other.state_dict().keys() == trained.state_dict().keys()
    again.remove()
    assert not list(tmp_path.iterdir())


def test_other_recordings_or_settings_start_anew_and_say_what_differs(tmp_path: Path) -> None:
    out = tmp_path / "mine.onnx"
    UnfinishedRun(out, RECORD).network("fold-0", network)
    other = UnfinishedRun(out, RECORD | {"--scenes": 240, "recordings": []})
    assert "with other recordings, --scenes; starting anew" in other.note
    assert not list((tmp_path / "mine.unfinished").glob("*.safetensors"))


@pytest.mark.parametrize("content", [None, "{", "[]", "[" * 100_000, '{"format": 7}'])
def test_what_others_have_put_there_is_not_deleted(tmp_path: Path, content: str | None) -> None:
    folder = tmp_path / "mine.unfinished"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    if content is not None:
        (folder / "run.json").write_text(content)
    with pytest.raises(UsageError, match="is in the way"):
        UnfinishedRun(tmp_path / "mine.onnx", RECORD)
    assert (folder / "thesis.txt").is_file()


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.unfinished").write_text("a file")
    with pytest.raises(UsageError, match="is in the way"):
        UnfinishedRun(tmp_path / "mine.onnx", RECORD)
