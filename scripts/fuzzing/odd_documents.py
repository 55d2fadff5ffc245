"""Labels, journals, results, recipes, cards, scenes and banks as strangers may write them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Final

from fuzzing.odd_values import ODD_NUMBERS, ODD_TEXTS, as_text, changed, odd_value

_HEADERS: Final = (
    "frame,class,source,azimuth,distance,onscreen", "Frame, Class, Source, Azimuth, Distance, Onscreen",
    "frame;class;source;azimuth;distance;onscreen", "frame,class,source,azimuth,elevation,distance", "",
)  # fmt: skip


def labels(chance: random.Random, valid: Path, folder: Path) -> Path:
    """Rows with one source number for all, repeated rows, huge frames, decimals, other line ends and encodings."""
    rows = [chance.choice((_HEADERS[0],) * 8 + _HEADERS[1:])]
    for _ in range(chance.choice((0, 3, 60, 60, 4000))):
        frame = chance.choice((chance.randrange(60), chance.randrange(60), 0, 5999, 6_047_999, 2**31 - 1))
        row: list[Any] = [
            frame, chance.randrange(13), chance.choice((0, 0, 0, 1, 40_000, 2**31 - 1)), chance.randrange(-360, 361),
            chance.randrange(1, 2000), chance.randrange(2),
        ]  # fmt: skip
        if chance.random() < 0.02:
            row[chance.randrange(6)] = chance.choice((*ODD_NUMBERS, *ODD_TEXTS[:12], "1.0", "1e3", " 5 ", "+7"))
        rows.append(",".join(map(str, row)))
        if chance.random() < 0.01:
            rows.append(chance.choice((rows[-1], "", ",,,,,", "# comment", "\0")))
    text = chance.choice(("\n", "\n", "\r\n", "\r", "\n\n")).join(rows)
    path = folder / "case.csv"
    encoding = chance.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"))
    path.write_bytes(text.encode(encoding, "replace"))
    return path


def journals(chance: random.Random, valid: Path, folder: Path) -> Path:
    """Lines that no run wrote: other places, null characters, junk, wrong kinds, links."""
    lines = [json.loads(line) for line in (valid / "journal.jsonl").read_text().splitlines()]
    names = ("../x", "/etc/passwd", "a\0b", "", ".", "..", "b/../../x", "\ud800", "b" * 5000, "b", "b.csv", "C:\\x")
    made: list[bytes] = []
    for _ in range(chance.choice((0, 1, 2, 30))):
        pick = chance.random()
        if pick < 0.3:
            entry = {
                "source": chance.choice(names), "target": chance.choice(names),
                "stamp": chance.choice(([1, 2], None, [], "x", [1.5, float("nan")], [10**30, -1])),
                "written": chance.choice(({}, {chance.choice(names): chance.choice(ODD_NUMBERS)}, [], None)),
            }  # fmt: skip
            made.append(json.dumps(entry).encode())
        elif pick < 0.8:
            made.append(as_text(changed(chance.choice(lines), chance), chance))
        else:
            made.append(chance.choice((b"\0" * 50, b"\xff\xfe", b"[" * 20_000, b"{}", b"null", b"", b"1e999")))
    path = folder / "case.jsonl"
    path.write_bytes(b"\n".join(made))
    return path


def results(chance: random.Random, valid: Path, folder: Path) -> Path:
    """A result of a stranger: any value may be any other, and the file it names is anywhere."""
    document = changed(json.loads((valid / "events.json").read_text()), chance)
    if isinstance(document, dict) and isinstance(document.get("source"), dict) and chance.random() < 0.4:
        document["source"]["file"] = chance.choice(("/etc/passwd", "../sound.wav", "/dev/zero", *ODD_TEXTS))
    path = folder / "case.json"
    path.write_bytes(as_text(document, chance))
    return path


def cards(chance: random.Random, valid: Path, folder: Path) -> Path:
    """A model's card with values that cannot be."""
    card = changed(json.loads((valid / "model.json").read_text()), chance)
    if isinstance(card, dict) and chance.random() < 0.3:
        absurd = {
            "sha256": chance.choice(("", "0" * 64, "x", None)), "window_frames": chance.choice((0, 6000, 10**9)),
            "thresholds": [float("nan")] * 13, "features": {"window": 10**9, "hop": 1}, "name": "x" * 10**6,
        }  # fmt: skip
        key = chance.choice(list(absurd))
        card[key] = absurd[key]
    path = folder / "case.json"
    path.write_bytes(as_text(card, chance))
    return path


def scenes(chance: random.Random, valid: Path, folder: Path) -> Path:
    """The recipe of a scene."""
    path = folder / "case.json"
    path.write_bytes(as_text(changed(json.loads((valid / "scene.json").read_text()), chance), chance))
    return path


def banks(chance: random.Random, valid: Path, folder: Path) -> Path:
    """The list of a bank: rows without a split, doubled, in other places, of other classes, in other columns."""
    columns = ["file", "class", "split", "group", "licence", "attribution"]
    if chance.random() < 0.2:
        chance.shuffle(columns)
    files = ("bell/a.wav", "bell/a.wav", "knock/b.flac", "../out.wav", "/etc/passwd", "a\0.wav", "", "bell/none.ogg")
    rows = [",".join(columns)]
    for _ in range(chance.choice((0, 1, 5, 40))):
        values = {
            "file": chance.choice((*files, *ODD_TEXTS[:10])), "class": chance.choice(("bell", "knock", "x", "")),
            "split": chance.choice(("train", "valid", "training", "val", "")), "group": chance.choice(("g1", "g2", "")),
            "licence": chance.choice(("CC0", "", *ODD_TEXTS[:6])), "attribution": chance.choice(ODD_TEXTS),
        }  # fmt: skip
        quoted = [f'"{values[name]}"' if chance.random() < 0.3 else values[name] for name in columns]
        rows.append(chance.choice((",", ",", ",", ";", "\t")).join(quoted))
    bank = folder / "bank"
    (bank / "bell").mkdir(parents=True)
    (bank / "knock").mkdir()
    (bank / "bell" / "a.wav").write_bytes((valid / "sound.wav").read_bytes())
    (bank / "knock" / "b.flac").write_bytes((valid / "flac.flac").read_bytes())
    if chance.random() < 0.3:
        (bank / "bell" / "loop").symlink_to(bank)
        (bank / "bell" / "dead.wav").symlink_to(folder / "none")
    if chance.random() < 0.8:
        (bank / "manifest.csv").write_bytes("\n".join(rows).encode(chance.choice(("utf-8", "utf-16")), "replace"))
    return bank


_BOMB: Final = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)
_YAML: Final = (
    _BOMB, "a: &a {<<: *a}\n", "a: &a [*a]\n", "[" * 20_000, "{a: " * 5000, "? " * 5000, "- " * 20_000,
    "name: !!python/object/apply:os.system [true]\n", "name: !!python/name:os.system\n", "name: !x y\n",
    "name: 2020-13-45\n", "name: !!timestamp x\n", "name: !!binary '%'\n", "name: !!int x\n", "name: !!float .nan\n",
    "run: {seed: " + "9" * 5000 + "}\n", "run: {steps: .inf}\n", "optim: {rate: .nan}\n", "data: null\n", "- a\n",
    "&a name: *a\n", "%YAML 9.9\n---\nname: r\n", "--- a\n--- b\n", "name: r\nname: s\n", "\0", "name: \ud800\n",
    "x: &x {a: 1}\n" + "y: {" + "<<: *x, " * 500 + "}\n", "1: 2\n", "null: 3\n", "extends: [a]\n", "extends: ''\n",
)  # fmt: skip


def recipes(chance: random.Random, valid: Path, folder: Path) -> Path:
    """YAML that grows, nests, extends itself or files that are none, and fields of other kinds."""
    path = folder / "case.yaml"
    whole = (valid / "recipe.yaml").read_text()
    pick = chance.random()
    if pick < 0.4:
        text = chance.choice(_YAML) + (whole if chance.random() < 0.3 else "")
    elif pick < 0.6:
        base = chance.choice(
            ("/dev/zero", "case.yaml", ".", "/etc/passwd", "none.yaml", "../../x", "a\\0b", "other.yaml")
        )
        (folder / "other.yaml").write_text("extends: case.yaml\n")
        text = f'extends: "{base}"\n{whole}'
    elif pick < 0.7:
        for number in range(30):
            (folder / f"r{number}.yaml").write_text(f"extends: r{number + 1}.yaml\n")
        text = "extends: r0.yaml\n"
    else:
        values = {"name": "r", "data": {"bank": "b", "valid_scenes": 3}, "run": {"batch": 2, "steps": 5}}
        sections = ("data", "run", "optim", "loss", "augment", "features", "model", "name", "scenes")
        made = changed(values, chance)
        if isinstance(made, dict):
            made[chance.choice(sections)] = odd_value(chance)
        text = json.dumps(made)  # which is YAML
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return path
