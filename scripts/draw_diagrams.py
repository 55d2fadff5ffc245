"""Draw the block diagrams of docs/how-it-works.md: `python scripts/draw_diagrams.py`."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

OUT = Path(__file__).parents[1] / "docs" / "images"
STYLE = (
    "text{font:13px system-ui,'DejaVu Sans',sans-serif;text-anchor:middle;fill:#1b222c}.s{font-size:11px;fill:#4b5563}"
    "rect{stroke-width:1.3}.a{stroke:#4b5563;stroke-width:1.5;fill:none;marker-end:url(#t)}"
)
COLOURS = {"blue": ("#e4eeff", "#2f6fd6"), "green": ("#e3f5e8", "#2c8a4b"), "orange": ("#fff0dd", "#c9771c"),
           "grey": ("#eef0f3", "#7c8694")}  # fmt: skip


@dataclass(frozen=True)
class Box:
    """One block of a diagram.

    Attributes:
        name: first line.
        more: second line, smaller.
        x, y: centre.
        colour: key of `COLOURS`.
        width, height: of the rectangle.
    """

    name: str
    more: str
    x: int
    y: int
    colour: str = "blue"
    width: int = 148
    height: int = 52

    def draw(self) -> str:
        """The block as SVG elements."""
        fill, line = COLOURS[self.colour]
        left, top = self.x - self.width / 2, self.y - self.height / 2
        text = f'<text x="{self.x}" y="{self.y - (4 if self.more else -4)}">{escape(self.name)}</text>'
        if self.more:
            text += f'<text class="s" x="{self.x}" y="{self.y + 14}">{escape(self.more)}</text>'
        return (
            f'<rect x="{left:g}" y="{top:g}" width="{self.width}" height="{self.height}" rx="8" fill="{fill}" '
            f'stroke="{line}"/>{text}'
        )


def arrow(a: Box, b: Box) -> str:
    """An arrow as an SVG path, from the side of `a` that faces `b`; vertical if one is above the other."""
    if abs(a.x - b.x) < b.width / 2:
        down = 1 if b.y > a.y else -1
        points = (a.x, a.y + down * a.height / 2, a.x, b.y - down * (b.height / 2 + 3))
    else:
        right = 1 if b.x > a.x else -1
        points = (a.x + right * a.width / 2, a.y, b.x - right * (b.width / 2 + 3), b.y)
    x1, y1, x2, y2 = points
    middle = (x1 + x2) / 2
    path = (
        f"M{x1:g} {y1:g}L{x2:g} {y2:g}"
        if y1 == y2 or x1 == x2
        else f"M{x1:g} {y1:g}C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"
    )
    return f'<path class="a" d="{path}"/>'


def write(name: str, width: int, height: int, boxes: dict[str, Box], arrows: list[tuple[str, str]]) -> None:
    """Write one diagram on a white background, so that it is legible on dark pages too."""
    parts = [arrow(boxes[a], boxes[b]) for a, b in arrows] + [box.draw() for box in boxes.values()]
    tip = (
        '<marker id="t" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#4b5563"/></marker>'
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"><style>{STYLE}</style>'
        f"<defs>{tip}</defs>"
        f'<rect width="{width}" height="{height}" rx="10" fill="#fff"/>{"".join(parts)}</svg>\n'
    )
    (OUT / name).write_text(svg)


DATA = {
    "file": Box("video or sound", "any container", 90, 120, "grey"),
    "media": Box("media", "by time stamps", 270, 120),
    "features": Box("features", "log-mel, intensity", 450, 120),
    "model": Box("model", "5-s windows, ONNX", 630, 120, "orange"),
    "decode": Box("decoding", "thresholds, tracks", 810, 120),
    "fusion": Box("fusion", "sound and picture", 990, 160),
    "events": Box("events", "every 100 ms", 990, 300, "green"),
    "export": Box("export", "csv, json, vtt, eaf ...", 720, 240, "grey"),
    "render": Box("render", "video, report, plots", 720, 300, "grey"),
    "metrics": Box("metrics", "against a reference", 720, 360, "grey"),
    "encoders": Box("encoders", "CLAP, OWL-ViT", 450, 44, "orange"),
    "vision": Box("vision", "people, motion", 450, 200, "orange"),
}
NETWORK = {
    "spectra": Box("log-mel, intensity", "5 channels x 64 bands", 100, 150, "grey", 160),
    "cnn": Box("residual CNN", "to 10 frames/s", 300, 150),
    "clap": Box("CLAP tokens", "of the sound", 500, 50, "orange"),
    "owl": Box("OWL-ViT tokens", "of the pictures", 690, 50, "orange"),
    "cmc": Box("Cross-Modal Conformer", "self- and cross-attention", 595, 150, "blue", 210),
    "head": Box("multi-ACCDDOA head", "3 tracks x 13 classes", 880, 150, "green", 170),
    "out": Box("direction, activity", "distance, on screen", 880, 220, "grey", 170, 46),
}


def main() -> None:
    """Write both diagrams."""
    data_arrows = (
        "file-media media-features features-model media-encoders encoders-model model-decode decode-fusion "
        "media-vision vision-fusion fusion-events events-export events-render events-metrics"
    )
    write("way-of-the-data.svg", 1080, 400, DATA, _pairs(data_arrows))
    write("network.svg", 1000, 260, NETWORK, _pairs("spectra-cnn cnn-cmc clap-cmc owl-cmc cmc-head head-out"))


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(a, b) for a, _, b in (word.partition("-") for word in text.split())]


if __name__ == "__main__":
    main()
