"""People, drawn from the front."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

from earwitness.synthesis.drawn.clay import Clay, Place
from earwitness.synthesis.drawn.heads import back_hair, head
from earwitness.synthesis.drawn.looks import Looks
from earwitness.synthesis.drawn.painter import shade
from earwitness.synthesis.drawn.poses import Action, Pose, pose_of

HEIGHT: Final = 1.78
"""Metres from sole to crown, a little headroom included."""
MOUTH: Final = 1.515
"""Height of the mouth."""
WIDTH: Final = 1.1


def draw_person(looks: Looks, action: Action, walking: bool, phase: int, pixels_per_metre: float) -> Image.Image:
    """Picture (RGBA) of somebody doing something, HEIGHT metres high and WIDTH wide."""
    clay = Clay(WIDTH, HEIGHT, pixels_per_metre)
    sculpt_person(clay, looks, pose_of(action, walking, phase, elbow_breadth(looks)))
    return clay.finish()


def elbow_breadth(looks: Looks) -> float:
    """Metres from the middle of the body to a hanging elbow."""
    return (0.21 if looks.woman else 0.25) * looks.girth


def sculpt_person(clay: Clay, looks: Looks, pose: Pose) -> None:
    """Add somebody to a picture."""
    if looks.woman:
        back_hair(clay, looks, pose)
    if not pose.hands_in_front:
        for side in (0, 1):
            _arm(clay, looks, pose, side)
    _legs(clay, looks, pose)
    _torso(clay, looks, pose)
    head(clay, looks, pose)
    if pose.hands_in_front:
        for side in (0, 1):
            _arm(clay, looks, pose, side)


def _shoulder(looks: Looks, side: int, pose: Pose) -> Place:
    breadth = (0.155 if looks.woman else 0.185) * looks.girth
    return (breadth if side else -breadth, 1.355 - pose.sink)


def _legs(clay: Clay, looks: Looks, pose: Pose) -> None:
    skin = looks.skin if looks.skirt else looks.bottom
    for side in (0, 1):
        sign = 1 if side else -1
        hip = (sign * 0.08 * looks.girth, 0.88 - pose.sink)
        foot, knee = pose.feet[side], pose.knees[side]
        clay.limb(
            [(foot[0] - sign * 0.01, foot[1] - 0.004), (foot[0] + sign * 0.05, foot[1] - 0.018)],
            [0.046, 0.032],
            looks.shoes,
            bevel=0.014,
        )
        thick = (0.088, 0.064, 0.046) if not looks.skirt else (0.07, 0.05, 0.036)
        clay.limb([hip, knee, (foot[0], foot[1] + 0.06)], [part * looks.girth for part in thick], skin, bevel=0.03)
    if looks.skirt:
        flare, hem = 0.23 * looks.girth, 0.52
        sway = pose.feet[1][0] * 0.2 - 0.02
        clay.polygon(
            [(-0.12 * looks.girth, 0.98), (0.12 * looks.girth, 0.98), (flare + sway, hem), (-flare + sway, hem)],
            looks.bottom,
            soft=0.02,
            bevel=0.05,
        )
        for fold in (-0.5, 0.0, 0.5):
            clay.line([(fold * 0.12, 0.9), (fold * 0.36 + sway, hem)], 0.008, shade(looks.bottom, 0.82), opacity=0.6)


def _torso(clay: Clay, looks: Looks, pose: Pose) -> None:
    down, wide = pose.sink, looks.girth
    shoulder = abs(_shoulder(looks, 1, pose)[0])
    waist = (0.105 if looks.woman else 0.145) * wide
    hip = (0.145 if looks.woman else 0.15) * wide
    clay.limb([(0, 1.36 - down), (pose.tilt, 1.5 - down)], [0.05, 0.048], shade(looks.skin, 0.9), bevel=0.02)
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
    clay.polygon(outline, looks.top, soft=0.03, bevel=0.06)
    _garment(clay, looks, down, shoulder, waist)
    neckline = [(-0.05, 1.43 - down), (0.05, 1.43 - down), (0.0, (1.35 if looks.woman else 1.38) - down)]
    clay.polygon(neckline, shade(looks.skin, 0.96), soft=0.008, bevel=0.0, cast=0.0)


def _garment(clay: Clay, looks: Looks, down: float, shoulder: float, waist: float) -> None:
    flat = {"bevel": 0.0, "cast": 0.0}
    if looks.garment == 1:
        for band in np.arange(0.93, 1.34, 0.075):
            half = waist + (shoulder - waist) * max(0.0, (float(band) - 1.1) / 0.26) * 0.95
            clay.box(
                -half, float(band) - down, half, float(band) + 0.03 - down, shade(looks.top, 0.72), **flat, opacity=0.8
            )
    elif looks.garment == 2:
        shirt = (238, 236, 230)
        clay.polygon(
            [(-0.05, 1.42 - down), (0.05, 1.42 - down), (0.03, 0.87 - down), (-0.03, 0.87 - down)], shirt, **flat
        )
        for sign in (-1, 1):
            clay.polygon(
                [(sign * 0.05, 1.43 - down), (sign * 0.1, 1.36 - down), (sign * 0.035, 1.12 - down)],
                shade(looks.top, 0.86),
                soft=0.006,
                bevel=0.006,
            )
        if not looks.woman:
            clay.polygon(
                [
                    (-0.016, 1.38 - down),
                    (0.016, 1.38 - down),
                    (0.022, 1.12 - down),
                    (0, 1.08 - down),
                    (-0.022, 1.12 - down),
                ],
                shade(looks.bottom, 1.2),
                bevel=0.006,
            )
    elif looks.garment == 3:
        clay.line([(0, 1.37 - down), (0, 0.87 - down)], 0.012, shade(looks.top, 0.82))
        for button in np.arange(0.92, 1.36, 0.09):
            clay.ellipse(0.012, float(button) - down, 0.008, 0.008, shade(looks.top, 0.6), **flat)
        for sign in (-1, 1):
            clay.polygon(
                [(sign * 0.012, 1.38 - down), (sign * 0.065, 1.44 - down), (sign * 0.085, 1.38 - down)],
                shade(looks.top, 1.08),
                soft=0.006,
                bevel=0.005,
            )


def _arm(clay: Clay, looks: Looks, pose: Pose, side: int) -> None:
    shoulder = _shoulder(looks, side, pose)
    elbow, hand = pose.elbows[side], pose.hands[side]
    sleeve = shade(looks.top, 0.97)
    span = max(float(np.hypot(hand[0] - elbow[0], hand[1] - elbow[1])), 1e-6)
    # Sleeves end short of the hand, however much the forearm is foreshortened.
    share = max(0.3, 1 - 0.075 / span)
    wrist = (elbow[0] + share * (hand[0] - elbow[0]), elbow[1] + share * (hand[1] - elbow[1]))
    thick = 0.054 * looks.girth * (0.88 if looks.woman else 1)
    clay.limb([elbow, wrist, hand], [thick * 0.72, thick * 0.6, thick * 0.62], looks.skin, bevel=0.018)
    if looks.garment == 1:
        clay.limb([shoulder, elbow], [thick * 1.1, thick * 0.9], sleeve, bevel=0.025)
    else:
        clay.limb([shoulder, elbow, wrist], [thick * 1.1, thick * 0.95, thick * 0.72], sleeve, bevel=0.025)
    inward = -1 if side else 1
    if pose.hands_in_front and hand[1] > 1.12:
        clay.limb([hand, (hand[0] - inward * 0.008, hand[1] + 0.085)], [0.036, 0.026], looks.skin, bevel=0.014)
        clay.limb(
            [(hand[0] + inward * 0.02, hand[1] + 0.01), (hand[0] + inward * 0.042, hand[1] + 0.05)],
            [0.014, 0.011],
            looks.skin,
            bevel=0.008,
        )
    else:
        clay.ellipse(hand[0], hand[1] - 0.02, 0.036, 0.052, looks.skin, bevel=0.014)
        clay.limb(
            [(hand[0] + inward * 0.02, hand[1]), (hand[0] + inward * 0.04, hand[1] - 0.04)],
            [0.014, 0.011],
            looks.skin,
            bevel=0.008,
        )
