"""Heads: faces, hair, beards, glasses."""

from __future__ import annotations

from earwitness.synthesis.drawn.clay import Clay, Place
from earwitness.synthesis.drawn.looks import Looks
from earwitness.synthesis.drawn.painter import shade
from earwitness.synthesis.drawn.poses import Pose


def head_centre(pose: Pose) -> Place:
    """Middle of the face."""
    return (pose.tilt * 1.5, 1.575 - pose.sink)


def back_hair(clay: Clay, looks: Looks, pose: Pose) -> None:
    """Hair that hangs behind the neck."""
    x, z = head_centre(pose)
    if looks.hairstyle == 0:
        clay.polygon(
            [(x - 0.1, z + 0.06), (x + 0.1, z + 0.06), (x + 0.135, z - 0.27), (x - 0.135, z - 0.27)],
            shade(looks.hair, 0.85),
            soft=0.025,
            bevel=0.03,
        )
    elif looks.hairstyle == 1:
        clay.ellipse(x, z - 0.03, 0.132, 0.15, shade(looks.hair, 0.85), bevel=0.03)
    elif looks.hairstyle == 2:
        clay.ellipse(x, z + 0.15, 0.055, 0.05, looks.hair, bevel=0.02)
    elif looks.hairstyle == 3:
        for sx, sz, size in (
            (-0.1, 0.02, 0.07),
            (0.1, 0.02, 0.07),
            (-0.105, -0.07, 0.065),
            (0.105, -0.07, 0.065),
            (0, 0.1, 0.09),
            (-0.07, 0.09, 0.075),
            (0.07, 0.09, 0.075),
        ):
            clay.ellipse(x + sx, z + sz, size, size, looks.hair, bevel=0.025, cast=0.1)
    else:
        clay.limb(
            [(x + 0.06, z + 0.07), (x + 0.15, z - 0.02), (x + 0.14, z - 0.2)],
            [0.045, 0.045, 0.02],
            shade(looks.hair, 0.9),
            bevel=0.02,
        )


def head(clay: Clay, looks: Looks, pose: Pose) -> None:
    """Head, face and the hair in front."""
    x, z = head_centre(pose)
    for sign in (-1, 1):
        clay.ellipse(x + sign * 0.098, z - 0.012, 0.018, 0.03, shade(looks.skin, 0.94), bevel=0.008)
    clay.ellipse(x, z, 0.097, 0.125, looks.skin, bevel=0.045)
    clay.ellipse(x, z - 0.055, 0.075, 0.068, looks.skin, bevel=0.0, cast=0.0)
    face = x + pose.turn * 0.06
    if looks.beard:
        _beard(clay, looks, face, z)
    _eyes(clay, looks, face, z, pose)
    clay.limb([(face, z), (face + 0.006, z - 0.03)], [0.008, 0.014], shade(looks.skin, 0.93), bevel=0.008, cast=0.12)
    _mouth(clay, face, z - 0.066, pose)
    _front_hair(clay, looks, x, z)
    if looks.glasses:
        for sign in (-1, 1):
            clay.ellipse(face + sign * 0.042, z + 0.008, 0.032, 0.027, (60, 56, 58), bevel=0, cast=0.1, opacity=0.85)
            clay.ellipse(face + sign * 0.042, z + 0.008, 0.026, 0.021, (228, 232, 236), bevel=0, cast=0, opacity=0.6)
            clay.ellipse(face + sign * 0.042, z + 0.006, 0.009, 0.012, (36, 30, 32), bevel=0, cast=0)
        clay.line([(face - 0.012, z + 0.012), (face + 0.012, z + 0.012)], 0.008, (60, 56, 58))


def _eyes(clay: Clay, looks: Looks, x: float, z: float, pose: Pose) -> None:
    for sign in (-1, 1):
        eye = x + sign * 0.042
        if pose.laughing:
            clay.line([(eye - 0.02, z), (eye, z + 0.012), (eye + 0.02, z)], 0.009, (44, 32, 32))
        else:
            clay.ellipse(eye, z + 0.006, 0.021, 0.016, (246, 244, 240), bevel=0, cast=0.1)
            clay.ellipse(eye + pose.turn * 0.01, z + 0.006, 0.0115, 0.0145, (46, 34, 30), bevel=0, cast=0)
            clay.ellipse(eye + 0.004, z + 0.011, 0.004, 0.004, (255, 255, 255), bevel=0, cast=0)
        brow = shade(looks.hair, 0.8)
        clay.line([(eye - 0.024, z + 0.036), (eye, z + 0.043), (eye + 0.024, z + 0.037)], 0.009, brow, opacity=0.85)
    if looks.woman and not pose.laughing:
        for sign in (-1, 1):
            outer = x + sign * 0.064
            clay.line([(x + sign * 0.03, z + 0.02), (outer, z + 0.016)], 0.006, (40, 30, 32))


def _mouth(clay: Clay, x: float, z: float, pose: Pose) -> None:
    lips = (176, 88, 82)
    if pose.laughing:
        clay.polygon(
            [(x - 0.044, z + 0.012), (x + 0.044, z + 0.012), (x + 0.022, z - 0.026), (x - 0.022, z - 0.026)],
            (112, 34, 38),
            soft=0.008,
            bevel=0,
            cast=0,
        )
        clay.box(x - 0.038, z + 0.006, x + 0.038, z + 0.018, (250, 248, 244), radius=0.004, bevel=0, cast=0)
    elif pose.mouth > 0.05:
        tall = 0.006 + 0.02 * pose.mouth
        clay.ellipse(x, z, 0.03 - 0.004 * pose.mouth, tall + 0.006, lips, bevel=0, cast=0)
        clay.ellipse(x, z, 0.025 - 0.004 * pose.mouth, tall, (96, 28, 34), bevel=0, cast=0)
        if pose.mouth > 0.6:
            clay.box(x - 0.016, z + tall - 0.009, x + 0.016, z + tall - 0.002, (248, 246, 242), bevel=0, cast=0)
    else:
        clay.line(
            [(x - 0.03, z + 0.006), (x - 0.012, z - 0.002), (x + 0.012, z - 0.002), (x + 0.03, z + 0.006)], 0.01, lips
        )


def _beard(clay: Clay, looks: Looks, x: float, z: float) -> None:
    points = [
        (x - 0.088, z - 0.02),
        (x - 0.06, z - 0.045),
        (x, z - 0.038),
        (x + 0.06, z - 0.045),
        (x + 0.088, z - 0.02),
        (x + 0.07, z - 0.1),
        (x, z - 0.13),
        (x - 0.07, z - 0.1),
    ]
    clay.polygon(points, shade(looks.hair, 0.92), soft=0.006, bevel=0.02, cast=0.0)


def _front_hair(clay: Clay, looks: Looks, x: float, z: float) -> None:
    hair, style = looks.hair, looks.hairstyle
    if not looks.woman and style == 4:
        for sign in (-1, 1):
            clay.limb([(x + sign * 0.093, z + 0.05), (x + sign * 0.094, z + 0.005)], [0.016, 0.01], hair, bevel=0.006)
        return
    fringe = 0.062 if looks.woman else 0.07
    crown = [
        (x - 0.104, z + 0.0),
        (x - 0.1, z + 0.075),
        (x - 0.06, z + 0.125),
        (x, z + 0.14),
        (x + 0.06, z + 0.125),
        (x + 0.1, z + 0.075),
        (x + 0.104, z + 0.0),
        (x + 0.09, z + fringe - 0.012),
        (x + 0.03, z + fringe + 0.016),
        (x - 0.05, z + fringe),
        (x - 0.088, z + fringe - 0.02),
    ]
    clay.polygon(crown, hair, soft=0.012, bevel=0.03)
    if not looks.woman and style == 1:
        for offset in (-0.075, -0.03, 0.02, 0.065):
            clay.ellipse(x + offset, z + 0.115 - abs(offset) * 0.4, 0.036, 0.034, hair, bevel=0.014, cast=0.15)
    if not looks.woman and style == 2:
        clay.limb(
            [(x - 0.07, z + 0.085), (x, z + 0.125), (x + 0.085, z + 0.1)],
            [0.028, 0.04, 0.02],
            shade(hair, 1.08),
            bevel=0.02,
        )
    if looks.woman and style in (0, 1):
        low = -0.2 if style == 0 else -0.1
        for sign in (-1, 1):
            clay.limb(
                [(x + sign * 0.098, z + 0.06), (x + sign * 0.112, z - 0.03), (x + sign * 0.108, z + low)],
                [0.024, 0.028, 0.016],
                hair,
                bevel=0.016,
            )
