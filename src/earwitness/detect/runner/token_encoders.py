"""The encoders that a model's card asks for, loaded and compared with those that it learnt from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from earwitness.core.errors import ModelError, UsageError
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.detect.model.card import ModelCard
from earwitness.encoders.encoder_registry import EncoderSpec
from earwitness.encoders.protocol import PictureEncoder, SoundEncoder


@dataclass(frozen=True, slots=True)
class TokenEncoder:
    """An encoder, ready for use.

    Attributes:
        encoder: makes the tokens.
        rate: pictures a second; None for sound.
        horizontal_fov_deg: of the camera, for pictures.
    """

    encoder: SoundEncoder | PictureEncoder
    rate: float | None = None
    horizontal_fov_deg: float = DEFAULT_FOV_DEG


def load_token_encoders(
    card: ModelCard, modalities: Collection[str] | None = None, *, fov: float | None = None, threads: int = 1
) -> dict[str, TokenEncoder]:
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
    token_encoders = {}
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
        token_encoders[name] = TokenEncoder(encoder, made.rate, fov or made.horizontal_fov_deg or DEFAULT_FOV_DEG)
    return token_encoders


def split_modalities(text: str | None) -> frozenset[str] | None:
    """Modalities of a list with commas, or `none`; None where nothing is said."""
    return None if text is None else frozenset(name.strip() for name in text.split(",")) - {"none", ""}


def check_modalities(text: str | None, model: str, known: Collection[str]) -> None:
    """Refuse names that a model, or none of several members, has.

    Raises:
        UsageError: says which it has.
    """
    unknown = sorted((split_modalities(text) or frozenset()) - set(known))
    if unknown:
        there = ", ".join(known) or "none"
        raise UsageError(f"--modalities: the model '{model}' has no '{unknown[0]}'; it has: {there}")
