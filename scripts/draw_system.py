"""Draw the Cross-Modal Conformer of a recipe: docs/images/system.svg.

Every box and every number follows from the recipe, so a recipe with other modalities, sizes or fusion gives another
picture.

Run: python scripts/draw_system.py [--recipe recipes/cmc-av.yaml] [--out docs/images/system.svg]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from earwitness.models.seld_config import CmcConfig, TokenInput
from earwitness.training.recipe import Recipe, load_recipe

BOX, GAP, LEFT, STREAM = 40, 16, 50, 330
COLOURS = {"seld": "#dbe7f3", "cross": "#f6dfc4", "tokens": "#e3efd9", "out": "#eadcf0"}
FONT = 'font-family="Helvetica, Arial, sans-serif"'


@dataclass
class Drawing:
    """A vertical stream of boxes, with boxes beside it.

    Attributes:
        parts: SVG elements so far.
        y: top of the next box of the stream.
    """

    parts: list[str] = field(default_factory=list)
    y: int = 20

    def box(self, title: str, note: str, kind: str, x: int = LEFT, width: int = STREAM, y: int | None = None) -> int:
        """Add a box with two lines of text; return the y of its middle."""
        top = self.y if y is None else y
        self.parts.append(
            f'<rect x="{x}" y="{top}" width="{width}" height="{BOX}" rx="5" fill="{COLOURS[kind]}" stroke="#555"/>'
        )
        centre = x + width / 2
        self.text(centre, top + (17 if note else 25), title, 13)
        if note:
            self.text(centre, top + 32, note, 10.5, "#444")
        if y is None:
            self.y += BOX + GAP
        return top + BOX // 2

    def text(self, x: float, y: float, words: str, size: float, colour: str = "#111", anchor: str = "middle") -> None:
        """Add one line of text."""
        style = f'font-size="{size}" fill="{colour}" text-anchor="{anchor}" {FONT}'
        self.parts.append(f'<text x="{x}" y="{y}" {style}>{escape(words)}</text>')

    def down(self, x: int = LEFT + STREAM // 2, top: int | None = None, bottom: int | None = None) -> None:
        """Add an arrow from the last box of the stream to the next one."""
        top, bottom = self.y - GAP if top is None else top, self.y if bottom is None else bottom
        self.line([(x, top), (x, bottom)])

    def line(self, points: list[tuple[float, float]], *, dashed: bool = False) -> None:
        """Add an arrow along points."""
        path = " ".join(f"{x},{y}" for x, y in points)
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="#555"{dash} marker-end="url(#tip)"/>')

    def frame(self, top: int, bottom: int, label: str) -> None:
        """Add a labelled frame around boxes of the stream."""
        self.parts.append(
            f'<rect x="{LEFT - 34}" y="{top}" width="{STREAM + 68}" height="{bottom - top}" rx="8" fill="none" '
            'stroke="#888" stroke-dasharray="2 3"/>'
        )
        self.text(LEFT - 28, top + 14, label, 11, "#555", "start")

    def svg(self, width: int) -> str:
        """The drawing as an SVG file."""
        tip = '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        size = f'width="{width}" height="{self.y}" viewBox="0 0 {width} {self.y}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n'
            f'<defs>{tip}<path d="M0,0 L8,4 L0,8 z" fill="#555"/></marker></defs>\n'
            f'<rect width="{width}" height="{self.y}" fill="white"/>\n' + "\n".join(self.parts) + "\n</svg>\n"
        )


def draw(recipe: Recipe) -> str:
    """Draw the network of a recipe as SVG.

    Raises:
        SystemExit: the recipe's network is not a Cross-Modal Conformer.
    """
    config = recipe.model
    if not isinstance(config, CmcConfig):
        raise SystemExit(f"{recipe.name}: its architecture is '{config.architecture}'; choose a recipe with 'cmc'")
    picture = Drawing()
    frames = 50 * config.frames_per_label
    picture.box("features", f"{', '.join(recipe.features.channels)}", "seld")
    picture.down()
    pools = " ".join(f"{a}x{b}" for a, b in config.pools)
    widths = "-".join(map(str, (config.stem_width, *config.widths)))
    picture.box(
        f"residual convolutions {widths}", f"{config.in_channels} x {frames} x {config.mels}; pools {pools}", "seld"
    )
    picture.down()
    picture.box("projection", f"{config.widths[-1] * config.bins_out} -> {config.dim}; 50 label frames for 5 s", "seld")
    picture.down()
    entries: dict[str, list[int]] = {name: [] for name in config.tokens}
    if config.fusion == "concatenation" and config.tokens:
        middle = picture.box("gated concatenation", "frames beside the tokens nearest in time", "cross")
        for places in entries.values():
            places.append(middle)
        picture.down()
    blocks(picture, config, entries)
    picture.box(
        "multi-ACCDDOA head", f"{config.tracks} tracks x {config.classes} classes x (x, y, metres, on screen)", "out"
    )
    side(picture, config, recipe, entries)
    picture.y += 6
    return picture.svg(LEFT + STREAM + 360)


def blocks(picture: Drawing, config: CmcConfig, entries: dict[str, list[int]]) -> None:
    """Draw the Conformer block once, labelled with the number of blocks."""
    top = picture.y
    picture.y += 22
    crossing = set(config.blocks_with_cross)
    picture.box("1/2 feed-forward", f"{config.dim} -> {config.dim * config.ffn_mult} -> {config.dim}", "seld")
    picture.down()
    picture.box("self-attention", f"{config.heads} heads, rotary positions", "seld")
    picture.down()
    for name in config.tokens if crossing else ():
        gate = (
            "no gate"
            if config.gate == "open"
            else f"tanh gate per {'channel' if config.gate == 'channel' else 'block'}"
        )
        note = f"{config.cross_heads} heads, {gate}" + (", initially closed" if config.gate != "open" else "")
        entries[name].append(picture.box(f"cross-attention to '{name}'", note, "cross"))
        picture.down()
    picture.box("convolution", f"gated, kernel {config.conv_kernel} label frames", "seld")
    picture.down()
    picture.box("1/2 feed-forward, LayerNorm", "", "seld")
    some = "" if len(crossing) in (0, config.blocks) else f"; cross-attention in blocks {sorted(crossing)}"
    picture.frame(top, picture.y - 6, f"{'Cross-Modal ' if crossing else ''}Conformer block, x {config.blocks}{some}")
    picture.y += GAP
    picture.down(top=picture.y - GAP - 6)


def side(picture: Drawing, config: CmcConfig, recipe: Recipe, entries: dict[str, list[int]]) -> None:
    """Draw encoders and projections beside the stream."""
    x, width = LEFT + STREAM + 90, 250
    for index, (name, spec) in enumerate(config.tokens.items()):
        top = 20 + index * 3 * (BOX + GAP)
        source = recipe.data.tokens.get(name)
        encoder = source.encoder if source else "?"
        picture.box(f"{encoder} (frozen)", f"'{name}' tokens, {spec.dim} numbers each", "tokens", x, width, top)
        middle = picture.box(
            f"LayerNorm, {spec.dim} -> {config.dim}", describe(config, spec), "tokens", x, width, top + BOX + GAP
        )
        picture.down(x + width // 2, top + BOX, top + BOX + GAP)
        for place in entries[name]:
            turn = x - 20 - 16 * index
            picture.line([(x, middle), (turn, middle), (turn, place), (LEFT + STREAM, place)], dashed=True)
    if config.tokens:
        below = 20 + len(config.tokens) * 3 * (BOX + GAP)
        picture.text(x, below + 4, "dashed: skipped if the modality is missing;", 11, "#444", "start")
        picture.text(x, below + 20, "without any of them, this is the SELD network.", 11, "#444", "start")


def describe(config: CmcConfig, spec: TokenInput) -> str:
    """The inputs that the projection of a token has, on one line."""
    inputs = []
    if config.direction_bands and spec.directions:
        inputs.append("azimuth, elevation")
    if config.token_time != "none":
        inputs.append("time")
    if spec.pool != (1, 1):
        inputs.append(f"pooled {spec.pool[0]}x{spec.pool[1]}")
    inputs.append(f"within {spec.reach_s:g} s" if spec.reach_s else "all of the clip")
    return ", ".join(inputs)


def main() -> None:
    """Command line."""
    root = Path(__file__).parents[1]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", type=Path, default=root / "recipes" / "cmc-av.yaml")
    parser.add_argument("--out", type=Path, default=root / "docs" / "images" / "system.svg")
    arguments = parser.parse_args()
    arguments.out.write_text(draw(load_recipe(arguments.recipe)), encoding="utf-8")


if __name__ == "__main__":
    main()
