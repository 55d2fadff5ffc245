from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from earwitness.batch.formats import write
from earwitness.core.classes.vocabulary_record import DEFAULT_VOCABULARY, VocabularyRecord, further_colours
from earwitness.core.errors import LabelError
from earwitness.core.events import EventTable
from earwitness.core.vocabulary import DCASE2025
from earwitness.results.document import read_document, read_events
from earwitness.results.saved import read_result
from export_cases import detection, run


def record(name: str, *slugs: str) -> VocabularyRecord:
    classes: list[Any] = [{"name": slug.title(), "slug": slug} for slug in slugs]
    return VocabularyRecord.model_validate({"name": name, "classes": classes})


def test_the_record_lists_the_classes_in_order_of_their_indices() -> None:
    assert DEFAULT_VOCABULARY.slugs == tuple(one.slug for one in DCASE2025)
    assert VocabularyRecord.model_validate_json(DEFAULT_VOCABULARY.model_dump_json()) == DEFAULT_VOCABULARY


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (record("a", "dog", "cat"), ""),
        (record("pets", "dog", "cat"), ""),
        (record("birds", "wren"), "'a' (dog, cat), not of 'birds' (wren)"),
        (record("a", "dog"), "'a' has 2 classes, not 1"),
        (record("a", "dog", "cow"), "class 1 of 'a' is 'cat', not 'cow'"),
    ],
)
def test_differences_are_named(other: VocabularyRecord, words: str) -> None:
    difference = record("a", "dog", "cat").difference(other)
    assert words in difference
    assert bool(words) == bool(difference)


@pytest.mark.parametrize("slugs", [[], ["dog", "dog"], [""]])
def test_vocabularies_without_unique_slugs_are_refused(slugs: list[str]) -> None:
    with pytest.raises(ValidationError):
        record("a", *slugs)


def test_a_document_carries_its_vocabulary(tmp_path: Path) -> None:
    path = tmp_path / "clip.json"
    write(detection(run(0, 5, 3, 10)), path, "json")
    assert json.loads(path.read_text())["vocabulary"]["classes"][3] == {"name": "Telephone", "slug": "telephone"}
    assert read_result(path).vocabulary == DEFAULT_VOCABULARY


def test_a_document_without_vocabulary_has_the_default_one(tmp_path: Path) -> None:
    path = tmp_path / "clip.json"
    write(detection(run(0, 5, 3, 10)), path, "json")
    values = json.loads(path.read_text())
    del values["vocabulary"]
    path.write_text(json.dumps(values))
    assert read_document(path).vocabulary == DEFAULT_VOCABULARY


def test_a_document_with_other_classes_is_read_with_them(tmp_path: Path) -> None:
    path = tmp_path / "clip.json"
    write(detection(run(0, 5, 0, 10)), path, "json")
    values = json.loads(path.read_text())
    values["vocabulary"]["name"] = "birds"
    values["vocabulary"]["classes"] = [{"name": "Wren", "slug": "wren", "song": "long"}]
    path.write_text(json.dumps(values))
    result, table = read_result(path), read_events(path)
    assert table.vocabulary.slugs == result.vocabulary.slugs == ("wren",)
    assert [event.sound_class.name for event in result.events] == ["Wren"]
    write(result, tmp_path / "again.json", "json")
    assert read_events(tmp_path / "again.json").same_as(table)
    with pytest.raises(LabelError, match=r"'dcase2025' .*not of 'birds' \(wren\)"):
        EventTable.concatenate([table, EventTable.empty()])


def test_an_index_beyond_the_classes_of_a_document_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.json"
    write(detection(run(0, 5, 3, 10)), path, "json")
    values = json.loads(path.read_text())
    values["vocabulary"] = {"name": "birds", "classes": [{"name": "Wren", "slug": "wren"}]}
    path.write_text(json.dumps(values))
    with pytest.raises(LabelError, match=r"clip\.json: row 0: class_index is 3; classes must lie in 0\.\.0"):
        read_events(path)


def luminance(code: str) -> float:
    parts = [int(code[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_further_colours_are_new_and_legible() -> None:
    used = [one.colour for one in DCASE2025]
    found = further_colours(used, 50)
    assert len({*used, *found}) == len(used) + 50
    assert all(1.05 / (luminance(code) + 0.05) > 2.2 for code in found)
    assert further_colours(used, 3) == found[:3]
