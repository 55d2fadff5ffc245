"""The SELD network from features to multi-ACCDDOA fields at 10 frames/s, and its Cross-Modal Conformer variant."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitness.core.multi_accddoa import DISTANCE
from earwitness.models.architectures import SymmetricConfig
from earwitness.models.blocks import EMBEDDING_WIDTH, ConformerBlock, ConvBlock, ResidualBlock, Scaler, Tagger
from earwitness.models.feature_branches import Lags, Reverberance
from earwitness.models.network import ACTIVITY, FIELDS, Network, TokenBatch, physical
from earwitness.models.seld_config import TAGGER_CHANNELS, CmcConfig, SeldConfig, SeldShape
from earwitness.models.token_fusion import Concatenation, CrossAttention, Projected, TokenProjection

RARE_LOGIT: Final = -2.5
"""Initial bias of activity logits: most cells are inactive."""
TYPICAL_LOG_METRES: Final = 0.7
"""Initial bias of the distance output: ln of 2 m."""
TAGGER_PARTS: Final = ("tagger.", "tagged.", "tags.")
"""Prefixes of the weights of networks with a tagger only."""
TRUNK_PREFIX: Final = "tagger.trunk."
"""Prefix of YAMNet's weights, which are frozen."""
ADDED_PARTS: Final = (
    *TAGGER_PARTS,
    "reverberance.",
    "lags.",
    "whole.",
    "far.",
    "anything.",
    "probe.",
    "several.",
    "several_any.",
)
"""Prefixes of weights that contribute nothing at first: a network may start from weights without them."""


class BodyOutput(NamedTuple):
    """What the heads of a network need, for each label frame.

    Attributes:
        frames: (B, T', dim) output of the Conformer.
        tagging: (B, T', dim) output of the tagger, followed by YAMNet's embedding in networks with a probe.
        log_metres: (B, T') addition to the log distance.
        maps: (B, widths[-1], T', bins_out) output of the convolutions, for the head of dense targets.
    """

    frames: Tensor
    tagging: Tensor | None
    log_metres: Tensor | None
    maps: Tensor | None = None


class SeldNet(Network):
    """Residual CNN and Conformer with a multi-ACCDDOA head.

    Source: reconstruction of Berghi & Jackson 2025 (audio branch): residual convolutions pooled to 10 frames/s, then
    Conformer blocks; head of Shimada et al. 2022 with distance (Krause et al. 2024) and an on-screen logit.

    Args:
        config: dimensions.
    """

    config: SeldConfig | CmcConfig | SymmetricConfig

    def __init__(self, config: SeldConfig | CmcConfig | SymmetricConfig) -> None:
        super().__init__()
        self.config = config
        self.scaler = Scaler(config.in_channels, config.mels)
        widths = (config.stem_width, *config.widths)
        self.stem = ConvBlock(config.own_channels, config.stem_width, config.stem_kernel, config.stem_stride)
        self.stages = nn.Sequential(
            *(ResidualBlock(a, b, pool) for a, b, pool in zip(widths, widths[1:], config.pools, strict=False))
        )
        self.project = nn.Sequential(
            nn.Linear(config.widths[-1] * config.bins_out, config.dim),
            nn.LayerNorm(config.dim),
            nn.Dropout(config.dropout),
        )
        self.conformer = nn.Sequential(
            *(
                ConformerBlock(config.dim, config.heads, config.conv_kernel, config.ffn_mult, config.dropout)
                for _ in range(config.blocks)
            )
        )
        self.head = nn.Linear(config.dim, config.tracks * config.classes * FIELDS)
        self.activity = nn.Linear(config.dim, config.classes) if config.activity == "logit" else None
        self.common = nn.Linear(config.dim, FIELDS - 1) if config.common else None
        self.tagger, self.tagged, self.tags = None, None, None
        if config.tagger:
            self.tagger = Tagger(
                config.dim, 2 * config.frames_per_label, config.tagger_dropout, embedding=config.tagger_probe
            )
            self.tagged, self.tags = nn.Linear(config.dim, config.dim), nn.Linear(config.dim, config.classes)
        self.probe = nn.Linear(EMBEDDING_WIDTH, config.classes) if config.tagger_probe else None
        self.whole = nn.Linear(2 * config.dim, config.classes) if config.whole_clip else None
        self.anything = nn.Linear(config.dim, config.tracks * FIELDS + 1) if config.any_sound else None
        self.several = nn.Linear(config.dim, config.classes) if config.several else None
        self.several_any = nn.Linear(config.dim, 1) if config.several and config.any_sound else None
        self.far = _distance_head(config) if config.distance_head else None
        self.reverberance = Reverberance(config.mels, config.frames_per_label) if config.reverberance else None
        self.lags = None if config.lags is None else Lags(config.mels, config.dim, config.frames_per_label)
        self._initialise_head()

    def _initialise_head(self) -> None:
        with torch.no_grad():
            self.head.weight.mul_(0.3)  # start with low activity: most cells are inactive
            bias = self.head.bias.view(-1, FIELDS)
            bias.zero_()
            bias[:, 2] = TYPICAL_LOG_METRES
            if self.activity is not None:
                self.activity.bias.fill_(RARE_LOGIT)
            # Optional parts start at zero, so that weights trained without them give the same output.
            for added in (self.common, self.tagged, self.tags, self.whole, self.probe):
                if added is not None:
                    added.weight.zero_()
                    added.bias.zero_()
            for rare in (self.several, self.several_any):
                if rare is not None:
                    rare.weight.zero_()
                    rare.bias.fill_(RARE_LOGIT)

    def run_tagger(self, features: Tensor) -> Tensor | None:
        """Output (B, T / frames_per_label, dim) of the tagger, if there is one, for features (B, C, T, F).

        With `tagger_probe`, YAMNet's embedding follows: (B, T / frames_per_label, dim + 1024).
        """
        return None if self.tagger is None else self.tagger(self.scaler(features)[:, -TAGGER_CHANNELS:])

    def forward(self, features: Tensor, tokens: TokenBatch | None = None, tagging: Tensor | None = None) -> Tensor:
        """Raw fields of a batch.

        Args:
            features: (B, C, T, F), T a multiple of `frames_per_label`.
            tokens: ignored; `CmcNet` uses them.
            tagging: output of `run_tagger`, if it is known already.

        Returns:
            (B, T / frames_per_label, tracks, classes, 4): x, y, ln(metres), on-screen logit; a fifth, the activity
            logit, and a sixth, that of several sources, where the network has them; and an additional class for any
            sound, where it has one.
        """
        return self.heads(self.body(features, tokens, tagging))

    def body(self, features: Tensor, tokens: TokenBatch | None = None, tagging: Tensor | None = None) -> BodyOutput:
        """Everything that does not depend on the classes; arguments as for `forward`."""
        scaled, own = self.scaler(features), self.config.own_channels
        maps = self.stages(self.stem(scaled[:, :own].contiguous(memory_format=torch.channels_last)))
        frames = self.project(maps.permute(0, 2, 3, 1).flatten(2))
        if tagging is None:
            tagging = self.run_tagger(features)
        if self.tagged is not None and tagging is not None:
            frames = frames + self.tagged(tagging[..., : self.config.dim])
        if self.lags is not None:
            frames = frames + self.lags(scaled[:, own])
        return BodyOutput(self._context(frames, tokens or {}), tagging, self._log_metres(features), maps)

    def _log_metres(self, features: Tensor) -> Tensor | None:
        """Addition (B, T') to the log distance from the reverberance, if the network has that part."""
        if self.reverberance is None or self.config.reverberance is None:
            return None
        level, coherence = self.config.reverberance
        added: Tensor = self.reverberance(features[:, level], features[:, coherence])
        return added

    def heads(self, body: BodyOutput) -> Tensor:
        """Raw fields from what `body` returned; see `forward`."""
        frames, tagging = body.frames, None if body.tagging is None else body.tagging[..., : self.config.dim]
        raw = self.head(frames).unflatten(-1, (self.config.tracks, self.config.classes, FIELDS))
        fields: Tensor = raw.float()
        if self.common is not None:
            shared = functional.pad(self.common(frames).float(), (0, 1))
            fields = fields + shared[:, :, None, None]
        fields = self._with_distance(fields, frames, tagging, body.log_metres)
        answer = self._with_probe(self._answer(fields, frames, tagging), body)
        if self.anything is not None:
            answer = torch.cat([answer, self._anything(frames)], dim=3)
        return answer if self.several is None else self._with_several(answer, frames)

    def _with_several(self, answer: Tensor, frames: Tensor) -> Tensor:
        """Fields with the logit of several sources appended."""
        logits = torch.cat([head(frames) for head in (self.several, self.several_any) if head is not None], dim=-1)
        # -1 and not `answer.shape`: sizes would be constants of the ONNX file.
        appended = logits.float()[:, :, None, :, None].expand(-1, -1, self.config.tracks, -1, -1)
        return torch.cat([answer, appended], dim=-1)

    def _with_probe(self, answer: Tensor, body: BodyOutput) -> Tensor:
        """Fields with the probe's part of the activity logit added, if the network has that part."""
        if self.probe is None or body.tagging is None:
            return answer
        probed = self.probe(body.tagging[..., self.config.dim :]).float()
        return answer + functional.pad(probed[:, :, None, :, None], (ACTIVITY, 0))

    def _anything(self, frames: Tensor) -> Tensor:
        """Raw fields (B, T', tracks, 1, 5) of the class for any sound."""
        assert self.anything is not None
        raw = self.anything(frames).float()
        fields = raw[..., :-1].unflatten(-1, (self.config.tracks, 1, FIELDS))
        logit = raw[..., -1:, None, None].expand(-1, -1, self.config.tracks, -1, -1)
        if self.config.direction == "tanh":
            fields = torch.cat([torch.tanh(fields[..., :2]), fields[..., 2:]], dim=-1)
        return torch.cat([fields, logit], dim=-1)

    def _with_distance(
        self, fields: Tensor, frames: Tensor, tagging: Tensor | None, log_metres: Tensor | None
    ) -> Tensor:
        """Fields (B, T', tracks, classes, 4) with the log distances of the optional distance parts added."""
        if self.far is not None:
            parts = [frames] if tagging is None else [frames, tagging]
            metres = self.far(torch.cat(parts, dim=-1)).float()
            fields = fields + functional.pad(metres[..., None], (DISTANCE, 1))[:, :, None]
        if log_metres is None:
            return fields
        return fields + functional.pad(log_metres[..., None], (DISTANCE, 1))[:, :, None, None]

    def _answer(self, fields: Tensor, frames: Tensor, tagging: Tensor | None) -> Tensor:
        """Fields with bounded directions, and with the activity logit if there is one."""
        if self.config.direction == "tanh":
            fields = torch.cat([torch.tanh(fields[..., :2]), fields[..., 2:]], dim=-1)
        if self.activity is None:
            return fields
        logit = self.activity(frames)
        if self.tags is not None:
            logit = logit + self.tags(tagging)
        if self.whole is not None:
            whole = self.whole(torch.cat([frames.mean(dim=1), frames.amax(dim=1)], dim=-1))
            logit = logit + whole[:, None]
        logit = logit.float()[:, :, None, :, None]
        return torch.cat([fields, logit.expand(-1, -1, self.config.tracks, -1, -1)], dim=-1)

    def _context(self, frames: Tensor, _: TokenBatch) -> Tensor:
        """The Conformer: (B, T', dim) -> (B, T', dim)."""
        mixed: Tensor = self.conformer(frames)
        return mixed

    def physical(self, raw: Tensor) -> Tensor:
        """As the function `physical`, for the classes without that for any sound."""
        return physical(raw[..., : self.config.classes, :], self.config.several_from)

    def physical_any_sound(self, raw: Tensor) -> Tensor:
        """Physical fields of the class for any sound; see `Network`."""
        if not self.has_any_sound:
            return super().physical_any_sound(raw)
        return physical(raw[..., self.config.classes :, :], self.config.several_from)


def _distance_head(config: SeldShape) -> nn.Sequential:
    """Two layers from frames, and the tagger's output if any, to ln(metres) of each class; initialised to output 0."""
    width = config.dim * (2 if config.tagger else 1)
    out = nn.Linear(config.dim, config.classes)
    nn.init.zeros_(out.weight)
    nn.init.zeros_(out.bias)
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, config.dim), nn.SiLU(), out)


FUSION_PARTS = ("projections.", "cross.", "concatenation.")
"""Prefixes of the weights that a SELD network does not have."""


class CmcNet(SeldNet):
    """Residual CNN and Cross-Modal Conformer blocks with a multi-ACCDDOA head.

    Source: reconstruction of Berghi & Jackson 2025. A block is: half feed-forward, self-attention, for each modality a
    gated cross-attention, convolution, half feed-forward. Without tokens, or with gates still closed, the output is
    exactly that of `SeldNet` with the same weights: one checkpoint serves any subset of its modalities.

    Args:
        config: dimensions.
    """

    config: CmcConfig

    def __init__(self, config: CmcConfig) -> None:
        super().__init__(config)
        self.projections = nn.ModuleDict(
            {name: TokenProjection(name, spec, config) for name, spec in config.tokens.items()}
        )
        self.cross = nn.ModuleDict(
            {
                str(block): nn.ModuleDict({name: CrossAttention(config) for name in config.tokens})
                for block in config.blocks_with_cross
            }
        )
        mixed = config.tokens and config.fusion == "concatenation"
        self.concatenation = Concatenation(config) if mixed else None

    def _context(self, frames: Tensor, tokens: TokenBatch) -> Tensor:
        """The Conformer: (B, T', dim) -> (B, T', dim)."""
        projected: dict[str, Projected] = {
            name: project(tokens[name], frames.shape[1]) for name, project in self.projections.items() if name in tokens
        }
        if self.concatenation is not None:
            frames = self.concatenation(frames, projected)
        for number, block in enumerate(self.conformer):
            frames = block(frames, partial(self._attend, number, projected) if str(number) in self.cross else None)
        return frames

    def _attend(self, block: int, projected: Mapping[str, Projected], frames: Tensor) -> Tensor:
        for name, attend in self.cross[str(block)].items():  # type: ignore[operator]
            if name in projected:
                frames = attend(frames, projected[name])
        return frames
