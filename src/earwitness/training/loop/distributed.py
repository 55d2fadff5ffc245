"""Devices, and data-parallel training with torchrun; with a single process the functions here change nothing.

Each process trains on its part of every batch. Losses, gradients and batch statistics are those of the whole batch, so
that a run does not depend on the number of processes, apart from the dropout masks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn.functional import all_reduce
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from earwitness.core.errors import TrainingError
from earwitness.core.files.lock import locked_folder


def pick_device(wanted: str) -> torch.device:
    """The device of `auto`, `cpu` or `cuda`.

    Raises:
        TrainingError: CUDA is requested but not available.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise TrainingError("run.device is cuda, but torch finds no usable GPU: use auto or cpu")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def fast_bf16(device: torch.device) -> bool:
    """Whether the device has bfloat16 instructions; emulated bfloat16 is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return any(torch.cpu.get_capabilities().get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def use_deterministic_algorithms() -> None:
    """Restrict torch to deterministic algorithms; it raises an error where an operation has none.

    Training on one CPU core is reproducible without this; on a GPU it costs speed.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by CUDA when it starts
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)


_TIMEOUT: Final = timedelta(hours=2)
"""How long processes wait for the first one, which validates."""


@dataclass(frozen=True, slots=True)
class World:
    """The processes of a run.

    Attributes:
        rank: number of this process, from 0.
        size: number of processes.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes and validates."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """This process's part of `count` scenes.

        Raises:
            TrainingError: `count` is not a multiple of the number of processes.
        """
        if count % self.size:
            raise TrainingError(f"{self.size} processes cannot share {count} scenes per batch evenly: change run.batch")
        each = count // self.size
        return slice(self.rank * each, (self.rank + 1) * each)

    def broadcast(self, value: object) -> object:
        """The first process's `value`, in all processes."""
        if self.size == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box)
        return box[0]


@contextmanager
def locked_by_first(folder: Path, command: str) -> Iterator[None]:
    """Lock the folder of a run in the first process; the others write nothing.

    Raises:
        InUseError: another program has locked it.
        EncodingError: the folder cannot be written.
    """
    with locked_folder(folder, command) if int(os.environ.get("RANK", "0")) == 0 else nullcontext():
        yield


def join(device: torch.device) -> World:
    """Join the process group of torchrun; without torchrun, a world of size 1."""
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        return World()
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_TIMEOUT)
    return World(distributed.get_rank(), distributed.get_world_size())


def local_device(device: torch.device) -> torch.device:
    """The GPU of this process, by its local rank."""
    if device.type != "cuda":
        return device
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def leave() -> None:
    """Leave the process group, if any."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def process_mean(value: Tensor) -> Tensor:
    """Mean of a value over the processes, without gradients."""
    if not distributed.is_initialized():
        return value.detach()
    summed = value.detach().clone()
    distributed.all_reduce(summed)
    return summed / distributed.get_world_size()


def data_parallel(model: nn.Module, world: World, *, unused: bool) -> nn.Module:
    """The model with gradients averaged over the processes.

    Args:
        model: prepared by `synchronise_batch_norm`.
        world: the processes.
        unused: whether some batches leave weights unused, as those of a missing modality.
    """
    if world.size == 1:
        return model
    devices = [next(model.parameters()).device] if next(model.parameters()).is_cuda else None
    return DistributedDataParallel(model, device_ids=devices, broadcast_buffers=False, find_unused_parameters=unused)


def synchronise_batch_norm(model: nn.Module, world: World) -> None:
    """Make batch normalisation use the statistics of the whole batch; weights and their names stay."""
    if world.size == 1:
        return
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                setattr(parent, name, SynchronisedBatchNorm(child))


class SynchronisedBatchNorm(nn.Module):
    """Batch normalisation with mean and variance over all processes, which hold equal numbers of values.

    torch's SyncBatchNorm does the same on GPUs only.

    Args:
        norm: layer whose weights and statistics it takes over.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
        super().__init__()
        self.eps, self.momentum = norm.eps, 0.1 if norm.momentum is None else norm.momentum
        for name, parameter in norm.named_parameters():
            self.register_parameter(name, parameter)
        for name, buffer in norm.named_buffers():
            self.register_buffer(name, buffer)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, ...) -> (B, C, ...)."""
        if not self.training:
            return functional.batch_norm(
                maps, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        axes = [axis for axis in range(maps.ndim) if axis != 1]
        values = maps.float()
        moments = torch.stack([values.mean(axes), values.square().mean(axes)])
        mean, square = all_reduce(moments) / distributed.get_world_size()  # type: ignore[no-untyped-call]
        variance = square - mean.square()
        count = values.numel() // maps.shape[1] * distributed.get_world_size()
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / max(count - 1, 1)), self.momentum)
            self.num_batches_tracked.add_(1)
        shape = (-1, *(1 for _ in range(maps.ndim - 2)))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        scaled: Tensor = (values - mean.view(shape)) * scale.view(shape) + self.bias.view(shape)
        return scaled.to(maps.dtype)
