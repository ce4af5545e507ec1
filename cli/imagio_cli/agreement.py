# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio agreement``: simulated zones against measured ones."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from imagio_sim.campaign.agreement.measured_cases import CaseRequest
    from imagio_sim.campaign.agreement.measured_cohort import CohortAgreement


class Shrinkage(StrEnum):
    """What is done about the shrinkage of heated or fixed tissue."""

    none = "none"
    contract_simulated = "contract_simulated"
    expand_measured = "expand_measured"


def agreement(
    run: Annotated[
        Path,
        typer.Argument(help="Folder of a run; or a table (CSV), or the folder of a campaign.", show_default=False),
    ],
    measured: Annotated[
        Path | None,
        typer.Argument(help="The measured zone: label map, surface, or slices (YAML).", show_default=False),
    ] = None,
    structure: Annotated[str | None, typer.Option(help="Label of the zone in its file.")] = None,
    shrinkage: Annotated[Shrinkage, typer.Option(help="Which comparison decides; all are shown.")] = Shrinkage.none,
    register: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="AFTER BEFORE", help="One untreated structure in both frames, to lay them over."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder; default: agreement in the run, or beside the table.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Hold simulated zones against measured ones: overlap, surface distances, sizes, margins below 5 mm.

    The measured zone is histology or follow-up imaging: NIfTI, NRRD, DICOM-SEG, a closed surface, or slices (YAML).
    """
    from imagio_sim.campaign.agreement.measured_cohort import (
        compare_cases,
        is_cohort,
        read_cases,
        read_requests,
        write_agreement,
    )
    from imagio_sim.campaign.agreement.page import write_page_of

    if measured is None or is_cohort(run):
        _refuse_options_of_one_case(measured, structure, register)
        requests = read_requests(run)
        folder = out or (run if run.is_dir() else run.parent) / "agreement"
    else:
        requests = [_request(run, measured, structure, register)]
        folder = out or run / "agreement"
    found = compare_cases(read_cases(requests), shrinkage.value)
    write_agreement(folder, found)
    write_page_of(folder, found)
    _show(folder, found, as_json=as_json)


def _request(run: Path, measured: Path, structure: str | None, register: tuple[Path, Path] | None) -> CaseRequest:
    from imagio_sim.campaign.agreement.measured_cases import CaseRequest

    after, before = register or (None, None)
    return CaseRequest(run.resolve().name, run, measured, structure, after, before)


def _refuse_options_of_one_case(measured: Path | None, structure: str | None, register: object) -> None:
    from imagio_sim.errors import InputError

    given = {"MEASURED": measured, "--structure": structure, "--register": register}
    named = [name for name, value in given.items() if value is not None]
    if named:
        raise InputError(
            named[0],
            found="a choice for one case beside a whole cohort",
            allowed="a column of the table: measured_zone, structure, seen_after and seen_before",
            remedy="write it into the table",
        )


def _show(folder: Path, found: CohortAgreement, *, as_json: bool) -> None:
    from rich.console import Console

    if as_json:
        typer.echo((folder / "agreement.json").read_text(encoding="utf-8").rstrip())
        return
    console = Console(highlight=False)
    for notice in found.notices:
        console.print(f"[yellow]note[/yellow] {notice}", soft_wrap=True)
    _print_figures(console, found)
    for key, limits in found.limits.items():
        one = limits[found.treatment]
        if one is not None:
            name = key.replace("_", " ")
            console.print(f"{name}: bias {one.bias:.1f}, 95 % of the differences {one.low:.1f} to {one.high:.1f}")
    registration = found.cases[0].read.registration
    if len(found.cases) == 1 and registration is not None:
        console.print(f"registered: no agreement better than {registration.residual_mean_mm:.1f} mm can be shown")
    console.print(f"{folder}: agreement.html, agreement.json, agreement.csv", soft_wrap=True)
    console.print("Research software, not a medical device.")


def _print_figures(console: Console, found: CohortAgreement) -> None:
    from rich.table import Table

    from imagio_sim.campaign.agreement.measured_cohort import FIGURES

    table = Table(header_style="bold")
    several = len(found.cases) > 1
    table.add_column(f"mean of {len(found.cases)} cases" if several else found.cases[0].name)
    for name in found.cases[0].by_treatment:
        table.add_column(f"{name} *" if name == found.treatment else name, justify="right")
    for figure in FIGURES:
        told = found.figures[figure.key].values()
        texts = ["–" if one is None else f"{one.mean:.{figure.digits}f}" for one in told]
        table.add_row(figure.heading, *texts)
    console.print(table)
    console.print("Simulated minus measured; the columns tell what is done about shrinkage, * decides.", soft_wrap=True)
