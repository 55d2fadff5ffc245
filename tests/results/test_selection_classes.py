from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from earwitness.batch.formats import write
from earwitness.core.errors import UsageError
from earwitness.core.events import EventTable
from earwitness.core.vocabulary import DCASE2025, SoundClass, Vocabulary
from earwitness.results.detection import Detection
from earwitness.results.saved import read_result
from earwitness.results.selection import ClassChoice, left_out_sentence
from export_cases import detection, run

BELL, MUSIC, TELEPHONE = 11, 8, 3


def everything() -> Detection:
    return detection(EventTable.concatenate([run(0, 5, index, 10) for index in range(13)]))


def classes_of(result: Detection) -> set[int]:
    return set(result.table.class_index.tolist())


@pytest.mark.parametrize(
    ("only", "without", "expected"),
    [
        ("bell", "", {BELL}),
        ("Female Speech, BELL", "", {0, BELL}),
        ("female-speech,  male_SPEECH", "", {0, 1}),
        ("speech,bell", "", {0, 1, BELL}),
        ("people", "laughter", {0, 1, 2, 6}),
        ("Alarms", "", {TELEPHONE, BELL}),
        ("", "music", set(range(13)) - {MUSIC}),
        ("", "musical, people,household", {TELEPHONE, BELL}),
        (["bell", "knock,door"], ["door"], {BELL, 12}),
        ("bell,bell,", "", {BELL}),
    ],
)
def test_names_slugs_and_groups_are_found_in_any_spelling(only: Any, without: Any, expected: set[int]) -> None:
    assert classes_of(ClassChoice.of(only, without).apply(everything())) == expected


@pytest.mark.parametrize(
    ("only", "without", "words"),
    [
        ("speach", "", "classes: no class or group is called 'speach'; did you mean speech"),
        ("", "musik", "exclude: .*did you mean music"),
        ("bell,dog", "", "'dog'; the classes are: female_speech, .*the groups are: people, speech, voices"),
        ("tap", "", "did you mean water_tap"),
        (" , ", "", "name a class or a group"),
        ("people", "people", "leave no class over"),
        ("x" * 10_000, "", "no class or group"),
        ("bell\n\x1b[31m", "", "no class or group"),
        (",".join(["bell"] * 1001), "", "at most 1000"),
    ],
)
def test_what_cannot_be_chosen_is_said_on_one_line(only: str, without: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        ClassChoice.of(only, without).apply(everything())
    assert len(str(caught.value)) < 700
    assert str(caught.value).isprintable()


def test_without_a_choice_the_result_is_the_same() -> None:
    result = everything()
    assert ClassChoice.of("", None).apply(result) is result
    assert left_out_sentence(result) == ""


def test_every_default_class_is_in_a_group_whose_name_is_no_class() -> None:
    names = {name.casefold() for one in DCASE2025 for name in (one.name, one.slug)}
    assert all(one.groups for one in DCASE2025)
    assert not {group for one in DCASE2025 for group in one.groups} & names
    assert {one.slug for one in DCASE2025 if "people" in one.groups} == {one.slug for one in DCASE2025 if one.human}


def own(*classes: tuple[str, str, tuple[str, ...]]) -> Vocabulary:
    like = DCASE2025[0]
    made = [
        replace(like, index=index, name=name, slug=slug, groups=groups)
        for index, (name, slug, groups) in enumerate(classes)
    ]
    return Vocabulary("pets", tuple(made))


def test_a_vocabulary_of_ones_own_has_its_own_groups() -> None:
    pets = own(
        ("Dog, large", "dog", ("animals",)), ("Cat", "cat", ("animals", "Night")), ("Animals", "zoo", ()),
        ("Kettle", "kettle", ()), ("Bell", "bell", ()),
    )  # fmt: skip
    assert ClassChoice.of("night").kept(pets) == (1,)
    assert ClassChoice.of("animals").kept(pets) == (2,)  # a class comes before a group of its name
    assert ClassChoice.of(["Dog, large", "cat"]).kept(pets) == (0, 1)  # a name with a comma
    assert ClassChoice.of("alarms").kept(pets) == (4,)  # a default class keeps its groups in another vocabulary
    with pytest.raises(UsageError, match="'people'"):
        ClassChoice.of("people").kept(pets)


def test_two_classes_of_one_name_are_both_meant() -> None:
    twins = own(("Dog", "dog_a", ()), ("Dog", "dog_b", ()), ("Cat", "cat", ()))
    assert ClassChoice.of("dog").kept(twins) == (0, 1)
    assert ClassChoice.of("dog_b").kept(twins) == (1,)
    assert isinstance(twins[0], SoundClass)


def test_the_document_says_which_classes_were_left_out(tmp_path: Path) -> None:
    path = tmp_path / "clip.json"
    write(everything(), path, "json")
    assert "classes_left_out" not in json.loads(path.read_text())
    write(ClassChoice.of("people,bell").apply(everything()), path, "json")
    left_out = json.loads(path.read_text())["classes_left_out"]
    assert left_out == [one.slug for one in DCASE2025 if not one.human and one.slug != "bell"]
    again = read_result(path)
    assert again.left_out == tuple(left_out)
    assert left_out_sentence(again).startswith("Left out on request: Telephone, Domestic sounds,")
    fewer = ClassChoice.of((), "bell").apply(again)
    assert set(fewer.left_out) == {*left_out, "bell"}
    assert ClassChoice.of("music,clapping").already_left_out(again) == ("music",)
    assert ClassChoice.of("clapping").already_left_out(again) == ()


def test_a_document_cannot_leave_out_what_its_vocabulary_has_not(tmp_path: Path) -> None:
    path = tmp_path / "clip.json"
    write(ClassChoice.of("bell").apply(everything()), path, "json")
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"classes_left_out": ["music", "<script>", "music"]}))
    assert read_result(path).left_out == ("music",)


def test_an_empty_table_can_be_chosen_from() -> None:
    empty = replace(everything(), table=EventTable.empty(50))
    assert len(ClassChoice.of("bell").apply(empty).table) == 0


def test_the_manual_lists_the_groups() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    for group in dict.fromkeys(name for one in DCASE2025 for name in one.groups):
        names = ", ".join(one.name.lower() for one in DCASE2025 if group in one.groups)
        assert f"| `{group}` | {names} |" in page


def test_a_document_of_other_classes_keeps_their_groups(tmp_path: Path) -> None:
    pets = own(("Dog", "dog", ("animals",)), ("Cat", "cat", ("animals",)), ("Kettle", "kettle", ()))
    columns = {"frame": [0, 1, 2], "class_index": [0, 1, 2], "azimuth": 0.0, "distance": 1.0}
    table = EventTable.from_mapping({"source": 0, "onscreen": False, "score": 1.0, **columns}, 10, pets)
    path = tmp_path / "clip.json"
    write(detection(table), path, "json")
    chosen = ClassChoice.of("Animals", "cat").apply(read_result(path))
    assert classes_of(chosen) == {0}
    assert chosen.left_out == ("cat", "kettle")
    assert left_out_sentence(chosen) == "Left out on request: Cat, Kettle."
    with pytest.raises(UsageError, match="the classes are: dog, cat, kettle; the groups are: animals"):
        ClassChoice.of("xyzzy").apply(chosen)
