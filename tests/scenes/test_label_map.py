from __future__ import annotations

import pytest

from earwitness.scenes.bank.label_map import class_of, class_of_all


@pytest.mark.parametrize("label", ["Water tap, faucet", "Water_tap_and_faucet", "water_tap"])
def test_spellings_of_a_label(label: str) -> None:
    assert class_of(label) == "water_tap"


@pytest.mark.parametrize(
    ("labels", "slug"),
    [
        (["Telephone", "Bell", "Domestic sounds"], "telephone"),
        (["Knock", "Door", "Domestic_sounds_and_home_sounds"], "knock"),
        (["Knock", "Laughter"], None),
        (["Bark"], None),
        ([], None),
    ],
)
def test_the_most_specific_class_counts(labels: list[str], slug: str | None) -> None:
    assert class_of_all(labels) == slug
