"""Speed of embedding data sets: `python bench/bench_encoders.py [--large]`.

Uses the downloaded weights of YAMNet and EfficientNet-Lite0. With --large, also CLAP and OWL-ViT in their published
sizes with random weights, which cost the same. Prints processor milliseconds per 5-s clip on one thread, and the share
of video decoding. Processor time is more stable than wall-clock time on a busy machine.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from earwitness.core.errors import MissingWeightsError
from earwitness.data.dcase.layout import scan
from earwitness.encoders.protocol import EncoderSpec
from earwitness.encoders.store.embed_job import DEFAULT_RATE, EmbedJob, embed
from earwitness.encoders.store.embedding_store import EmbeddingStore
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.wav import write_wav
from earwitness.media.writer import MediaWriter

RATE = 24_000
SECONDS = 5
FPS = Fraction(30000, 1001)
CLIPS = 4
READS = 200


def make_set(root: Path) -> Path:
    """Write clips in the format of DCASE2025: noise, and moving blocks as the picture."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (18, 32, 3), dtype=np.uint8).repeat(20, axis=0).repeat(20, axis=1)
    for number in range(CLIPS):
        name = f"fold1_room001_mix{number:03d}_deg000_start0000"
        sound = rng.normal(scale=0.05, size=(2, SECONDS * RATE))
        write_wav(root / "stereo_dev" / "dev-train-synth" / f"{name}.wav", sound, RATE)
        video = root / "video_dev" / "dev-train-synth" / f"{name}.mp4"
        video.parent.mkdir(parents=True, exist_ok=True)
        with MediaWriter(video, 640, 360, FPS, preset="ultrafast") as writer:
            for frame in range(round(SECONDS * FPS)):
                writer.write_frame(np.roll(picture, 4 * frame, axis=1), float(frame / FPS))
    return root


def processor_ms(work: Callable[[], object]) -> float:
    """Processor time of `work`, milliseconds, all threads."""
    begin = time.process_time()
    work()
    return (time.process_time() - begin) * 1000


def save_large(folder: Path) -> dict[str, Path]:
    """Save CLAP and OWL-ViT in their published sizes with random weights and a minimal text tower."""
    import transformers

    text = {"hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    models = {
        "clap": transformers.ClapModel(transformers.ClapConfig(text_config=text)),
        "owlvit": transformers.OwlViTModel(transformers.OwlViTConfig(text_config=text, vision_config={})),
    }
    for name, model in models.items():
        model.save_pretrained(folder / name)
    return {name: folder / name for name in models}


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        root = make_set(Path(folder, "set"))
        clips = scan(root).clips
        specs = [EncoderSpec(name=name) for name in ("yamnet", "efficientnet-lite0")]
        if "--large" in sys.argv[1:]:
            specs += [EncoderSpec(name=name, folder=path) for name, path in save_large(Path(folder)).items()]
        print(f"{'processor ms per 5-s clip, one thread':52} {'ms':>8} {'clips/s':>8} {'kB/clip':>10}")
        path = clips[0].picture
        assert path is not None
        decoding = processor_ms(lambda: list(PictureReader(path, DEFAULT_RATE)))
        print(f"{f'decoding 640x360 video, {DEFAULT_RATE:g} pictures/s':52} {decoding:8.1f}")
        for spec in specs:
            # One clip is enough for a network that takes seconds per clip.
            chosen = clips[:1] if spec.folder else clips
            for swap in (False, True) if spec.modality == "picture" and not spec.folder else (False,):
                job, target = EmbedJob(spec, swap=swap), Path(folder, f"out-{spec.name}-{swap}")
                try:
                    job.load()
                except MissingWeightsError as error:
                    print(f"{spec.name:52} {error}")
                    continue
                loading = processor_ms(job.load)
                spent = processor_ms(lambda target=target, chosen=chosen, job=job: embed(target, chosen, job)) - loading
                store = EmbeddingStore.open(target, spec.name)
                size = sum(record.size for record in store.records.values()) / len(chosen) / 1000
                label = f"{spec.name}{', and mirrored' if swap else ''}"
                print(f"{label:52} {spent / len(chosen):8.1f} {1000 * len(chosen) / spent:8.2f} {size:10.0f}")
        store = EmbeddingStore.open(Path(folder, "out-yamnet-False"), "yamnet")
        spent = processor_ms(lambda: [np.array(store.get(store.clips[k % CLIPS]).tokens) for k in range(READS)])
        print(f"{'reading a clip from the store (yamnet)':52} {spent / READS:8.3f}")


if __name__ == "__main__":
    main()
