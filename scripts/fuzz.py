"""Damaged files of every kind that earwitness reads: `python scripts/fuzz.py --cases 2000 [--seed S] [--only KIND]`.

Each case is a small valid file with bits flipped, cut, repeated, or with huge numbers in its headers. Reading it must
end in a result or in an `EarwitnessError`: any other exception, a crash, more than TIME_LIMIT seconds or more than
MEMORY_LIMIT_MB is a failure, named with the number that repeats it (`--first N --cases 1`); the exit code is then 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

TIME_LIMIT: Final = 60.0
"""Seconds a case; generous, for machines are busy, and a hang is a hang."""
MEMORY_LIMIT_MB: Final = 1500
HUGE: Final = (0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 0x00FFFFFF, 0x40000000, 0)

Reader = Callable[[Path], object]


# --- mutations -------------------------------------------------------------------------------------------------------


def mutated(data: bytes, chance: random.Random) -> bytes:
    """One kind of damage, sometimes more."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        data = chance.choice(MUTATIONS)(data, chance) or b"\0"
    return data


def _flip_bits(data: bytes, chance: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 4, 32, max(1, len(data) // 50)))):
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


def _flip_head(data: bytes, chance: random.Random) -> bytes:
    head = min(len(data), 512)
    return _flip_bits(data[:head], chance) + data[head:]


def _truncate(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _cut_out(data: bytes, chance: random.Random) -> bytes:
    first = chance.randrange(len(data))
    return data[:first] + data[first + chance.randint(1, max(1, len(data) // 4)) :]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    first = chance.randrange(len(data))
    piece = data[first : first + chance.randint(1, 200)]
    return data[:first] + piece * chance.randint(2, 50) + data[first:]


def _huge_number(data: bytes, chance: random.Random) -> bytes:
    out, at = bytearray(data), chance.randrange(min(len(data), 4096))
    number, size = chance.choice(HUGE), chance.choice((2, 4, 8))
    out[at : at + size] = (number if size > 2 else number & 0xFFFF).to_bytes(size, chance.choice(("big", "little")))
    return bytes(out)


def _huge_digits(data: bytes, chance: random.Random) -> bytes:
    """In texts: a number becomes another that nobody expects."""
    places = [at for at, byte in enumerate(data[:100_000]) if 48 <= byte <= 57]
    if not places:
        return _flip_bits(data, chance)
    at = chance.choice(places)
    odd = (b"9" * 400, b"-1", b"1e999", b"NaN", b"Infinity", b"0.5", b"99999999999", b'"', b"null", b"[" * 3000)
    return data[:at] + chance.choice(odd) + data[at + 1 :]


def _splice(data: bytes, chance: random.Random) -> bytes:
    first, second = sorted((chance.randrange(len(data)), chance.randrange(len(data))))
    return data[second:] + data[first:second] + data[:first]


MUTATIONS: Final = (
    _flip_bits, _flip_head, _truncate, _cut_out, _repeat, _huge_number, _huge_number, _huge_digits, _splice
)  # fmt: skip


# --- what is damaged, and what reads it ------------------------------------------------------------------------------


def seeds(folder: Path) -> dict[str, Path]:
    """A small valid file of each kind."""
    import numpy as np

    from earwitness.core.multi_accddoa import encode, ideal_output  # noqa: F401 - loaded here, before memory is measured
    from earwitness.data.dcase.labels import HEADER
    from earwitness.media.sound.wav import write_wav

    rng = np.random.default_rng(0)
    stereo = rng.normal(scale=0.05, size=(2, 48_000)).astype(np.float32) * np.array([[1.0], [0.3]], np.float32)
    write_wav(folder / "sound.wav", stereo, 24_000)
    for name, codec, layout in (
        ("flac.flac", "flac", "stereo"), ("ogg.ogg", "libopus", "stereo"), ("surround.wav", "pcm_s16le", "5.1"),
        ("mp4.mp4", "aac", "stereo"), ("mkv.mkv", "libopus", "stereo"),
    ):  # fmt: skip
        _encode(folder / name, stereo, codec, layout, pictures=name in ("mp4.mp4", "mkv.mkv"))
    rows = "".join(f"{frame},{frame % 13},0,{frame - 30},{100 + frame},{frame % 2}\n" for frame in range(50))
    (folder / "labels.csv").write_text(f"{HEADER}\n{rows}")
    _bank(folder / "bank.csv")
    _scene(folder / "scene.json")
    _models(folder)
    (folder / "recipe.yaml").write_text("name: r\ndata: {bank: b, valid_scenes: 3}\nrun: {batch: 2, steps: 5}\n")
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}


def _encode(path: Path, stereo: Any, codec: str, layout: str, *, pictures: bool) -> None:
    import av
    import numpy as np

    rate = 48_000
    sound = np.repeat(stereo, 2, axis=1)[:, :rate]
    if layout == "5.1":
        sound = np.concatenate([sound, sound, sound])
    with av.open(str(path), "w") as output:
        video: Any = output.add_stream("libx264", rate=5, options={"preset": "ultrafast"}) if pictures else None
        if video is not None:
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio: Any = output.add_stream(codec, rate=rate, layout=layout)
        for number in range(5 if pictures else 0):
            picture = np.full((48, 64, 3), 40 * number, np.uint8)
            output.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=layout)
        frame.sample_rate = rate
        resampler = av.AudioResampler(audio.format, layout, rate, frame_size=audio.codec_context.frame_size or 1024)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(audio.encode(piece))
        output.mux(audio.encode(None))
        if video is not None:
            output.mux(video.encode(None))


def _bank(path: Path) -> None:
    lines = ["file,class,split,group,licence,attribution"]
    lines += [f"{kind}/a{n}.ogg,{kind},train,g{n},CC0,me" for n, kind in enumerate(("bell", "knock", "music"))]
    path.write_text("\n".join(lines) + "\n")


def _scene(path: Path) -> None:
    from earwitness.scenes.scene import EventRecipe, NoiseRecipe, SceneRecipe

    event = EventRecipe(("a.ogg",), "bell", 0.5, 0.2, 1.0, (0.0,) * 6, -20.0, (3,))
    noise = NoiseRecipe(None, 0.0, -50.0, -70.0, -3.0, 7)
    path.write_text(SceneRecipe(5.0, 0, 30.0, (event, event), noise, -3.0).to_json())


def _models(folder: Path) -> None:
    """The smallest network as safetensors, training state, ONNX with card, and a detection by it."""
    import torch

    from earwitness.batch.formats import write
    from earwitness.detect.detector import Detector
    from earwitness.detect.model.card import ModelCard, file_sha256
    from earwitness.features import FeatureConfig
    from earwitness.models.checkpoint import save_model
    from earwitness.models.configs.seld_config import SeldConfig
    from earwitness.models.seld import SeldNet
    from earwitness.training.export.model_export import export_onnx
    from earwitness.training.loop.training_state import TrainingState

    net = SeldNet(SeldConfig(stem_width=4, widths=(4, 4), pools=((5, 8), (1, 4)), dim=16, blocks=1, heads=2)).eval()
    save_model(net, folder / "weights.safetensors")
    state = net.state_dict()
    states = folder / "states"
    states.mkdir()
    TrainingState(3, 0.1, state, state, torch.optim.AdamW(net.parameters()).state_dict()).save(states)
    next(states.glob("state-*.pt")).rename(folder / "state.pt")
    states.rmdir()
    export_onnx(net, folder / "model.onnx")
    digest = file_sha256(folder / "model.onnx")
    card = ModelCard(name="tiny", features=FeatureConfig(), model={}, thresholds=(0.05,) * 13, sha256=digest)
    card.write(folder / "model.json")
    write(Detector.load(folder / "model.onnx").detect(folder / "sound.wav"), folder / "events.json", "json")


def readers(valid: Path) -> dict[str, Reader]:
    """What reads each kind: by the name of its seed file."""
    from earwitness.batch.journal import JOURNAL_NAME, Journal
    from earwitness.data.dcase.labels import read_table
    from earwitness.detect.detector import Detector
    from earwitness.detect.model.card import file_sha256, read_card
    from earwitness.doctor.diagnosis import diagnose
    from earwitness.media.pictures.pictures import PictureReader
    from earwitness.models.checkpoint import load_model
    from earwitness.results.saved import read_result
    from earwitness.scenes.bank.sound_bank import SoundBank
    from earwitness.scenes.scene import SceneRecipe
    from earwitness.training.loop.training_state import TrainingState
    from earwitness.training.recipe import load_recipe

    detector = Detector.load(valid / "model.onnx")

    def hear(path: Path) -> None:
        diagnose(path)
        detector.detect(path, allow_mono=True)

    def watch(path: Path) -> None:
        hear(path)
        for _ in PictureReader(path, fps=5):
            pass

    def run_model(path: Path) -> None:
        # With the sha256 of what is there, a damaged model gets as far as ONNX Runtime.
        card = read_card(valid / "model.json").model_copy(update={"sha256": file_sha256(path)})
        card.write(path.with_suffix(".json"))
        Detector.load(path).detect(valid / "sound.wav")

    def run_card(path: Path) -> None:
        shutil.copy(valid / "model.onnx", path.with_suffix(".onnx"))
        Detector.load(path.with_suffix(".onnx")).detect(valid / "sound.wav")

    def open_state(path: Path) -> None:
        folder = path.parent / "run"
        folder.mkdir(exist_ok=True)
        shutil.copy(path, folder / "state-00000003.pt")
        TrainingState.latest(folder)

    def open_journal(path: Path) -> None:
        shutil.copy(path, path.parent / JOURNAL_NAME)
        Journal(path.parent, {"version": "1"}).written(path, path.parent / "a")

    def open_scene(path: Path) -> None:
        SceneRecipe.from_json(path.read_text(encoding="utf-8", errors="replace"))

    return {
        "sound.wav": hear, "flac.flac": hear, "ogg.ogg": hear, "surround.wav": hear, "mp4.mp4": watch, "mkv.mkv": watch,
        "labels.csv": lambda path: read_table(path, 50), "events.json": read_result,
        "bank.csv": SoundBank.open, "scene.json": open_scene, "recipe.yaml": load_recipe,
        "model.onnx": run_model, "model.json": run_card, "weights.safetensors": load_model, "state.pt": open_state,
        "journal.jsonl": open_journal,
    }  # fmt: skip


# --- one process that reads, one that watches it ----------------------------------------------------------------------


def work(valid: Path, seed: int) -> None:
    """Read case numbers from standard input, answer each with a line of JSON."""
    from earwitness.core.errors import EarwitnessError

    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w")  # what libraries print must not be taken for an answer
    os.dup2(2, 1)
    targets = readers(valid)
    folder = Path(tempfile.mkdtemp(prefix="earwitness-fuzz-"))
    try:
        for line in sys.stdin:
            number, name = int(line.split()[0]), line.split()[1]
            path = folder / f"case{Path(name).suffix}"
            path.write_bytes(mutated((valid / name).read_bytes(), random.Random(f"{seed}/{number}")))
            Path("/proc/self/clear_refs").write_text("5")
            began, outcome, detail = time.monotonic(), "read", ""
            try:
                targets[name](path)
            except EarwitnessError as error:
                outcome, detail = "refused", str(error)
                if not detail or "\n" in detail:
                    outcome = "not one line"
            except Exception:
                outcome, detail = "defect", traceback.format_exc(limit=-4)
            answer = {"outcome": outcome, "detail": detail, "seconds": time.monotonic() - began, "megabytes": _peak()}
            print(json.dumps(answer), file=answers, flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _peak() -> int:
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024


class Watched:
    """The reading process, started again when a case ends it."""

    def __init__(self, valid: Path, seed: int) -> None:
        self._command = [sys.executable, __file__, "--work", str(valid), "--seed", str(seed)]
        self._process: subprocess.Popen[str] | None = None

    def ask(self, number: int, name: str) -> dict[str, Any]:
        """What came of a case."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            self._say("0 labels.csv")  # loads everything, so that the clock does not count it
            self._answer(300)
        self._say(f"{number} {name}")
        return self._answer(TIME_LIMIT)

    def _say(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _answer(self, limit: float) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], limit)[0]:
            self.close()
            return {"outcome": "hang", "detail": f"no answer after {limit:.0f} s", "seconds": limit, "megabytes": 0}
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            return {"outcome": "crash", "detail": f"the process ended with {code}", "seconds": 0, "megabytes": 0}
        answer: dict[str, Any] = json.loads(line)
        if answer["megabytes"] > MEMORY_LIMIT_MB:
            answer |= {"outcome": "memory", "detail": f"{answer['megabytes']} MB"}
            self.close()
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def cases(first: int, count: int, names: list[str]) -> Iterator[tuple[int, str]]:
    """Case numbers with the file that each damages, kinds in turn."""
    for number in range(first, first + count):
        yield number, names[number % len(names)]


def main() -> int:
    """Run the cases; returns the number of failures, at most 1."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="damage this file only, say mp4.mp4")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.seed)
        return 0
    with tempfile.TemporaryDirectory() as valid:
        names = sorted(seeds(Path(valid)))
        (Path(valid) / "journal.jsonl").write_text(
            '{"journal": 1, "fingerprint": "x"}\n{"source": "a", "stamp": [1, 2]}\n'
        )
        names = [options.only] if options.only else [*names, "journal.jsonl"]
        outcomes, failures, heaviest = Counter[str](), 0, 0
        observation = Watched(Path(valid), options.seed)
        for number, name in cases(options.first, options.cases, names):
            answer = observation.ask(number, name)
            outcomes[answer["outcome"]] += 1
            heaviest = max(heaviest, answer["megabytes"])
            if answer["outcome"] not in ("read", "refused"):
                failures += 1
                print(f"case {number} ({name}): {answer['outcome']}: {answer['detail']}", flush=True)
        observation.close()
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"{options.cases} cases, {len(names)} kinds of file: {told}; at most {heaviest} MB")
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
