import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earwitness.core.errors import EncodingError, LabelError
from earwitness.core.events import EventTable
from earwitness.data.dcase import labels
from earwitness.data.dcase.labels import HEADER, LabelRows, are_metres, read_rows, read_table, write_table

BOM = b"\xef\xbb\xbf"
PLAIN = f"{HEADER}\n0,3,0,-40,210,1\n49,12,5,90,0,0\n".encode()
EXPECTED = [[0, 3, 0, -40, 210, 1], [49, 12, 5, 90, 0, 0]]


def written(folder, content):
    path = folder / "clip.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.rstrip(b"\n"),
        BOM + PLAIN,
        PLAIN.replace(b"\n", b"\r\n"),
        BOM + PLAIN.replace(b"\n", b"\r\n"),
        PLAIN + b"\n\n",
        PLAIN.replace(b"\n49", b"\n\n49"),
        PLAIN.replace(b",", b", "),
        PLAIN.replace(b"frame", b"Frame"),
        PLAIN.replace(b"210", b"210.0"),
    ],
)
def test_all_harmless_spellings_read_alike(tmp_path, content):
    assert read_rows(written(tmp_path, content)).values.tolist() == EXPECTED


@pytest.mark.parametrize(
    "content", [b"", BOM, b"\n", HEADER.encode(), f"{HEADER}\n".encode(), f"{HEADER}\r\n".encode()]
)
def test_nothing_sounds(tmp_path, content):
    rows = read_rows(written(tmp_path, content))
    assert rows.values.shape == (0, 6)
    assert len(read_table(written(tmp_path, content))) == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("7,3,0,10,200", "has 5 values instead of 6"),
        ("7,3,0,10,200,1,9", "has 7 values instead of 6"),
        ("7,3,0,ten,200,1", "azimuth is 'ten', which is not a number"),
        ("7,3,0,,200,1", "azimuth is empty; a row without it cannot be scored"),
        ("7,3,0,-,200,1", "azimuth is '-', which is not a number"),
        ("7,3,0,nan,200,1", "azimuth is 'nan', which is out of range"),
        ("7,3,0,10,inf,1", "distance is 'inf'"),
        ("7.5,3,0,10,200,1", "frame is '7.5', which is not a whole number"),
        ("7,3,0,10,200,yes", "onscreen is 'yes'"),
        ("-1,3,0,10,200,1", "frame is -1; it must lie in 0..49"),
        ("50,3,0,10,200,1", "frame is 50; it must lie in 0..49; for longer clips, set the number of frames"),
        ("7,13,0,10,200,1", "class is 13; it must lie in 0..12"),
        ("7,-2,0,10,200,1", "class is -2; it must lie in 0..12"),
        ("7,3,-1,10,200,1", "source is -1; it must not be negative"),
        ("7,3,0,400,200,1", "azimuth is 400; it must lie in -360..360"),
        ("7,3,0,10,-5,1", "distance is -5; it must not be negative"),
        ("7,3,0,10,200,2", "onscreen is 2; it must lie in 0..1"),
        ("7,99999999999999999999,0,10,200,1", "class is "),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_what_is_wrong_and_where(tmp_path, line, message, ending):
    path = written(tmp_path, ending.join([HEADER, "0,0,0,0,100,0", line, "9,0,0,0,100,0", ""]))
    with pytest.raises(LabelError) as caught:
        read_rows(path, num_frames=50)
    assert str(caught.value).startswith(f"{path}, line 3: ")
    assert message in str(caught.value)


def test_line_numbers_survive_blank_lines(tmp_path):
    with pytest.raises(LabelError, match="line 5: class is 44"):
        read_rows(written(tmp_path, f"{HEADER}\n\n0,0,0,0,100,0\n\n1,44,0,0,100,0\n"))


@pytest.mark.parametrize("content", ["0,3,0,10,200,1\n", "frame,class,source,azimuth,distance\n", "hello"])
def test_header_is_required(tmp_path, content):
    with pytest.raises(LabelError, match="line 1: the first line must be the header 'frame,class,source"):
        read_rows(written(tmp_path, content))


def test_not_text_at_all(tmp_path):
    with pytest.raises(LabelError, match="is not UTF-8 text"):
        read_rows(written(tmp_path, bytes(range(128, 256))))


def test_missing_file(tmp_path):
    with pytest.raises(LabelError, match=r"clip\.csv: cannot be read"):
        read_rows(tmp_path / "clip.csv")
    with pytest.raises(LabelError, match="cannot be read"):
        read_rows(tmp_path)


@pytest.mark.parametrize("spelling", ["0,3,0,-40,210,1", "0,3,0,-40,210.0,1"])
def test_repeated_rows(tmp_path, spelling):
    path = written(tmp_path, PLAIN.decode() + f"{spelling}\n")
    assert len(read_rows(path)) == 3
    with pytest.raises(LabelError, match=r"line 4: repeats line 2; was the file written twice\?"):
        read_rows(path, unique=True)


@given(
    rows=st.lists(st.tuples(*(st.sampled_from((0.0, -0.0, 0.25, 1.0, 7.0)) for _ in range(6))), max_size=12),
    scale=st.sampled_from((1, 2**28)),
)
def test_the_first_row_that_equals_an_earlier_one(rows, scale):
    values = np.array(rows).reshape(-1, 6) * scale
    first = {}
    expected = None
    for index, row in enumerate(map(tuple, (values + 0.0).tolist())):
        if row in first:
            expected = (index, first[row])
            break
        first[row] = index
    assert labels._repeated_row(values) == expected


def test_same_source_number_twice_is_not_a_repetition(tmp_path):
    path = written(tmp_path, PLAIN.decode() + "0,3,0,-41,210,1\n")
    assert len(read_rows(path, unique=True)) == 3


def test_azimuths_stay_as_written_in_rows_and_are_folded_in_tables(tmp_path):
    path = written(tmp_path, f"{HEADER}\n0,3,0,170,210,1\n1,3,0,-100,210,1\n")
    assert read_rows(path).azimuth.tolist() == [170, -100]
    assert read_table(path).azimuth.tolist() == [10, -80]
    assert read_table(path).distance.tolist() == pytest.approx([2.1, 2.1])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**6), st.integers(0, 12), st.integers(0, 99), st.integers(-360, 360),
            st.integers(0, 10**6), st.integers(0, 1),
        ), max_size=30,
    )
)  # fmt: skip
def test_fast_and_slow_way_agree(rows):
    body = "".join(",".join(map(str, row)) + "\n" for row in rows)
    content = f"{HEADER}\n{body}".encode()
    fast = labels._parse_plain(content)
    slow, lines = labels._parse_lines(content, "x")
    assert fast is not None
    np.testing.assert_array_equal(fast, slow)
    assert lines == list(range(2, len(rows) + 2))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40) | st.text("0123456789,-.\n\r x", max_size=60).map(str.encode))
def test_fast_way_never_reads_what_the_slow_way_refuses(body):
    content = f"{HEADER}\n".encode() + body
    fast = labels._parse_plain(content)
    if fast is not None:
        np.testing.assert_array_equal(fast, labels._parse_lines(content, "x")[0])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.text("0123456789,-.\n\r eEnaif", max_size=80).map(str.encode), st.booleans())
def test_any_bytes_are_rows_within_limits_or_a_named_error(tmp_path, body, with_header):
    path = tmp_path / "a.csv"
    path.write_bytes((f"{HEADER}\n".encode() if with_header else b"") + body)
    rows, said = LabelRows.empty(), ""
    try:
        rows = read_rows(path, num_frames=50, unique=True)
    except LabelError as error:
        said = str(error)
    assert not said or str(path) in said
    table = rows.to_table()
    assert len(table) == len(rows)
    assert ((rows.frame >= 0) & (rows.frame < 50) & (rows.class_index < 13)).all()
    assert np.isfinite(rows.values).all()
    assert (np.abs(table.azimuth) <= 90).all()
    assert (table.distance >= 0).all()


def table(**columns):
    given = {"frame": [4, 0, 0], "class_index": [1, 2, 1], "azimuth": [-12.4, 90, 0.6], "distance": [1.004, 0, 7.236]}
    return EventTable.from_columns(**{**given, "source": [0, 3, 1], "onscreen": [True, False, False], **columns})


def test_written_file(tmp_path):
    path = tmp_path / "deep" / "clip.csv"
    write_table(path, table())
    assert path.read_text() == f"{HEADER}\n0,1,1,1,724,0\n0,2,3,90,0,0\n4,1,0,-12,100,1\n"
    assert [file.name for file in path.parent.iterdir()] == ["clip.csv"]
    write_table(path, EventTable.empty(50))
    assert path.read_text() == f"{HEADER}\n"


def test_round_trip(tmp_path):
    path = tmp_path / "clip.csv"
    original = EventTable.from_columns(
        frame=[4, 0], class_index=[1, 2], azimuth=[-12, 90], distance=[1.0, 7.24], onscreen=[True, False], num_frames=50
    )  # fmt: skip
    write_table(path, original)
    assert read_table(path, num_frames=50).same_as(original)
    assert LabelRows.from_table(read_table(path)).values.tolist() == read_rows(path).values.tolist()


def test_every_centimetre_survives_float32():
    values = np.zeros((3000, 6))
    values[:, 0] = values[:, 4] = np.arange(3000)
    rows = LabelRows(values)
    np.testing.assert_array_equal(LabelRows.from_table(rows.to_table(3000)).values, values)


@pytest.mark.parametrize("column", ["azimuth", "distance"])
def test_unknown_values_cannot_be_written(tmp_path, column):
    with pytest.raises(LabelError, match=f"row 1 has no {column}"):
        write_table(tmp_path / "clip.csv", table(**{column: [1, np.nan, 1]}).select(np.array([0, 1, 2])))
    assert not list(tmp_path.iterdir())


def test_unwritable_place(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EncodingError):
        write_table(tmp_path / "file" / "clip.csv", table())


def test_read_table_refuses_frames_beyond_the_clip(tmp_path):
    with pytest.raises(LabelError, match=r"line 3: frame is 49; it must lie in 0\.\.9"):
        read_table(written(tmp_path, PLAIN), num_frames=10)


def test_concatenate():
    assert LabelRows.concatenate([]).values.shape == (0, 6)
    joined = LabelRows.concatenate([LabelRows.empty(), LabelRows.from_table(table())])
    assert joined.frame.tolist() == [4, 0, 0]
    assert joined.source.tolist() == [0, 3, 1]
    assert joined.class_index.tolist() == [1, 2, 1]
    assert joined.onscreen.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("distances", "metres"),
    [
        ([], False),
        ([np.nan], False),
        ([2.676], True),
        ([3, 2, 1], True),
        ([0.8, np.nan, 15.0], True),
        ([243], False),
        ([213.7, 180.25], False),  # the official scorer takes decimals of centimetres
        ([10, 150, 300], False),  # one source close by
        ([19.9], True),
        ([20.0], False),
    ],
)
def test_metres_in_the_place_of_centimetres(distances, metres):
    assert are_metres(np.array(distances, dtype=float)) is metres


def test_rows_of_one_number_are_different_sources_in_tables_and_stay_as_written_in_rows(tmp_path):
    body = "".join(f"{frame},1,0,{azimuth},150,1\n" for frame in range(30) for azimuth in (40, -40))
    path = written(tmp_path, f"{HEADER}\n{body}")
    events = read_table(path).events()
    assert sorted((event.azimuth, event.start, event.end) for event in events) == [
        (-40.0, 0.0, pytest.approx(3.0)), (40.0, 0.0, pytest.approx(3.0)),
    ]  # fmt: skip
    assert set(read_rows(path).source.tolist()) == {0}


def test_a_repeated_row_is_refused_in_tables(tmp_path):
    with pytest.raises(LabelError, match=r"line 4: repeats line 2"):
        read_table(written(tmp_path, PLAIN.decode() + "0,3,0,-40,210,1\n"))


def test_source_numbers_of_any_size_are_taken(tmp_path):
    table = read_table(
        written(tmp_path, f"{HEADER}\n0,3,2000000000,10,200,1\n0,3,70000,20,200,1\n1,3,70000,20,200,1\n")
    )
    assert len(table.events()) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1000000000000,3,0,10,200,1", "frame is 1e+12; it must lie in 0..6047999"),
        ("7000000,3,0,10,200,1", "frame is 7e+06; it must lie in 0..6047999"),
        ("7,3,0,1_0,200,1", "azimuth is '1_0', which is not a number"),
        ("7,3,0,\u0661,200,1", "which is not a number"),
        ("7,3,0,10,5,200,1", "has 7 values instead of 6"),
        ("7,3,0," + "9" * 5000 + ",200,1", "it must lie in -360..360"),
        ("7,3,0,\x1b[31m,200,1", "which is not a number"),
    ],
)
def test_odd_values_are_named_without_the_number_of_frames_too(tmp_path, line, said):
    with pytest.raises(LabelError) as caught:
        read_rows(written(tmp_path, f"{HEADER}\n{line}\n"))
    assert said in str(caught.value)
    assert len(str(caught.value)) < 300 + len(str(tmp_path))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
def test_other_encodings_are_refused(tmp_path, encoding):
    with pytest.raises(LabelError, match=r"is not UTF-8 text|must be the header"):
        read_rows(written(tmp_path, PLAIN.decode().encode(encoding)))
