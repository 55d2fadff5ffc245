from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import hub as stand_in
from earwitness.cli.main import main
from earwitness.core.errors import HubError, ModelError, UsageError
from earwitness.detect.detector import Detector
from earwitness.detect.hub import hub_client
from earwitness.detect.hub.hub_cache import HubAddress, pulled_addresses, pulled_folder
from earwitness.detect.hub.hub_client import HubClient, endpoint, hub_token
from earwitness.detect.hub.hub_pull import MANIFEST, pull_hub
from earwitness.detect.hub.hub_push import save_hub_folder
from earwitness.media.sound.wav import write_wav
from hub import READER, WRITER, Hub, Repo

METER = "hf:ear/meter"


class Result(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Result]


@pytest.fixture(scope="session")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models-tried")


@pytest.fixture
def the_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tried: Path) -> Iterator[Hub]:
    """An empty hub, no token, and an empty cache; the trial of a model, which takes a second, is done once."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "models-tried").symlink_to(tried)
    for name in ("HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.chdir(tmp_path)
    write_wav(Path("a.wav"), np.full((2, 24_000), 0.01, dtype=np.float32), 24_000)
    with stand_in.running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.base)
        yield hub


@pytest.fixture
def earwitness(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str | Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["earwitness", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def meter_files(meter_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What `push` uploads for the test model."""
    folder = tmp_path_factory.mktemp("meter-files") / "out"
    save_hub_folder(folder, meter_model, HubAddress.parse(METER))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def published(the_hub: Hub, meter_files: dict[str, bytes]) -> Hub:
    """A hub that has the test model."""
    the_hub.repos["ear/meter"] = Repo()
    the_hub.repos["ear/meter"].commit("main", dict(meter_files))
    return the_hub


def can_push(monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants", reason="pushing needs the extra 'hub'")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the stand-in has LFS only


def nothing_is_left(tmp_path: Path) -> bool:
    return not [path for path in (tmp_path / "cache" / "hub-models").rglob("*") if path.is_file()]


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


def test_pushing_needs_a_token_a_model_and_a_free_repository(
    the_hub: Hub, earwitness: Command, meter_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    can_push(monkeypatch)
    no_token = earwitness("models", "push", METER, meter_model)
    assert (no_token.code, no_token.err.count("\n")) == (2, 1)
    assert "HF_TOKEN" in no_token.err
    monkeypatch.setenv("HF_TOKEN", READER)
    refused = earwitness("models", "push", meter_model, METER)
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "the token may not write there" in refused.err
    monkeypatch.setenv("HF_TOKEN", WRITER)
    assert "no such model file" in earwitness("models", "push", "none.onnx", METER).err
    assert "a commit cannot be changed" in earwitness("models", "push", meter_model, f"{METER}@{'a' * 40}").err
    the_hub.repos["ear/meter"] = Repo()
    the_hub.repos["ear/meter"].commit("main", {"README.md": b"# something else\n"})
    assert "push to another one" in earwitness("models", "push", meter_model, METER).err
    assert (the_hub.repos["ear/meter"].files("main") or {})["README.md"] == b"# something else\n"
    done = earwitness("models", "push", meter_model, "hf:ear/other@dev", "--private")
    assert done.code == 0, done.err
    other = the_hub.repos["ear/other"]
    assert other.private
    assert "model.onnx" in (other.files("dev") or {})
    assert "model.onnx" not in (other.files("main") or {})
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    unreachable = earwitness("models", "push", meter_model, METER)
    assert (unreachable.code, unreachable.err.count("\n")) == (1, 1)
    assert "nothing was pushed" in unreachable.err


def test_a_second_push_removes_what_the_first_one_had(
    the_hub: Hub, earwitness: Command, meter_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    can_push(monkeypatch)
    monkeypatch.setenv("HF_TOKEN", WRITER)
    checkpoint = Path("last.safetensors")
    checkpoint.write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    assert earwitness("models", "push", meter_model, METER, "--checkpoint", checkpoint).code == 0
    pulled = earwitness("models", "pull", METER)
    assert f"run.init_from={METER}" in pulled.out
    assert earwitness("models", "push", meter_model, METER).code == 0
    assert "model.safetensors" not in (the_hub.repos["ear/meter"].files("main") or {})
    assert "run.init_from=" not in earwitness("models", "pull", METER).out
    assert earwitness("models", "push", meter_model, METER, "--checkpoint", "a.pth").code == 2


def test_ensembles_are_shared_too(the_hub: Hub, earwitness: Command, meter_model: Path) -> None:
    made = earwitness("ensemble", meter_model, f"mirror:{meter_model}", "--out", "both.ensemble")
    assert made.code == 0, made.err
    assert earwitness("models", "card", "both.ensemble", "--out", "folder", "--for", "hf:ear/both").code == 0
    repo = the_hub.repos["ear/both"] = Repo()
    repo.commit("main", {path.name: path.read_bytes() for path in Path("folder").iterdir()})
    assert earwitness("models", "pull", "hf:ear/both").code == 0
    assert len(Detector.load("hf:ear/both").card.thresholds) == 13


def test_the_folder_of_a_card_is_not_mixed_with_other_files(
    earwitness: Command, the_hub: Hub, meter_model: Path
) -> None:
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("x")
    done = earwitness("models", "card", meter_model, "--out", "mine")
    assert (done.code, "holds other files" in done.err) == (1, True)
    assert earwitness("models", "card", meter_model, "--out", "new").code == 0
    assert earwitness("models", "card", meter_model, "--out", "new").code == 0  # again
    assert "hf:USER/NAME" in Path("new/README.md").read_text()


def test_a_token_is_not_sent_in_the_clear(the_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [hub_client._may_carry_token(base) for base in (
        "https://huggingface.co", "http://127.0.0.1:8080", "http://[::1]:80", "http://localhost", "http://mirror.example",
        "http://10.0.0.1",
    )] == [True, True, True, True, False, False]  # fmt: skip
    with pytest.raises(HubError, match="no such repository"):
        HubClient(the_hub.base, "secret").commit_of(HubAddress("a/b"))
    assert the_hub.requests[-1][3] == "secret"
    with pytest.raises(ModelError, match="not on this machine"):
        pulled_folder(HubAddress("a/b"))
