# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio report``: one page about finished runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or folders that hold runs.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("report.html"),
    uncertainty: Annotated[
        Path | None,
        typer.Option(help="Folder of imagio uncertainty: show how sure these plans are.", show_default=False),
    ] = None,
    rank: Annotated[str | None, typer.Option(help="Ranking rule, NAME[:TOLERANCE[:ENOUGH]],...")] = None,
) -> None:
    """Write one self-contained HTML page: of one run its report, of several all of them side by side."""
    from imagio_sim.campaign.finished_runs import finished_runs
    from imagio_sim.campaign.folder import refuse_unusable
    from imagio_sim.campaign.what_if.comparison import compare
    from imagio_sim.campaign.what_if.joint_report import write_joint_report
    from imagio_sim.errors import InputError
    from imagio_sim.outcome.ranking import DEFAULT_RULE, parse_rule

    if out.is_dir():
        raise InputError(
            f"--out {out}", found="a folder", allowed="a file to write", remedy=f"write --out {out / 'report.html'}"
        )
    refuse_unusable(out.parent, nodes=0)
    rule, found = parse_rule(rank or DEFAULT_RULE), finished_runs(runs)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_joint_report(out, found, compare(found, rule), uncertainty=uncertainty)
    typer.echo(f"{out}: {len(found)} run{'s' if len(found) > 1 else ''}")
    typer.echo("Research software, not a medical device.")
