"""Finished steps of a run of `learn` that was interrupted, in a folder beside the model that it will write."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from earwitness.core.errors import EncodingError, ModelError, UsageError, unwritable
from earwitness.core.files.atomic import atomic_file, remove_partial_files
from earwitness.core.files.small_files import read_json
from earwitness.models.checkpoint import load_model, save_model
from earwitness.models.seld import SeldNet

SUFFIX: Final = ".unfinished"
_RECORD: Final = "run.json"
_MOST_BYTES: Final = 2**24
_FORMAT: Final = 1


class UnfinishedRun:
    """The folder with what a run has finished: scenes, and the networks of the folds.

    A step of the same run is exactly the same when it is repeated, so a run that continues has the result of one that
    was not interrupted.

    Attributes:
        scenes: folder of the rendered scenes.
        note: what the user should know about an earlier run; empty if there was none.

    Args:
        out: the model file; the folder has its name with the suffix `.unfinished`.
        record: everything that determines the result, by what a user calls it; plain JSON values.

    Raises:
        UsageError: there is a folder of this name that is none of an earlier run.
        EncodingError: the folder cannot be written.
    """

    def __init__(self, out: Path, record: Mapping[str, Any]) -> None:
        self._folder = out.with_suffix(SUFFIX)
        self.scenes, self.note = self._folder / "scenes", ""
        plain: dict[str, Any] = json.loads(json.dumps({"format": _FORMAT, **record}))
        if self._folder.exists():
            self._compare(plain, out)
        try:
            self.scenes.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.scenes, error) from None
        for folder in (self._folder, self.scenes):
            remove_partial_files(folder)
        with atomic_file(self._folder / _RECORD) as temporary:
            temporary.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def path(cls, out: Path) -> Path:
        """The folder that belongs to a model file."""
        return out.with_suffix(SUFFIX)

    def network(self, name: str, train: Callable[[], SeldNet]) -> SeldNet:
        """A trained network: that of the earlier run, or a new one, which is kept.

        Args:
            name: what it was trained on.
            train: trains it.

        Raises:
            EncodingError: it cannot be written.
        """
        path = self._folder / f"{name}.safetensors"
        if path.is_file():
            try:
                found = load_model(path)
            except ModelError:  # damaged: train it again
                path.unlink(missing_ok=True)
            else:
                if isinstance(found, SeldNet):
                    return found
        trained = train()
        save_model(trained, path)
        return trained

    def remove(self) -> None:
        """Delete the folder; the run is finished."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _compare(self, record: dict[str, Any], out: Path) -> None:
        """Keep the steps of a run with the same record, and delete those of another one."""
        known = self._known()
        if known is None:
            return
        if known == record:
            self.note = f"continuing the earlier run of this command ('{self._folder}')"
            return
        changed = [name for name in record if name != "format" and known.get(name) != record[name]]
        self.note = (
            f"an earlier run for '{out}' was interrupted, but with other {', '.join(changed) or 'settings'}; "
            "starting anew"
        )
        try:
            shutil.rmtree(self._folder)
        except OSError as error:
            raise EncodingError(f"'{self._folder}' cannot be deleted ({error.strerror or error})") from None

    def _known(self) -> dict[str, Any] | None:
        """The record of the earlier run; None if the folder is empty.

        Raises:
            UsageError: the folder holds something else.
        """
        try:
            if self._folder.is_dir() and not any(self._folder.iterdir()):
                return None
            known = read_json(self._folder / _RECORD, _MOST_BYTES, UsageError)
            if isinstance(known, dict) and {"recordings", "--scenes"} <= known.keys():
                return known
        except (UsageError, OSError):
            pass
        raise UsageError(
            f"'{self._folder}' is in the way: learn keeps unfinished work there; move it or choose another --out"
        )
