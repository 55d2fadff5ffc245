"""Contact sheets of scenes: waveform, spectrogram, directions, distances and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import FRAME_SECONDS
from earwitness.core.files.atomic import atomic_file
from earwitness.core.geometry import wrap
from earwitness.scenes.scene import SAMPLE_RATE, Scene, SourceTrack

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Frame = NDArray[np.uint8]

_WINDOW: Final = 512
_FLOOR_DB: Final = -80.0
_PICTURE_TITLE: Final = "Picture"
_TITLES: Final = (
    "Waveform (left up, right down)",
    "Spectrogram of the sum (kHz)",
    "Azimuth (degrees, left up)",
    "Distance (m)",
)


def busiest_second(scene: Scene) -> float:
    """The earliest time with the most active on-screen sources."""
    onscreen = scene.labels.frame[scene.labels.onscreen]
    count = np.bincount(onscreen if onscreen.size else scene.labels.frame, minlength=1)
    return (int(np.argmax(count)) + 0.5) * FRAME_SECONDS


def write_preview(scenes: Sequence[Scene], path: Path, pictures: Sequence[Frame] = ()) -> None:
    """Write a contact sheet with one row per scene: waveform, spectrogram, azimuth and distance over time, a picture.

    Azimuth covers 360 degrees, so that sources behind the microphone are distinguished from those in front.

    Args:
        scenes: one per row.
        path: path of the PNG file.
        pictures: (H, W, 3) uint8, one per scene; empty for no pictures.

    Raises:
        EncodingError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    titles = (*_TITLES, _PICTURE_TITLE) if pictures else _TITLES
    shares = [1.0] * len(_TITLES) + [1.25] * bool(pictures)
    figure = Figure(figsize=(4.5 * sum(shares), 0.6 + 2.6 * len(scenes)), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(
        len(scenes), len(titles), squeeze=False, sharex="col", gridspec_kw={"width_ratios": shares}
    )  # fmt: skip
    for scene, row in zip(scenes, grid, strict=True):
        _waveform(row[0], scene)
        _spectrogram(row[1], scene)
        _tracks(row[2], row[3], scene)
    for scene, row, picture in zip(scenes, grid, pictures, strict=False):
        row[-1].imshow(picture)
        row[-1].set_axis_off()
        for axes in row[: len(_TITLES)]:
            axes.axvline(busiest_second(scene), color="tab:red", linewidth=0.6)
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title)
    for axes in grid[-1, : len(_TITLES)]:
        axes.set_xlabel("seconds")
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png")


def _waveform(axes: Axes, scene: Scene) -> None:
    time = np.arange(scene.audio.shape[1]) / SAMPLE_RATE
    top = float(np.abs(scene.audio).max()) or 1.0
    for samples, shift, colour in zip(scene.audio, (1, -1), ("tab:blue", "tab:orange"), strict=True):
        axes.plot(time, samples / top + shift, linewidth=0.4, color=colour)
    axes.set_yticks([1, -1], ["L", "R"])
    axes.set_xlim(0, scene.recipe.seconds)
    axes.set_ylim(-2.05, 2.05)
    axes.set_ylabel(f"room {scene.recipe.room + 1}, view {int(scene.recipe.view_deg)}")


def _spectrogram(axes: Axes, scene: Scene) -> None:
    mono = scene.audio.sum(axis=0)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(mono, (0, _WINDOW)), _WINDOW)[:: _WINDOW // 2]
    power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1)) ** 2
    level = 10 * np.log10(np.maximum(power / max(float(power.max()), 1e-12), 1e-12)).T
    extent = (0.0, scene.recipe.seconds, 0.0, SAMPLE_RATE / 2000)
    axes.imshow(level, origin="lower", aspect="auto", extent=extent, vmin=_FLOOR_DB, vmax=0, cmap="magma")


def _tracks(azimuth: Axes, distance: Axes, scene: Scene) -> None:
    for number, track in enumerate(scene.tracks):
        time, on = (np.arange(track.active.size) + 0.5) * FRAME_SECONDS, track.active
        colour = f"C{number % 10}"
        azimuth.plot(time[on], wrap(track.azimuth[on]), ".", color=colour)
        distance.plot(time[on], track.distance[on], ".", color=colour, label=_name(track))
    azimuth.set_ylim(-185, 185)
    azimuth.set_yticks([-180, -90, 0, 90, 180])
    azimuth.axhspan(-90, 90, color="tab:green", alpha=0.08)
    distance.set_ylim(bottom=0)
    for axes in (azimuth, distance):
        axes.set_xlim(0, scene.recipe.seconds)
        axes.grid(alpha=0.3)
    if scene.tracks:
        distance.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))


def _name(track: SourceTrack) -> str:
    return track.kind.replace("_", " ")
