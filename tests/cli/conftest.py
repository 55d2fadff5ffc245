"""Videos and tables of the tests of `render`."""

from ..render.conftest import make_steady, make_video  # noqa: F401 - fixtures
