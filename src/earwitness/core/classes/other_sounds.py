"""Classes of a result that are not the model's own: they follow its classes, in a group of their own."""

from __future__ import annotations

from typing import Any, Final

from earwitness.core.events import COLUMNS, EventTable
from earwitness.core.vocabulary import DCASE2025, Vocabulary

OTHER_GROUP: Final = "other sounds"
NAME_SUFFIX: Final = " and other sounds"
"""End of the name of a vocabulary that has such classes."""


def own_classes(vocabulary: Vocabulary) -> Vocabulary:
    """The model's own classes of the vocabulary of a result."""
    own = tuple(one for one in vocabulary if OTHER_GROUP not in one.groups)
    if len(own) == len(vocabulary) or not own:
        return vocabulary
    found = Vocabulary(vocabulary.name.removesuffix(NAME_SUFFIX), own)
    return DCASE2025 if found == DCASE2025 else found


def of_own_classes(table: EventTable) -> EventTable:
    """The events of the model's own classes, for formats that have room for them only."""
    own = own_classes(table.vocabulary)
    if own is table.vocabulary:
        return table
    kept = table.select(table.class_index < len(own))
    columns: dict[str, Any] = {name: getattr(kept, name) for name in COLUMNS}
    return EventTable.from_mapping(columns, table.num_frames, own)
