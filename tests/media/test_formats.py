"""One file is opened and no other: what names further files is refused by its kind, whatever its suffix."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from earwitness.errors import UnreadableMediaError
from earwitness.media.container import open_media
from earwitness.media.probe import probe

KINDS = {
    "playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n{clip}\n#EXT-X-ENDLIST\n",
    "live": "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n{clip}\n",
    "marked": "\ufeff#EXTM3U\n{clip}\n",
    "concat": "ffconcat version 1.0\nfile '{clip}'\n",
    "session": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period>'
    '<AdaptationSet mimeType="audio/mp4"><Representation id="1">'
    "<BaseURL>{clip}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "text": "hello {clip}\n" * 100,
    "metadata": ";FFMETADATA1\ntitle={clip}\n",
    "script": 'AVISource("{clip}")\n',
}


@pytest.mark.parametrize("suffix", [".mp4", ".wav", ".m3u8", ".ffconcat", ".sdp", ".mpd", ".txt", ".avs", ".ts", ""])
@pytest.mark.parametrize("kind", KINDS)
def test_what_names_other_files_is_refused(tmp_path: Path, clip: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"named{suffix}"
    path.write_text(KINDS[kind].format(clip=clip))
    with pytest.raises(UnreadableMediaError, match=r"named.*: (is|not) "):
        probe(path)


def test_a_name_with_a_pattern_opens_no_sequence(tmp_path: Path) -> None:
    from PIL import Image

    for number in range(3):
        Image.new("RGB", (32, 32), (number, 0, 0)).save(tmp_path / f"p{number}.png")
    (tmp_path / "p%d.png").write_bytes((tmp_path / "p0.png").read_bytes())
    with pytest.raises(UnreadableMediaError, match="rename it"):
        probe(tmp_path / "p%d.png")


def test_a_movie_that_refers_to_another_file_does_not_read_it(tmp_path: Path, toolbox: Any) -> None:
    """QuickTime data references: the samples are said to lie in another file."""
    source = tmp_path / "whole.mov"
    toolbox.write_media(source, sound=toolbox.tone_burst(48000, 1.0, 0.2, 0.4), codec="pcm_s16le", sample_format="s16")
    data = bytearray(source.read_bytes())
    at = data.index(b"url ", data.index(b"dref"))
    data[at + 4 : at + 8] = bytes(4)  # no longer "in this file"
    (tmp_path / "refers.mov").write_bytes(bytes(data))
    with open_media(tmp_path / "refers.mov") as container:
        assert container.format.name.startswith("mov")
        assert Path(container.name).name == "refers.mov"


def test_pipes_devices_and_sockets_are_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "zero.wav").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(tmp_path)  # names of sockets are short
        listening.bind("socket.mp4")
        for name in ("pipe.mp4", "zero.wav", "socket.mp4"):
            with pytest.raises(UnreadableMediaError, match="a pipe, a device or a socket"):
                probe(tmp_path / name)


@pytest.mark.parametrize("suffix", [".m3u8", ".txt", ".sdp", ""])
def test_media_is_opened_whatever_its_suffix(tmp_path: Path, clip: Path, suffix: str) -> None:
    path = tmp_path / f"clip{suffix}"
    shutil.copy(clip, path)
    found = probe(path)
    assert found.audio is not None
    assert found.video is not None
