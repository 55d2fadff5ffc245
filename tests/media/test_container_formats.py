"""One file is opened and no other: what names further files is refused by its kind, whatever its suffix."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from earwitness.core.errors import UnreadableMediaError
from earwitness.media.containers.probe import probe

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
    "much text": "<?xml version='1.0'?><AssetMap><Path>{clip}</Path></AssetMap>" * 200,
    "wide text": "#EXTM3U\n{clip}\n" * 300,
    "script": 'AVISource("{clip}")\n',
}


@pytest.mark.parametrize("suffix", [".mp4", ".wav", ".m3u8", ".ffconcat", ".sdp", ".mpd", ".txt", ".avs", ".ts", ""])
@pytest.mark.parametrize("kind", KINDS)
def test_what_names_other_files_is_refused(tmp_path: Path, clip: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"named{suffix}"
    path.write_text(KINDS[kind].format(clip=clip), encoding="utf-16" if kind == "wide text" else "utf-8")
    with pytest.raises(UnreadableMediaError, match=r"named.*: (is|not) "):
        probe(path)


def test_a_name_with_a_pattern_opens_no_sequence(tmp_path: Path) -> None:
    from PIL import Image

    for number in range(3):
        Image.new("RGB", (32, 32), (number, 0, 0)).save(tmp_path / f"p{number}.png")
    (tmp_path / "p%d.png").write_bytes((tmp_path / "p0.png").read_bytes())
    with pytest.raises(UnreadableMediaError, match="rename it"):
        probe(tmp_path / "p%d.png")


def test_interruption_ends_a_long_read(tmp_path: Path) -> None:
    """Ctrl-C while a long file is read."""
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 8_000, 0, "NONE", ""))
        for _ in range(3600):
            file.writeframesraw(bytes(8_000 * 4))
    # Children of a shell's background jobs ignore SIGINT; the program must not.
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program += "from earwitness.media.sound.audio import AudioReader\nprint('on', flush=True)\n"
    program += "while True:\n    for _ in AudioReader(sys.argv[1]): pass\n"
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) != 0
        finally:
            process.kill()


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
