# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio sweep``: run the plans of a scenario with other values, and compare them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imagio_cli.comparison_table import show_comparison
from imagio_cli.progress import shown, stoppable
from imagio_cli.run import Resolution

if TYPE_CHECKING:
    from imagio_sim.campaign.run import RunOptions
    from imagio_sim.campaign.what_if.sweep import Member, MemberResult
    from imagio_sim.outcome.ranking import Rule


def sweep(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (YAML).", show_default=False)],
    vary: Annotated[
        list[str],
        typer.Option(help="PATH=START:STOP:STEP, PATH=a,b,c, or PATH=START:STOP with --sample (repeatable)."),
    ],
    plan: Annotated[list[str] | None, typer.Option(help="Only this plan (repeatable); default: those varied.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Latin hypercube of so many members instead of the whole grid.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the Latin hypercube.")] = 0,
    rank: Annotated[str | None, typer.Option(help="Ranking rule, NAME[:TOLERANCE[:ENOUGH]],...")] = None,
    resolution: Annotated[Resolution | None, typer.Option(help="Of the mesh; default: the scenario's.")] = None,
    ranks: Annotated[int, typer.Option("-n", min=1, help="MPI ranks of one run.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Runs at a time, as far as there are cores.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; default: runs/<scenario>_sweep.", show_default=False)
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Draw pictures and a report for every run.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Run the plans of a scenario with other values, and compare them.

    What is finished is not run again: more values can be added later. Meshes are re-used where geometry is the same.
    A run that cannot be solved does not stop the others.
    """
    from imagio_sim.campaign.run import RunOptions
    from imagio_sim.campaign.what_if.sweep import members_of
    from imagio_sim.campaign.what_if.variation import Sample, parse_vary
    from imagio_sim.outcome.ranking import DEFAULT_RULE, parse_rule
    from imagio_sim.plan import load_scenario

    rule = parse_rule(rank or DEFAULT_RULE)
    varied = [parse_vary(text) for text in vary]
    loaded = load_scenario(scenario)
    for name in plan or ():
        loaded.plan(name)
    members = members_of(loaded, plan or (), varied, None if sample is None else Sample(sample, seed))
    options = RunOptions(
        out=out or Path("runs") / f"{loaded.name}_sweep",
        resolution=resolution.value if resolution else loaded.solver.resolution,
        ranks=ranks,
        pictures=pictures,
    )
    ended = _run(members, options, workers)
    _compare([one.member for one in ended if one.result is not None], options.out, rule, as_json=as_json)
    failed = [one for one in ended if one.result is None]
    for one in failed:
        typer.echo(f"failed: {one.member.plan}, {one.member.variant.name}: {one.failure}", err=True)
    if failed:
        raise typer.Exit(3)


def _run(members: Sequence[Member], options: RunOptions, workers: int) -> list[MemberResult]:
    from imagio_sim.campaign.run import Listener
    from imagio_sim.campaign.what_if.apart import affordable_workers
    from imagio_sim.campaign.what_if.sweep import sweep as run_members

    affordable = affordable_workers(workers, options.ranks)
    ended = []
    with stoppable() as wish, shown(brief=True) as display:
        if affordable < workers:
            display.say(f"{workers} workers are more than the cores of this machine bear: {affordable} at a time")
        display.count(0, total=len(members))
        wish.solving = affordable > 1  # they end at checkpoints of their own
        listener = Listener(display.say, wish.while_solving(display.progress), wish)
        settled = partial(display.count, total=len(members))
        for one in run_members(members, options, listener, workers=affordable, settled=settled):
            ended.append(one)
            if affordable == 1:
                wish.solving = False
                display.finish()
    return ended


def _compare(members: Sequence[Member], out: Path, rule: Rule, *, as_json: bool) -> None:
    """Compare what is complete, and keep the comparison beside it."""
    from imagio_sim.campaign.finished_runs import finished_runs
    from imagio_sim.campaign.what_if.comparison import compare, write_comparison

    if not members:
        return
    runs = finished_runs([out / member.folder for member in members])
    changes = {run.label: member.changes for run, member in zip(runs, members, strict=True)}
    comparison = compare(runs, rule, varied=changes, maps=out / "comparison")
    write_comparison(out / "comparison", comparison)
    show_comparison(comparison, out / "comparison", as_json=as_json)
