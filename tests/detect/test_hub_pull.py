from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.detect.detector import Detector
from earwitness.detect.hub.hub_cache import HubAddress
from earwitness.detect.hub.hub_client import hub_token
from earwitness.detect.hub.hub_pull import MANIFEST, pull_hub
from earwitness.media.sound.wav import write_wav
from hub import METER, READER, WRITER, Hub, can_push, nothing_is_left
from in_process import Command


def test_push_pull_and_detect(
    the_hub: Hub, earwitness: Command, meter_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    make_burst: Callable[..., NDArray[np.float32]],
) -> None:  # fmt: skip
    can_push(monkeypatch)
    monkeypatch.setenv("HF_TOKEN", WRITER)
    write_wav(Path("a.wav"), make_burst(2, (0.5, 1.5, 30)), 24_000)
    before = earwitness("detect", "a.wav", "--model", METER)
    assert before.code == 2
    assert before.err == f"earwitness: {METER} is not on this machine; run: earwitness models pull {METER}\n"
    assert the_hub.requests == []  # nothing is downloaded without being asked

    pushed = earwitness("models", "push", meter_model, METER)
    assert pushed.code == 0, pushed.err
    first = the_hub.repos["ear/meter"].branches["main"]
    files = the_hub.repos["ear/meter"].files("main") or {}
    assert sorted(files) == [".gitattributes", "README.md", "earwitness.json", "model.json", "model.onnx"]
    assert files["model.onnx"] == meter_model.read_bytes()
    assert first in pushed.out
    import huggingface_hub

    data = huggingface_hub.ModelCard(files["README.md"].decode()).data
    assert (data.license, data.library_name) == ("mit", "earwitness")

    pulled = earwitness("models", "pull", METER)
    assert pulled.code == 0, pulled.err
    assert f"{METER}: ready, commit {first}" in pulled.out
    again = earwitness("models", "pull", METER)
    assert "already here, intact" in again.out
    assert [path for path in the_hub.paths() if path.endswith("model.onnx")] == [
        f"/ear/meter/resolve/{first}/model.onnx"
    ]

    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")  # from here on, there is no network
    done = earwitness("detect", "a.wav", "--model", f"{METER}@{first[:8]}", "--out", "o")
    assert done.code == 0, done.err
    assert Detector.load(f"{METER}@{first}").model == Detector.load(METER).model
    document = json.loads(Path("o/a.json").read_text())
    assert document["events"][0]["class"] == "music"
    info = json.loads(earwitness("models", "info", METER, "--json").out)
    assert document["model"]["sha256"] == info["sha256"]
    assert (info["commit"], info["classes"][8]) == (first, "music")
    listed = json.loads(earwitness("models", "list", "--json").out)
    assert [row["name"] for row in listed if row["name"].startswith("hf:")] == [METER]
    assert isinstance(Detector.load(f"mirror:{METER},{METER}").detect("a.wav").events, list)


def test_private_and_gated_repositories(
    published: Hub, earwitness: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repo = published.repos["ear/meter"]
    repo.private = True
    refused = earwitness("models", "pull", METER)
    assert refused.code == 1
    assert refused.err.count("\n") == 1
    assert "private; check the name, or set HF_TOKEN" in refused.err
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").write_text(READER + "\n")
    assert hub_token() == READER
    published.elsewhere = published.base.replace("127.0.0.1", "localhost")
    pulled = earwitness("models", "pull", METER)
    assert pulled.code == 0, pulled.err
    sent = {(host.split(":")[0], token) for _, path, host, token in published.requests if "cdn" in path}
    assert sent == {("localhost", "")}  # the token stays with the hub
    repo.gated = True
    assert "accept them on http" in earwitness("models", "pull", METER).err
    monkeypatch.setenv("HF_TOKEN", "two words")
    assert earwitness("models", "pull", METER).code == 2


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda hub: setattr(hub, "status", 503), "answers with an error (503)"),
        (lambda hub: setattr(hub, "status", 429), "try again in some minutes"),
        (lambda hub: setattr(hub, "garbage", b"<html>log in</html>"), "not usable as JSON"),
        (lambda hub: setattr(hub, "garbage", b'{"sha": "../../etc"}'), "does not answer like the hub"),
        (lambda hub: setattr(hub, "garbage", b"[1]"), "does not answer like the hub"),
        (lambda hub: setattr(hub, "cut", 5), "broke off|not that of an earwitness model"),
        (lambda hub: setattr(hub, "elsewhere", "ftp://127.0.0.1:1"), "redirects to an address that is not https"),
        (lambda hub: setattr(hub, "elsewhere", "file:///etc"), "redirects to an address that is not https"),
        (lambda hub: hub.repos.clear(), "no such repository"),
    ],
)
def test_a_hub_in_trouble_leaves_nothing_half_written(
    published: Hub, earwitness: Command, tmp_path: Path, spoil: Callable[[Hub], Any], words: str
) -> None:
    spoil(published)
    done = earwitness("models", "pull", METER)
    assert done.code == 1
    problems = [line for line in done.err.splitlines() if not line.startswith("downloading")]
    assert len(problems) == 1
    assert any(word in problems[0] for word in words.split("|")), problems
    assert nothing_is_left(tmp_path)
    assert earwitness("detect", "a.wav", "--model", METER).code == 2


def changed(contents: dict[str, bytes], **manifest: Any) -> dict[str, bytes | None]:
    values = json.loads(contents[MANIFEST]) | manifest
    return {MANIFEST: json.dumps(values).encode()}


def with_file(files: dict[str, bytes], name: str, values: dict[str, Any]) -> dict[str, bytes | None]:
    return changed(files, files={**json.loads(files[MANIFEST])["files"], name: values})


def entry(content: bytes) -> dict[str, Any]:
    import hashlib

    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def with_external_weights(files: dict[str, bytes]) -> dict[str, bytes | None]:
    """The model with a weight that lies in another file, and a card and a manifest that fit."""
    onnx = pytest.importorskip("onnx", reason="needs onnx (extra 'train')")
    model = onnx.load_from_string(files["model.onnx"])
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    located = weight.external_data.add()
    located.key, located.value = "location", "../../../../etc/passwd"
    network = model.SerializeToString()
    card = json.dumps(json.loads(files["model.json"]) | {"sha256": entry(network)["sha256"]}).encode()
    listed = {"model.onnx": entry(network), "model.json": entry(card)}
    return {"model.onnx": network, "model.json": card, **changed(files, files=listed)}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: dict.fromkeys(f), "no earwitness model: it has no earwitness.json"),
        (lambda f: {MANIFEST: b"{}"}, "earwitness.json is not that of an earwitness model"),
        (lambda f: {MANIFEST: b"[" * 5000}, "earwitness.json is not that of an earwitness model"),
        (lambda f: changed(f, model="../x.onnx"), "not that of an earwitness model"),
        (lambda f: with_file(f, "../../x", entry(b"x")), "does not belong"),
        (lambda f: changed(f, files={"model.onnx": entry(f["model.onnx"])}), "files lacks model.json"),
        (
            lambda f: with_file(f, "model.onnx", {"size": 2**40, "sha256": "0" * 64}),
            "more than",
        ),
        (lambda f: {"model.onnx": b"x" + f["model.onnx"][1:]}, "model.onnx is damaged: its SHA-256"),
        (lambda f: {"model.onnx": f["model.onnx"][:-1]}, "broke off after"),
        (lambda f: {"model.onnx": f["model.onnx"] + b"x"}, "larger than its manifest says"),
        (lambda f: {"model.json": None}, "it has no model.json"),
        (
            lambda f: {"model.json": b"{}", **with_file(f, "model.json", entry(b"{}"))},
            "not a usable model card",
        ),
        (with_external_weights, "keeps weights in '../../../../etc/passwd'"),
    ],
)  # fmt: skip
def test_a_repository_that_is_no_intact_model_is_refused(
    published: Hub, meter_files: dict[str, bytes], earwitness: Command, tmp_path: Path,
    spoil: Callable[[dict[str, bytes]], dict[str, bytes | None]], words: str,
) -> None:  # fmt: skip
    published.repos["ear/meter"].commit("main", spoil(meter_files))
    done = earwitness("models", "pull", METER)
    assert done.code == 1
    problems = [line for line in done.err.splitlines() if not line.startswith("downloading")]
    assert len(problems) == 1, done.err
    assert words in problems[0]
    assert nothing_is_left(tmp_path)


def test_files_damaged_on_this_machine_are_noticed_and_replaced(published: Hub, earwitness: Command) -> None:
    pulled = pull_hub(HubAddress.parse(METER))
    content = pulled.model.model.read_bytes()
    pulled.model.model.write_bytes(content[:-1] + b"x")
    assert "do not match its card" in earwitness("detect", "a.wav", "--model", METER).err
    assert earwitness("models", "info", METER).code == 1
    assert pull_hub(HubAddress.parse(METER)).is_new
    assert pulled.model.model.read_bytes() == content
    (pulled.model.model.parents[1] / "revisions.json").write_text("{1}")
    assert earwitness("detect", "a.wav", "--model", METER).code == 2


def test_the_digest_that_an_author_published(published: Hub, earwitness: Command, meter_model: Path) -> None:
    wrong = earwitness("models", "pull", METER, "--sha256", "0" * 64)
    assert (wrong.code, "another model" in wrong.err) == (1, True)
    assert not [path for path in published.paths() if path.endswith("model.onnx")]  # refused before the download
    right = Detector.load(meter_model).model.sha256
    assert earwitness("models", "pull", METER, "--sha256", right.upper()).code == 0
    assert earwitness("models", "pull", METER, "--sha256", "0" * 64).code == 1
    assert earwitness("models", "pull", "yamnet", "--sha256", right).code == 2
    assert earwitness("models", "pull", METER, "--from", ".").code == 2
