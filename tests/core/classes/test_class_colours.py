from earwitness.core.classes.class_colours import further_colours
from earwitness.core.vocabulary import DCASE2025


def luminance(code: str) -> float:
    parts = [int(code[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_further_colours_are_new_and_legible() -> None:
    used = [one.colour for one in DCASE2025]
    found = further_colours(used, 50)
    assert len({*used, *found}) == len(used) + 50
    assert all(1.05 / (luminance(code) + 0.05) > 2.2 for code in found)
    assert further_colours(used, 3) == found[:3]
