# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio compare``: finished runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from imagio_cli.comparison_table import show_comparison

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imagio_sim.outcome.uncertainty import Interval, PlanDifference, PlanUncertainty


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
    samples: Annotated[
        int, typer.Option(min=0, help="Draw what is uncertain of the plans of scenarios so often, for intervals.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare runs: figures, rank by a stated rule, and maps of what one kills and another spares.

    The default rule takes constraints first; --rank NAME[:TOLERANCE[:ENOUGH]],... changes it.
    """
    from imagio_sim.campaign.finished_runs import finished_runs
    from imagio_sim.campaign.what_if.comparison import compare as compare_runs
    from imagio_sim.campaign.what_if.comparison import write_comparison
    from imagio_sim.errors import InputError
    from imagio_sim.outcome.ranking import DEFAULT_RULE, parse_rule

    if samples and not any(path.is_file() for path in runs):
        raise InputError(
            "--samples",
            found="run folders only",
            allowed="a scenario file, whose plans are drawn and run",
            remedy="name the scenario instead of its runs, or leave --samples out",
        )
    rule = parse_rule(rank or DEFAULT_RULE)
    intervals: dict[Path, Mapping[str, Interval]] = {}
    pairs: list[PlanDifference] = []
    folders: list[Path] = []
    for path in runs:
        if path.is_file() and samples:
            drawn = _drawn(path, samples)
            folders.append(drawn.nominal)
            intervals |= {(drawn.nominal / name).resolve(): one.figures for name, one in drawn.found.items()}
            pairs += drawn.pairs
        else:
            folders.append(_run(path) if path.is_file() else path)
    found = finished_runs(folders)
    folder = out or _shared_parent([run.folder for run in found]) / "comparison"
    comparison = compare_runs(found, rule, maps=folder, against=against, intervals=intervals, pairs=pairs)
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


class _Drawn(NamedTuple):
    """A scenario whose plans were drawn: folder of the nominal runs, what is known of each plan, and of each pair."""

    nominal: Path
    found: Mapping[str, PlanUncertainty]
    pairs: Sequence[PlanDifference]


def _drawn(scenario: Path, samples: int) -> _Drawn:
    """Draw the plans of a scenario as ``imagio uncertainty`` does, into the same folder."""
    from imagio_cli.uncertainty import PLACEMENT, default_folder, drawn_plans
    from imagio_sim.campaign.run import RunOptions
    from imagio_sim.campaign.uncertainty.propagation import Asked, differences, nominal_folder
    from imagio_sim.plan import load_scenario
    from imagio_sim.units import PLACEMENT_MM, parse_quantity

    loaded = load_scenario(scenario)
    options = RunOptions(out=default_folder(loaded), resolution=loaded.solver.resolution)
    asked = Asked(samples, seed=0, placement_mm=parse_quantity(PLACEMENT, PLACEMENT_MM, "--samples"), members="coarse")
    found = drawn_plans(loaded, list(loaded.plans), asked, options)
    return _Drawn(nominal_folder(options), found, differences(found))


def _shared_parent(folders: list[Path]) -> Path:
    """The folder that holds all these; the working directory where they share nothing below it."""
    import os.path

    shared = Path(os.path.commonpath([folder.resolve() for folder in folders]))
    return shared.parent if len(folders) == 1 else shared
