"""Draws people, seen from the front."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

from earwitness.scenes.pictures.painter import Place, SpriteCanvas, shade
from earwitness.scenes.pictures.people.figure import Action, Appearance, Pose, pose_of
from earwitness.scenes.pictures.people.heads import back_hair, head

HEIGHT: Final = 1.78
"""Height of the picture in metres, including some headroom."""
MOUTH: Final = 1.515
"""Height of the mouth in metres."""
WIDTH: Final = 1.1


def draw_person(
    appearance: Appearance, action: Action, walking: bool, phase: int, pixels_per_metre: float
) -> Image.Image:
    """Picture (RGBA) of a person in an action, HEIGHT metres high and WIDTH metres wide."""
    canvas = SpriteCanvas(WIDTH, HEIGHT, pixels_per_metre)
    add_person(canvas, appearance, pose_of(action, walking, phase, elbow_breadth(appearance)))
    return canvas.finish()


def elbow_breadth(appearance: Appearance) -> float:
    """Distance in metres from the body axis to the elbow of a hanging arm."""
    return (0.21 if appearance.woman else 0.25) * appearance.girth


def add_person(canvas: SpriteCanvas, appearance: Appearance, pose: Pose) -> None:
    """Draw a person on a canvas."""
    if appearance.woman:
        back_hair(canvas, appearance, pose)
    if not pose.hands_in_front:
        for side in (0, 1):
            _arm(canvas, appearance, pose, side)
    _legs(canvas, appearance, pose)
    _torso(canvas, appearance, pose)
    head(canvas, appearance, pose)
    if pose.hands_in_front:
        for side in (0, 1):
            _arm(canvas, appearance, pose, side)


def _shoulder(appearance: Appearance, side: int, pose: Pose) -> Place:
    breadth = (0.155 if appearance.woman else 0.185) * appearance.girth
    return (breadth if side else -breadth, 1.355 - pose.sink)


def _legs(canvas: SpriteCanvas, appearance: Appearance, pose: Pose) -> None:
    skin = appearance.skin if appearance.skirt else appearance.bottom
    for side in (0, 1):
        sign = 1 if side else -1
        hip = (sign * 0.08 * appearance.girth, 0.88 - pose.sink)
        foot, knee = pose.feet[side], pose.knees[side]
        canvas.limb(
            [(foot[0] - sign * 0.01, foot[1] - 0.004), (foot[0] + sign * 0.05, foot[1] - 0.018)],
            [0.046, 0.032],
            appearance.shoes,
            bevel=0.014,
        )
        thick = (0.088, 0.064, 0.046) if not appearance.skirt else (0.07, 0.05, 0.036)
        canvas.limb(
            [hip, knee, (foot[0], foot[1] + 0.06)], [part * appearance.girth for part in thick], skin, bevel=0.03
        )
    if appearance.skirt:
        flare, hem = 0.23 * appearance.girth, 0.52
        sway = pose.feet[1][0] * 0.2 - 0.02
        canvas.polygon(
            [
                (-0.12 * appearance.girth, 0.98),
                (0.12 * appearance.girth, 0.98),
                (flare + sway, hem),
                (-flare + sway, hem),
            ],
            appearance.bottom,
            soft=0.02,
            bevel=0.05,
        )
        for fold in (-0.5, 0.0, 0.5):
            canvas.line(
                [(fold * 0.12, 0.9), (fold * 0.36 + sway, hem)], 0.008, shade(appearance.bottom, 0.82), opacity=0.6
            )


def _torso(canvas: SpriteCanvas, appearance: Appearance, pose: Pose) -> None:
    down, wide = pose.sink, appearance.girth
    shoulder = abs(_shoulder(appearance, 1, pose)[0])
    waist = (0.105 if appearance.woman else 0.145) * wide
    hip = (0.145 if appearance.woman else 0.15) * wide
    canvas.limb([(0, 1.36 - down), (pose.tilt, 1.5 - down)], [0.05, 0.048], shade(appearance.skin, 0.9), bevel=0.02)
    outline = [
        (-shoulder, 1.36 - down),
        (-0.055, 1.41 - down),
        (0.055, 1.41 - down),
        (shoulder, 1.36 - down),
        (waist, 1.1 - down),
        (hip, 0.88 - down),
        (-hip, 0.88 - down),
        (-waist, 1.1 - down),
    ]
    canvas.polygon(outline, appearance.top, soft=0.03, bevel=0.06)
    _garment(canvas, appearance, down, shoulder, waist)
    neckline = [(-0.05, 1.43 - down), (0.05, 1.43 - down), (0.0, (1.35 if appearance.woman else 1.38) - down)]
    canvas.polygon(neckline, shade(appearance.skin, 0.96), soft=0.008, bevel=0.0, cast=0.0)


def _garment(canvas: SpriteCanvas, appearance: Appearance, down: float, shoulder: float, waist: float) -> None:
    flat = {"bevel": 0.0, "cast": 0.0}
    if appearance.garment == 1:
        for band in np.arange(0.93, 1.34, 0.075):
            half = waist + (shoulder - waist) * max(0.0, (float(band) - 1.1) / 0.26) * 0.95
            canvas.box(
                -half,
                float(band) - down,
                half,
                float(band) + 0.03 - down,
                shade(appearance.top, 0.72),
                **flat,
                opacity=0.8,
            )
    elif appearance.garment == 2:
        shirt = (238, 236, 230)
        canvas.polygon(
            [(-0.05, 1.42 - down), (0.05, 1.42 - down), (0.03, 0.87 - down), (-0.03, 0.87 - down)], shirt, **flat
        )
        for sign in (-1, 1):
            canvas.polygon(
                [(sign * 0.05, 1.43 - down), (sign * 0.1, 1.36 - down), (sign * 0.035, 1.12 - down)],
                shade(appearance.top, 0.86),
                soft=0.006,
                bevel=0.006,
            )
        if not appearance.woman:
            canvas.polygon(
                [
                    (-0.016, 1.38 - down),
                    (0.016, 1.38 - down),
                    (0.022, 1.12 - down),
                    (0, 1.08 - down),
                    (-0.022, 1.12 - down),
                ],
                shade(appearance.bottom, 1.2),
                bevel=0.006,
            )
    elif appearance.garment == 3:
        canvas.line([(0, 1.37 - down), (0, 0.87 - down)], 0.012, shade(appearance.top, 0.82))
        for button in np.arange(0.92, 1.36, 0.09):
            canvas.ellipse(0.012, float(button) - down, 0.008, 0.008, shade(appearance.top, 0.6), **flat)
        for sign in (-1, 1):
            canvas.polygon(
                [(sign * 0.012, 1.38 - down), (sign * 0.065, 1.44 - down), (sign * 0.085, 1.38 - down)],
                shade(appearance.top, 1.08),
                soft=0.006,
                bevel=0.005,
            )


def _arm(canvas: SpriteCanvas, appearance: Appearance, pose: Pose, side: int) -> None:
    shoulder = _shoulder(appearance, side, pose)
    elbow, hand = pose.elbows[side], pose.hands[side]
    sleeve = shade(appearance.top, 0.97)
    span = max(float(np.hypot(hand[0] - elbow[0], hand[1] - elbow[1])), 1e-6)
    # Sleeves end before the hand, also when the forearm is foreshortened.
    share = max(0.3, 1 - 0.075 / span)
    wrist = (elbow[0] + share * (hand[0] - elbow[0]), elbow[1] + share * (hand[1] - elbow[1]))
    thick = 0.054 * appearance.girth * (0.88 if appearance.woman else 1)
    canvas.limb([elbow, wrist, hand], [thick * 0.72, thick * 0.6, thick * 0.62], appearance.skin, bevel=0.018)
    if appearance.garment == 1:
        canvas.limb([shoulder, elbow], [thick * 1.1, thick * 0.9], sleeve, bevel=0.025)
    else:
        canvas.limb([shoulder, elbow, wrist], [thick * 1.1, thick * 0.95, thick * 0.72], sleeve, bevel=0.025)
    inward = -1 if side else 1
    if pose.hands_in_front and hand[1] > 1.12:
        canvas.limb([hand, (hand[0] - inward * 0.008, hand[1] + 0.085)], [0.036, 0.026], appearance.skin, bevel=0.014)
        canvas.limb(
            [(hand[0] + inward * 0.02, hand[1] + 0.01), (hand[0] + inward * 0.042, hand[1] + 0.05)],
            [0.014, 0.011],
            appearance.skin,
            bevel=0.008,
        )
    else:
        canvas.ellipse(hand[0], hand[1] - 0.02, 0.036, 0.052, appearance.skin, bevel=0.014)
        canvas.limb(
            [(hand[0] + inward * 0.02, hand[1]), (hand[0] + inward * 0.04, hand[1] - 0.04)],
            [0.014, 0.011],
            appearance.skin,
            bevel=0.008,
        )
