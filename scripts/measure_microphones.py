"""Scores models on the same scenes with different microphones: `python scripts/measure_microphones.py BANK`.

Draws scenes of the preset starss from the validation sounds and rooms, which no training uses, and renders each with
every microphone: the events, rooms and noise are the same. Prints F20/1 and DOAE of each microphone with jackknife
intervals over the scenes, beside the share of the recordings in which `doctor` finds spaced microphones; with --versus,
the paired differences of two models. The events are those of `detect`, whatever it warns of, except that unlikely
events are not dropped, which not all models do. --write puts the figures into the card of the model, on which the
warnings of `doctor` and `detect` depend.

  python scripts/measure_microphones.py BANK --model runs/microphones.onnx --versus default --scenes 150
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import decode
from earwitness.data.dcase.labels import LabelRows
from earwitness.detect.live_stream import MERGE_DEG
from earwitness.detect.model.card import card_path
from earwitness.detect.model.loading import load
from earwitness.detect.model.microphone_scores import MicrophoneScore, MicrophoneScores
from earwitness.detect.model.model_files import DEFAULT_MODEL, find_model
from earwitness.detect.runner.model_runner import Runner
from earwitness.doctor.channel_stats import ChannelStats
from earwitness.doctor.diagnosis import is_spaced, judge
from earwitness.metrics import Counts, Protocol, count, jackknife
from earwitness.results.detection import off_screen
from earwitness.scenes import PoolConfig, SceneConfig, Synthesizer
from earwitness.scenes.acoustics.microphones import has_spaced, microphone_called
from earwitness.scenes.scene import SAMPLE_RATE, Scene

RULES: Final = Protocol.STRICT
SEED: Final = 6161
ROOMS: Final = PoolConfig(rooms=40, positions=26, paths=4, path_points=9, kind="varied", seed=1_000_003)
"""Those on which runs of the recipe default-starss are validated."""
MICROPHONES: Final = ("dcase", "xy", "ms", "ortf", "phone", "head", "omni-3cm", "omni-20cm", "cardioid-8cm-45deg")
QUANTITIES: Final = ("f_score", "doa_error_deg")


def answers(runner: Runner, audio: NDArray[np.float32]) -> EventTable:
    """Events of a model, as `detect` finds them in sound without pictures."""
    card = runner.card
    output = np.concatenate(list(runner.outputs([audio])))
    table = decode(
        output, threshold=card.thresholds, merge_deg=MERGE_DEG, vocabulary=card.vocabulary.vocabulary(),
        decoding=card.decoding,
    )  # fmt: skip
    return card.smoothing.keeping_unlikely().apply(off_screen(table))


def refused(audio: NDArray[np.float32]) -> bool:
    """Whether `doctor` finds spaced microphones."""
    stats = ChannelStats(SAMPLE_RATE)
    stats.add(audio)
    return any(map(is_spaced, judge(stats.figures())))


def measure(
    maker: Synthesizer, runners: Sequence[Runner], microphones: Sequence[str], scenes: int, seed: int
) -> dict[str, tuple[list[Counts], float]]:
    """For each microphone the counts of each model and the share of recordings with a warning of spaced microphones."""
    truth: list[LabelRows] = []
    found: dict[str, list[list[LabelRows]]] = {name: [[] for _ in runners] for name in microphones}
    warned = dict.fromkeys(microphones, 0)
    for number in range(scenes):
        recipe = maker.draft(np.random.SeedSequence(seed, spawn_key=(number,)))
        for name in microphones:
            scene: Scene = maker.render(replace(recipe, microphone=name, flaws=None))
            warned[name] += refused(scene.audio)
            for rows, runner in zip(found[name], runners, strict=True):
                rows.append(LabelRows.from_table(answers(runner, scene.audio)))
        truth.append(LabelRows.from_table(scene.labels))
    names = [f"scene{number:05d}" for number in range(scenes)]
    return {
        name: ([count(names, truth, rows, RULES) for rows in found[name]], warned[name] / scenes)
        for name in microphones
    }


def figures(counts: Sequence[Counts], warned: float) -> dict[str, Any]:
    """Estimate and bounds of each quantity, for each model and for the difference of the first and the second."""
    result: dict[str, Any] = {"warned_share": warned}
    intervals = [jackknife(one, RULES) for one in counts]
    if len(counts) == 2:
        intervals.append(jackknife(counts[0], RULES, minus=counts[1]))
    for key, one in zip(("model", "versus", "difference"), intervals, strict=False):
        result[key] = {
            name: [round(float(value), 4) for value in (of.estimate, of.low, of.high)]
            for name in QUANTITIES
            for of in (one.of("macro", name),)
        }
    return result


def table(report: dict[str, dict[str, Any]], models: Sequence[str]) -> list[str]:
    """The report as Markdown."""
    heads = ["microphone", "doctor: spaced"]
    for key in (*models, *(["difference"] if len(models) == 2 else [])):
        heads += [f"F20/1, {key}", f"DOAE (deg), {key}"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for name, figure in report.items():
        cells = [name, f"{figure['warned_share']:.0%}"]
        for key in ("model", "versus", "difference"):
            if key in figure:
                sign = "+" if key == "difference" else ""
                cells += [
                    f"{value:{sign}.{digits}f} ({low:{sign}.{digits}f} .. {high:{sign}.{digits}f})"
                    for digits, (value, low, high) in zip((3, 1), figure[key].values(), strict=True)
                ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def write_card(model: str, scenes: int, report: dict[str, dict[str, Any]]) -> MicrophoneScores:
    """Put the scores of a model into its card."""
    file = find_model(model)
    of = {
        name: MicrophoneScore(
            spaced=has_spaced({name: 1.0}), **{key: figure["model"][key][0] for key in QUANTITIES}
        )
        for name, figure in report.items()
    }  # fmt: skip
    scores = MicrophoneScores(scenes=scenes, of=of)
    file.card.model_copy(update={"microphones": scores}).write(card_path(file.path))
    return scores


def main() -> None:
    """Render, run, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank", type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--versus", metavar="MODEL")
    parser.add_argument("--scenes", type=int, default=150)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--microphones", nargs="+", default=MICROPHONES, metavar="NAME")
    parser.add_argument("--cache", type=Path, help="folder of simulated rooms")
    parser.add_argument("--write", action="store_true", help="write the figures into the model's card")
    parser.add_argument("--json", type=Path, help="file for the figures")
    given = parser.parse_args()
    for name in given.microphones:
        microphone_called(name)
    models = [given.model, *([given.versus] if given.versus else [])]
    runners = [load(one)[0] for one in models]
    maker = Synthesizer.from_bank(
        given.bank, split="valid", rooms=ROOMS, config=SceneConfig(preset="starss"), cache=given.cache
    )
    counted = measure(maker, runners, given.microphones, given.scenes, given.seed)
    report = {name: figures(counts, warned) for name, (counts, warned) in counted.items()}
    if given.json:
        given.json.write_text(json.dumps({"scenes": given.scenes, "models": models, "microphones": report}, indent=1))
    print(f"{given.scenes} scenes, seed {given.seed}")
    print("\n".join(table(report, models)))
    if given.write:
        print(write_card(given.model, given.scenes, report).advice() or "of no use for spaced microphones")


if __name__ == "__main__":
    main()
