"""What a drawn person looks like: a random appearance, and the pose of each action and phase."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from earwitness.scenes.pictures.painter import Colour, Place, pick

_SKINS: Final[tuple[Colour, ...]] = (
    (245, 208, 178),
    (232, 184, 148),
    (205, 152, 112),
    (166, 112, 76),
    (124, 80, 54),
    (92, 60, 42),
    (240, 196, 168),
)
_HAIRS: Final[tuple[Colour, ...]] = (
    (38, 30, 28),
    (70, 46, 32),
    (110, 72, 42),
    (176, 130, 70),
    (146, 70, 38),
    (150, 148, 146),
    (24, 22, 26),
)
_CLOTHES: Final[tuple[Colour, ...]] = (
    (196, 68, 62),
    (48, 92, 142),
    (62, 124, 96),
    (226, 178, 74),
    (92, 72, 128),
    (60, 66, 78),
    (232, 230, 224),
    (208, 118, 86),
    (112, 160, 178),
    (142, 52, 84),
    (38, 62, 66),
    (214, 152, 166),
)
_LEGS: Final[tuple[Colour, ...]] = ((52, 66, 98), (44, 44, 50), (120, 104, 84), (84, 88, 94), (70, 52, 44))

Action = Literal["stand", "talk", "clap", "laugh"]

PHASES: Final = 4
"""Phases of every action and of walking (two steps)."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """The appearance of a person.

    Attributes:
        woman: whether body shape and clothes are a woman's.
        skin, hair, top, bottom, shoes: colours.
        hairstyle: 0 to 4.
        garment: 0 plain, 1 striped, 2 jacket over shirt, 3 with collar and buttons.
        skirt: a skirt or dress instead of trousers.
        beard, glasses: whether the person has them.
        girth: body width relative to the average.
    """

    woman: bool
    skin: Colour
    hair: Colour
    top: Colour
    bottom: Colour
    shoes: Colour
    hairstyle: int
    garment: int
    skirt: bool
    beard: bool
    glasses: bool
    girth: float

    @classmethod
    def draw(cls, woman: bool, rng: np.random.Generator) -> Appearance:
        """A random person."""
        return cls(
            woman=woman,
            skin=pick(rng, _SKINS),
            hair=pick(rng, _HAIRS),
            top=pick(rng, _CLOTHES),
            bottom=pick(rng, _LEGS),
            shoes=pick(rng, ((40, 36, 36), (120, 80, 54), (228, 226, 222), (150, 50, 48))),
            hairstyle=int(rng.integers(5)),
            garment=int(rng.integers(4)),
            skirt=woman and bool(rng.random() < 0.45),
            beard=not woman and bool(rng.random() < 0.4),
            glasses=bool(rng.random() < 0.25),
            girth=float(rng.uniform(0.92, 1.14)),
        )


@dataclass(frozen=True, slots=True)
class Pose:
    """Joints of a body of average height, in metres; the first of a pair is on the viewer's left.

    Attributes:
        elbows, hands, knees, feet: positions of the joints.
        mouth: opening of the mouth, 0 to 1.
        laughing: whether the eyes are closed and the mouth is wide open.
        tilt: shift of the head to the right in metres.
        sink: downward shift of the upper body in metres.
        hands_in_front: whether the arms are in front of the body instead of beside it.
        turn: rotation of the face to the right, -1 to 1.
    """

    elbows: tuple[Place, Place]
    hands: tuple[Place, Place]
    knees: tuple[Place, Place] = ((-0.095, 0.48), (0.095, 0.48))
    feet: tuple[Place, Place] = ((-0.1, 0.05), (0.1, 0.05))
    mouth: float = 0.0
    laughing: bool = False
    tilt: float = 0.0
    sink: float = 0.0
    hands_in_front: bool = False
    turn: float = 0.0


def pose_of(action: Action, walking: bool, phase: int, breadth: float) -> Pose:
    """The pose of a person whose elbows hang `breadth` metres from the body axis."""
    phase %= PHASES
    pose = _acting(action, phase, breadth)
    return _walking(pose, action, phase, breadth) if walking else pose


def _acting(action: Action, phase: int, breadth: float) -> Pose:
    hanging = ((-breadth - 0.01, 0.86), (breadth + 0.01, 0.86))
    standing = Pose(elbows=((-breadth, 1.1), (breadth, 1.1)), hands=hanging)
    if action == "talk":
        return replace(
            standing,
            elbows=(standing.elbows[0], (breadth + 0.05, 1.07)),
            hands=(standing.hands[0], ((0.3, 1.2), (0.25, 1.26), (0.35, 1.17), (0.28, 1.23))[phase]),
            mouth=(0.25, 1.0, 0.5, 0.8)[phase],
            tilt=(0.0, 0.008, 0.0, -0.008)[phase],
            hands_in_front=True,
        )
    if action == "clap":
        apart = (0.17, 0.09, 0.025, 0.1)[phase]
        return replace(
            standing,
            elbows=((-breadth - 0.05, 1.06), (breadth + 0.05, 1.06)),
            hands=((-apart, 1.2), (apart, 1.2)),
            mouth=0.15,
            hands_in_front=True,
        )
    if action == "laugh":
        sink = (0.0, 0.018, 0.004, 0.022)[phase]
        return replace(
            standing,
            elbows=(standing.elbows[0], (breadth + 0.02, 1.1 - sink)),
            hands=(standing.hands[0], (0.06, 1.05 - sink)),
            mouth=1.0,
            laughing=True,
            sink=sink,
            tilt=(-0.012, 0.01, -0.006, 0.012)[phase],
            hands_in_front=True,
        )
    return standing


def _walking(pose: Pose, action: Action, phase: int, breadth: float) -> Pose:
    """`pose` while walking, in three-quarter view; the phases are contact, passing, contact, passing."""
    swing = (0.17, 0.0, -0.17, 0.0)[phase]
    lifts = (0.1 if phase == 1 else 0.0, 0.1 if phase == 3 else 0.0)
    stepping = replace(
        pose,
        knees=(
            (-0.08 - 0.45 * swing + 0.3 * lifts[0], 0.49 + 0.5 * lifts[0]),
            (0.08 + 0.45 * swing - 0.3 * lifts[1], 0.49 + 0.5 * lifts[1]),
        ),
        feet=((-0.07 - swing, 0.05 + lifts[0]), (0.07 + swing, 0.05 + lifts[1])),
        sink=max(pose.sink, 0.018 if swing else 0.0),
        turn=0.25,
    )
    if action != "stand":
        return stepping
    arms = 0.6 * swing
    return replace(
        stepping,
        elbows=((-breadth - 0.02, 1.1), (breadth + 0.02, 1.1)),
        hands=((-breadth + arms, 0.9 + abs(arms) / 2), (breadth + arms, 0.9 + abs(arms) / 2)),
    )
