"""Fixtures shared with other rooms."""

from __future__ import annotations

from ..data.conftest import make_set, picture  # noqa: F401 - fixtures
from ..encoders.conftest import clap_folder, owlvit_folder  # noqa: F401 - fixtures
