from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

from earwitness.training.loop.distributed import be_deterministic


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    yield
    torch.use_deterministic_algorithms(False)
    os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)


@pytest.mark.usefixtures("restored")
def test_an_algorithm_that_is_not_deterministic_is_refused() -> None:
    be_deterministic()
    assert torch.are_deterministic_algorithms_enabled()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    with pytest.raises(RuntimeError, match="deterministic"):
        torch.ones(4).put_(torch.tensor([1, 1]), torch.tensor([2.0, 3.0]))
