"""Coverage-guided fuzzing of the label and the checkpoint reader: `python scripts/fuzz_guided.py labels|weights`.

Needs atheris (`pip install atheris`; Linux and macOS) and takes its options: `-runs=20000` ends it after that many
inputs. It begins with a valid file. An input that ends in anything but a result or an `EarwitnessError` stops it, and
is kept in a file `crash-...`.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import atheris

with atheris.instrument_imports(
    include=["earwitness.data", "earwitness.models", "earwitness.core.events", "safetensors"]
):
    from earwitness.core.errors import EarwitnessError
    from earwitness.data.dcase.labels import HEADER, read_table
    from earwitness.models.checkpoint import build, load_model, save_model
    from earwitness.models.seld_config import SeldConfig


def _labels(path: Path) -> None:
    path.write_text(f"{HEADER}\n0,8,0,-30,120,1\n1,8,0,-29.5,120,0\n2,3,1,400,-5,2\n", encoding="utf-8")


def _weights(path: Path) -> None:
    config = SeldConfig(stem_width=2, widths=(2, 2), pools=((5, 8), (1, 4)), dim=4, heads=1, blocks=1, conv_kernel=3)
    save_model(build(config), path)


TARGETS: Final[dict[str, tuple[str, Callable[[Path], None], Callable[[Path], object]]]] = {
    "labels": ("labels.csv", _labels, lambda path: read_table(path, 50)),
    "weights": ("weights.safetensors", _weights, load_model),
}
"""Name of the file, what writes a valid one, what reads it."""


def main() -> None:
    """Fuzz the reader that is named first."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"name one of: {', '.join(TARGETS)}")
    name, write, read = TARGETS[sys.argv.pop(1)]
    folder = Path(tempfile.mkdtemp(prefix="earwitness-guided-"))
    (folder / "corpus").mkdir()
    write(folder / "corpus" / name)
    path = folder / name

    def one_input(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.suppress(EarwitnessError):
            read(path)

    atheris.Setup(
        [*sys.argv, f"-max_len={2 * (folder / 'corpus' / name).stat().st_size}", str(folder / "corpus")], one_input
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
