# SPDX-License-Identifier: LGPL-3.0-or-later
"""Reference pages made from the program itself: keys of a scenario, commands, and the library's public modules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mkdocs.structure.files import File, Files

LIBRARY = (
    ("Scenarios and plans", ("imagio_sim.plan", "imagio_sim.plan.scenario", "imagio_sim.plan.stages")),
    ("Patients", ("imagio_sim.anatomy.read", "imagio_sim.anatomy.model", "imagio_sim.anatomy.volume")),
    ("Devices", ("imagio_sim.devices.device", "imagio_sim.devices.library", "imagio_sim.devices.applicator")),
    ("Tissues and death", ("imagio_sim.tissue.library", "imagio_sim.tissue.laws", "imagio_sim.tissue.death.model")),
    ("Solution", ("imagio_sim.solve.case", "imagio_sim.solve.stage", "imagio_sim.solve.sources.source")),
    ("Outcome", ("imagio_sim.outcome.result", "imagio_sim.outcome.zone", "imagio_sim.outcome.margins")),
    ("Runs", ("imagio_sim.campaign.run",)),
)
"""Chapters of the library's reference."""


def on_files(files: Files, config: Any) -> Files:
    """Add the three pages."""
    pages = {"scenario": _scenario_keys(), "commands": _commands(), "library": _library()}
    for name, text in pages.items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def _library() -> str:
    chapters = (f"## {title}\n\n" + "\n\n".join(f"::: {module}" for module in modules) for title, modules in LIBRARY)
    return "# Library\n\nThe modules that other programs use.\n\n" + "\n\n".join(chapters) + "\n"


def _commands() -> str:
    from typer.main import get_command
    from typer.testing import CliRunner

    from imagio_cli.main import application

    runner, names = CliRunner(), get_command(application).list_commands(None)
    parts = ["# Commands", "What `imagio COMMAND --help` prints."]
    for name in ("", *names):
        shown = runner.invoke(
            application, [*([name] if name else []), "--help"], env={"COLUMNS": "100", "TERM": "dumb"}
        )
        parts += [f"## imagio {name}".rstrip(), f"```text\n{shown.output.strip()}\n```"]
    return "\n\n".join(parts) + "\n"


def _scenario_keys() -> str:
    """A section per kind of entry, with its keys, in the order in which they are first needed."""
    from imagio_sim.plan import json_schema

    schema = json_schema()
    kinds: dict[str, Mapping[str, Any]] = {"Scenario": schema}
    for name, kind in schema["$defs"].items():
        kinds.setdefault(_called(name), kind)
    lines = [
        "# Scenario keys",
        "Made from the schema that `imagio check --schema` prints. Quantities are text with a unit, such as `60 W`.",
    ]
    for name, kind in kinds.items():
        lines += [f"## {name}", *_section(kind)]
    return "\n\n".join(lines) + "\n"


def _section(kind: Mapping[str, Any]) -> Iterator[str]:
    if "properties" not in kind:  # a short form of another one
        yield f"Either of {_kind_text(kind)}."
        return
    summary, meanings = _docstring(kind.get("description", ""))
    yield summary
    required = set(kind.get("required", ()))
    rows = ["| key | what it is | default | meaning |", "|---|---|---|---|"]
    for key, value in kind["properties"].items():
        default = "required" if key in required else _default_text(value.get("default"))
        rows.append(f"| `{key}` | {_kind_text(value)} | {default} | {meanings.get(key, '')} |")
    yield "\n".join(rows)


def _docstring(text: str) -> tuple[str, dict[str, str]]:
    """Summary of a class, and what its numpydoc section ``Attributes`` says of each."""
    import griffe

    sections = griffe.Docstring(text).parse("numpy", warnings=False)
    summary, meanings = "", {}
    for section in sections:
        if section.kind is griffe.DocstringSectionKind.text:
            summary = summary or _one_line(section.value)
        elif section.kind is griffe.DocstringSectionKind.attributes:
            for entry in section.value:
                for name in entry.name.split(", "):
                    meanings[name] = _one_line(entry.description)
    return summary, meanings


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


def _default_text(value: Any) -> str:
    return "" if value is None or isinstance(value, list | dict) else f"`{value}`"


def _called(name: str) -> str:
    """A kind's name for people; two of one name are told apart by their modality."""
    found = re.fullmatch(r"imagio_sim__plan__programs__(\w+)__(\w+)", name)
    return f"{found[2]} ({found[1]})" if found else name


def _kind_text(value: Mapping[str, Any]) -> str:
    """What a value may be, in words."""
    if "$ref" in value:
        name = _called(value["$ref"].rsplit("/", 1)[1])
        return f"[{name}](#{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')})"
    if "anyOf" in value or "oneOf" in value:
        kinds = (_kind_text(one) for one in value.get("anyOf", value.get("oneOf", ())) if one.get("type") != "null")
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in value:
        return " or ".join(f"`{one}`" for one in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    if "examples" in value:
        return f"{value.get('description', 'quantity')}, such as `{value['examples'][0]}`"
    if value.get("type") == "array":
        inside = value.get("items") or value.get("prefixItems", [{}])[0]
        return f"list of {_kind_text(inside)}"
    if value.get("type") == "object" and "additionalProperties" in value:
        inside = value["additionalProperties"]
        return f"mapping of name to {_kind_text(inside)}" if isinstance(inside, Mapping) else "mapping"
    return {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false"}.get(
        str(value.get("type")), "value"
    )
