from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

transformers = pytest.importorskip("transformers", reason="word encoders need the extra 'semantic'")

from earwitness.core.errors import EncoderError  # noqa: E402
from earwitness.core.vocabulary import DCASE2025  # noqa: E402
from earwitness.detect.any_sound.word_search import found_sounds  # noqa: E402
from earwitness.encoders.words import WordEncoder  # noqa: E402

TINY = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 60,
    "max_position_embeddings": 80,
}  # fmt: skip


def saved(folder: Path, kind: str) -> Path:
    """A small network of random weights with its tokenizer, as `transformers` saves them."""
    import torch

    torch.manual_seed(0)
    if kind == "clap":
        audio = {
            "patch_embeds_hidden_size": 8, "hidden_size": 64, "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 2, 2, 2],
        }  # fmt: skip
        config = transformers.ClapConfig(text_config=TINY, audio_config=audio, projection_dim=16)
        model: Any = transformers.ClapModel(config)
    else:
        model = transformers.BertModel(transformers.BertConfig(**TINY))
    model.save_pretrained(folder)
    letters = [f"{prefix}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz" for prefix in ("", "##")]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", ["clap", "bert"])
def test_texts_become_embeddings_that_do_not_depend_on_their_batch(tmp_path: Path, kind: str) -> None:
    encoder = WordEncoder.load(saved(tmp_path, kind))
    both = encoder.encode(["dog barking", "a bell"])
    assert both.shape == (2, 16)
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(["a bell"])[0], both[1], atol=1e-5)
    assert float(both[0] @ both[1]) < 0.99999
    found = found_sounds("qqqq zzzz", DCASE2025, lambda: encoder)
    assert (len(found.slugs), set(found.nearest)) == (1, {"qqqq zzzz"})


def test_folders_without_a_model_or_tokenizer_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"config\.json is missing"):
        WordEncoder.load(tmp_path)
    folder = saved(tmp_path / "bert", "bert")
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace("{", '{"auto_map": {"AutoModel": "evil.Model"},', 1))
    with pytest.raises(EncoderError, match="names other files"):
        WordEncoder.load(folder)
    (folder / "config.json").write_text(config)
    for path in [*folder.glob("*token*"), *folder.glob("vocab*")]:
        path.unlink()
    with pytest.raises(EncoderError, match="tokenizer"):
        WordEncoder.load(folder)
