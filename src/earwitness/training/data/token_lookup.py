"""Semantic tokens of training clips, looked up by clip id in the embeddings of the recipe's folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from earwitness.core.errors import EncoderError, RecipeError
from earwitness.data.dcase.layout import Clip, scan
from earwitness.encoders.protocol import TokenMap
from earwitness.encoders.store.embed_job import outdated
from earwitness.encoders.store.embedding_store import EmbeddingStore, StoreDescription, list_stores
from earwitness.training.recipe_sections import DataSpec, TokenSource


@dataclass(frozen=True, slots=True)
class TokenLookup:
    """The embeddings that a recipe trains on; picklable.

    Attributes:
        stores: name of the modality -> folder of the data set -> its embeddings.
        optional: modalities that a clip may lack.
    """

    stores: Mapping[str, Mapping[str, EmbeddingStore]] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()

    @classmethod
    def open(cls, data: DataSpec, widths: Mapping[str, int]) -> TokenLookup:
        """Open the embeddings that the model needs.

        Args:
            data: the recipe's data section.
            widths: the model's modalities and their widths.

        Raises:
            EncoderError: a folder lacks the requested embeddings, or its clips have changed since.
            RecipeError: the embeddings have another width, or differ in weights or settings between folders.
        """
        roots = [one.root for one in (*data.folders, *([data.valid_folder] if data.valid_folder else []))]
        stores = {name: _open(name, data.tokens[name], roots, width) for name, width in widths.items()}
        clips = {root: scan(Path(root)).clips for root in {root for found in stores.values() for root in found}}
        for found in stores.values():
            for root, store in found.items():
                _refuse_outdated(Path(root), clips[root], store)
        return cls(stores, frozenset(name for name in widths if data.tokens[name].missing == "allow"))

    @property
    def descriptions(self) -> dict[str, StoreDescription]:
        """Encoder, weights and settings of each modality's tokens."""
        return {name: next(iter(stores.values())).description for name, stores in self.stores.items()}

    def find(self, clip_id: str, root: str, swapped: bool = False) -> dict[str, TokenMap]:
        """Tokens of a clip; empty for a scene synthesized on the fly.

        Raises:
            EncoderError: a required modality is missing (names the command to run).
        """
        if not clip_id:
            return {}
        return {
            name: stores[root].get(clip_id, swapped)
            for name, stores in self.stores.items()
            if root in stores and (name not in self.optional or stores[root].has(clip_id, swapped))
        }


def _refuse_outdated(root: Path, clips: Sequence[Clip], store: EmbeddingStore) -> None:
    changed = outdated(root, clips, store)
    if changed:
        raise EncoderError(
            f"{root}: {len(changed)} clips changed since they were encoded ({changed[0]}, ...); "
            f"run: earwitness dataset embed {root} --encoder {store.description.encoder}"
        )


def _open(name: str, source: TokenSource, roots: list[str], width: int) -> dict[str, EmbeddingStore]:
    stores = {
        str(Path(root)): EmbeddingStore.open(root, source.encoder, fingerprint=source.fingerprint, rate=source.rate)
        for root in roots
        if source.missing == "error" or any(found.encoder == source.encoder for _, found in list_stores(root))
    }
    if not any(len(store) for store in stores.values()):
        raise RecipeError(
            f"data.tokens.{name}: no folder has embeddings of '{source.encoder}'; make them with `earwitness dataset "
            f"embed`, or train without them: leave '{name}' out of model.tokens"
        )
    first = next(iter(stores.values()))
    for root, store in stores.items():
        if store.description != first.description:
            raise RecipeError(
                f"data.tokens.{name}: the embeddings of {root} were made with other weights or settings than those of "
                f"{next(iter(stores))}: {store.description} and {first.description}; embed both with the same, such as "
                f"earwitness dataset embed {root} --encoder {source.encoder} --weights {source.encoder}=FOLDER"
            )
    if first.description.dim != width:
        raise RecipeError(
            f"model.tokens.{name}.dim is {width}, but the embeddings of '{source.encoder}' have width "
            f"{first.description.dim}: set it to that"
        )
    return stores
