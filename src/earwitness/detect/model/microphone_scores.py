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

    def mean(self, *, spaced: bool) -> MicrophoneScore:
        """The mean over the spaced or the other microphones."""
        scores = [score for score in self.of.values() if score.spaced is spaced]
        f_score, angle = (
            sum(getattr(score, name) for score in scores) / len(scores) for name in ("f_score", "doa_error_deg")
        )
        return MicrophoneScore(spaced=spaced, f_score=f_score, doa_error_deg=angle)

    @property
    def usable(self) -> bool:
        """Whether the mean F20/1 with spaced microphones is at least half of that with coincident ones."""
        return self.mean(spaced=True).f_score >= USABLE_SHARE * self.mean(spaced=False).f_score

    def advice(self) -> str | None:
        """A sentence on what was measured; None if directions from spaced microphones are not usable."""
        if not self.usable:
            return None
        here, there = self.mean(spaced=True), self.mean(spaced=False)
        return (
            f"The model was trained with such microphones, too, but is less exact: in simulated rooms its F20/1 was "
            f"{here.f_score:.2f} and its directions were off by {here.doa_error_deg:.0f} degrees, against "
            f"{there.f_score:.2f} and {there.doa_error_deg:.0f} with coincident microphones."
        )
