"""Speed of rendering rooms, views and 5-s clips: `python bench/bench_pictures.py`, one thread."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from earwitness.core.events import EventTable  # noqa: E402
from earwitness.scenes.pictures import PictureRenderer, draw_interior, view  # noqa: E402
from earwitness.scenes.scene import NoiseRecipe, Scene, SceneRecipe, SourceTrack  # noqa: E402

FRAMES = 50


def _scene(walking: bool) -> Scene:
    """A speaking woman, who may walk past, a telephone and a knock, all in view."""
    share = np.linspace(0, 1, FRAMES)
    azimuth = 35 - 60 * share if walking else np.full(FRAMES, 35.0)
    sounding = (np.arange(FRAMES) // 12) % 2 == 0

    def track(kind: str, degrees: np.ndarray, elevation: float, distance: float) -> SourceTrack:
        return SourceTrack(kind, sounding, degrees, np.full(FRAMES, elevation), np.full(FRAMES, distance))

    tracks = (
        track("female_speech", azimuth, 3.0, 2.2),
        track("telephone", np.full(FRAMES, -10.0), -14.0, 2.0),
        track("knock", np.full(FRAMES, -30.0), -2.0, 3.5),
    )
    recipe = SceneRecipe(5.0, 0, 0.0, (), NoiseRecipe(None, 0.0, -60.0, -70.0, 0.0, 0), -3.0)
    return Scene(recipe, np.zeros((2, 120_000), dtype=np.float32), EventTable.empty(FRAMES), tracks)


def _seconds(action: Callable[[], object], repeats: int) -> float:
    action()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main() -> None:
    """Print a table."""
    panorama = np.random.default_rng(0).integers(0, 256, (960, 1920, 3)).astype(np.uint8)
    interior = draw_interior((6.0, 4.5, 2.7), (2.7, 2.2, 1.4), np.random.default_rng(0))
    renderer = PictureRenderer()
    rows = [
        ("view 640x360 of a 1920x960 panorama", _seconds(lambda: view(panorama, 30.0), 20)),
        (
            "draw a room's surfaces",
            _seconds(lambda: draw_interior((6, 4.5, 2.7), (2.7, 2.2, 1.4), np.random.default_rng(0)), 5),
        ),
        ("view 640x360 of a drawn room", _seconds(interior.view, 5)),
        ("panorama 1920x960 of a drawn room", _seconds(lambda: interior.panorama(1920), 3)),
        (
            "5-s clip, 150 pictures, sources at rest",
            _seconds(lambda: sum(1 for _ in renderer.render(_scene(False), 1)), 5),
        ),
        ("5-s clip, 150 pictures, one walking", _seconds(lambda: sum(1 for _ in renderer.render(_scene(True), 1)), 5)),
    ]
    for name, seconds in rows:
        print(f"{name:45s} {seconds * 1000:8.0f} ms")


if __name__ == "__main__":
    main()
