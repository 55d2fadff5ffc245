"""What a run computes on."""

from __future__ import annotations

import os

import torch

from earwitness.errors import TrainingError


def pick_device(wanted: str) -> torch.device:
    """The device of `auto`, `cpu` or `cuda`.

    Raises:
        TrainingError: CUDA was asked for and is not there.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise TrainingError("run.device is cuda, but torch finds no usable GPU: use auto or cpu")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def fast_bf16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16; emulated, it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return any(torch.cpu.get_capabilities().get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def be_deterministic() -> None:
    """Let torch take only algorithms that give the same bits every time, or say which one there is not.

    On one processor core training is reproducible without it; on a GPU it costs speed.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by CUDA when it starts
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
