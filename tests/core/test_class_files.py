from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from earwitness.core.classes.class_files import (
    FILE_NAME,
    classes_of,
    display_name,
    read_classes,
    slug_of,
    vocabulary_of,
    write_classes,
)
from earwitness.core.classes.vocabulary_record import VocabularyRecord
from earwitness.core.errors import LabelError
from earwitness.core.vocabulary import DCASE2025

pytest.importorskip("yaml")

KITCHEN = """\
name: kitchen
classes:
  - kettle
  - name: Smoke alarm
    prompt: a smoke alarm
    colour: "#abcdef"
    icon: bell
    maker: none
    labels: [Smoke detector, "Fire alarm"]
  - {name: Cough, maker: mouth, caption: coughing}
  - bell
"""


def written(folder: Path, text: str, name: str = "classes.yaml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_all_but_the_name_is_optional(tmp_path: Path) -> None:
    vocabulary = read_classes(written(tmp_path, KITCHEN))
    assert (vocabulary.name, vocabulary.slugs) == ("kitchen", ("kettle", "smoke_alarm", "cough", "bell"))
    kettle, alarm, cough, bell = vocabulary
    assert (kettle.name, kettle.caption, kettle.prompts, kettle.made_by) == ("Kettle", "kettle", ("a kettle",), "")
    assert (alarm.colour, alarm.icon, alarm.prompts) == ("#ABCDEF", "bell", ("a smoke alarm",))
    assert alarm.labels == ("Smoke detector", "Fire alarm")
    assert (cough.made_by, cough.human, cough.caption) == ("mouth", True, "coughing")
    like = DCASE2025.by_slug("bell")
    assert (bell.name, bell.colour, bell.labels) == (like.name, like.colour, like.labels)
    assert len({one.colour for one in vocabulary}) == 4
    again = VocabularyRecord.model_validate_json(VocabularyRecord.of(vocabulary).model_dump_json()).vocabulary()
    assert again == vocabulary


def test_a_plain_list_and_json_are_read_too(tmp_path: Path) -> None:
    assert read_classes(written(tmp_path, "- kettle\n- drill\n")).slugs == ("kettle", "drill")
    assert read_classes(written(tmp_path, '["kettle", "drill"]', "classes.json")).slugs == ("kettle", "drill")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- Bell\n- bell\n", "'Bell' and 'bell' differ only in case"),
        ("- bell\n- bell\n", "'bell' and 'bell' are the same"),
        ("- water tap\n- Water-Tap\n", "differ only in case, accents, spaces or punctuation"),
        ("- '!!!'\n", "no letter and no digit"),
        ("- background\n", "names the sounds of a bank that are no class"),
        ('- "a\\nb"\n', "printable characters on one line"),
        ("- " + "x" * 101, "at most 100 printable characters"),
        ("[" + ", ".join(f"c{n}" for n in range(201)) + "]", "201 classes; a list of classes has 1 to 200"),
        ("[]", "0 classes"),
        ("- 7\n", "a name that is a number needs quotes"),
        ("- {name: a, sound: b}\n", "class 1: there is no key 'sound'"),
        ("- {colour: red}\n", "class 1 has no name"),
        ("- {name: a, colour: red}\n", "class 'a': colour"),
        ("- {name: a, maker: tail}\n", "class 'a': made_by"),
        ("klasses: [a]\n", "no key 'klasses'"),
        ("a: &x [b]\nclasses: *x\n", "aliases"),
        ("name: [\n", "not YAML"),
        ("just text\n", "not a list of classes"),
    ],
)
def test_a_list_that_cannot_be_used_is_named_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LabelError, match=re.escape(message)) as caught:
        read_classes(written(tmp_path, text))
    assert "classes.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_hundred_classes_have_different_colours() -> None:
    vocabulary = vocabulary_of([f"class {number}" for number in range(200)], "many")
    assert len({one.colour for one in vocabulary}) == 200


def test_labels_state_their_classes_once(tmp_path: Path) -> None:
    own = vocabulary_of(["kettle", "drill"], "mine")
    write_classes(tmp_path, DCASE2025)
    assert not list(tmp_path.iterdir())
    write_classes(tmp_path, own)
    assert json.loads((tmp_path / FILE_NAME).read_text())["classes"][1]["slug"] == "drill"
    write_classes(tmp_path, own)
    split = tmp_path / "metadata_dev" / "split"
    split.mkdir(parents=True)
    assert classes_of(split) == own
    with pytest.raises(LabelError, match=r"holds labels of other classes: .*'dcase2025'.*'mine' \(kettle, drill\)"):
        write_classes(tmp_path, DCASE2025)


def test_own_classes_are_not_written_beside_labels_of_others(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("frame,class,source,azimuth,distance,onscreen\n")
    with pytest.raises(LabelError, match="another folder"):
        write_classes(tmp_path, vocabulary_of(["kettle"], "mine"))


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Water tap, faucet", "water_tap_faucet"),
        ("  Küchen-Uhr  ", "kuchen_uhr"),
        ("電話", "電話"),
        ("A/C (old)", "a_c_old"),
        ("../../etc", "etc"),
        ("!!!", ""),
    ],
)
def test_slugs_are_words_joined_by_underscores(name: str, slug: str) -> None:
    assert slug_of(name) == slug
    assert slug_of(slug) == slug


def test_names_of_folders_become_names_for_people() -> None:
    assert display_name("smoke_alarm") == "Smoke alarm"
    assert display_name("MRI scanner") == "MRI scanner"
