"""The encoders that a model's card asks for, loaded and compared with those that it learnt from."""

from __future__ import annotations

from collections.abc import Collection

from earwitness.encoders.load import EncoderSpec
from earwitness.errors import ModelError, RecipeError
from earwitness.geometry import DEFAULT_FOV_DEG
from earwitness.inference.attention import Sense
from earwitness.inference.card import ModelCard


def load_senses(
    card: ModelCard, modalities: Collection[str] | None = None, *, fov: float | None = None, threads: int = 1
) -> dict[str, Sense]:
    """Load the encoders of a model.

    Args:
        card: of the model.
        modalities: which of its modalities to use; None: all. Names that it does not have are left out.
        fov: the camera's horizontal field of view, degrees; None: that of the training pictures.
        threads: of one call.

    Raises:
        ModelError: an encoder has other weights or another method than the model learnt from, or a modality that it
            cannot do without is left out.
        EncoderError: weights are missing (says the command).
    """
    senses = {}
    for name, need in card.tokens.items():
        made = need.made_by
        if modalities is not None and name not in modalities:
            if need.required:
                raise ModelError(
                    f"the model '{card.name}' does not work without '{name}' tokens: do not leave them out"
                )
            continue
        encoder = EncoderSpec(name=made.encoder, settings=made.settings).load(threads)
        if encoder.fingerprint != made.fingerprint:
            raise ModelError(
                f"the model '{card.name}' learnt from '{made.encoder}' tokens [{made.fingerprint}], but the weights or "
                f"the method here are others [{encoder.fingerprint}]: pull the model's, or leave '{name}' out"
            )
        senses[name] = Sense(encoder, made.rate, fov or made.horizontal_fov_deg or DEFAULT_FOV_DEG)
    return senses


def split_modalities(text: str | None) -> frozenset[str] | None:
    """Modalities of a list with commas, or `none`; None where nothing is said."""
    return None if text is None else frozenset(name.strip() for name in text.split(",")) - {"none", ""}


def check_modalities(text: str | None, model: str, known: Collection[str]) -> None:
    """Refuse names that a model, or none of several members, has.

    Raises:
        RecipeError: says which it has.
    """
    unknown = sorted((split_modalities(text) or frozenset()) - set(known))
    if unknown:
        there = ", ".join(known) or "none"
        raise RecipeError(f"--modalities: the model '{model}' has no '{unknown[0]}'; it has: {there}")
