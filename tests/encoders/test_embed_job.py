"""The command on a small data set, with encoders of random weights."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import EncoderError
from earwitness.data.dcase.layout import scan
from earwitness.encoders.protocol import EncoderSpec
from earwitness.encoders.store.embed_job import EmbedJob, embed
from earwitness.encoders.store.embedding_store import EmbeddingStore
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.wav import write_wav
from earwitness.media.writer import MediaWriter

pytest.importorskip("onnx", reason="the encoders' test weights are made with onnx (extra 'train')")

RATE = 24_000
NAMES = tuple(f"fold1_room001_mix{number:03d}_deg000_start0000" for number in range(1, 4))
SPLIT = "dev-train-synth"
runner = CliRunner()


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Three clips of 2 s; in the pictures of the last a bright spot is on the left."""
    root = tmp_path / "set"
    rng = np.random.default_rng(0)
    for number, name in enumerate(NAMES):
        sound = rng.normal(scale=0.05, size=(2, 2 * RATE)) * np.array([[1.0], [0.2]])
        write_wav(root / "stereo_dev" / SPLIT / f"{name}.wav", sound, RATE)
        path = root / "video_dev" / SPLIT / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        with MediaWriter(path, 320, 180, Fraction(30000, 1001), preset="ultrafast") as writer:
            picture = np.full((180, 320, 3), 60, dtype=np.uint8)
            picture[60:120, 40:90] = (60, 120, 250)[number]
            for frame in range(60):  # 2.002 s, as real clips of 5 s have 5.005 s of pictures
                writer.write_frame(picture, frame * 1001 / 30000)
    return root


def job(folder: Path, name: str = "yamnet", swap: bool = False) -> EmbedJob:
    return EmbedJob(EncoderSpec(name=name, folder=folder), swap=swap)


@pytest.fixture
def pictures(efficientnet_folder: Path) -> EmbedJob:
    return job(efficientnet_folder, "efficientnet-lite0", swap=True)


def test_the_command_fills_a_store(dataset: Path, yamnet_folder: Path, efficientnet_folder: Path) -> None:
    arguments = [
        "dataset", "embed", str(dataset), "--encoder", "yamnet,efficientnet-lite0", "--rate", "2", "--swap",
        "--weights", f"yamnet={yamnet_folder}", "--weights", f"efficientnet-lite0={efficientnet_folder}",
        "--set", "yamnet.channels=L,R", "--set", "yamnet.hop_frames=48", "--set", "efficientnet-lite0.rows=2",
    ]  # fmt: skip
    first = runner.invoke(app, arguments)
    assert first.exit_code == 0, first.output
    assert "yamnet: 3 new, 0 kept, 0 skipped" in first.output
    assert "efficientnet-lite0: 6 new, 0 kept, 0 skipped" in first.output
    again = runner.invoke(app, arguments)
    assert "yamnet: 0 new, 3 kept" in again.output
    sound, shown = (EmbeddingStore.open(dataset, name) for name in ("yamnet", "efficientnet-lite0"))
    assert sound.description.settings == {"channels": ["L", "R"], "hop_frames": 48}
    assert sound.clips == shown.clips == tuple(f"{SPLIT}/{name}" for name in NAMES)
    assert sound.get(sound.clips[0]).tokens.shape == (4, 2, 1024)
    assert shown.get(shown.clips[0]).tokens.shape == (4, 20, 1280)
    np.testing.assert_allclose(shown.get(shown.clips[0]).times, [0, 0.5, 1, 1.5])


def test_stored_tokens_are_the_encoders(dataset: Path, yamnet_folder: Path) -> None:
    clips = scan(dataset).clips
    embed(dataset, clips, job(yamnet_folder))
    from earwitness.media.sound.wav import read_pcm

    assert clips[0].sound is not None
    alone = EncoderSpec(name="yamnet", folder=yamnet_folder).load().encode(read_pcm(clips[0].sound), RATE)  # type: ignore[call-arg, arg-type]
    stored = EmbeddingStore.open(dataset, "yamnet").get(clips[0].id)
    np.testing.assert_array_equal(stored.tokens, alone.tokens.astype(np.float16))


def test_mirrored_pictures_are_encoded_apart(dataset: Path, pictures: EmbedJob) -> None:
    clips = scan(dataset).clips[2:]
    embed(dataset, clips, pictures)
    store = EmbeddingStore.open(dataset, "efficientnet-lite0")
    assert clips[0].picture is not None
    frames = np.stack([one.rgb for one in PictureReader(clips[0].picture, 2.0)][:4])
    encoder = pictures.spec.load()
    for swapped, shown in ((False, frames), (True, frames[:, :, ::-1])):
        wanted = encoder.encode(shown, np.arange(4) / 2)  # type: ignore[arg-type]
        np.testing.assert_allclose(store.get(clips[0].id, swapped).tokens, wanted.tokens, rtol=2e-3, atol=2e-3)
    assert not np.array_equal(store.get(clips[0].id, True).tokens, store.get(clips[0].id).tokens)


def test_workers_make_the_same_tokens(dataset: Path, yamnet_folder: Path, tmp_path: Path) -> None:
    clips = scan(dataset).clips
    embed(dataset, clips, job(yamnet_folder))
    report = embed(tmp_path / "other", clips, job(yamnet_folder), workers=2)
    assert report.made == 3
    one, two = EmbeddingStore.open(dataset, "yamnet"), EmbeddingStore.open(tmp_path / "other", "yamnet")
    for clip in one.clips:
        np.testing.assert_array_equal(one.get(clip).tokens, two.get(clip).tokens)


def test_goes_on_where_it_stopped_and_notices_changes(dataset: Path, yamnet_folder: Path) -> None:
    clips = scan(dataset).clips
    assert embed(dataset, clips[:1], job(yamnet_folder)).made == 1
    second = embed(dataset, clips, job(yamnet_folder))
    assert (second.made, second.kept) == (2, 1)
    before = EmbeddingStore.open(dataset, "yamnet").get(clips[1].id).tokens.copy()
    assert clips[1].sound is not None
    write_wav(clips[1].sound, np.random.default_rng(9).normal(scale=0.01, size=(2, 2 * RATE)), RATE)
    third = embed(dataset, clips, job(yamnet_folder))
    assert (third.made, third.kept) == (1, 2)
    after = EmbeddingStore.open(dataset, "yamnet").get(clips[1].id).tokens
    assert not np.array_equal(before, after)


def test_mirrored_pictures_can_be_added(dataset: Path, efficientnet_folder: Path, pictures: EmbedJob) -> None:
    clips = scan(dataset).clips
    assert embed(dataset, clips, job(efficientnet_folder, "efficientnet-lite0")).made == 3
    report = embed(dataset, clips, pictures)
    assert (report.made, report.kept) == (3, 3)


def test_damaged_files_are_named_and_skipped(dataset: Path, yamnet_folder: Path, efficientnet_folder: Path) -> None:
    sound = dataset / "stereo_dev" / SPLIT / f"{NAMES[1]}.wav"
    sound.write_bytes(sound.read_bytes()[:5000])
    write_wav(dataset / "stereo_dev" / SPLIT / f"{NAMES[2]}.wav", np.zeros((1, RATE)), RATE)
    video = dataset / "video_dev" / SPLIT / f"{NAMES[0]}.mp4"
    video.write_bytes(b"junk")
    result = runner.invoke(app, [
        "dataset", "embed", str(dataset), "--encoder", "yamnet,efficientnet-lite0",
        "--weights", f"yamnet={yamnet_folder}", "--weights", f"efficientnet-lite0={efficientnet_folder}",
    ])  # fmt: skip
    assert result.exit_code == 1
    assert "yamnet: 1 new, 0 kept, 2 skipped" in result.output
    assert "efficientnet-lite0: 2 new, 0 kept, 1 skipped" in result.output
    for name in NAMES:
        assert f"skipped {SPLIT}/{name}" in result.output
    assert "is truncated" in result.output
    assert "takes stereo sound" in result.output


def test_clips_without_pictures_are_no_failure(dataset: Path, pictures: EmbedJob, efficientnet_folder: Path) -> None:
    (dataset / "video_dev" / SPLIT / f"{NAMES[0]}.mp4").unlink()
    report = embed(dataset, scan(dataset).clips, pictures)
    assert (report.made, report.without, report.skipped) == (4, [f"{SPLIT}/{NAMES[0]}"], {})
    assert not EmbeddingStore.open(dataset, "efficientnet-lite0").has(f"{SPLIT}/{NAMES[0]}")
    shutil.rmtree(dataset / "video_dev")
    with pytest.raises(EncoderError, match="no clip has pictures"):
        embed(dataset, scan(dataset).clips, pictures)
