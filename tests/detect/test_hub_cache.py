from __future__ import annotations

import json
from pathlib import Path

import pytest

from earwitness.core.errors import UsageError
from earwitness.detect.detector import Detector
from earwitness.detect.hub.hub_cache import HubAddress, pulled_addresses, pulled_folder
from earwitness.detect.hub.hub_pull import pull_hub
from earwitness.detect.hub.hub_push import save_hub_folder
from hub import METER, Hub
from in_process import Command


def test_a_new_version_does_not_change_a_pinned_one(
    published: Hub, earwitness: Command, meter_files: dict[str, bytes]
) -> None:
    repo = published.repos["ear/meter"]
    first = pull_hub(HubAddress.parse(METER)).commit
    card = json.loads(meter_files["model.json"]) | {"name": "second"}
    (edited := Path("second.json")).write_text(json.dumps(card))
    Path("second.onnx").write_bytes(meter_files["model.onnx"])
    save_hub_folder(Path("second"), "second.onnx")
    second = repo.commit("main", {path.name: path.read_bytes() for path in Path("second").iterdir()})
    assert edited.is_file()
    assert pulled_folder(HubAddress.parse(METER)).name == first  # until it is pulled again
    assert pull_hub(HubAddress.parse(METER)).commit == second
    repo.branches["tuned/v1"] = second
    assert earwitness("models", "pull", f"{METER}@tuned/v1").code == 0
    assert Detector.load(METER).card.name == "second"
    assert Detector.load(f"{METER}@{first}").card.name == "meter"
    assert {str(address) for address, _ in pulled_addresses()} == {METER, f"{METER}@tuned/v1"}


@pytest.mark.parametrize(
    "text",
    ["hf:", "hf:name", "hf:a/b/c", "hf:../x", "hf:a/..", "hf:a--b/c", "hf:a/b@", "hf:a/b@../x", "hf:a/b@-x",
     "hf:a/b.git", "hf:a/b@x y", "hf:a/b\n", "hf:/b", "hf:a/b@" + "x" * 300, "hf:a/\x00", "hf:ä/b"],
)  # fmt: skip
def test_addresses_that_are_none(text: str, earwitness: Command, the_hub: Hub) -> None:
    with pytest.raises(UsageError, match=r"an address on the hub is|the revision after"):
        HubAddress.parse(text)
    if "\x00" not in text:
        assert earwitness("models", "pull", text).code == 2
        assert earwitness("detect", "a.wav", "--model", text).code == 2
    assert the_hub.requests == []
