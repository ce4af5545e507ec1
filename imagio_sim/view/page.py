# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pages that open anywhere without a network: templates, pictures in them, and writing them whole."""

from __future__ import annotations

import base64
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagio_sim.outcome.comparison import MISSING
from imagio_sim.view.interactive import script_files
from imagio_sim.view.scene import NOTICE
from imagio_sim.view.source_facts import number

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


_WIDE, _WIDE_PIXELS = 2.0, 1100
"""Width over height, and width, beyond which a picture has a row to itself."""


@dataclass(frozen=True)
class TextTable:
    """A table of text."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def rendered(template: str, **values: Any) -> str:
    """Make a page from one of the templates beside this file; everything that comes from outside is escaped."""
    return _environment().get_template(template).render(**values)


def embedded(picture: Path) -> str:
    """A PNG as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode("ascii")


def is_wide(picture: Path) -> bool:
    """Whether a PNG shows so much side by side that in half a page's width nobody could read it."""
    with picture.open("rb") as stream:
        width, height = struct.unpack(">II", stream.read(24)[16:])
    return bool(width > _WIDE * height and width > _WIDE_PIXELS)


def write_page(path: Path, text: str) -> None:
    """Write a page that is there only once it is complete."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from jinja2.utils import htmlsafe_json_dumps

    environment = Environment(
        loader=PackageLoader("imagio_sim", "view"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    environment.filters["percent"] = lambda share: number(None if share is None else 100.0 * share, 1)
    environment.filters["json"] = htmlsafe_json_dumps
    environment.globals.update(notice=NOTICE, missing=MISSING, scripts=_scripts)
    return environment


def _scripts() -> dict[str, Markup]:
    from markupsafe import Markup

    return {name: Markup(text) for name, text in script_files().items()}
