"""What a synthetic set is made from: rooms in SOFA files, cut-outs and panoramas; and DCASE sets."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from fuzzing.odd_documents import labels
from fuzzing.odd_media import picture_bomb
from fuzzing.valid import write_sofa


def rooms(chance: random.Random, valid: Path, folder: Path) -> Path:
    """A SOFA file with other units, shapes, delays, numbers that are none, links and huge declared sizes."""
    import h5py

    path = folder / "case.sofa"
    changes: dict[str, Any] = {}
    for _ in range(chance.choice((1, 1, 2, 3))):
        name = chance.choice(
            ("Data.IR", "Data.SamplingRate", "Data.Delay", "ListenerPosition", "ListenerView", "ListenerUp",
             "ReceiverPosition", "EmitterPosition", "SourcePosition", "DataType", "SOFAConventions", "Conventions",
             "units")
        )  # fmt: skip
        changes[name] = _changed(chance, name)
    write_sofa(path, **changes)
    if chance.random() < 0.3:
        with h5py.File(path, "a") as file:
            name = chance.choice(("Data.IR", "SourcePosition", "Data.SamplingRate", "Data.Delay"))
            if name in file:
                del file[name]
            _replace(chance, file, name, folder)
    return path


def _changed(chance: random.Random, name: str) -> Any:
    if name in ("DataType", "SOFAConventions", "Conventions"):
        return chance.choice((None, "", "TF", "FIR-E", "FIRE", "SimpleFreeFieldHRIR", "x" * 9000, 5, np.zeros(0)))
    if name == "units":
        unit = chance.choice(
            ("radian, radian, metre", "degree, degree, metre", "centimetre", "metre", "kilohertz", "hertz", "second",
             "milliseconds", "", "furlong", "radian", "degree,degree", "metre," * 50)
        )  # fmt: skip
        variable = chance.choice(("SourcePosition", "ListenerPosition", "Data.SamplingRate", "Data.Delay"))
        return {variable: {"Units": unit, "Type": chance.choice(("cartesian", "spherical", "x"))}}
    usual = {"Data.IR": (8, 4, 2400), "Data.SamplingRate": (1,), "Data.Delay": (1, 4), "SourcePosition": (8, 3)}
    odd_shape = chance.choice(
        ((1, 3), (8, 3), (0, 3), (1,), (), (8, 4, 2400), (8, 2, 100), (8, 4, 100, 3), (1, 4), (2, 2))
    )
    value = chance.choice((0.0, 1.0, -1.0, 1e9, 1e-9, 3.14, 1e308, float("nan"), float("inf"), 48.0, 44_100.0))
    shape = odd_shape if chance.random() < 0.3 else usual.get(name, (1, 3))
    return chance.choice((None, *(np.full(shape, value),) * 8, np.full(shape, 1 + 1j)))


def _replace(chance: random.Random, file: Any, name: str, folder: Path) -> None:
    import h5py

    pick = chance.randrange(6)
    if pick == 0:
        file[name] = h5py.ExternalLink("/etc/hostname", "/x")
    elif pick == 1:
        file[name] = h5py.SoftLink(f"/{name}")
    elif pick == 2:
        file.create_group(name)
    elif pick == 3:
        file.create_dataset(name, shape=(8, 4, 2**30), dtype="f8", chunks=(1, 1, 2**20))
    elif pick == 4:
        file.create_dataset(name, shape=(2, 3), dtype="f8", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)])
    else:
        file[name] = np.array([b"text"] * 3)


def cutouts(chance: random.Random, valid: Path, folder: Path) -> Path:
    """A folder of a user's cut-outs with odd names, sizes, grounds, orientations and formats."""
    from PIL import Image

    top = folder / "cutouts"
    inside = top / chance.choice(("bell", "bell", "bell", "music", "no_class", ".hidden"))
    inside.mkdir(parents=True)
    for number in range(chance.choice((1, 1, 2, 4))):
        height = chance.choice(("", "", "@1m", "@1000m", "@0m", "@-1m", "@nan m", "@infcm", "@1e400m", "@1,5m", "@.m"))
        name = f"thing_{number}{height}" if chance.random() < 0.3 else f"thing{height}_{number}"
        path = inside / (name + chance.choice((".png", ".webp", ".gif", ".tiff", ".jpg", ".bmp", ".mp4", ".PNG")))
        pick = chance.random()
        if pick < 0.25:
            path.write_bytes(picture_bomb(*chance.choice(((12_000, 12_000), (1, 30_000), (30_000, 1), (0, 0)))))
        elif pick < 0.4:
            path.write_bytes((valid / chance.choice(("thing.png", "moving.webp", "mp4.mp4", "sound.wav"))).read_bytes())
        else:
            mode = chance.choice(("RGBA", "RGBA", "LA", "P", "I;16", "RGB", "F", "1"))
            size = chance.choice(((40, 60), (1, 1), (1, 4000), (4000, 1), (300, 200)))
            picture = Image.new(mode, size)
            if mode == "RGBA":
                picture.paste((9, 9, 9, chance.choice((0, 3, 128, 255))), (0, 0, max(1, size[0] // 2), size[1]))
            exif = Image.Exif()
            exif[0x0112] = chance.choice((1, 3, 6, 8, 99))
            try:
                picture.save(path, **({"exif": exif} if path.suffix in (".png", ".webp") else {}))
            except (OSError, ValueError, KeyError):  # a mode that the format does not have
                path.write_bytes(_png_head(chance))
    return top


def _png_head(chance: random.Random) -> bytes:
    """A PNG that declares any size, depth and kind of colours, and holds no pixels."""
    size = chance.choice((0, 1, 2**31 - 1, 65_535)), chance.choice((0, 1, 2**31 - 1, 20_000))
    head = struct.pack(">IIBBBBB", *size, chance.choice((1, 8, 16, 99)), chance.randrange(8), 0, 0, chance.randrange(3))
    chunk = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return b"\x89PNG\r\n\x1a\n" + chunk


def panoramas(chance: random.Random, valid: Path, folder: Path) -> Path:
    """A folder of backgrounds: odd shapes, grey of 16 bits, bombs, videos, what is no picture."""
    from PIL import Image

    top = folder / "backgrounds"
    top.mkdir()
    path = top / f"a{chance.choice(('.png', '.jpg', '.tiff', '.mp4', '.webp'))}"
    pick = chance.random()
    if pick < 0.3:
        path.write_bytes(picture_bomb(*chance.choice(((16_000, 8000), (20_000, 10_000), (2, 1), (0, 0), (64, 32)))))
    elif pick < 0.5:
        path.write_bytes((valid / chance.choice(("around.jpg", "mp4.mp4", "thing.png", "sound.wav"))).read_bytes())
    elif pick < 0.6:
        path.write_bytes(_png_head(chance))
    else:
        mode, size = chance.choice(("RGB", "I;16", "L", "RGBA", "F")), chance.choice(((128, 64), (2, 1), (64, 64)))
        try:
            Image.new(mode, size, 1).save(path)
        except (OSError, ValueError, KeyError):
            Image.new("I;16", size, 40_000).save(path, "PNG")
    return top


def dcase_sets(chance: random.Random, valid: Path, folder: Path) -> Path:
    """A DCASE set with clips that lack parts, have odd names, sounds and labels."""
    top = folder / "set"
    parts = {"stereo_dev": ".wav", "metadata_dev": ".csv", "video_dev": ".mp4"}
    name = "fold{fold}_room1_mix00{clip}_deg000_start{start}"
    for clip in range(chance.choice((1, 2, 3))):
        stem = name.format(fold=chance.choice((1, 3, 4)), clip=clip, start="0" * chance.choice((4, 4, 400 % 199)))
        stem = chance.choice((stem, stem, stem, "odd name", "fold9", "a%d"))
        for part, suffix in parts.items():
            if chance.random() < 0.15:
                continue
            target = top / part / chance.choice(("dev-train-sony", "dev-train-sony", "dev-test-tau", "eval", "x"))
            target.mkdir(parents=True, exist_ok=True)
            if suffix == ".csv":
                source = labels(chance, valid, folder).read_bytes()
            else:
                source = (valid / chance.choice(("sound.wav", "mp4.mp4", "labels.csv", "surround.wav"))).read_bytes()
            (target / f"{stem}{suffix}").write_bytes(source[: chance.choice((len(source), len(source) // 2, 0))])
    return top
