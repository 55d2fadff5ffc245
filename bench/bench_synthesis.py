"""Speed of the synthesiser in 5-s scenes per second: `python bench/bench_synthesis.py [--bank DIR]`, one thread.

Times are processor seconds of one core, so that other processes count little.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from earwitness.features import FeatureExtractor  # noqa: E402
from earwitness.scenes import PoolConfig, SceneConfig, Synthesizer  # noqa: E402
from earwitness.scenes.acoustics.microphones import DEFAULT, MICROPHONES  # noqa: E402
from earwitness.scenes.writing.scene_clips import RenderJob, render_clip  # noqa: E402

TINY_BANK = Path(__file__).parents[1] / "tests" / "data" / "bank"
SCENES = 150
VIDEO_CLIPS = 24


def rate(synthesizer: Synthesizer, *, features: bool = False, scenes: int = SCENES) -> float:
    """Scenes per second, with the pool and the decoded bank in memory."""
    extract = FeatureExtractor() if features else None
    seeds = np.random.SeedSequence(1).spawn(scenes)
    synthesizer.scene(seeds[0])
    begin = time.process_time()
    for seed in seeds:
        scene = synthesizer.scene(seed)
        if extract:
            extract(scene.audio)
    return scenes / (time.process_time() - begin)


def walking_rate(synthesizer: Synthesizer) -> float:
    """Seconds of one walking source, with room and labels, rendered per second."""
    config = SceneConfig(moving_probability=1.0, event_weights=(1.0,), empty_probability=0.0)
    walking = Synthesizer(synthesizer.bank, synthesizer.pool, config)
    drafts = [walking.draft(seed) for seed in np.random.SeedSequence(2).spawn(SCENES)]
    drafts = [replace(draft, events=draft.events[:1]) for draft in drafts if len(draft.events[0].rirs) > 1]
    begin = time.process_time()
    for draft in drafts:
        walking.render(draft)
    return sum(draft.seconds for draft in drafts) / (time.process_time() - begin)


def clip_rate(job: RenderJob, clips: int) -> float:
    """Clips per second, written to a folder."""
    render_clip(job, 0)
    begin = time.process_time()
    for index in range(1, clips + 1):
        render_clip(job, index)
    return clips / (time.process_time() - begin)


def main() -> None:
    """Print rates of rooms, scenes and clips."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bank", type=Path, default=TINY_BANK)
    bank = parser.parse_args().bank
    with tempfile.TemporaryDirectory() as folder:
        rooms = PoolConfig(rooms=10)
        begin = time.process_time()
        synthesizer = Synthesizer.from_bank(bank, rooms=rooms, cache=folder)
        seconds = time.process_time() - begin
        rirs = len(synthesizer.pool)
        print(f"{'room pool':<34}{rirs / seconds:>8.0f} RIRs/s ({rirs} RIRs of {rooms.rooms} rooms)")
        synthesizer.bank.preload()
        cases = {
            "static sources": SceneConfig(moving_probability=0.0),
            "default (20 % moving)": SceneConfig(),
            "all moving": SceneConfig(moving_probability=1.0),
        }
        cases |= {f"default, {name}": SceneConfig(microphone=name) for name in MICROPHONES if name != DEFAULT}
        for name, config in cases.items():
            print(f"{name:<34}{rate(Synthesizer(synthesizer.bank, synthesizer.pool, config)):>8.0f} scenes/s of 5 s")
        print(f"{'default, with features':<34}{rate(synthesizer, features=True):>8.0f} scenes/s of 5 s")
        print(f"{'one walking source':<34}{walking_rate(synthesizer):>8.0f} times real time")
        job = RenderJob(bank, Path(folder) / "sound", 1, None, rooms, SceneConfig(), Path(folder))
        print(f"{'clips on disk, sound only':<34}{clip_rate(job, SCENES):>8.0f} clips/s of 5 s")
        job = replace(job, out=Path(folder) / "video", video=True)
        print(f"{'clips on disk, with video':<34}{clip_rate(job, VIDEO_CLIPS):>8.1f} clips/s of 150 pictures")


if __name__ == "__main__":
    main()
