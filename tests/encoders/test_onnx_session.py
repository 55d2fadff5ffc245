from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys, time
from earwitness import Detector
Detector.load(sys.argv[1], vision=None).detect(sys.argv[2])
time.sleep(1)
"""


def test_onnxruntime_sends_and_stores_no_telemetry(
    meter_model: Path,
    make_burst,  # type: ignore[no-untyped-def]
    tmp_path: Path,
) -> None:
    from earwitness.media.sound.wav import write_wav

    write_wav(tmp_path / "a.wav", make_burst(2, (0.5, 1, 20)), 24_000)
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    places = {"HOME": str(home), "TMPDIR": str(temporary), "XDG_CACHE_HOME": str(home / ".cache")}
    inherited = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(meter_model), str(tmp_path / "a.wav")], env=inherited | places, check=True
    )
    own = home / ".cache" / "earwitness"
    found = [path for folder in (home, temporary) for path in folder.rglob("*") if path.is_file()]
    assert [path for path in found if not path.is_relative_to(own)] == []
