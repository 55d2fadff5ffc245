"""One small writer a file format."""

from earwitness.export.formats import FORMATS, Format, Options, parse_formats, write
from earwitness.export.json_events import read_events
from earwitness.export.saved import Saved, read_result

__all__ = ["FORMATS", "Format", "Options", "Saved", "parse_formats", "read_events", "read_result", "write"]
