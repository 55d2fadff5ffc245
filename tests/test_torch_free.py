"""Whoever only uses earwitness never loads torch, whatever is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

USE = """
import importlib
import pkgutil
import sys
from pathlib import Path
import numpy as np
from typer.testing import CliRunner
from earwitness.cli.main import app
from earwitness.media.sound.wav import write_wav
import earwitness.serve

def run(*arguments):
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code == 0, (arguments, done.output, done.exception)

rng = np.random.default_rng(0)
room = rng.normal(0, 1e-3, (2, 48_000))
sound = (np.array([[1.0], [0.5]]) * rng.normal(0, 0.05, 48_000) + room).astype("float32")
write_wav(Path("a.wav"), sound, 24_000)
run("detect", "a.wav", "--out", "out", "--model", sys.argv[1])
run("export", "out/a.json", "--format", "csv,jsonl,vtt,srt,html,audacity,elan,textgrid,rttm,jams")
run("render", "out/a.json", "--media", "a.wav", "--out", "drawn.mp4", "--report", "report.html", "--plot", "plot.png")
run("doctor", "a.wav", "--json")
for module in pkgutil.iter_modules(earwitness.serve.__path__, "earwitness.serve."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:  # the extra 'serve'
        assert not error.name.startswith("earwitness"), error
loaded = [name for name in ("torch", "transformers", "pyroomacoustics", "safetensors") if name in sys.modules]
assert not loaded, loaded
"""


def test_detect_export_render_and_doctor_load_no_torch(meter_model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", USE, str(meter_model)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["encoders.protocol", "vision.detectors.detector_registry", "detect.detector"])
def test_registries_load_what_needs_torch_by_name_only(module: str) -> None:
    code = f"import sys, earwitness.{module}; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
