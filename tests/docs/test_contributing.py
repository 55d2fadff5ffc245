"""The how-tos of CONTRIBUTING.md: their files exist, and their lists are complete where that can be tested."""

from __future__ import annotations

import ast
import dataclasses
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from earwitness.batch.formats import FORMATS, Format, parse_formats, write
from earwitness.cli import detect_run
from earwitness.cli.command import takes
from earwitness.cli.detect import DetectOptions
from earwitness.core.events import EventTable
from earwitness.core.vocabulary import CLASSES
from earwitness.detect.detect_settings import OF_ONE_FILE, DetectSettings
from earwitness.encoders.protocol import ENCODERS
from earwitness.metrics.scores import QUANTITIES, AverageScores, ClassScores
from earwitness.results.detection import Detection, ModelId
from earwitness.scenes.acoustics.microphones import MICROPHONES, SpacedPair, microphone_called
from earwitness.scenes.sampling.sampler import SceneConfig
from earwitness.training.recipe_sections import AugmentSpec

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "earwitness"
TASKS = (
    "A class of sound", "A microphone", "An export format", "An encoder", "An augmentation", "A head",
    "An option of detect", "A label format", "A metric", "A caption rule", "A caption language",
)  # fmt: skip
MOST_FILES = 2


def how_tos() -> dict[str, str]:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## How to add ...")[2]
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def source_files(task: str) -> list[str]:
    (line,) = re.findall(r"^Source: (.+)$", how_tos()[task], flags=re.MULTILINE)
    return re.findall(r"`([^`]+)`", line)


@cache
def nodes() -> list[tuple[str, ast.AST]]:
    """(file, node of its syntax tree) for the whole source."""
    return [
        (path.relative_to(SOURCE).as_posix(), node)
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]


def constants() -> list[tuple[str, object]]:
    """(file, constant), docstrings included."""
    return [(file, node.value) for file, node in nodes() if isinstance(node, ast.Constant)]


def fields() -> list[tuple[str, str]]:
    """(file, name) for every attribute that is read or written, and every field that a class declares."""
    used = [(file, node.attr) for file, node in nodes() if isinstance(node, ast.Attribute)]
    declared = [(file, node.target) for file, node in nodes() if isinstance(node, ast.AnnAssign)]
    return used + [(file, target.id) for file, target in declared if isinstance(target, ast.Name)]


def test_there_are_eleven_how_tos() -> None:
    assert tuple(how_tos()) == TASKS


@pytest.mark.parametrize("task", TASKS)
def test_the_named_files_exist_and_are_few(task: str) -> None:
    files = source_files(task)
    assert 1 <= len(files) <= MOST_FILES
    for name in files:
        path = SOURCE / name
        assert path.parent.is_dir() if path.name == "NAME.py" else path.is_file(), name
    for name in re.findall(r"`?\b([\w/]+/[\w./]+\.py|docs/[\w./]+\.md)`?", how_tos()[task]):
        if not name.endswith("/NAME.py"):
            assert (ROOT / name).is_file() or (SOURCE / name).is_file(), name


def test_classes_are_named_only_in_the_places_listed() -> None:
    places = [*source_files("A class of sound"), *re.findall(r"\(`([\w/.]+)`\)", how_tos()["A class of sound"])]
    slugs = {one.slug for one in CLASSES}
    found = {name for name, value in constants() if isinstance(value, str) and value in slugs}
    assert "core/vocabulary.py" in found
    assert not [name for name in sorted(found) if not name.startswith(tuple(places))]


NEW_CLASS = """
import sys
from pathlib import Path
from earwitness.core import vocabulary

cough = vocabulary.SoundClass(
    index=13, name="Cough", slug="cough", made_by="mouth", colour="#AA3355", caption="coughing", icon="cough",
    prompts=("a person coughing",), labels=("Cough",),
)
vocabulary.DCASE2025 = vocabulary.Vocabulary("with cough", (*vocabulary.DCASE2025.classes, cough))
vocabulary.CLASSES, vocabulary.NUM_CLASSES = vocabulary.DCASE2025.classes, len(vocabulary.DCASE2025)

from earwitness.batch.formats import FORMATS, write
from earwitness.data.dcase.labels import read_table, write_table
from earwitness.metrics import score_tables
from earwitness.models.seld_config import SeldConfig
from earwitness.render.icons import svg_icon
from earwitness.results.saved import read_result
from earwitness.scenes.bank.adaptors import list_sounds
from earwitness.training.recipe import Recipe

folder = Path(sys.argv[1])
(folder / "labels.csv").write_text("frame,class,source,azimuth,distance,onscreen\\n" + "".join(
    f"{frame},13,0,20,150,1\\n" for frame in range(30)))
table = read_table(folder / "labels.csv")
write_table(folder / "again.csv", table)
assert (folder / "again.csv").read_text() == (folder / "labels.csv").read_text()
assert score_tables([table], [table]).macro.per_class.f_score[13] == 1
for name in set(FORMATS) - {"parquet"}:
    write(read_result(folder / "labels.csv"), folder / f"all{FORMATS[name].suffix}", name)
assert "coughing" in (folder / "all.vtt").read_text()
assert svg_icon(cough)
(folder / "bank" / "cough").mkdir(parents=True)
(folder / "bank" / "cough" / "a.wav").touch()
assert [sound.kind for sound in list_sounds(folder / "bank")] == ["cough"]
recipe = Recipe()
assert recipe.model.classes == 14
"""


def test_a_class_needs_its_entry_only_for_banks_scores_exports_and_training(tmp_path: Path) -> None:
    command = [sys.executable, "-c", NEW_CLASS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr


def test_a_microphone_needs_its_entry_only(monkeypatch: pytest.MonkeyPatch) -> None:
    (name,) = source_files("A microphone")
    assert {file for file, value in constants() if value == "ortf"} == {name}
    wide = SpacedPair("wide", spacing=0.3, omni=1.0, turn_deg=0.0)
    monkeypatch.setitem(MICROPHONES, "wide", wide)
    assert microphone_called("wide") is wide
    assert SceneConfig(microphone="wide").microphone == "wide"


def test_an_export_format_needs_its_entry_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    count = Format("count", ".count", "number of rows", lambda result, path, options: str(len(result.table)))
    monkeypatch.setitem(FORMATS, "count", count)
    assert [one.name for one in parse_formats(["csv,count"])] == ["csv", "count"]
    result = Detection(EventTable.empty(20), ModelId("test", "0" * 64), duration=2.0)
    write(result, tmp_path / "a.count", "count")
    assert (tmp_path / "a.count").read_text() == "0"


@pytest.mark.parametrize("command", ["detect", "export"])
def test_the_help_names_every_export_format(command: str) -> None:
    from earwitness.cli.main import app

    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output
    assert not [name for name in FORMATS if not re.search(rf"\b{name}\b", shown)]


def test_the_docs_describe_every_export_format() -> None:
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert not [name for name in FORMATS if f"| `{name}` |" not in text]


def test_encoders_are_named_only_in_the_places_listed() -> None:
    listed = {*source_files("An encoder"), "encoders/weights/pretrained_models.py"}
    for name in ENCODERS:
        own = {file for file, value in constants() if value == name and file.startswith("encoders/")}
        assert "encoders/protocol.py" in own
        assert len(own - listed) <= 1, f"{name}: its own module, and the listed ones: {own}"


def test_augmentations_are_settings_that_one_module_uses() -> None:
    places = {name: {file for file, found in fields() if found == name} for name in AugmentSpec.model_fields}
    listed = set(source_files("An augmentation"))
    assert {name: listed - files for name, files in places.items() if not listed <= files} == {}


@pytest.mark.parametrize("setting", ["distance_head", "whole_clip", "reverberance"])
def test_heads_are_settings_that_one_module_uses(setting: str) -> None:
    assert {file for file, name in fields() if name == setting} == set(source_files("A head"))


def test_an_option_of_detect_needs_its_two_fields_only(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
    class MoreOptions(DetectOptions):
        low_cut: Annotated[float, typer.Option("--low-cut", metavar="HZ")] = 0.0

    @dataclasses.dataclass(frozen=True, slots=True)
    class MoreSettings(DetectSettings):
        low_cut: float = 0.0

    given: list[MoreOptions] = []
    app = typer.Typer()
    app.command()(takes(MoreOptions)(given.append))
    assert CliRunner().invoke(app, ["a.wav", "--low-cut", "80", "--mono"]).exit_code == 0
    monkeypatch.setattr(detect_run, "DetectSettings", MoreSettings)
    settings = detect_run.batch_settings(given[0])
    assert (settings.detect.low_cut, settings.detect.allow_mono) == (80.0, True)  # type: ignore[attr-defined]
    assert settings.record()["low_cut"] == settings.detect.result_record(0)["low_cut"] == 80.0


def test_every_setting_of_detect_is_an_option() -> None:
    options = {field.name for field in dataclasses.fields(DetectOptions)}
    assert {field.name for field in dataclasses.fields(DetectSettings)} - {*OF_ONE_FILE} <= options


def test_metrics_are_complete_and_shown() -> None:
    scores, report = source_files("A metric")
    assert (SOURCE / scores).is_file()
    assert {field.name for field in dataclasses.fields(ClassScores)} == set(QUANTITIES)
    assert {field.name for field in dataclasses.fields(AverageScores)} == {*QUANTITIES, "per_class"}
    shown = {value for file, value in constants() if file == report}
    assert set(QUANTITIES) <= shown


def test_caption_limits_are_only_in_the_places_listed() -> None:
    for limit in (42, 0.8333333333333334):
        assert {file for file, value in constants() if value == limit and file.startswith("export/captions/")} == set()
    rules, check = source_files("A caption rule")
    assert "MOST_LINES" in (SOURCE / rules).read_text(encoding="utf-8")
    planning = re.compile(r"import .*\b(schedule|fill_lines|running_sounds)\b")
    assert not planning.search((SOURCE / check).read_text(encoding="utf-8")), "the check must not know the plan"


def test_a_caption_language_needs_its_table_only(tmp_path: Path) -> None:
    from earwitness.export.captions.caption_rules import caption_language, languages

    (place,) = source_files("A caption language")
    assert {path.stem for path in (SOURCE / place).parent.glob("*.json")} == set(languages())
    table = (SOURCE / place).with_name("de.json").read_text(encoding="utf-8")
    own = tmp_path / "nds.json"
    own.write_text(table.replace('"de"', '"nds"').replace("Klopfen", "Kloppen"), encoding="utf-8")
    assert caption_language(str(own)).sounds["knock"] == "Kloppen"
