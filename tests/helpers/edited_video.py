"""Small films of which every cut is known: grey pictures (180, 320), ten a second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Grey = NDArray[np.float32]
HEIGHT, WIDTH = 180, 320


def texture(seed: int, height: int = HEIGHT, width: int = WIDTH) -> Grey:
    """A picture with detail of every size, as photographs have."""
    random = np.random.default_rng(seed)
    across, down = np.fft.rfftfreq(width)[None], np.fft.fftfreq(height)[:, None]
    fall = 1 / np.maximum(np.hypot(across, down), 1 / max(height, width)) ** 1.3
    made = np.fft.irfft2(np.fft.rfft2(random.normal(size=(height, width))) * fall, (height, width))
    made = made / made.std() * 35 + random.uniform(80, 150)
    for _ in range(25):
        top, left = random.integers(0, height), random.integers(0, width)
        made[top : top + random.integers(8, 60), left : left + random.integers(8, 80)] += random.normal() * 40
    return np.asarray(np.clip(made, 5, 250), dtype=np.float32)


def with_person(ground: Grey, left: float, seed: int, scale: float = 1.2) -> Grey:
    made, x = ground.copy(), int(left)
    body = texture(1000 + seed, int(110 * scale), int(45 * scale))
    first, stop = max(0, x), min(WIDTH, x + body.shape[1])
    if first < stop:
        rows = made[40 : 40 + body.shape[0], first:stop].shape[0]
        made[40 : 40 + rows, first:stop] = body[:rows, first - x : stop - x]
    return made


def walk(seed: int, count: int = 30) -> list[Grey]:
    return [with_person(texture(seed), 20 + 6 * k, seed) for k in range(count)]


def sway(seed: int, count: int = 30) -> list[Grey]:
    return [with_person(texture(seed), 120 + 2 * np.sin(k / 2), seed) for k in range(count)]


def pan(seed: int, count: int = 20, speed: int = 60) -> list[Grey]:
    ground = texture(seed, HEIGHT, WIDTH + speed * count)
    return [ground[:, speed * k : speed * k + WIDTH] for k in range(count)]


def shaken(seed: int, count: int = 30) -> list[Grey]:
    random, ground, place = np.random.default_rng(seed), texture(seed, HEIGHT + 60, WIDTH + 60), np.zeros(2)
    films = []
    for _ in range(count):
        place = np.clip(0.9 * place + random.normal(scale=6, size=2), -28, 28)
        top, left = (30 + place).astype(int)
        films.append(ground[top : top + HEIGHT, left : left + WIDTH])
    return films


def card(text: str, ground: int = 20, ink: int = 230) -> Grey:
    picture = Image.new("L", (WIDTH, HEIGHT), ground)
    ImageDraw.Draw(picture).text((30, 60), text, fill=ink, font=ImageFont.load_default(30))
    return np.asarray(picture, dtype=np.float32)


def held(picture: Grey, count: int = 20) -> list[Grey]:
    return [picture] * count


def plain(level: float) -> Grey:
    return np.full((HEIGHT, WIDTH), level, np.float32)


def faded(before: list[Grey], after: list[Grey], count: int) -> list[Grey]:
    shares = [(k + 1) / (count + 1) for k in range(count)]
    mixed = [(1 - share) * a + share * b for a, b, share in zip(before[-count:], after[:count], shares, strict=True)]
    return before[:-count] + mixed + after[count:]


def noisy(pictures: Iterable[Grey], scale: float = 2.0) -> Iterator[NDArray[np.uint8]]:
    random = np.random.default_rng(7)
    for picture in pictures:
        yield np.clip(picture + random.normal(scale=scale, size=picture.shape), 0, 255).astype(np.uint8)
