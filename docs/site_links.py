"""Hooks of mkdocs: pages outside docs/ join the site, and its contents follow the index page.

README, CHANGELOG and CONTRIBUTING are read where they lie; on the site they are pages like others, and links to
and from them are rewritten. The navigation is the tables of docs/index.md, so that no list stands twice.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
#: files beside docs/ -> their pages
OUTSIDE = {"README.md": "readme.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}


def on_config(config: Any) -> Any:
    """The navigation: the headings of the index page, and the rows below each."""
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    nav: list[Any] = [{"Contents": "index.md"}]
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        rows = re.findall(r"^\| \[([^\]]+)\]\(([^)]+)\)", part, re.M)
        pages = [{words: OUTSIDE.get(target.removeprefix("../"), target)} for words, target in rows]
        nav.append({part.splitlines()[0]: pages})
    nav[-1][next(iter(nav[-1]))] += [
        {"Licences": "licences.md"}, {"Changes": "changelog.md"}, {"Contributing": "contributing.md"}
    ]  # fmt: skip
    config.nav = nav
    return config


def on_files(files: Any, *, config: Any) -> Any:
    """The pages from outside docs/."""
    from mkdocs.structure.files import File

    for name, page in OUTSIDE.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        text = re.sub(r"\]\(docs/", "](", text)
        for other, its_page in OUTSIDE.items():
            text = text.replace(f"]({other}", f"]({its_page}")
        # what is no page of the site is named and not linked
        text = re.sub(r"\[([^\]]+)\]\((LICENSE|benchmarks[^)]*|src[^)]*|tests[^)]*)\)", r"\1", text)
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links to files outside docs/ lead to their pages."""
    for name, page in OUTSIDE.items():
        markdown = markdown.replace(f"](../{name}", f"]({page}")
    return markdown
