# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio calibrate``: what measured zones say of tissue values and other parameters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imagio_cli.agreement import Shrinkage
from imagio_cli.progress import shown, stoppable
from imagio_cli.run import Resolution

if TYPE_CHECKING:
    from imagio_sim.campaign.agreement.calibration import Calibration


def calibrate(
    cohort: Annotated[
        Path, typer.Argument(help="Table (CSV): patient, scenario, plan, measured_zone.", show_default=False)
    ],
    parameter: Annotated[
        list[str],
        typer.Option(help='"TISSUE: QUANTITY" with a spread, or PATH=LOW:HIGH (repeatable).', show_default=False),
    ],
    runs: Annotated[int, typer.Option(help="Runs per scenario.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Of where to run.")] = 0,
    shrinkage: Annotated[Shrinkage, typer.Option(help="What is done about shrinkage.")] = Shrinkage.none,
    resolution: Annotated[Resolution, typer.Option(help="Of the runs.")] = Resolution.coarse,
    out: Annotated[
        Path | None, typer.Option(help="Folder; default: calibration beside the table.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Calibrate named parameters on a cohort's measured zones, every case judged by what the others have taught.

    Told are each case's values with their 90 % interval, and the errors with and without a case's own zone.
    """
    from imagio_sim.campaign.agreement.calibration import Asked, write_calibration
    from imagio_sim.campaign.agreement.calibration import calibrate as calibrate_on
    from imagio_sim.campaign.agreement.calibration_page import write_page_of
    from imagio_sim.campaign.agreement.treated_cases import read_cases
    from imagio_sim.campaign.run import Listener, RunOptions

    cases = read_cases(cohort)
    asked = Asked(tuple(parameter), runs, seed, shrinkage.value)
    options = RunOptions(out=out or cohort.parent / "calibration", resolution=resolution.value, pictures=False)
    with stoppable() as wish, shown(brief=True) as display:
        listener = Listener(display.say, wish.while_solving(display.progress), wish)
        found = calibrate_on(cases, asked, options, listener)
        display.finish()
    write_calibration(options.out, found)
    write_page_of(options.out, found)
    _show(options.out, found, as_json=as_json)


def _show(folder: Path, found: Calibration, *, as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    if as_json:
        typer.echo((folder / "calibration.json").read_text(encoding="utf-8").rstrip())
        return
    console = Console(highlight=False)
    for notice in found.notices:
        console.print(f"[yellow]note[/yellow] {notice}", soft_wrap=True)
    table = Table("case", *found.spreads, header_style="bold")
    for case in found.cases:
        told = [f"{one.median:.3g} ({one.low:.3g} to {one.high:.3g})" for one in case.parameters.values()]
        table.add_row(case.name, *told)
    table.add_row("known before", *found.spreads.values())
    console.print(table)
    console.print("Median and 5 to 95 %, by the case's own zone and what the other cases teach.", soft_wrap=True)
    for name, errors in found.errors_mm.items():
        sizes = ", ".join(f"{error:.1f}" for error in errors)
        console.print(f"{name.replace('_', ' ')}: error of equivalent diameter, long and short axis {sizes} mm")
    console.print(
        f"common radial offset {found.offset_mm:+.1f} ± {found.offset_sd_mm:.1f} mm; {found.left_out_coverage:.0%} of"
        " the measured lengths lie in the 90 % interval that the other cases let expect",
        soft_wrap=True,
    )
    console.print(f"{folder}: calibration.html, calibration.json", soft_wrap=True)
    console.print("Research software, not a medical device.")
