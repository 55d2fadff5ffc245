"""OWL-ViT: a grid of language-aligned picture tokens.

Source: M. Minderer et al.: Simple open-vocabulary object detection with vision transformers (ECCV 2022), the vision
tower of `OwlViTModel` of `transformers`: after the last layer norm, without the class token.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.core.errors import EncoderError
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.encoders.encoder_input import PictureGrid, PictureSettings, check_frames
from earwitness.encoders.pretrained import Pretrained
from earwitness.encoders.protocol import TokenMap
from earwitness.encoders.weights.weight_files import refuse_other_settings

MEAN: Final = np.array([0.48145466, 0.4578275, 0.40821073], dtype=np.float32)
DEVIATION: Final = np.array([0.26862954, 0.26130258, 0.27577711], dtype=np.float32)
"""Mean and standard deviation of CLIP's training pictures: red, green, blue, in [0, 1]."""
_EXPECTED: Final[dict[str, Any]] = {"do_resize": True, "do_rescale": True, "do_normalize": True, "resample": 3}


class OwlVitSettings(PictureSettings):
    """Settings of OWL-ViT. By default all 24 x 24 tokens are kept.

    Attributes:
        projected: return the 512-dimensional projection into the joint image-text space instead of the 768 features
            before it.
    """

    projected: bool = False


class OwlVit(Pretrained[OwlVitSettings]):
    """OWL-ViT's vision tower as a picture encoder; weights of a detector work as well."""

    name: Final = "owlvit"
    modality: Final[Literal["picture"]] = "picture"
    _settings_class = OwlVitSettings
    _model_class = "OwlViTModel"
    _preprocessing = "image_processor"
    _revision = 1

    def _use_model(self, model: Any, folder: Path) -> int:
        # The text tower is not used; not keeping it frees its memory.
        self._tower, self._projection = model.vision_model, model.visual_projection
        config = model.config.vision_config
        self._size, self._patch = int(config.image_size), int(config.patch_size)
        return int(model.config.projection_dim if self.settings.projected else config.hidden_size)

    def _use_preprocessing(self, path: Path | None, settings: dict[str, Any]) -> None:
        refuse_other_settings(path, settings, _EXPECTED)
        try:
            self._mean, self._deviation = (
                np.broadcast_to(np.asarray(settings.get(name, value), np.float32), 3)
                for name, value in (("image_mean", MEAN), ("image_std", DEVIATION))
            )
            if not np.isclose(float(settings.get("rescale_factor", 1 / 255)), 1 / 255):
                raise ValueError("rescale_factor must be 1/255")
            if not (np.isfinite(self._mean).all() and np.isfinite(self._deviation).all() and self._deviation.min() > 0):
                raise ValueError("image_mean and image_std must be numbers, image_std above 0")
        except (ValueError, TypeError, OverflowError) as error:
            raise EncoderError(f"{path}: {error}") from None

    def encode(
        self, frames: NDArray[np.uint8], times: NDArray[np.float64], horizontal_fov_deg: float = DEFAULT_FOV_DEG
    ) -> TokenMap:
        """Encode pictures; see `protocol.PictureEncoder`."""
        size = check_frames(frames, times, horizontal_fov_deg)
        grid = PictureGrid.of((self._size, self._size), self._patch, size, self.settings.fit)
        return grid.token_map(self._cells(grid, frames), times, horizontal_fov_deg, self.settings)

    def _cells(self, grid: PictureGrid, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, rows, columns, D)."""
        import torch

        side = self._size // self._patch
        parts = []
        for start in range(0, len(frames), self._batch):
            drawn = grid.draw(frames[start : start + self._batch], Image.Resampling.BICUBIC)
            pixels = torch.from_numpy(as_pixels(drawn, self._mean, self._deviation))
            with torch.inference_mode():
                output = self._tower(pixel_values=pixels.to(self._device)).last_hidden_state
                tokens = self._tower.post_layernorm(output)[:, 1:]
                if self.settings.projected:
                    tokens = self._projection(tokens)
            parts.append(tokens.float().cpu().numpy().reshape(-1, side, side, self.dim))
        return np.concatenate(parts)


def as_pixels(
    drawn: NDArray[np.uint8], mean: NDArray[np.float32] = MEAN, deviation: NDArray[np.float32] = DEVIATION
) -> NDArray[np.float32]:
    """Normalise pictures (N, H, W, 3) of the input size to the input of the network (N, 3, H, W)."""
    scaled = (drawn.astype(np.float32) / 255 - mean) / deviation
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))
