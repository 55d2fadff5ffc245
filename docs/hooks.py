"""MkDocs hook: turns links to files of the repository that are not pages of the site into plain file names."""

from __future__ import annotations

import re
from posixpath import dirname, join, normpath
from typing import Any

_LINK = re.compile(r"\[([^\]]+)\]\(([^)#\s]+)\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Replace the links of one page; MkDocs calls this with its Markdown."""

    def plain(link: re.Match[str]) -> str:
        target = normpath(join(dirname(page.file.src_uri), link[2]))
        outside = target.startswith("../") and "://" not in link[2]
        return f"`{target.removeprefix('../')}`" if outside else link[0]

    return _LINK.sub(plain, markdown)
