"""A small valid file of each kind, from which damaged and made ones are built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

RATE = 48_000
CONTAINERS = (
    ("flac.flac", "flac", "stereo"), ("ogg.ogg", "libopus", "stereo"), ("surround.wav", "pcm_s16le", "5.1"),
    ("mp4.mp4", "aac", "stereo"), ("mkv.mkv", "libopus", "stereo"), ("ts.ts", "mp2", "stereo"),
    ("avi.avi", "pcm_s16le", "stereo"), ("caf.caf", "pcm_s16le", "stereo"), ("aiff.aiff", "pcm_s16be", "stereo"),
    ("w64.w64", "pcm_s16le", "stereo"), ("mp3.mp3", "libmp3lame", "stereo"),
)  # fmt: skip
WITH_PICTURES = ("mp4.mp4", "mkv.mkv", "ts.ts")


def write_valid(folder: Path) -> list[str]:
    """Write a valid file of each kind; returns their names."""
    from earwitness.data.dcase.labels import HEADER
    from earwitness.media.sound.wav import write_wav

    rng = np.random.default_rng(0)
    stereo = rng.normal(scale=0.05, size=(2, 24_000)).astype(np.float32) * np.array([[1.0], [0.3]], np.float32)
    write_wav(folder / "sound.wav", stereo, 24_000)
    for name, codec, layout in CONTAINERS:
        _encode(folder / name, stereo, codec, layout, pictures=name in WITH_PICTURES)
    rows = "".join(f"{frame},{frame % 13},0,{frame - 30},{100 + frame},{frame % 2}\n" for frame in range(50))
    (folder / "labels.csv").write_text(f"{HEADER}\n{rows}")
    _bank(folder / "bank.csv")
    _scene(folder / "scene.json")
    _models(folder)
    (folder / "recipe.yaml").write_text("name: r\ndata: {bank: b, valid_scenes: 3}\nrun: {batch: 2, steps: 5}\n")
    _pictures(folder)
    write_sofa(folder / "room.sofa")
    _journal(folder / "journal.jsonl")
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def _encode(path: Path, stereo: Any, codec: str, layout: str, *, pictures: bool) -> None:
    import av

    sound = np.repeat(stereo, 2, axis=1)[:, :RATE]
    if layout == "5.1":
        sound = np.concatenate([sound, sound, sound])
    with av.open(str(path), "w", format="mpegts" if path.suffix == ".ts" else None) as output:
        video: Any = output.add_stream("libx264", rate=5, options={"preset": "ultrafast"}) if pictures else None
        if video is not None:
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio: Any = output.add_stream(codec, rate=RATE, layout=layout)
        for number in range(5 if pictures else 0):
            picture = np.full((48, 64, 3), 40 * number, np.uint8)
            output.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=layout)
        frame.sample_rate = RATE
        resampler = av.AudioResampler(audio.format, layout, RATE, frame_size=audio.codec_context.frame_size or 1024)
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


def _journal(path: Path) -> None:
    entry = {"source": "/a/b.wav", "target": "b", "stamp": [1, 2], "written": {"b.csv": 3, "b.json": 4}}
    head = {"journal": 1, "fingerprint": "x", "run": {}, "names": {"b": "/a/b.wav"}}
    path.write_text(f"{json.dumps(head)}\n{json.dumps(entry)}\n")


def _models(folder: Path) -> None:
    """The smallest network as safetensors, training state, ONNX with card, ensemble, and a detection by it."""
    import torch

    from earwitness.batch.formats import write
    from earwitness.detect.detector import Detector
    from earwitness.detect.model.card import ModelCard, file_sha256
    from earwitness.detect.model.ensemble_file import write_ensemble
    from earwitness.detect.model.loading import ensemble_card, member_file
    from earwitness.features import FeatureConfig
    from earwitness.models.checkpoint import save_model
    from earwitness.models.seld import SeldNet
    from earwitness.models.seld_config import SeldConfig
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
    model = folder / "model.onnx"
    export_onnx(net, model)
    card = ModelCard(
        name="tiny", features=FeatureConfig(), model={}, thresholds=(0.05,) * 13, sha256=file_sha256(model)
    )
    card.write(folder / "model.json")
    members = [member_file(str(model)), member_file(f"mirror:{model}")]
    write_ensemble(folder / "pair.ensemble", members, ensemble_card([card, card], ["tiny", "mirror:tiny"]))
    write(Detector.load(model).detect(folder / "sound.wav"), folder / "events.json", "json")


def _pictures(folder: Path) -> None:
    from PIL import Image

    thing = Image.new("RGBA", (40, 60), (0, 0, 0, 0))
    thing.paste((200, 30, 30, 255), (8, 10, 30, 55))
    thing.save(folder / "thing.png")
    thing.save(folder / "moving.webp", save_all=True, append_images=[thing.rotate(5), thing.rotate(10)], duration=80)
    Image.radial_gradient("L").resize((128, 64)).convert("RGB").save(folder / "around.jpg")


def write_sofa(path: Path, **changes: Any) -> None:
    """Write a SOFA file of a room; `changes` replace variables and attributes (`None` leaves one out)."""
    import h5py

    angle = np.radians(np.arange(0, 360, 45))
    places = np.stack([np.cos(angle), np.sin(angle), np.zeros(8)], axis=1) * 1.5
    responses = np.random.default_rng(0).standard_normal((8, 4, 2400)) * np.exp(-np.arange(2400) / 400) * 0.05
    responses[:, :, 210] += np.stack([np.ones(8), np.sin(angle), np.zeros(8), np.cos(angle)], axis=1)
    variables: dict[str, Any] = {
        "Data.IR": responses, "Data.SamplingRate": np.array([48_000.0]), "Data.Delay": np.zeros((1, 4)),
        "ListenerPosition": np.array([[0.0, 0.0, 1.4]]), "ListenerView": np.array([[1.0, 0.0, 0.0]]),
        "ListenerUp": np.array([[0.0, 0.0, 1.0]]), "ReceiverPosition": np.zeros((4, 3, 1)),
        "EmitterPosition": np.zeros((1, 3, 1)), "SourcePosition": places + np.array([0.0, 0.0, 1.4]),
    }  # fmt: skip
    attributes = {"Conventions": "SOFA", "SOFAConventions": "SingleRoomSRIR", "DataType": "FIR"}
    units = changes.pop("units", {})
    attributes |= {name: value for name, value in changes.items() if name in attributes}
    variables |= {name: value for name, value in changes.items() if name not in attributes}
    with h5py.File(path, "w") as file:
        file.attrs.update({name: value for name, value in attributes.items() if value is not None})
        for name, value in variables.items():
            if value is None:
                continue
            file[name] = value
            if name.endswith(("Position", "View")):
                file[name].attrs["Type"] = "spherical harmonics" if name == "ReceiverPosition" else "cartesian"
            if name in units:
                for key, text in units[name].items():
                    file[name].attrs[key] = text
