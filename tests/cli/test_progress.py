from __future__ import annotations

import io

from rich.console import Console

from earwitness.cli.progress import Meter


def test_where_there_is_no_terminal_lines_say_how_long_it_will_take() -> None:
    now = [0.0]
    out = io.StringIO()
    with Meter(Console(file=out, width=100), lambda: now[0]) as meter:
        report = meter.task("clips")
        for done in range(1, 101):
            now[0] += 36.0 if done <= 10 else 1.0
            report(done, 100)
    lines = out.getvalue().splitlines()
    assert lines[0] == "clips 1 of 100, 0:59:24 left"
    assert lines[9] == "clips 10 of 100, 0:54:00 left"
    assert len(lines) == 10 + 90 // 30
    assert lines[-1] == "clips 100 of 100"


def test_on_a_terminal_there_is_a_bar_with_what_is_left() -> None:
    out = io.StringIO()
    with Meter(Console(file=out, width=100, force_terminal=True)) as meter:
        report = meter.task("rooms")
        report(3, 12)
        report(12, 12)
    assert "rooms" in out.getvalue()
    assert "12/12" in out.getvalue()
    assert "left" in out.getvalue()
