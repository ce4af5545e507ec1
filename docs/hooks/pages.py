# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pages of the site that lie outside of ``docs/`` (README, changes, validation), and links between them all.

In the repository links are relative to the file, so that they work where the files are read; here those to pages of the
site are turned into the site's, and those to other files of the repository into plain text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
MOVED = {"README.md": "index.md", "CHANGELOG.md": "changes.md"}
"""Pages of the repository's top, and what they are called on the site."""
PICTURES = (".png", ".jpg", ".svg")
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#]*)(#[^)\s]*)?\)")
NOT_OURS = ("http://", "https://", "mailto:", "doi:")


def on_config(config: Any) -> Any:
    """Fill in the menu's folders (entries that end in a slash) with all their pages."""
    config.nav = [_filled(entry) for entry in config.nav]
    return config


def _filled(entry: dict[str, Any]) -> dict[str, Any]:
    ((title, inside),) = entry.items()
    if isinstance(inside, list):
        return {title: [_filled(one) for one in inside]}
    return {title: _menu(inside)} if inside.endswith("/") else entry


def _menu(folder: str) -> list[Any]:
    """Pages of a folder, its README first; folders inside are menus of their own."""
    place = ROOT / "docs" / folder if (ROOT / "docs" / folder).is_dir() else ROOT / folder
    pages = sorted(path.name for path in place.glob("*.md"))
    pages.sort(key=lambda name: name != "README.md")
    menus = sorted(path for path in place.iterdir() if path.is_dir() and any(path.rglob("*.md")))
    found: list[Any] = [f"{folder}{name}" for name in pages]
    for menu in menus:
        inside = _menu(f"{folder}{menu.name}/")
        found += inside if len(inside) == 1 else [{menu.name: inside}]
    return found


def on_files(files: Files, config: Any) -> Files:
    """Add README, changes, and every page and picture of the validation."""
    for name, page in MOVED.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / name)))
    for path in sorted((ROOT / "validation").rglob("*")):
        if path.suffix in (".md", *PICTURES):
            files.append(File.generated(config, str(path.relative_to(ROOT)), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Turn links between files of the repository into links between pages."""
    written_at = _place_in_repository(page.file.src_uri)

    def linked(found: re.Match[str]) -> str:
        picture, text, target, anchor = found.groups()
        if not target or target.startswith(NOT_OURS):
            return found[0]
        wanted = _page_of((written_at.parent / target).as_posix(), files)
        if wanted is None:
            if not (ROOT / written_at.parent / target).exists():
                raise PluginError(f"{written_at}: {target} does not exist")
            return text
        above = "../" * page.file.src_uri.count("/")
        return f"{picture}[{text}]({above}{wanted}{anchor or ''})"

    return LINK.sub(linked, markdown)


def _place_in_repository(source: str) -> Path:
    """Where the file of a page lies, relative to the repository."""
    back = {page: name for name, page in MOVED.items()}
    if source in back or source.startswith("validation/"):
        return Path(back.get(source, source))
    return Path("docs") / source


def _page_of(path: str, files: Files) -> str | None:
    """The page or picture of the site that a path of the repository names; None where there is none."""
    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    place = "/".join(steps)
    name = MOVED.get(place, place.removeprefix("docs/"))
    candidates = (name, f"{name}/README.md", f"{name}/index.md")
    return next((one for one in candidates if files.get_file_from_path(one) is not None), None)
