"""Convolves many sounds with many stereo RIRs and mixes them: overlap-add on one grid of blocks, in batches.

All sources share the grid, so that each block needs only one inverse transform for any number of sources. SciPy's FFT
vectorises transforms of several blocks, but not single ones.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

FloatArray = NDArray[np.float32]
Spectra = NDArray[np.complex64]

MARGIN: Final = 256
"""Samples before and after each RIR that are reserved for the ringing of a zero-phase filter."""
_MOST_BLOCKS: Final = 64
"""Blocks per batch of transforms: enough for SciPy's vectorised code, few enough to limit memory."""


class BlockConvolver:
    """Convolves sounds with RIRs and sums them; one instance per scene.

    Attributes:
        length: samples per transform.
        hop: samples of dry sound per block.
    """

    def __init__(self, samples: int, rir_samples: int, preroll: int) -> None:
        """Allocate the blocks of a scene.

        Args:
            samples: length of the scene.
            rir_samples: length of the longest RIR that is used.
            preroll: dry sound may start up to this many samples before the scene.
        """
        tail = rir_samples + 2 * MARGIN
        self.length = int(fft.next_fast_len(max(2 * tail, 8192), real=True))
        self.hop = self.length - tail + 1
        self._samples = samples
        self._preroll = preroll
        blocks = -(-(samples + preroll) // self.hop)
        self._sum: Spectra = np.zeros((2, blocks, self.length // 2 + 1), dtype=np.complex64)
        self._used = np.zeros(blocks, dtype=bool)
        self._pending: list[tuple[int, FloatArray, Spectra]] = []
        self._pending_blocks = 0

    def responses(self, rirs: list[FloatArray]) -> Spectra:
        """Spectra (n, 2, bins) of stereo RIRs, each (2, up to `rir_samples`)."""
        padded = np.zeros((len(rirs), 2, self.length), dtype=np.float32)
        for row, rir in zip(padded, rirs, strict=True):
            row[:, MARGIN : MARGIN + rir.shape[1]] = rir
        return np.asarray(fft.rfft(padded, axis=2, overwrite_x=True))

    def add(self, dry: FloatArray, start: int, response: Spectra) -> None:
        """Add a sound convolved with a RIR.

        Args:
            dry: (n,) samples; samples after the end of the scene are dropped.
            start: first sample in the scene, at least `-preroll`.
            response: (2, bins) from `responses`, optionally multiplied by the spectrum of a zero-phase filter.
        """
        dry = dry[: max(0, self._samples - start)]
        if not dry.size:
            return
        first, lead = divmod(start + self._preroll, self.hop)
        blocks = np.zeros((-(-(lead + dry.size) // self.hop), self.hop), dtype=np.float32)
        blocks.reshape(-1)[lead : lead + dry.size] = dry
        if self._pending and self._pending_blocks + len(blocks) > _MOST_BLOCKS:
            self._flush()
        self._pending.append((first, blocks, response))
        self._pending_blocks += len(blocks)

    def _flush(self) -> None:
        """Transform all pending blocks and add them to the sum."""
        padded = np.zeros((self._pending_blocks, self.length), dtype=np.float32)
        padded[:, : self.hop] = np.concatenate([blocks for _, blocks, _ in self._pending])
        spectra = fft.rfft(padded, axis=1, overwrite_x=True)
        product = np.empty_like(spectra[0])
        rows = iter(spectra)
        for first, blocks, response in self._pending:
            self._used[first : first + len(blocks)] = True
            for block, row in zip(range(first, first + len(blocks)), rows, strict=False):
                for channel in range(2):
                    self._sum[channel, block] += np.multiply(row, response[channel], out=product)
        self._pending, self._pending_blocks = [], 0

    def result(self) -> FloatArray:
        """The sum of all added sounds: (2, samples)."""
        if self._pending:
            self._flush()
        scene = np.zeros((2, self._samples), dtype=np.float32)
        used = np.flatnonzero(self._used)
        waves = fft.irfft(self._sum[:, used], self.length, axis=2)
        for block, wave in zip(used, waves.swapaxes(0, 1), strict=True):
            mix_at(scene, wave, int(block) * self.hop - self._preroll - MARGIN)
        return scene


def mix_at(target: FloatArray, sound: FloatArray, start: int) -> None:
    """Add `sound` to `target`, starting at sample `start`; samples outside `target` are dropped."""
    first, last = max(start, 0), min(start + sound.shape[1], target.shape[1])
    if last > first:
        target[:, first:last] += sound[:, first - start : last - start]
