"""Speed of feature extraction relative to real time: `python bench/bench_features.py`, one thread."""

from __future__ import annotations

import os
import time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from earwitness.features import CHANNELS, FeatureConfig, FeatureExtractor  # noqa: E402

SECONDS = 5.0
REPEATS = 40


def real_time_factor(config: FeatureConfig) -> float:
    """Seconds of sound per second of computing: median over repeated 5-s clips."""
    extract = FeatureExtractor(config)
    clip = np.random.default_rng(0).normal(0, 0.1, (2, int(SECONDS * config.sample_rate))).astype(np.float32)
    extract(clip)
    taken = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        extract(clip)
        taken.append(time.perf_counter() - begin)
    return SECONDS / float(np.median(taken))


def main() -> None:
    """Print a table of feature stacks and factors."""
    stacks = {
        "default": FeatureConfig(),
        "default, hop 150": FeatureConfig(hop=150),
        "log-mels of M and S": FeatureConfig(channels=("logmel_m", "logmel_s")),
        "all channels": FeatureConfig(channels=CHANNELS),
    }
    print(f"{'stack':<24}{'x real time':>12}")
    for name, config in stacks.items():
        print(f"{name:<24}{real_time_factor(config):>12.0f}")


if __name__ == "__main__":
    main()
