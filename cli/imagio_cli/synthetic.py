# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio synthetic``: a made-up cohort with hidden truth, to test agreement and calibration with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imagio_cli.progress import shown, stoppable
from imagio_cli.run import Resolution

if TYPE_CHECKING:
    from imagio_sim.plan import Scenario


def synthetic(
    scenario: Annotated[list[Path], typer.Argument(help="Scenarios with one plan each.", show_default=False)],
    hidden: Annotated[
        list[str], typer.Option(help='"TISSUE: QUANTITY" that differs from patient to patient.', show_default=False)
    ],
    death_model: Annotated[str, typer.Option(help="Of the truth; not the scenario's own.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder.", show_default=False)],
    count: Annotated[int, typer.Option(min=1, help="Patients.")] = 20,
    resolution: Annotated[Resolution, typer.Option(help="Of the truth's mesh.")] = Resolution.normal,
    seed: Annotated[int | None, typer.Option(help="Default: one that nobody knows.", show_default=False)] = None,
) -> None:
    """Make a SYNTHETIC cohort: hidden tissue values, contracted zones cut into slices and outlined by a reader.

    Nothing in it is measured. The truth lies in sealed/, for after the calibration.
    """
    from imagio_sim.campaign.agreement.synthetic_cohort import NOTICE, Making, make_cohort
    from imagio_sim.campaign.run import Listener, RunOptions
    from imagio_sim.plan import load_scenario

    loaded = [load_scenario(file) for file in scenario]
    planned = [(one, _only_plan(one)) for one in loaded]
    making = Making(count, tuple(hidden), death_model, resolution.value)
    with stoppable() as wish, shown(brief=True) as display:
        listener = Listener(display.say, wish.while_solving(display.progress), wish)
        table = make_cohort(out, planned, making, RunOptions(out, resolution.value), listener, seed=seed)
        display.finish()
    typer.echo(f"{table}: {count} patients. {NOTICE}")


def _only_plan(scenario: Scenario) -> str:
    from imagio_sim.errors import InputError

    if len(scenario.plans) != 1:
        raise InputError(
            scenario.origin,
            found=f"{len(scenario.plans)} plans ({', '.join(scenario.plans)})",
            allowed="one plan: the treatment as it was done",
            remedy="leave the others out",
        )
    return next(iter(scenario.plans))
