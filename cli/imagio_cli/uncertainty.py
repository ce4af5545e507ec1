# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio uncertainty``: how sure plans are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imagio_cli.comparison_table import pair_text
from imagio_cli.progress import shown, stoppable
from imagio_cli.run import Resolution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imagio_sim.campaign.run import RunOptions
    from imagio_sim.campaign.uncertainty.propagation import Asked
    from imagio_sim.outcome.uncertainty import Interval, PlanUncertainty
    from imagio_sim.plan import Scenario


PLACEMENT = "2.5 mm"
"""Mean distance of a tip from its plan where nothing else is said."""


def uncertainty(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (YAML).", show_default=False)],
    plan: Annotated[list[str] | None, typer.Option(help="Only this plan (repeatable); default: all.")] = None,
    samples: Annotated[int, typer.Option(help="Members per plan.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Of the sample.")] = 0,
    placement: Annotated[str, typer.Option(help="Mean distance of a tip from its plan; 0 mm: as planned.")] = PLACEMENT,
    resolution: Annotated[Resolution | None, typer.Option(help="Of the nominal run; default: the scenario's.")] = None,
    members_resolution: Annotated[Resolution, typer.Option(help="Of the members.")] = Resolution.coarse,
    workers: Annotated[int, typer.Option(min=1, help="Members at a time, as far as there are cores.")] = 1,
    checked: Annotated[int, typer.Option(min=0, help="Members run at the nominal resolution as well.")] = 0,
    ranks: Annotated[int, typer.Option("-n", min=1, help="MPI ranks.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder; default: runs/<scenario>_uncertainty.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Draw what is uncertain many times, run every member, and say how sure coverage and margin are.

    Drawn are all constants with a spread, of tissues, devices, drugs and death models, and the place of every
    applicator. What is finished is not run again.
    """
    from imagio_sim.campaign.run import RunOptions
    from imagio_sim.campaign.uncertainty.propagation import Asked
    from imagio_sim.campaign.what_if.apart import affordable_workers
    from imagio_sim.plan import load_scenario
    from imagio_sim.units import PLACEMENT_MM, parse_quantity

    error = parse_quantity(placement, PLACEMENT_MM, "--placement")
    loaded = load_scenario(scenario)
    for name in plan or ():
        loaded.plan(name)
    asked = Asked(samples, seed, error, members_resolution.value, affordable_workers(workers, ranks), checked)
    options = RunOptions(
        out=out or default_folder(loaded),
        resolution=resolution.value if resolution else loaded.solver.resolution,
        ranks=ranks,
    )
    found = drawn_plans(loaded, plan or list(loaded.plans), asked, options)
    _show(options.out, found, as_json=as_json)


def default_folder(scenario: Scenario) -> Path:
    """Where the runs of a scenario go that is drawn."""
    return Path("runs") / f"{scenario.name}_uncertainty"


def drawn_plans(
    scenario: Scenario, plans: Sequence[str], asked: Asked, options: RunOptions
) -> dict[str, PlanUncertainty]:
    """Draw plans, run what is not finished, and write what is found."""
    from imagio_sim.campaign.run import Listener
    from imagio_sim.campaign.uncertainty.page import write_page_of
    from imagio_sim.campaign.uncertainty.propagation import uncertainty_of, write_uncertainty

    with stoppable() as wish, shown(brief=True) as display:
        listener = Listener(display.say, wish.while_solving(display.progress), wish)
        found = uncertainty_of(scenario, plans, asked, options, listener)
        display.finish()
    write_uncertainty(options.out, found, asked)
    write_page_of(options.out, scenario, found, asked)
    return found


def _show(folder: Path, found: Mapping[str, PlanUncertainty], *, as_json: bool) -> None:
    import json

    from rich.console import Console
    from rich.table import Table

    from imagio_sim.campaign.uncertainty.propagation import differences
    from imagio_sim.outcome.comparison import QUANTITIES

    if as_json:
        typer.echo(json.dumps({name: one.data() for name, one in found.items()}, indent=1))
        return
    table = Table(header_style="bold")
    table.add_column("")
    for name in found:
        table.add_column(name, justify="right")
    for quantity in QUANTITIES:
        told = [one.figures.get(quantity.key) for one in found.values()]
        if any(told):
            texts = [_interval_text(one, quantity.digits) for one in told]
            table.add_row(quantity.heading, *texts)
    for title, chances in (
        ("probability: target covered", [one.covered for one in found.values()]),
        ("probability: margin of 5 mm", [one.margin_kept for one in found.values()]),
    ):
        if any(chances):
            table.add_row(
                title,
                *("–" if one is None else f"{one.value:.0%} ({one.low:.0%} to {one.high:.0%})" for one in chances),
            )
    console = Console(highlight=False)
    console.print(table)
    for one in differences(found):
        console.print(pair_text(one), soft_wrap=True)
    console.print(
        "Median and 5 to 95 % of the members; probabilities with the 95 % interval of so few members.", soft_wrap=True
    )
    console.print(f"{folder}: uncertainty.html, uncertainty.json, death_probability_*.nii.gz", soft_wrap=True)
    console.print("Research software, not a medical device.")


def _interval_text(one: Interval | None, digits: int) -> str:
    if one is None:
        return "–"
    return f"{one.median:.{digits}f} ({one.low:.{digits}f} to {one.high:.{digits}f})"
