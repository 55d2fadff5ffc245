from __future__ import annotations

import pytest

from earwitness.scenes.bank.bank_sound import BankSound, class_of, class_of_all, licence_family, with_licence


@pytest.mark.parametrize(
    ("licence", "family"),
    [
        ("CC-BY-4.0", "ccby"), ("CC BY 3.0", "ccby"), ("CC0-1.0", "cc0"), ("cc-by-nc", "ccbync"),
        ("CC-BY-SA v4.0", "ccbysa"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "cc0"),
        ("https://creativecommons.org/licenses/by-nc/3.0/", "ccbync"),
    ],
)  # fmt: skip
def test_versions_and_spellings_of_licences(licence: str, family: str) -> None:
    assert licence_family(licence) == family


def test_sounds_without_a_licence_are_left_out() -> None:
    sounds = [
        BankSound("a", "bell", licence="CC0-1.0"),
        BankSound("b", "bell"),
        BankSound("c", "bell", licence="CC-BY-NC"),
    ]
    assert [sound.name for sound in with_licence(sounds, ["cc0", "cc-by"])] == ["a"]
    assert with_licence(sounds, [""]) == []


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
