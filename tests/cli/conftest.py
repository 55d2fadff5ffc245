"""Fixtures of other rooms' tests that tests of the commands use too."""

from ..encoders.conftest import cache, toy  # noqa: F401 - fixtures
from ..render.conftest import make_steady, make_video  # noqa: F401 - fixtures
from ..training.conftest import at_work, dataset, recordings  # noqa: F401 - fixtures
