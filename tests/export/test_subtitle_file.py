from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.core.errors import EarwitnessError
from earwitness.export.subtitle_file import SubtitleCue, SubtitleError, plain_text, read_subtitles, styled_parts

SRT = "1\n00:00:01,000 --> 00:00:02,500\nÜber alles\n- Ja.\n\n2\n00:00:03,000 --> 00:00:04,000\nEnde\n"
CUES = [SubtitleCue(1.0, 2.5, ("Über alles", "- Ja.")), SubtitleCue(3.0, 4.0, ("Ende",))]


def read(folder: Path, data: str | bytes, name: str = "a.srt") -> list[SubtitleCue]:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_subtitles(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, line_end: str) -> None:
    assert read(tmp_path, SRT.replace("\n", line_end).encode(encoding)) == CUES


@pytest.mark.parametrize(
    "text",
    [
        SRT.replace("1\n00", "7\n00").replace("\n2\n", "\n7\n"),
        SRT.replace("1\n00", "00", 1).replace("\n2\n", "\n"),
        SRT.replace(",", "."),
        SRT.replace("Über alles\n", "Über alles\n\n"),
        SRT.replace("\n\n2", "\n2"),
        SRT.replace(" --> ", "-->").rstrip(),
        "\n\n" + SRT.replace("00:00:02,500", "00:00:02,500 X1:100 X2:200 Y1:1 Y2:9"),
        "2\n00:00:03,000 --> 00:00:04,000\nEnde\n\n" + SRT.partition("\n2\n")[0],
        SRT.replace("Ende", "{\\an8}<font color=red>Ende</font>"),
        "WEBVTT - title\n\nNOTE a\nb\n\nSTYLE\n::cue {}\n\n" + SRT.replace(",", ".").replace("00:00:0", "00:0"),
        "WEBVTT\n\n" + SRT.replace(",", ".").replace("2.500", "2.500 line:0 align:left") + "\nNOTE x\n",
    ],
)
def test_files_as_people_have_them(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == CUES


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "holds no subtitles"), (b"hello\n\nworld\n", "holds no subtitles"), (b"\x89PNG\r\n\x1a\0", "not text"),
        (b"1\n00:00:05,000 --> 00:00:04,000\nbackwards\n", "holds no subtitles"), (b"\xff\xfea", "damaged"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "not text"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_gives_one_line(tmp_path: Path, data: bytes, problem: str) -> None:
    with pytest.raises(SubtitleError, match=problem) as raised:
        read(tmp_path, data)
    assert "\n" not in str(raised.value)
    with pytest.raises(SubtitleError, match="No such file"):
        read_subtitles(tmp_path / "none.srt")


def test_tags_are_kept_and_counted_out(tmp_path: Path) -> None:
    (cue, _) = read(tmp_path, SRT.replace("Über alles", "<I>Über</I> alles &amp; &lt;nichts"))
    assert cue.lines[0] == "<i>Über</i> alles & <nichts"
    assert plain_text("<i>a</i> b") == "a b"
    assert list(styled_parts("<i>a <b>b</b></i> c")) == [
        ("a ", frozenset("i")), ("b", frozenset("ib")), (" c", frozenset()),
    ]  # fmt: skip


@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    try:
        cues = read(tmp_path_factory.mktemp("any"), data)
    except EarwitnessError:
        return
    assert all(cue.end > cue.start and cue.lines for cue in cues)
