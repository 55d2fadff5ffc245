"""Going on with a run: only with the recipe and the embeddings that it began with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from earwitness.encoders.store import StoreDescription
from earwitness.errors import TrainingError
from earwitness.media.atomic import atomic_file
from earwitness.training.recipe import Recipe, load_recipe

RECIPE_NAME: Final = "recipe.yaml"
TOKENS_NAME: Final = "tokens.json"
_FREE: Final = frozenset(
    ["name", "data.bank", "data.cache", "data.shards"]
    + [
        f"run.{key}"
        for key in ("log_every", "valid_every", "save_every", "workers", "prefetch", "threads", "device", "compile",
                    "tensorboard", "init_from")
    ]
)  # fmt: skip
"""Settings that may change on the way: they say where things are and how the machine is used, not what is learnt."""


def note_start(folder: Path, recipe: Recipe, tokens: Mapping[str, StoreDescription]) -> None:
    """Write what the run begins with into its folder."""
    with atomic_file(folder / RECIPE_NAME) as temporary:
        temporary.write_text(recipe.dump(), encoding="utf-8")
    if tokens:
        plain = {name: description.model_dump(mode="json") for name, description in tokens.items()}
        with atomic_file(folder / TOKENS_NAME) as temporary:
            temporary.write_text(json.dumps(plain, indent=1), encoding="utf-8")
    else:
        (folder / TOKENS_NAME).unlink(missing_ok=True)  # of a run that began here and ended before it saved anything


def read_tokens(folder: Path) -> dict[str, StoreDescription]:
    """What the tokens of a run's modalities were made with; empty for a run without.

    Raises:
        TrainingError: the note is damaged.
    """
    path = folder / TOKENS_NAME
    if not path.is_file():
        return {}
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return {name: StoreDescription.model_validate(values) for name, values in plain.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise TrainingError(f"{path}: damaged; train the run anew") from error


def check_same_run(folder: Path, recipe: Recipe, tokens: Mapping[str, StoreDescription]) -> None:
    """Refuse to resume what would not be the same run.

    The schedule spans run.steps and all draws come from the seeds: with others, the second half would not follow from
    the first.

    Raises:
        TrainingError: says what differs.
    """
    path = folder / RECIPE_NAME
    if path.is_file():
        began, now = (_flat(one.model_dump(mode="json")) for one in (load_recipe(path), recipe))
        changed = [
            f"{key} was {began.get(key)} and is {now.get(key)}"
            for key in sorted(began.keys() | now.keys())
            if began.get(key) != now.get(key) and key not in _FREE
        ]
        if changed:
            raise TrainingError(
                f"the run in '{folder}' has another recipe: {'; '.join(changed[:4])}. --resume goes on with what a run "
                "began with; to go on otherwise, start a new run with --set run.init_from={folder}".format(
                    folder=folder
                )
            )
    for name, description in read_tokens(folder).items():
        if name in tokens and tokens[name] != description:
            raise TrainingError(
                f"the run in '{folder}' learnt from '{name}' tokens of other weights or settings: they were made with "
                f"{description}, and those of the folders now with {tokens[name]}"
            )


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
