"""Writes synthetic scenes as a DCASE2025 data set, by any engine."""

from __future__ import annotations

from collections.abc import Callable

from earwitness.media.atomic import remove_partial_files
from earwitness.synthesis.clips import FOLDERS, SPLIT, kept_clips
from earwitness.synthesis.credits import write_credits
from earwitness.synthesis.engines import Engine, Processes
from earwitness.synthesis.job import RenderJob
from earwitness.synthesis.scene import Scene


def render_folder(
    job: RenderJob,
    clips: int,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    engine: Engine | None = None,
) -> int:
    """Render clips 0 .. clips - 1 of `job` into its folder, and their credits; clips that are there already are kept.

    Args:
        job: what to render.
        clips: number of clips.
        workers: processes; the files are the same whatever their number.
        progress: called with (clips done, clips in all).
        engine: what does the work instead of processes on this machine.

    Returns:
        How many clips were rendered now.

    Raises:
        SynthesisError: the folder holds clips made with other options, or the engine broke down.
        EncodingError: a file cannot be written.
        BankError: a sound or a room cannot be used.
    """
    for folder in (job.out, *(job.out / folder / SPLIT for folder in FOLDERS)):
        remove_partial_files(folder)
    kept = kept_clips(job)
    tasks = [(index, kept.get(index)) for index in range(clips)]
    job.synthesizer()  # builds the pool once, before the workers look for it
    rendered = 0
    for done, new in enumerate((engine or Processes(workers)).run(job, tasks), start=1):
        rendered += new
        if progress:
            progress(done, clips)
    write_credits(job.out, job.synthesizer().bank)
    return rendered


def first_scenes(job: RenderJob, clips: int) -> list[Scene]:
    """Scenes of clips 0 .. clips - 1, rendered anew, as for a preview."""
    return [job.synthesizer().scene(job.scene_seed(index)) for index in range(clips)]
