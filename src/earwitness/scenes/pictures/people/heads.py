"""Draws heads: faces, hair, beards, glasses."""

from __future__ import annotations

from earwitness.scenes.pictures.painter import Place, SpriteCanvas, shade
from earwitness.scenes.pictures.people.figure import Appearance, Pose


def head_centre(pose: Pose) -> Place:
    """Centre of the face."""
    return (pose.tilt * 1.5, 1.575 - pose.sink)


def back_hair(canvas: SpriteCanvas, appearance: Appearance, pose: Pose) -> None:
    """Draw the hair behind the neck."""
    x, z = head_centre(pose)
    if appearance.hairstyle == 0:
        canvas.polygon(
            [(x - 0.1, z + 0.06), (x + 0.1, z + 0.06), (x + 0.135, z - 0.27), (x - 0.135, z - 0.27)],
            shade(appearance.hair, 0.85),
            soft=0.025,
            bevel=0.03,
        )
    elif appearance.hairstyle == 1:
        canvas.ellipse(x, z - 0.03, 0.132, 0.15, shade(appearance.hair, 0.85), bevel=0.03)
    elif appearance.hairstyle == 2:
        canvas.ellipse(x, z + 0.15, 0.055, 0.05, appearance.hair, bevel=0.02)
    elif appearance.hairstyle == 3:
        for sx, sz, size in (
            (-0.1, 0.02, 0.07),
            (0.1, 0.02, 0.07),
            (-0.105, -0.07, 0.065),
            (0.105, -0.07, 0.065),
            (0, 0.1, 0.09),
            (-0.07, 0.09, 0.075),
            (0.07, 0.09, 0.075),
        ):
            canvas.ellipse(x + sx, z + sz, size, size, appearance.hair, bevel=0.025, cast=0.1)
    else:
        canvas.limb(
            [(x + 0.06, z + 0.07), (x + 0.15, z - 0.02), (x + 0.14, z - 0.2)],
            [0.045, 0.045, 0.02],
            shade(appearance.hair, 0.9),
            bevel=0.02,
        )


def head(canvas: SpriteCanvas, appearance: Appearance, pose: Pose) -> None:
    """Draw the head, the face and the hair in front."""
    x, z = head_centre(pose)
    for sign in (-1, 1):
        canvas.ellipse(x + sign * 0.098, z - 0.012, 0.018, 0.03, shade(appearance.skin, 0.94), bevel=0.008)
    canvas.ellipse(x, z, 0.097, 0.125, appearance.skin, bevel=0.045)
    canvas.ellipse(x, z - 0.055, 0.075, 0.068, appearance.skin, bevel=0.0, cast=0.0)
    face = x + pose.turn * 0.06
    if appearance.beard:
        _beard(canvas, appearance, face, z)
    _eyes(canvas, appearance, face, z, pose)
    canvas.limb(
        [(face, z), (face + 0.006, z - 0.03)], [0.008, 0.014], shade(appearance.skin, 0.93), bevel=0.008, cast=0.12
    )
    _mouth(canvas, face, z - 0.066, pose)
    _front_hair(canvas, appearance, x, z)
    if appearance.glasses:
        for sign in (-1, 1):
            canvas.ellipse(face + sign * 0.042, z + 0.008, 0.032, 0.027, (60, 56, 58), bevel=0, cast=0.1, opacity=0.85)
            canvas.ellipse(face + sign * 0.042, z + 0.008, 0.026, 0.021, (228, 232, 236), bevel=0, cast=0, opacity=0.6)
            canvas.ellipse(face + sign * 0.042, z + 0.006, 0.009, 0.012, (36, 30, 32), bevel=0, cast=0)
        canvas.line([(face - 0.012, z + 0.012), (face + 0.012, z + 0.012)], 0.008, (60, 56, 58))


def _eyes(canvas: SpriteCanvas, appearance: Appearance, x: float, z: float, pose: Pose) -> None:
    for sign in (-1, 1):
        eye = x + sign * 0.042
        if pose.laughing:
            canvas.line([(eye - 0.02, z), (eye, z + 0.012), (eye + 0.02, z)], 0.009, (44, 32, 32))
        else:
            canvas.ellipse(eye, z + 0.006, 0.021, 0.016, (246, 244, 240), bevel=0, cast=0.1)
            canvas.ellipse(eye + pose.turn * 0.01, z + 0.006, 0.0115, 0.0145, (46, 34, 30), bevel=0, cast=0)
            canvas.ellipse(eye + 0.004, z + 0.011, 0.004, 0.004, (255, 255, 255), bevel=0, cast=0)
        brow = shade(appearance.hair, 0.8)
        canvas.line([(eye - 0.024, z + 0.036), (eye, z + 0.043), (eye + 0.024, z + 0.037)], 0.009, brow, opacity=0.85)
    if appearance.woman and not pose.laughing:
        for sign in (-1, 1):
            outer = x + sign * 0.064
            canvas.line([(x + sign * 0.03, z + 0.02), (outer, z + 0.016)], 0.006, (40, 30, 32))


def _mouth(canvas: SpriteCanvas, x: float, z: float, pose: Pose) -> None:
    lips = (176, 88, 82)
    if pose.laughing:
        canvas.polygon(
            [(x - 0.044, z + 0.012), (x + 0.044, z + 0.012), (x + 0.022, z - 0.026), (x - 0.022, z - 0.026)],
            (112, 34, 38),
            soft=0.008,
            bevel=0,
            cast=0,
        )
        canvas.box(x - 0.038, z + 0.006, x + 0.038, z + 0.018, (250, 248, 244), radius=0.004, bevel=0, cast=0)
    elif pose.mouth > 0.05:
        tall = 0.006 + 0.02 * pose.mouth
        canvas.ellipse(x, z, 0.03 - 0.004 * pose.mouth, tall + 0.006, lips, bevel=0, cast=0)
        canvas.ellipse(x, z, 0.025 - 0.004 * pose.mouth, tall, (96, 28, 34), bevel=0, cast=0)
        if pose.mouth > 0.6:
            canvas.box(x - 0.016, z + tall - 0.009, x + 0.016, z + tall - 0.002, (248, 246, 242), bevel=0, cast=0)
    else:
        canvas.line(
            [(x - 0.03, z + 0.006), (x - 0.012, z - 0.002), (x + 0.012, z - 0.002), (x + 0.03, z + 0.006)], 0.01, lips
        )


def _beard(canvas: SpriteCanvas, appearance: Appearance, x: float, z: float) -> None:
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
    canvas.polygon(points, shade(appearance.hair, 0.92), soft=0.006, bevel=0.02, cast=0.0)


def _front_hair(canvas: SpriteCanvas, appearance: Appearance, x: float, z: float) -> None:
    hair, style = appearance.hair, appearance.hairstyle
    if not appearance.woman and style == 4:
        for sign in (-1, 1):
            canvas.limb([(x + sign * 0.093, z + 0.05), (x + sign * 0.094, z + 0.005)], [0.016, 0.01], hair, bevel=0.006)
        return
    fringe = 0.062 if appearance.woman else 0.07
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
    canvas.polygon(crown, hair, soft=0.012, bevel=0.03)
    if not appearance.woman and style == 1:
        for offset in (-0.075, -0.03, 0.02, 0.065):
            canvas.ellipse(x + offset, z + 0.115 - abs(offset) * 0.4, 0.036, 0.034, hair, bevel=0.014, cast=0.15)
    if not appearance.woman and style == 2:
        canvas.limb(
            [(x - 0.07, z + 0.085), (x, z + 0.125), (x + 0.085, z + 0.1)],
            [0.028, 0.04, 0.02],
            shade(hair, 1.08),
            bevel=0.02,
        )
    if appearance.woman and style in (0, 1):
        low = -0.2 if style == 0 else -0.1
        for sign in (-1, 1):
            canvas.limb(
                [(x + sign * 0.098, z + 0.06), (x + sign * 0.112, z - 0.03), (x + sign * 0.108, z + low)],
                [0.024, 0.028, 0.016],
                hair,
                bevel=0.016,
            )
