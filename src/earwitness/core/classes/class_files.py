"""Lists of classes as files: `classes.yaml` or `classes.json`, written by hand, and `FILE_NAME`, beside labels.

Label files hold indices only. They refer to the classes in the list in their folder or in a folder above it, up to the
root of the data set; without one, to those of DCASE2025. Names of classes become slugs for files and folders; rules
keep them distinct and printable.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from earwitness.core.classes.vocabulary_record import MOST_CLASSES, ClassRecord, VocabularyRecord, complete_classes
from earwitness.core.errors import LabelError, MissingExtraError, first_line, shortened
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import parse_json, read_text
from earwitness.core.schema import first_problem
from earwitness.core.vocabulary import DCASE2025, Vocabulary

FILE_NAME: Final = "earwitness-classes.json"
"""The list that is written beside labels and read there."""
FILE_NAMES: Final = (FILE_NAME, "classes.yaml", "classes.yml", "classes.json")
"""The lists that users may put into a sound bank or a data set."""
_LABEL_HEADER: Final = b"frame,class,source,"
_FILE_BYTES: Final = 2**20
_LEVELS: Final = 3
"""Folders looked at: of a file in DATASET/metadata_dev/SPLIT, up to DATASET."""
_KEYS: Final = {
    "name": "name", "slug": "slug", "caption": "caption", "icon": "icon", "colour": "colour", "color": "colour",
    "maker": "made_by", "made_by": "made_by", "prompt": "prompts", "prompts": "prompts", "labels": "labels",
    "audioset": "labels", "audioset_labels": "labels", "group": "groups", "groups": "groups",
}  # fmt: skip
"""Keys of a class in a file, and the fields that they set."""
_NO_MAKER: Final = ("", "none", "nobody", "object")

LONGEST_NAME: Final = 100
RESERVED: Final = frozenset({"background", "interference"})
"""Folders of a sound bank that hold no class."""


def vocabulary_of(names: Iterable[str], name: str) -> Vocabulary:
    """The vocabulary of classes that are known by their names only.

    Args:
        names: of the classes, in order; also names of folders.
        name: of the vocabulary.

    Raises:
        LabelError: a name cannot be used, two are alike, or there are none or too many.
    """
    return _vocabulary([{"name": display_name(one), "folder": one} for one in names], name)


def read_classes(path: Path) -> Vocabulary:
    """Read a list of classes.

    The file is a list, or has the keys `name` (of the vocabulary) and `classes`. A class is its name, or has the keys
    name, prompt, icon, colour, maker (mouth, hands, feet or none), labels (of AudioSet), groups, caption and slug,
    of which only the name is needed.

    Raises:
        LabelError: the file is missing or breaks the format; the message names the class and the key.
        MissingExtraError: PyYAML is not installed.
    """
    text = read_text(path, _FILE_BYTES, LabelError)
    raw = parse_json(text, str(path), LabelError) if path.suffix.lower() == ".json" else _parse_yaml(text, path)
    name = path.parent.resolve().name or "own"
    if isinstance(raw, Mapping):
        unknown = sorted(str(key) for key in set(raw) - {"name", "classes"})
        if unknown:
            raise LabelError(f"{path}: there is no key '{shortened(unknown[0], 60)}'; the keys are name and classes")
        name, raw = raw.get("name", name), raw.get("classes")
    if not isinstance(raw, list) or not isinstance(name, str):
        raise LabelError(f"{path}: not a list of classes; write one class a line, as '- kettle'")
    try:
        return _vocabulary([_values(one, number) for number, one in enumerate(raw, start=1)], name)
    except LabelError as error:
        raise LabelError(f"{path}: {error}") from None


def write_classes(folder: Path, vocabulary: Vocabulary, labels: Path | None = None) -> None:
    """State the classes of the labels in a folder in its `FILE_NAME`; those of DCASE2025 need no such file.

    Args:
        folder: folder of the labels, or of their data set.
        vocabulary: their classes.
        labels: folder of the label files; None: `folder`.

    Raises:
        LabelError: the folder has labels of other classes.
        EncodingError: the file cannot be written.
    """
    path = folder / FILE_NAME
    stated = path.is_file()
    if stated or (vocabulary.slugs != DCASE2025.slugs and _has_labels(labels or folder)):
        known = read_classes(path) if stated else DCASE2025
        refuse_difference(vocabulary, known, f"'{folder}' holds labels of other classes", "another folder")
    elif vocabulary.slugs != DCASE2025.slugs:
        with atomic_file(path) as temporary:
            temporary.write_text(VocabularyRecord.of(vocabulary).model_dump_json(indent=1) + "\n", encoding="utf-8")


def _has_labels(folder: Path) -> bool:
    for path in folder.glob("*.csv"):
        with suppress(OSError), path.open("rb") as file:
            if file.read(len(_LABEL_HEADER)) == _LABEL_HEADER:
                return True
    return False


def classes_of(folder: Path, levels: int = _LEVELS) -> Vocabulary:
    """The classes that the labels in a folder refer to.

    Raises:
        LabelError: its list of classes is damaged.
    """
    for place in (folder, *folder.absolute().parents)[:levels]:
        for name in FILE_NAMES[:2]:
            if (place / name).is_file():
                return read_classes(place / name)
    return DCASE2025


def refuse_difference(one: Vocabulary, other: Vocabulary, what: str, give: str = "one with the same classes") -> None:
    """Check that two vocabularies have the same classes.

    Raises:
        LabelError: they differ; the message begins with `what` and ends with what to give instead.
    """
    difference = one.difference(other)
    if difference:
        raise LabelError(f"{what}: {difference}; give {give}")


def _parse_yaml(text: str, path: Path) -> Any:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"reading {path.name} (classes.json is read without)", "train") from error
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise LabelError(f"{path}: aliases (*name) are not allowed in a list of classes")
        return yaml.safe_load(text)
    except (
        yaml.YAMLError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise LabelError(f"{path}: not YAML ({first_line(error)})") from None


def _values(raw: Any, number: int) -> dict[str, Any]:
    """The fields of one class in a file."""
    if isinstance(raw, str):
        return {"name": display_name(raw), "folder": raw}
    if not isinstance(raw, Mapping):
        raise LabelError(f"class {number} is neither a name nor keys and values (a name that is a number needs quotes)")
    values: dict[str, Any] = {}
    for key, value in raw.items():
        if key not in _KEYS:
            raise LabelError(
                f"class {number}: there is no key '{shortened(str(key), 60)}'; the keys are {', '.join(_KEYS)}"
            )
        values[_KEYS[key]] = value
    if not isinstance(values.get("name"), str):
        raise LabelError(f"class {number} has no name, or one that is not text")
    for key in ("prompts", "labels", "groups"):
        if isinstance(values.get(key), str):
            values[key] = [values[key]]
    if values.get("made_by", "") is None or str(values.get("made_by", "-")).lower() in _NO_MAKER:
        values["made_by"] = ""
    return {key: value for key, value in values.items() if value is not None}


def _vocabulary(classes: list[dict[str, Any]], name: str) -> Vocabulary:
    if not 1 <= len(classes) <= MOST_CLASSES:
        raise LabelError(f"{len(classes)} classes; a list of classes has 1 to {MOST_CLASSES}")
    slugs = list(check_names(one.get("slug") or one.pop("folder", one["name"]) for one in classes))
    records = []
    for slug, one in zip(slugs, classes, strict=True):
        known = DCASE2025.find(slug)
        shown = known.name if known is not None and slug == one["name"].lower() else one["name"]
        try:
            records.append(ClassRecord.model_validate({**one, "name": shown, "slug": slug}))
        except ValidationError as error:
            raise LabelError(f"class '{shortened(one['name'], 60)}': {first_problem(error)}") from None
    found = Vocabulary(name, complete_classes(records))
    return DCASE2025 if found.slugs == DCASE2025.slugs and name in ("own", DCASE2025.name) else found


def slug_of(name: str) -> str:
    """Name of a class in files and folders: lower case, words joined by underscores, no punctuation.

    Letters and digits of all scripts are kept; accents of Latin letters are removed.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    plain = "".join(_without_accent(character) for character in folded)
    return "_".join("".join(character if character.isalnum() else " " for character in plain).split())


def _without_accent(character: str) -> str:
    base = unicodedata.normalize("NFD", character)[:1]
    return base if base.isascii() and base.isalpha() else character


def display_name(name: str) -> str:
    """A name for people, from that of a folder: "smoke_alarm" becomes "Smoke alarm"; other names stay as they are."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words == words.lower() else words


def check_names(names: Iterable[str]) -> Iterator[str]:
    """Yield the slugs of the names of classes.

    Raises:
        LabelError: a name cannot be used, or two names have the same slug; the message names them.
    """
    known: dict[str, str] = {}
    for name in names:
        shown = shortened(name, 60)
        if not name.isprintable() or len(name) > LONGEST_NAME:
            raise LabelError(f"class '{shown}': use a name of at most {LONGEST_NAME} printable characters on one line")
        slug = slug_of(name)
        if not slug:
            raise LabelError(f"class '{shown}': the name has no letter and no digit; choose another")
        if slug in RESERVED:
            raise LabelError(f"class '{shown}': '{slug}' names the sounds of a bank that are no class; choose another")
        if slug in known:
            other = known[slug]
            how = "are the same" if other == name else "differ only in case, accents, spaces or punctuation"
            raise LabelError(f"the classes '{shortened(other, 60)}' and '{shown}' {how}; rename one or join them")
        known[slug] = name
        yield slug
