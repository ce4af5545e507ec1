# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a campaign's folder to its page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imagio_sim.campaign.finished_runs import finished_runs
from imagio_sim.campaign.what_if.comparison import Compared, compare
from imagio_sim.campaign.what_if.variation import short_keys
from imagio_sim.campaign.workflow.manifest import RUNS
from imagio_sim.campaign.workflow.standing import RunStanding, standing_of
from imagio_sim.outcome.comparison import MISSING, QUANTITIES
from imagio_sim.outcome.ranking import Rule
from imagio_sim.view.campaign_page import AttemptRow, CampaignPage, CaseTable, FailureRow, RunRow, write_campaign_page

FILE = "report.html"


def write_campaign_report(folder: Path, rule: Rule) -> Path:
    """Write ``report.html`` into a campaign's folder, of what is complete by now; where it is."""
    standing = standing_of(folder)
    cases = dict.fromkeys(one.run.case for one in standing.runs if one.state == "complete")
    page = CampaignPage(
        name=standing.name,
        standing=standing.text,
        rule=rule.text,
        cases=tuple(_case(folder, case, standing.runs, rule) for case in cases),
        failures=tuple(
            FailureRow(one.run.name, len(one.record.attempts), one.record.reason) for one in standing.failed
        ),
        retried=tuple(row for one in standing.retried for row in _attempts(one)),
    )
    write_campaign_page(folder / FILE, page)
    return folder / FILE


def _case(folder: Path, case: str, runs: Sequence[RunStanding], rule: Rule) -> CaseTable:
    complete = [one.run for one in runs if one.run.case == case and one.state == "complete"]
    finished = finished_runs([folder / RUNS / run.name for run in complete])
    varied = {one.label: run.changes for one, run in zip(finished, complete, strict=True)}
    comparison = compare(finished, rule, varied=varied, volumes=False)
    paths = list(dict.fromkeys(path for run in comparison.runs for path in run.varied))
    shown = [one for one in QUANTITIES if any(run.figures[one.key] is not None for run in comparison.runs)]
    return CaseTable(
        name=case,
        columns=("plan", *short_keys(paths), *(one.heading for one in shown)),
        rows=tuple(_row(folder, run, paths, [one.key for one in shown]) for run in comparison.runs),
        notes=comparison.notes,
    )


def _row(folder: Path, run: Compared, paths: Sequence[str], keys: Sequence[str]) -> RunRow:
    digits = {one.key: one.digits for one in QUANTITIES}
    figures = [(run.figures[key], digits[key]) for key in keys]
    where = Path(run.folder).relative_to(folder)
    return RunRow(
        rank=run.rank,
        texts=(
            run.plan,
            *(str(run.varied.get(path, "")) for path in paths),
            *(MISSING if value is None else f"{value:.{count}f}" for value, count in figures),
        ),
        constraints=tuple(run.constraints.items()),
        label=run.label,
        link=(where / "report.html" if (folder / where / "report.html").exists() else where).as_posix(),
    )


def _attempts(one: RunStanding) -> list[AttemptRow]:
    return [
        AttemptRow(one.run.name, attempt.begun, attempt.host, attempt.reason or attempt.outcome or "its job was killed")
        for attempt in one.record.attempts[:-1]
    ]
