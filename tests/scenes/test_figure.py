from __future__ import annotations

import numpy as np

from earwitness.scenes.pictures.people.figure import PHASES, Appearance, pose_of


def test_walking_lifts_one_foot_after_the_other() -> None:
    lifted = [[foot[1] > 0.06 for foot in pose_of("stand", True, phase, 0.2).feet] for phase in range(PHASES)]
    assert lifted == [[False, False], [True, False], [False, False], [False, True]]
    assert pose_of("stand", False, 2, 0.2) == pose_of("stand", False, 2 + PHASES, 0.2)


def test_hands_meet_once_while_clapping() -> None:
    apart = []
    for phase in range(PHASES):
        (left, _), (right, _) = pose_of("clap", False, phase, 0.2).hands
        apart.append(right - left)
    assert min(apart) < 0.1 < max(apart)


def test_mouths_open_for_speech_and_laughter_only() -> None:
    def mouths(action: str) -> list[float]:
        return [pose_of(action, False, phase, 0.2).mouth for phase in range(PHASES)]  # type: ignore[arg-type]

    assert max(mouths("stand")) == 0
    assert max(mouths("clap")) < 0.2
    assert max(mouths("talk")) > 0.5
    assert len(set(mouths("talk"))) > 1
    assert any(pose_of("laugh", False, phase, 0.2).laughing for phase in range(PHASES))
    assert not any(pose_of("talk", False, phase, 0.2).laughing for phase in range(PHASES))


def test_appearances_are_reproducible_and_varied() -> None:
    people = [Appearance.draw(bool(seed % 2), np.random.default_rng(seed)) for seed in range(20)]
    assert people == [Appearance.draw(bool(seed % 2), np.random.default_rng(seed)) for seed in range(20)]
    assert len({person.top for person in people}) > 5
    assert not any(person.beard for person in people if person.woman)
    assert not any(person.skirt for person in people if not person.woman)
