# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio compare``: finished runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imagio_cli.comparison_table import show_comparison


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Run folders, folders that hold runs, or scenarios whose plans are run.", show_default=False
        ),
    ],
    rank: Annotated[str | None, typer.Option(help="Ranking rule, NAME[:TOLERANCE[:ENOUGH]],...")] = None,
    against: Annotated[str | None, typer.Option(help="Hold all others against this run; default: the best.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the maps and tables; default: comparison beside the runs.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare runs: figures, rank by a stated rule, and maps of what one kills and another spares.

    The default rule takes constraints first; --rank NAME[:TOLERANCE[:ENOUGH]],... changes it.
    """
    from imagio_sim.campaign.finished_runs import finished_runs
    from imagio_sim.campaign.what_if.comparison import compare as compare_runs
    from imagio_sim.campaign.what_if.comparison import write_comparison
    from imagio_sim.outcome.ranking import DEFAULT_RULE, parse_rule

    rule = parse_rule(rank or DEFAULT_RULE)
    folders = [_run(path) if path.is_file() else path for path in runs]
    found = finished_runs(folders)
    folder = out or _shared_parent([run.folder for run in found]) / "comparison"
    comparison = compare_runs(found, rule, maps=folder, against=against)
    write_comparison(folder, comparison)
    show_comparison(comparison, folder, as_json=as_json)


def _run(scenario: Path) -> Path:
    """Run all plans of a scenario that are not finished yet; the folder of its runs."""
    from imagio_cli.progress import shown, stoppable
    from imagio_sim.campaign.run import Listener, RunOptions, run_plans
    from imagio_sim.plan import load_scenario

    loaded = load_scenario(scenario)
    options = RunOptions(out=Path("runs") / loaded.name, resolution=loaded.solver.resolution)
    with stoppable() as wish, shown() as display:
        listener = Listener(display.say, wish.while_solving(display.progress), wish)
        for _ in run_plans(loaded, list(loaded.plans), options, listener):
            wish.solving = False
            display.finish()
    return options.out


def _shared_parent(folders: list[Path]) -> Path:
    """The folder that holds all these; the working directory where they share nothing below it."""
    import os.path

    shared = Path(os.path.commonpath([folder.resolve() for folder in folders]))
    return shared.parent if len(folders) == 1 else shared
