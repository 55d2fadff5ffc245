"""What a model reaches with spaced microphones, beside coincident ones, on the same scenes; part of its card."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, model_validator

from earwitness.core.schema import StrictModel

USABLE_SHARE: Final = 0.5
"""Share of the F20/1 with coincident microphones from which on directions from spaced ones are usable."""

_Share = Annotated[float, Field(ge=0, le=1)]
_Degrees = Annotated[float, Field(ge=0, le=180)]


class MicrophoneScore(StrictModel):
    """Scores with one microphone.

    Attributes:
        spaced: whether its channels have time differences.
        f_score: macro F20/1.
        doa_error_deg: macro DOAE, degrees.
    """

    spaced: bool
    f_score: _Share
    doa_error_deg: _Degrees


class MicrophoneScores(StrictModel):
    """Scores of a model with several microphones.

    Attributes:
        scenes: number of scenes, the same for each microphone.
        of: name of the microphone -> its scores; at least one is spaced and one is not.
    """

    scenes: int = Field(ge=2)
    of: dict[str, MicrophoneScore] = Field(max_length=100)

    @model_validator(mode="after")
    def _both_kinds(self) -> MicrophoneScores:
        if {score.spaced for score in self.of.values()} != {True, False}:
            raise ValueError("scores of spaced and of other microphones are needed")
        return self

    def ranked(self, *, spaced: bool) -> list[MicrophoneScore]:
        """The scores of the spaced or the other microphones, the lowest F20/1 first."""
        return sorted((score for score in self.of.values() if score.spaced is spaced), key=lambda score: score.f_score)

    @property
    def usable(self) -> bool:
        """Whether F20/1 is at least half of that of the best coincident microphone with each of the spaced ones.

        Each, because a recording does not tell which kind of spaced microphones it comes from.
        """
        return self.ranked(spaced=True)[0].f_score >= USABLE_SHARE * self.ranked(spaced=False)[-1].f_score

    def advice(self) -> str | None:
        """A sentence on what was measured; None if directions from spaced microphones are not usable."""
        if not self.usable:
            return None
        spaced, best = self.ranked(spaced=True), self.ranked(spaced=False)[-1]
        angles = [score.doa_error_deg for score in spaced]
        return (
            "The model was trained with such microphones, too, but is less exact: in simulated rooms its F20/1 was "
            f"{_range(spaced[0].f_score, spaced[-1].f_score, 2)} and its directions were off by "
            f"{_range(min(angles), max(angles), 0)} degrees, against {best.f_score:.2f} and {best.doa_error_deg:.0f} "
            "with coincident microphones."
        )


def _range(low: float, high: float, digits: int) -> str:
    first, last = f"{low:.{digits}f}", f"{high:.{digits}f}"
    return first if first == last else f"{first} to {last}"
