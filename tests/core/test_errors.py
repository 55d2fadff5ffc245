from __future__ import annotations

import pickle

from earwitness.core.errors import EarwitnessError, MissingExtraError, first_line, one_line, shortened


def test_messages_are_one_printable_line() -> None:
    assert str(EarwitnessError("first\n\tsecond \x1b[31m\u202e")) == "first second \\x1b[31m\\u202e"
    assert one_line("\udce9") == "\\udce9"


def test_long_texts_are_shortened() -> None:
    assert shortened("a" * 160) == "a" * 160
    assert shortened("a" * 161) == "a" * 157 + "..."
    assert len(shortened("a" * 10**6, 20)) == 20


def test_the_first_line_of_another_error() -> None:
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(ValueError()) == "ValueError"


def test_an_error_with_two_arguments_can_be_sent_between_processes() -> None:
    error = MissingExtraError("training", "train")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is MissingExtraError
    assert str(again) == str(error)
    assert "pip install 'earwitness[train]'" in str(again)
