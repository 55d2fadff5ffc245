"""The token encoders of a model: loaded by its card, and checked against those used in training."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from earwitness.core.errors import ModelError, UsageError
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.detect.model.card import ModelCard
from earwitness.encoders.protocol import EncoderSpec, PictureEncoder, SoundEncoder


@dataclass(frozen=True, slots=True)
class TokenEncoder:
    """A loaded encoder.

    Attributes:
        encoder: computes the tokens.
        rate: pictures per second; None for sound.
        horizontal_fov_deg: horizontal field of view of the camera, for pictures.
    """

    encoder: SoundEncoder | PictureEncoder
    rate: float | None = None
    horizontal_fov_deg: float = DEFAULT_FOV_DEG


def load_token_encoders(
    card: ModelCard,
    modalities: Collection[str] | None = None,
    *,
    fov: float | None = None,
    threads: int = 1,
    weights: Mapping[str, Path] | None = None,
) -> dict[str, TokenEncoder]:
    """Load the encoders of a model.

    Args:
        card: card of the model.
        modalities: modalities to use; None: all. Unknown names are ignored.
        fov: horizontal field of view of the camera, degrees; None: that of the training pictures.
        threads: threads per call.
        weights: encoder -> folder of the user's own weights; the others are the downloaded ones.

    Raises:
        ModelError: an encoder differs from the one used in training (weights or method), or a required modality is left
            out.
        EncoderError: weights are missing; the message gives the command.
    """
    token_encoders = {}
    for name, need in card.tokens.items():
        made = need.made_by
        if modalities is not None and name not in modalities:
            if need.required:
                raise ModelError(f"the model '{card.name}' requires '{name}' tokens: do not leave them out")
            continue
        folder = (weights or {}).get(made.encoder)
        encoder = EncoderSpec(name=made.encoder, settings=made.settings, folder=folder).load(threads)
        if encoder.fingerprint != made.fingerprint:
            raise ModelError(
                f"the model '{card.name}' was trained with '{made.encoder}' tokens [{made.fingerprint}], but "
                f"those here differ [{encoder.fingerprint}]: name the folder of those weights with --weights "
                f"{made.encoder}=FOLDER, pull them, or leave '{name}' out with --modalities"
            )
        token_encoders[name] = TokenEncoder(encoder, made.rate, fov or made.horizontal_fov_deg or DEFAULT_FOV_DEG)
    return token_encoders


def check_own_weights(weights: Mapping[str, Path], model: str, cards: Sequence[ModelCard]) -> None:
    """Refuse weights of an encoder that the model, or no member of an ensemble, uses.

    Raises:
        UsageError: an encoder that is not used; the message lists the others.
    """
    used = sorted({need.made_by.encoder for card in cards for need in card.tokens.values()})
    unused = sorted(weights.keys() - set(used))
    if unused:
        raise UsageError(
            f"--weights: the model '{model}' does not use '{unused[0]}'; it uses: {', '.join(used) or 'none'}"
        )


def split_modalities(text: str | None) -> frozenset[str] | None:
    """Split a comma-separated list of modalities, or `none`; None: no choice."""
    return None if text is None else frozenset(name.strip() for name in text.split(",")) - {"none", ""}


def check_modalities(text: str | None, model: str, known: Collection[str]) -> None:
    """Refuse modalities that the model, or no member of an ensemble, has.

    Raises:
        UsageError: an unknown modality; the message lists the known ones.
    """
    unknown = sorted((split_modalities(text) or frozenset()) - set(known))
    if unknown:
        there = ", ".join(known) or "none"
        raise UsageError(f"--modalities: the model '{model}' has no '{unknown[0]}'; it has: {there}")
