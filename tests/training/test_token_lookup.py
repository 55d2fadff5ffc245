import pickle

import numpy as np
import pytest
import torch

from earwitness.core.errors import EncoderError, TrainingError, UsageError
from earwitness.models.architectures import token_widths
from earwitness.models.checkpoint import load_model
from earwitness.training.data.clip_stream import SceneStream, collate
from earwitness.training.data.token_lookup import TokenLookup
from earwitness.training.data.training_sources import open_sources
from earwitness.training.loop.trainer import Trainer
from earwitness.training.recipe import check_recipe
from fakes import tiny_recipe
from tokened import SPLIT, clip_name, cmc_recipe, embed, make_set, token_map


@pytest.fixture
def roots(tmp_path):
    """A training and a validation set, embedded."""
    train, valid = make_set(tmp_path / "train"), make_set(tmp_path / "valid", 2, room=2)
    for name in ("sound", "picture"):
        embed(train, name)
        embed(valid, name, 2, room=2)
    return train, valid


def lookup(recipe):
    return TokenLookup.open(recipe.data, token_widths(recipe.model))


def trainer(recipe, folder):
    sources = open_sources(recipe.data, recipe.features)
    return Trainer(recipe, folder, sources.train, sources.valid)


def test_tokens_come_with_their_clips_and_mirrored_with_mirrored_clips(roots):
    recipe = cmc_recipe(*roots)
    sources, found = open_sources(recipe.data, recipe.features), pickle.loads(pickle.dumps(lookup(recipe)))
    stream = SceneStream(sources.train, recipe.features, seed=1, swap="double", tokens=found)
    batch = collate([stream[index] for index in range(4)])
    for row, origin in enumerate(batch.origins):
        mix = int(origin.clip_id.split("_mix")[1][:3])
        plain = token_map("picture", mix)
        expected = plain.mirrored() if origin.swapped else plain
        np.testing.assert_array_equal(batch.tokens["picture"].values[row].numpy(), expected.tokens)
        assert batch.tokens["sound"].values[row].float().mean(dim=(0, 1)).argmax() == mix % 6
        assert batch.active[row].any(dim=1).any(dim=0).nonzero().flatten().tolist() == [mix]
    assert not np.array_equal(token_map("picture", 1).mirrored().tokens, token_map("picture", 1).tokens)


def test_trains_and_serves_with_any_of_its_modalities(roots, tmp_path):
    recipe = cmc_recipe(*roots, steps=4)
    run = trainer(recipe, tmp_path / "run")
    run.run()
    net = load_model(tmp_path / "run" / "last.safetensors")
    gates = [value for name, value in net.named_parameters() if "gate" in name]
    assert all(gate.abs().max() > 0 for gate in gates)
    from earwitness.training.loop.validate import ValidSet

    valid = ValidSet.render(run.valid_stream, 2)
    full, less, none = (valid.only(names).outputs(net) for names in (["sound", "picture"], ["sound"], []))
    assert full.shape == (2, 50, 3, 13, 4)
    assert np.abs(full - less).max() > 1e-6
    assert np.abs(less - none).max() > 1e-6
    np.testing.assert_array_equal(full, valid.outputs(net))


def test_an_interrupted_run_with_tokens_goes_on_exactly(roots, tmp_path):
    recipe = cmc_recipe(*roots, steps=4, save_every=2)
    trainer(recipe, tmp_path / "whole").run()
    cut = trainer(recipe, tmp_path / "cut")
    learn = cut.train_step

    def stop(batch):
        if cut.step == 2:
            raise KeyboardInterrupt
        return learn(batch)

    cut.train_step = stop
    with pytest.raises(KeyboardInterrupt):
        cut.run()
    trainer(recipe, tmp_path / "cut").run(resume=True)
    one, two = (load_model(tmp_path / name / "last.safetensors").state_dict() for name in ("whole", "cut"))
    torch.testing.assert_close(one, two, rtol=0, atol=0)


def test_a_clip_without_tokens_is_named_or_allowed(roots, tmp_path):
    train, valid = roots
    bare = make_set(tmp_path / "bare", 1, room=3)
    folders = [{"root": str(train)}, {"root": str(bare)}]
    with pytest.raises(EncoderError, match="run: earwitness dataset embed"):
        lookup(cmc_recipe(train, valid, {"folders": folders}))
    embed(bare, "sound", 1, room=3)
    tokens = {
        "sound": {"encoder": "toy-sound"},
        "picture": {"encoder": "toy-picture", "missing": "allow"},
    }
    found = lookup(cmc_recipe(train, valid, {"folders": folders, "tokens": tokens}))
    assert set(found.find(f"{SPLIT}/{clip_name(3, 0)}", str(bare))) == {"sound"}
    assert set(found.find(f"{SPLIT}/{clip_name(1, 0)}", str(train))) == {"sound", "picture"}
    with pytest.raises(EncoderError, match="has no embeddings of"):
        lookup(cmc_recipe(train, valid)).find(f"{SPLIT}/{clip_name(9, 9)}", str(train))


def test_embeddings_of_other_sounds_are_refused(roots):
    (clip,) = roots[0].rglob(f"{clip_name(1, 2)}.wav")
    clip.write_bytes(clip.read_bytes()[:-2] + b"\x00\x01")
    with pytest.raises(EncoderError, match=rf"1 clips changed since .*{clip_name(1, 2)}.*dataset embed"):
        lookup(cmc_recipe(*roots))


def test_embeddings_of_other_weights_are_refused(roots, tmp_path):
    train, _ = roots
    other = make_set(tmp_path / "other", 2, room=4)
    embed(other, "sound", 2, room=4, fingerprint="f2")
    embed(other, "picture", 2, room=4)
    with pytest.raises(UsageError, match="other weights or settings"):
        lookup(cmc_recipe(train, other))
    wanted = {"sound": {"encoder": "toy-sound", "fingerprint": "f9"}, "picture": {"encoder": "toy-picture"}}
    with pytest.raises(EncoderError, match="fingerprint f9"):
        lookup(cmc_recipe(train, roots[1], {"tokens": wanted}))


def test_a_run_is_not_resumed_with_embeddings_of_other_weights(roots, tmp_path):
    recipe = cmc_recipe(*roots, steps=2, save_every=1)
    trainer(recipe, tmp_path / "run").run()
    other, valid = make_set(tmp_path / "a" / "train"), make_set(tmp_path / "a" / "valid", 2, room=2)
    for root, clips, room in ((other, 4, 1), (valid, 2, 2)):
        embed(root, "sound", clips, room, fingerprint="f2")
        embed(root, "picture", clips, room)
    for root, old in ((other, roots[0]), (valid, roots[1])):
        (old / "embeddings").rename(old / "gone")
        (root / "embeddings").rename(old / "embeddings")
    with pytest.raises(TrainingError, match="'sound' tokens of other weights"):
        trainer(recipe, tmp_path / "run").run(resume=True)


def test_width_of_another_encoder(roots):
    plain = cmc_recipe(*roots).model_dump(mode="json")
    plain["model"]["tokens"]["sound"]["dim"] = 7
    with pytest.raises(UsageError, match=r"model\.tokens\.sound\.dim is 7, but the embeddings .* have width 6"):
        lookup(check_recipe(plain, "wrong"))


def test_models_with_tokens_need_to_know_where_from(roots):
    plain = cmc_recipe(*roots).model_dump(mode="json")
    del plain["data"]["tokens"]["sound"]
    with pytest.raises(UsageError, match=r"data\.tokens\.sound which encoder"):
        check_recipe(plain, "wrong")
    plain = tiny_recipe().model_dump(mode="json")
    plain["model"] |= {"architecture": "cmc", "tokens": {"sound": {"dim": 6}}}
    plain["data"]["tokens"] = {"sound": {"encoder": "toy-sound"}}
    with pytest.raises(UsageError, match="only clips of data"):
        check_recipe(plain, "wrong")
