# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ``imagio`` command: the table of its subcommands, and how it ends."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

import imagio_sim
from imagio_sim.errors import ImagioError

COMMANDS: Final = {
    "run": "Solve a scenario and write zones, margins, pictures and fields.",
    "sweep": "Run the plans of a scenario with other values, and compare them.",
    "uncertainty": "Draw what is uncertain many times, and say how sure plans are.",
    "report": "Write one page about finished runs, side by side.",
    "compare": "Compare finished runs: figures, rank, and what one kills and another spares.",
    "agreement": "Hold simulated zones against histology or follow-up imaging.",
    "calibrate": "Calibrate tissue values on a cohort's measured zones.",
    "synthetic": "Make a synthetic cohort with hidden truth, to test the two above.",
    "campaign": "Run many cases and plans, on this machine or on a cluster.",
    "validate": "Run the validation book: which cases agree, disagree, or cannot be judged.",
    "check": "Check a scenario and show the plan it resolves to.",
    "mesh": "Mesh a scenario and report the quality of the mesh.",
    "anatomy": "Show what image and segmentation files hold.",
    "tissues": "Print tissue properties with their spread and source.",
    "devices": "Print the applicators that are known.",
    "data": "Register, fetch and list data sets.",
    "doctor": "Check the installation.",
}
"""Subcommand -> its line in the help. Each lives in the module and attribute of its own name."""


class DeferredCommand(TyperCommand):
    """A subcommand whose module is imported when it is used, not when it is listed."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Hand over to the real command, which parses the arguments and is run by the group."""
        return self._load().make_context(info_name, args, parent, **extra)

    def _load(self) -> Any:
        assert self.name is not None
        command = getattr(importlib.import_module(f"imagio_cli.{self.name}"), self.name)
        application = command if isinstance(command, typer.Typer) else _application_of(command)
        loaded = typer.main.get_command(application)
        loaded.name = self.name
        return loaded


class Commands(TyperGroup):
    """The group that lists :data:`COMMANDS` without importing them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in that carries the help line."""
        return DeferredCommand(cmd_name, help=COMMANDS[cmd_name]) if cmd_name in COMMANDS else None


def _application_of(command: Callable[..., Any]) -> typer.Typer:
    application = typer.Typer(add_completion=False)
    application.command()(command)
    return application


application = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"imagio {imagio_sim.__version__}")
        raise typer.Exit


@application.callback()
def imagio(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Predict what an image-guided tumour therapy will destroy and what it will spare.

    Research software, not a medical device.
    """


def main() -> None:
    """Run the command line; what the program refuses is one line and an exit code, anything else is a bug."""
    try:
        application(prog_name="imagio")
    except ImagioError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
