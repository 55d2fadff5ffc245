"""The page, in Gradio: what can be dropped or recorded, what can be chosen, and what comes of it."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import gradio as gr

from earwitness.core.errors import EarwitnessError
from earwitness.export.wording import direction_in_degrees
from earwitness.serve.uploads import UploadOptions, UploadProcessor, UploadResult

TITLE: Final = "earwitness"
FONTS: Final = ("system-ui", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif")
_ABOUT: Final = """# earwitness
**What sounds in this video, when, from where, how far away, and is it in the picture?**
Drop a video or a stereo recording, or record one. Everything happens on this machine: nothing is sent elsewhere."""


def build_page(workshop: UploadProcessor) -> gr.Blocks:
    """The page whose uploads `workshop` works on."""
    limits = workshop.limits
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(60, round(limits.keep_minutes * 60))) as page:
        gr.Markdown(_ABOUT)
        with gr.Row():
            with gr.Column(scale=3):
                with gr.Tab("File"):
                    file = gr.File(label="Video or sound file", file_types=["video", "audio"], elem_id="file")
                with gr.Tab("Record sound"):
                    sound = gr.Audio(sources=["microphone"], type="filepath", label="Most microphones are mono")
                with gr.Tab("Record video"):
                    camera = gr.Video(
                        sources=["webcam"], include_audio=True, webcam_options=gr.WebcamOptions(mirror=False),
                        label="Camera and microphone",
                    )  # fmt: skip
            with gr.Column(scale=2):
                video = gr.Checkbox(True, label="Draw the events into a copy of the video")
                captions = gr.Radio(["terse", "full"], value="terse", label="Captions")
                fov = gr.Slider(
                    20, 160, value=100, step=1, label="Horizontal field of view of the camera, degrees",
                    info="Phones see about 40 held upright, 65 held level",
                )  # fmt: skip
                mono = gr.Checkbox(False, label="Take mono too: what sounds, without directions")
                gr.Markdown(
                    f"At most {limits.megabytes:g} MB and {limits.minutes:g} minutes; results are removed after "
                    f"{limits.keep_minutes:g} minutes."
                )
                button = gr.Button("Listen", variant="primary", elem_id="listen")
        result = gr.HTML(elem_id="result")

        # Gradio finds the bar by its being a default.
        progress_bar = gr.Progress()

        def listen(
            file: str | None, sound: str | None, camera: str | None, video: bool, captions: Any, fov: float,
            mono: bool, progress: Any = progress_bar,
        ) -> str:  # fmt: skip
            given = file or sound or camera
            if given is None:
                raise gr.Error("Drop or record something first.", print_exception=False)
            wishes = UploadOptions(video=video, captions=captions, fov=float(fov), mono=mono)
            try:
                outcome = workshop.process(Path(given), wishes, lambda share, what: progress(share, desc=what))
            except EarwitnessError as error:
                raise gr.Error(escape(str(error)), print_exception=False) from None
            except FileNotFoundError:
                raise gr.Error("This file was listened to already; drop it again.", print_exception=False) from None
            return shown(outcome)

        button.click(
            listen, [file, sound, camera, video, captions, fov, mono], result, concurrency_limit=1, api_name="listen"
        )
    page.queue(max_size=limits.queue)
    return page


def shown(outcome: UploadResult) -> str:
    """The results as HTML: a line in words, links to all files, and the report in a frame."""
    base = f"results/{outcome.token}/"
    links = " · ".join(
        f'<a href="{base}{quote(name)}" download="{escape(name)}">{escape(name)}</a>' for name in outcome.files
    )
    events = outcome.detection.events
    words = [f"{event.sound_class.name} {direction_in_degrees(event.azimuth)}" for event in events[:3]]
    count = "1 event" if len(events) == 1 else f"{len(events)} events"
    heard = f"{count}: {', '.join(words)}{', …' if len(events) > 3 else ''}" if events else "No events."
    vision_off_reason = outcome.detection.vision_off_reason
    looked = f"<p>Pictures were not looked at: {escape(vision_off_reason)}</p>" if vision_off_reason else ""
    return (
        f"<p>{escape(heard)}</p>{looked}<p>{links}</p>"
        f'<iframe src="{base}{quote(outcome.report)}" title="Report" '
        'style="width:100%;height:1100px;border:1px solid #8884;border-radius:12px" allow="fullscreen"></iframe>'
    )
