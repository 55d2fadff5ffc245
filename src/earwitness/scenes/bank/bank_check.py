"""Finds unusable sounds of a bank, and duplicates that differ in level, coding or length; results are cached."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from earwitness.core.errors import BankError, EncodingError, one_line
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.cache import cache_folder
from earwitness.scenes.bank.recording import read_recording, sounds_at_once
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.scenes.scene import SAMPLE_RATE

_CHECK_VERSION: Final = 1
"""Version of the check; cached results of other versions are ignored."""

FloatArray = NDArray[np.float32]
Progress = Callable[[int, int], None]

_PATTERN_VERSION: Final = 1
_EDGES_HZ: Final = (100, 200, 350, 550, 850, 1300, 2000, 3000, 4500, 6500)
_PARTS: Final = 16
"""Number of segments of equal length in which the energy of each band is compared."""
_WINDOW: Final = 512
_SILENCE: Final = 0.02
"""Samples at the ends below this share of the peak are ignored."""
_ALIKE: Final = 0.95
"""Cosine similarity of two patterns from which on the samples are compared."""
_LENGTHS: Final = 0.08
"""Maximum relative difference in length of copies."""
_SAME: Final = 0.9
"""Correlation of the samples at the best shift from which on two recordings are duplicates."""
_SAME_CODED: Final = 0.6
"""The same for almost equal patterns: low-rate codecs change noise-like samples, but not their spectrum."""
_EQUAL: Final = 0.985
_LONGEST_SECONDS: Final = 20
_CHUNK: Final = 512


def unusable_sounds(
    bank: SoundBank | str | Path, cache: Path | None = None, progress: Callable[[int, int], None] | None = None
) -> dict[str, str]:
    """Names of unusable sounds with the reasons; cached for each file until it changes.

    A file whose beginning is clearly audible is accepted at once; other files are decoded.

    Args:
        bank: an open bank, or its path.
        cache: folder of the cached results; by default in the user's cache.
        progress: called with (files checked, files to check).

    Raises:
        BankError: there is no such bank, or it has no sounds.
    """
    bank = bank if isinstance(bank, SoundBank) else SoundBank.open(bank)
    kept = (cache or cache_folder("bank-checks")) / f"{bank_key(bank.root)}.json"
    known = _read_problems(kept)
    stamps = {sound.name: file_stamp(bank.root / sound.name) for sound in bank.sounds}
    changed = [name for name, stamp in stamps.items() if name not in known or known[name][0] != stamp]
    found = {name: known[name] for name in stamps if name in known}
    for number, name in enumerate(changed, start=1):
        found[name] = stamps[name], _problem(bank.root / name)
        if progress:
            progress(number, len(changed))
    if changed:
        with suppress(OSError, EncodingError), atomic_file(kept) as temporary:
            text = json.dumps({"version": _CHECK_VERSION, "sounds": known | found})
            temporary.write_text(text, encoding="utf-8")
    return {sound.name: found[sound.name][1] for sound in bank.sounds if found[sound.name][1]}


def file_stamp(path: Path) -> str:
    """A text that changes with the file; the same for all missing files."""
    try:
        about = path.stat()
    except (OSError, ValueError):
        return "missing"
    return f"{about.st_size} {about.st_ino} {about.st_mtime_ns} {about.st_ctime_ns}"


def first_names(names: Sequence[str], shown: int = 3) -> str:
    """The first few names and the number of the others, for messages."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return one_line(", ".join(names[:shown])) + more


def _problem(path: Path) -> str:
    if sounds_at_once(path):
        return ""
    try:
        read_recording(path)
    except BankError as error:
        return str(error)
    return ""


def bank_key(root: Path) -> str:
    """Key of a bank in the cache, from its folder."""
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:32]


def _read_problems(path: Path) -> dict[str, tuple[str, str]]:
    """Stamps and problems by name; empty if there is no readable file."""
    with suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["version"] == _CHECK_VERSION:
            return {str(name): (str(stamp), str(why)) for name, (stamp, why) in raw["sounds"].items()}
    return {}


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """Level-independent time-frequency patterns of recordings.

    Attributes:
        names: names of the recordings.
        length: (n,) duration in seconds without silence at the ends.
        pattern: (n, segments x bands) square roots of the shares of energy; rows have unit length.
    """

    names: tuple[str, ...]
    length: FloatArray
    pattern: FloatArray


def pattern_of(samples: NDArray[np.int16]) -> FloatArray:
    """Length in seconds and pattern of a recording: (1 + segments x bands,)."""
    wave = _trimmed(samples)
    padded = np.pad(wave, (0, max(0, _WINDOW * _PARTS - wave.size)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[:: _WINDOW // 2]
    power = np.abs(fft.rfft(frames * signal.get_window("hann", _WINDOW).astype(np.float32), axis=1)) ** 2
    bins = np.searchsorted(fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE), _EDGES_HZ)
    bands = np.add.reduceat(power, bins, axis=1)[:, :-1]
    place = np.arange(len(bands)) * _PARTS // len(bands)
    energy = np.stack([np.bincount(place, band, _PARTS) for band in bands.T])
    root = np.sqrt(energy.ravel() / max(float(energy.sum()), 1e-12))
    return np.concatenate([[wave.size / SAMPLE_RATE], root]).astype(np.float32)


def correlation(one: NDArray[np.int16], other: NDArray[np.int16]) -> float:
    """Normalised correlation, 0 to 1, of two recordings at the best shift."""
    waves = [_trimmed(samples)[: _LONGEST_SECONDS * SAMPLE_RATE] for samples in (one, other)]
    size = fft.next_fast_len(waves[0].size + waves[1].size, real=True)
    spectra = [fft.rfft(wave, size) for wave in waves]
    strength = float(np.sqrt(np.prod([np.sum(wave.astype(np.float64) ** 2) for wave in waves])))
    best = float(np.abs(fft.irfft(spectra[0] * np.conj(spectra[1]), size)).max())
    return best / max(strength, 1e-12)


def copies_between(
    one: SoundBank, other: SoundBank, cache: Path | None = None, progress: Progress | None = None
) -> list[tuple[str, str]]:
    """Pairs of duplicate recordings in two splits of a bank, for any format, level or shift.

    All recordings are decoded once; their patterns are cached until the files change.

    Args:
        one, other: two splits; unreadable recordings match nothing.
        cache: folder of the cached results; by default in the user's cache.
        progress: called with (recordings decoded, recordings to decode).
    """
    root, names = one.root, [[sound.name for sound in part.sounds] for part in (one, other)]
    stamps = [[(name, file_stamp(root / name)) for name in part] for part in names]
    key = hashlib.sha256(json.dumps([_PATTERN_VERSION, stamps]).encode()).hexdigest()[:32]
    kept = (cache or cache_folder("bank-checks")) / f"{bank_key(root)}-copies-{key}.json"
    with suppress(OSError, ValueError, TypeError):
        return [(str(left), str(right)) for left, right in json.loads(kept.read_text(encoding="utf-8"))]
    found = patterns(root, [*names[0], *names[1]], cache, progress)
    row = {name: number for number, name in enumerate(found.names)}
    pairs = _candidates(found, *([row[name] for name in part if name in row] for part in names))
    same = [(left, right) for left, right, alike in pairs if _is_copy(root / left, root / right, alike)]
    with suppress(OSError, EncodingError), atomic_file(kept) as temporary:
        temporary.write_text(json.dumps(same), encoding="utf-8")
    return same


def _candidates(found: Patterns, lefts: Sequence[int], rights: Sequence[int]) -> Iterator[tuple[str, str, float]]:
    """Pairs that may be duplicates, with the cosine similarity of their patterns."""
    for start in range(0, len(lefts), _CHUNK):
        rows = np.asarray(lefts[start : start + _CHUNK], dtype=np.intp)
        columns = np.asarray(rights, dtype=np.intp)
        alike = found.pattern[rows] @ found.pattern[columns].T
        long, short = found.length[rows][:, None], found.length[columns][None]
        close = np.abs(long - short) <= _LENGTHS * np.maximum(long, short) + 0.05
        for left, right in np.argwhere(close & (alike > _ALIKE)):
            yield found.names[rows[left]], found.names[columns[right]], float(alike[left, right])


def _is_copy(one: Path, other: Path, alike: float) -> bool:
    return correlation(read_recording(one), read_recording(other)) > (_SAME_CODED if alike > _EQUAL else _SAME)


def patterns(root: Path, names: Sequence[str], cache: Path | None = None, progress: Progress | None = None) -> Patterns:
    """Patterns of recordings, from the cache or from decoding; unreadable recordings are left out."""
    kept = (cache or cache_folder("bank-checks")) / f"{bank_key(root)}-patterns.npz"
    known = _read_patterns(kept)
    stamps = {name: file_stamp(root / name) for name in names}
    rows = {name: known[name][1] for name, stamp in stamps.items() if name in known and known[name][0] == stamp}
    changed = [name for name in stamps if name not in rows]
    for number, name in enumerate(changed, start=1):
        with suppress(BankError):
            rows[name] = pattern_of(read_recording(root / name))
        if progress:
            progress(number, len(changed))
    if changed:
        _keep_patterns(kept, {**known, **{name: (stamps[name], row) for name, row in rows.items()}})
    table = np.stack(list(rows.values())) if rows else np.zeros((0, 1 + _PARTS * (len(_EDGES_HZ) - 1)), np.float32)
    return Patterns(tuple(rows), table[:, 0], table[:, 1:])


def _read_patterns(path: Path) -> dict[str, tuple[str, FloatArray]]:
    with suppress(OSError, ValueError, KeyError, EOFError), np.load(path, allow_pickle=False) as kept:
        if int(kept["version"]) == _PATTERN_VERSION:
            return {
                str(name): (str(stamp), row)
                for name, stamp, row in zip(kept["names"], kept["stamps"], kept["rows"], strict=True)
            }
    return {}


def _keep_patterns(path: Path, rows: dict[str, tuple[str, FloatArray]]) -> None:
    with suppress(OSError, EncodingError), atomic_file(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            version=_PATTERN_VERSION,
            names=np.array(list(rows)),
            stamps=np.array([stamp for stamp, _ in rows.values()]),
            rows=np.stack([row for _, row in rows.values()]),
        )


def _trimmed(samples: NDArray[np.int16]) -> FloatArray:
    """The recording without silence at the ends, with full scale 1."""
    wave = np.multiply(samples, np.float32(1 / 32767), dtype=np.float32)
    level = np.abs(wave)
    loud = np.flatnonzero(level > _SILENCE * level.max(initial=0))
    return wave[loud[0] : loud[-1] + 1] if loud.size else wave
