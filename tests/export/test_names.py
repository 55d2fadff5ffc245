"""Names of files that hold whatever a name can hold, and results in other folders than their media."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from earwitness.batch.formats import FORMATS, write
from earwitness.media.writer import write_wav
from earwitness.results.saved import read_result
from export_cases import detection, run
from strange_names import STRANGE, bad, heard

TEXTS = [name for name in FORMATS if name not in ("parquet", "html")]


@pytest.mark.parametrize("stem", STRANGE)
def test_nothing_that_does_not_print_is_exported(tmp_path: Path, stem: str) -> None:
    found = heard(tmp_path / f"{stem}.mp4")
    for name in TEXTS:
        write(found, tmp_path / "out" / "clip", name)
        assert not bad((tmp_path / "out" / "clip").read_bytes().decode()), name
    write(found, tmp_path / "clip.json", "json")
    whole = (tmp_path / f"{stem}.mp4").as_posix()
    if whole.isprintable() or not any("\ud800" <= sign <= "\udfff" for sign in whole):
        assert read_result(tmp_path / "clip.json").path == Path(whole)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A sound that is not the result's business."""
    import numpy as np

    file = tmp_path / "home" / "secret.wav"
    write_wav(file, np.random.default_rng(0).normal(scale=0.1, size=(2, 24_000)).astype(np.float32), 24_000)
    return file


def stranger(folder: Path, named: str) -> Path:
    """A result whose media file is `named`."""
    path = folder / "clip.json"
    write(detection(run(0, 5, 0, 0)), path, "json")
    values = json.loads(path.read_text())
    values["source"]["file"] = named
    path.write_text(json.dumps(values))
    return path


@pytest.mark.parametrize(
    "named",
    [
        "{secret}", "../home/secret.wav", "./../home/secret.wav", "file://{secret}", "//{secret}", "link.wav",
        "linked/secret.wav", "linked\\secret.wav", "..", ".", "", "/", "secret.wav\0", "\ud7ff", "C:\\home\\secret.wav",
        "~/secret.wav", "http://127.0.0.1/secret.wav", "x" * 400, "pipe.wav", "concat:{secret}",
    ],
)  # fmt: skip
def test_a_strangers_result_opens_no_file_of_mine(
    tmp_path: Path, secret: Path, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "from-a-stranger"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(secret.parent))
    (folder / "link.wav").symlink_to(secret)
    (folder / "linked").symlink_to(secret.parent)
    os.mkfifo(folder / "pipe.wav")
    saved = read_result(stranger(folder, named.format(secret=secret)))
    assert saved.media_file is None
    write(saved, tmp_path / "page.html", "html")
    page = (tmp_path / "page.html").read_text()
    assert '"how":"none"' in page
    assert '"strip":""' in page


def test_what_lies_beside_or_is_named_is_taken(tmp_path: Path, secret: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    path = stranger(folder, "/where/it/was/secret.wav")
    assert read_result(path, secret).media_file == secret
    (folder / "secret.wav").write_bytes(secret.read_bytes())
    saved = read_result(path)
    assert saved.media_file == folder / "secret.wav"
    assert saved.path == Path("/where/it/was/secret.wav")
    write(saved, tmp_path / "page.html", "html")
    assert '"how":"embed"' in (tmp_path / "page.html").read_text()


def test_what_a_stranger_wrote_into_a_result_prints(tmp_path: Path) -> None:
    path = stranger(tmp_path, "/x/\x1b]0;title\x07.mp4")
    values = json.loads(path.read_text())
    values["warnings"] = ["\x1b[2Jgone", "</script><script>alert(1)</script>\u202e"]
    values["model"]["name"] = "\u202emodel\x00"
    values["settings"]["\x07note"] = {"deep": ["\x1b[0m"]}
    values["visual"] = {"why": "\x1b[0m"}
    path.write_text(json.dumps(values))
    for name in ("html", *TEXTS):
        write(read_result(path), tmp_path / "out", name)
        text = (tmp_path / "out").read_text()
        assert "\x1b" not in text
        assert "\x07" not in text
        if name == "html":
            data = text.split('id="data">')[1].split("</script>")[0]
            assert not bad(json.dumps(json.loads(data), ensure_ascii=False).replace(" ", ""))
            assert "<script>alert" not in text
            assert "\\\\x1b]0;title\\\\x07.mp4" in data
