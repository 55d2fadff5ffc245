import pytest

from earwitness.core.classes.class_names import display_name, slug_of


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Water tap, faucet", "water_tap_faucet"),
        ("  Küchen-Uhr  ", "kuchen_uhr"),
        ("電話", "電話"),
        ("A/C (old)", "a_c_old"),
        ("../../etc", "etc"),
        ("!!!", ""),
    ],
)
def test_slugs_are_words_joined_by_underscores(name: str, slug: str) -> None:
    assert slug_of(name) == slug
    assert slug_of(slug) == slug


def test_names_of_folders_become_names_for_people() -> None:
    assert display_name("smoke_alarm") == "Smoke alarm"
    assert display_name("MRI scanner") == "MRI scanner"
