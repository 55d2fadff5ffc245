"""One small writer a file format."""

from earwitness.export.formats import FORMATS, Format, parse_formats, write
from earwitness.export.json_events import read_events

__all__ = ["FORMATS", "Format", "parse_formats", "read_events", "write"]
