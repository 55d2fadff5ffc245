from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="ablations need torch (extra 'train')")


from ablation_sets import write_ablation
from earwitness.core.errors import UsageError
from earwitness.core.events import EventTable
from earwitness.training import ablation_report
from earwitness.training.ablation_plan import load_plan
from earwitness.training.ablation_report import tabulate
from earwitness.training.ablation_runs import ablate


def test_events_are_merged_with_what_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    class Fake:
        """Sees one thing, in three frames."""

        def analyse(self, path: Path, table: EventTable) -> Any:
            looked.append(path.name)
            three = np.arange(3)
            seen = EventTable.from_columns(
                frame=three, class_index=three * 0 + 4, azimuth=three * 0, distance=three * 0 + 1.0,
                onscreen=three == 0, num_frames=table.num_frames,
            )  # fmt: skip
            return SimpleNamespace(fused=SimpleNamespace(table=seen))

    path = write_ablation(tmp_path, seen={"plain, seen": {"variant": "plain", "detector": "some"}}, seeds=[0, 1])
    (clip,) = sorted((tmp_path / "test" / "stereo_dev").rglob("*.wav"))[:1]
    video = tmp_path / "test" / "video_dev" / "dev-train-synth" / f"{clip.stem}.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"seen by nobody")
    monkeypatch.setattr(
        ablation_report, "open_visual_analysis", lambda name: (Fake() if name == "some" else None, "there are none")
    )
    plan, out = load_plan(path), tmp_path / "out"
    ablate(plan, out, ["plain"], say=lambda line: None)
    rows = {row.name: row for row in tabulate(plan, out)}
    assert looked == [video.name] * 2
    counted = rows["plain, seen"].pooled.only("file", 0).by("file")[0]
    assert counted[0] + counted[2] == 2 * 3  # pairs and false alarms, of two seeds
    assert rows["plain, seen"].minus(rows["plain"]).units == 5
    monkeypatch.setattr(ablation_report, "open_visual_analysis", lambda name: (None, "there are none"))
    with pytest.raises(UsageError, match="visual post-processing: there are none"):
        tabulate(plan, out)
