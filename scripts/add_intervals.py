"""Adds intervals to a model's card: `python scripts/add_intervals.py MODEL OUT.onnx SET... [--distance]`.

SETs are folders of `earwitness synthesize` with sounds and rooms that the model never learned from. Weights,
calibration and thresholds stay; with --distance, the factor of all distances is fitted to the same clips first, which
may be of several kinds, so that it suits near and far scenes. `earwitness export-model` fits intervals too; here they
can be fitted on more scenes, and to models that were exported without. Each half of the clips verifies what the other
one gives; the figures are printed, and written into the card's scores.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from score_model import listen, read_set

from earwitness.core.events import EventTable
from earwitness.data.dcase.labels import LabelRows
from earwitness.detect.model.card import card_path
from earwitness.detect.model.model_files import find_model
from earwitness.metrics.matching import matched_pairs
from earwitness.training.export.calibrate import FEW_EVENTS_LIMIT, distance_factor
from earwitness.training.export.fit_intervals import FEWEST_EVENTS, fit_intervals


def fitted_factor(references: list[EventTable], predictions: list[EventTable]) -> float:
    """What all distances have to be multiplied by."""
    rows, answers = ([LabelRows.from_table(table) for table in side] for side in (references, predictions))
    return distance_factor(matched_pairs(rows, answers))


def main() -> None:
    """Run the model on the sets, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("out", type=Path, help="the .onnx file to write; its card gets the same name with .json")
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--distance", action="store_true", help="fit the distance factor first")
    asked = parser.parse_args()
    file = find_model(asked.model)
    references: list[EventTable] = []
    predictions: list[EventTable] = []
    for folder in asked.sets:
        clips, sounds = read_set(folder)
        events = listen(asked.model, sounds).events
        references += [clip.rows.to_table(table.num_frames) for clip, table in zip(clips, events, strict=True)]
        predictions += events
    card = file.card
    if asked.distance:
        factor = fitted_factor(references, predictions)
        predictions = [table.with_columns(distance=table.distance * factor) for table in predictions]
        calibration = card.calibration.model_copy(update={"distance": round(card.calibration.distance * factor, 4)})
        card = card.model_copy(update={"calibration": calibration})
        print(f"distance factor: {calibration.distance:g}")
    intervals, verified = fit_intervals(references, predictions)
    if intervals is None:
        raise SystemExit(f"too few events of these scenes are found: {2 * FEWEST_EVENTS} or more are needed")
    for name, value in verified.items():
        print(f"{name}: {value:g}")
    if asked.out.resolve() != file.path.resolve():
        shutil.copyfile(file.path, asked.out)
    limits = tuple(limit for limit in card.limits if limit != FEW_EVENTS_LIMIT)
    update = {"intervals": intervals, "scores": card.scores | verified, "limits": limits}
    card.model_copy(update=update).write(card_path(asked.out))


if __name__ == "__main__":
    main()
