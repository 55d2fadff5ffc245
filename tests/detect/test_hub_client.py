from __future__ import annotations

import pytest

from earwitness.core.errors import HubError, ModelError, UsageError
from earwitness.detect.hub import hub_client
from earwitness.detect.hub.hub_cache import HubAddress, pulled_folder
from earwitness.detect.hub.hub_client import HubClient, endpoint
from hub import METER, Hub
from in_process import Command


def test_a_hub_that_cannot_be_reached(earwitness: Command, the_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    done = earwitness("models", "pull", METER)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "cannot be reached" in done.err
    assert "--model" in done.err
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE is set" in earwitness("models", "pull", METER).err
    for address in ("ftp://x", "http://", "https://a:b@c", "http://[", "x" * 500):
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(UsageError, match="HF_ENDPOINT is"):
            endpoint()


def test_a_token_is_not_sent_in_the_clear(the_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [hub_client.may_carry_token(base) for base in (
        "https://huggingface.co", "http://127.0.0.1:8080", "http://[::1]:80", "http://localhost", "http://mirror.example",
        "http://10.0.0.1",
    )] == [True, True, True, True, False, False]  # fmt: skip
    with pytest.raises(HubError, match="no such repository"):
        HubClient(the_hub.base, "secret").commit_of(HubAddress("a/b"))
    assert the_hub.requests[-1][3] == "secret"
    with pytest.raises(ModelError, match="not on this machine"):
        pulled_folder(HubAddress("a/b"))
