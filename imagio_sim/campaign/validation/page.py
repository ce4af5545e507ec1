# SPDX-License-Identifier: LGPL-3.0-or-later
"""``docs/validation.md``: the whole book on one page, made of its cases and their results and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

from imagio_sim.campaign.validation.case import BookCase, Modality
from imagio_sim.campaign.validation.conduct import picture_of, read_result
from imagio_sim.campaign.validation.verdict import CaseResult, Verdict

INTRODUCTION = """\
# How far to trust the program

*Written by `imagio validate` from `validation/*/*/case.yaml` and the results beside them; do not edit. How cases are
made and judged: [validation/README.md](../validation/README.md).*

**Verification** asks whether the equations are solved right, **experiments** whether they say what was measured.
Tolerances were written before the runs, but for VE01 and VE02; which quantities stand for the tolerance of an
experiment that is older than this page (CR01, MW13, IR01, RE, DR, EM, LI) was written down when its results were known.
A case disagrees as soon as one of its quantities does. Inputs that a source
leaves open are sampled over what is plausible, never chosen to fit: a quantity agrees when at least two thirds of
the samples are within the tolerance, disagrees when at most one third is, and is not judged in between, because then
the missing input decides.

Some choices of the model were made when results of cases were known, so that agreement there is weaker evidence than
a prediction: how far steam carries heat (RF04, RF08, which calibrate for that; decision 0004), how much of the
contraction shows (MW01, MW03, MW13; decision 0019), that the apparatus stands between bath and beads (DR09; decision
0012), and when capillaries close around dying tissue (its delay is that of DR03; decision 0020). Set-ups of RF02,
RF06 and RF08 were corrected or widened after their first results, as their folders say.
"""
LIMITS = """\
Research software, not a medical device. Agreement with a few bench experiments does not prove a prediction in a
patient.
"""


def page(file: Path, cases: Mapping[str, BookCase], results: Path | None = None) -> str:
    """The page that is to lie at ``file``: every result beside its case, or those in a folder ``results``."""
    entries = [(one, _result(one, results)) for one in cases.values()]
    parts = [
        INTRODUCTION,
        _summary(entries),
        "## Experiments: does the model say what was measured?\n",
        _table(entries, "experiment"),
        "## Verification: are the equations solved right?\n",
        _table(entries, "verification"),
        "## Not judged\n",
        _open(entries),
        "## All figures of the experiments\n",
        *_figures(entries, file.parent, results),
        LIMITS,
    ]
    return "\n".join(parts)


def write_page(file: Path, cases: Mapping[str, BookCase], results: Path | None = None) -> None:
    """Write the page; ``results`` as in :func:`page`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page(file, cases, results), encoding="utf-8")


def _result(entry: BookCase, results: Path | None) -> CaseResult | None:
    return read_result(entry.result_file if results is None else results / f"{entry.case.id}.json")


Entry = tuple[BookCase, CaseResult | None]


def verdict_of(entry: Entry) -> str:
    """Agree, disagree, not judged, calibrates or not run."""
    case, result = entry
    if case.case.use == "calibrate" and case.runnable:
        return "calibrates"
    if result is None:
        return "not run" if case.runnable else "not judged"
    return result.verdict


COLUMNS = ("agree", "disagree", "not judged", "calibrates", "not run")


def _summary(entries: Sequence[Entry]) -> str:
    lines = ["| | agree | disagree | not judged | calibrate | not run |", "|---|---:|---:|---:|---:|---:|"]
    for modality in get_args(Modality):
        own = [one for one in entries if one[0].case.modality == modality]
        if own:
            lines.append(_counts(modality, own))
    measured = [one for one in entries if one[0].case.measured]
    lines.append(_counts("**all**", entries))
    lines.append(_counts("**of these measured**", measured))
    quantities = [one for entry in measured if entry[1] for one in _counted(entry)]
    agreeing = sum(one.verdict == "agree" for one in quantities)
    judged = sum(one.verdict != "not judged" for one in quantities)
    return "\n".join(lines) + f"\n\nOf {judged} measured quantities that are judged, {agreeing} agree.\n"


def _counted(entry: Entry) -> tuple[Verdict, ...]:
    return entry[1].verdicts if entry[1] and entry[0].case.use != "calibrate" else ()


def _counts(name: str, entries: Sequence[Entry]) -> str:
    found = [verdict_of(one) for one in entries]
    return f"| {name} | " + " | ".join(str(found.count(column)) for column in COLUMNS) + " |"


def _table(entries: Sequence[Entry], kind: str) -> str:
    lines = ["| case | question | measured | verdict | within | tolerance |", "|---|---|---|---|---:|---|"]
    for entry in entries:
        case, result = entry
        if case.case.kind == kind and case.runnable:
            within = f"{result.agreeing_count} of {result.judged_count}" if result else ""
            cells = [_link(case), case.case.title, "yes" if case.case.measured else "no"]
            cells += [_strong(verdict_of(entry)), within, case.case.tolerance or ""]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _strong(verdict: str) -> str:
    return f"**{verdict}**" if verdict == "disagree" else verdict


def _link(case: BookCase) -> str:
    others = f" ({', '.join(case.case.covers)})" if case.case.covers else ""
    return _linked(case) + others


def _linked(case: BookCase) -> str:
    if case.folder is None or not (case.folder / "README.md").is_file():
        return case.case.id
    return f"[{case.case.id}](../validation/{case.folder.parent.name}/{case.folder.name}/README.md)"


def _open(entries: Sequence[Entry]) -> str:
    lines = ["| case | question | what is missing |", "|---|---|---|"]
    for entry in entries:
        case, result = entry
        if verdict_of(entry) in ("not judged", "not run"):
            lines.append(f"| {_link(case)} | {case.case.title} | {_why_not(case, result)} |")
    return "\n".join(lines) + "\n"


def _why_not(case: BookCase, result: CaseResult | None) -> str:
    if not case.runnable:
        return case.case.missing or ""
    if result is None:
        return "has not been run"
    return "; ".join(dict.fromkeys(one.why for one in result.verdicts if one.why))


def _figures(entries: Sequence[Entry], place: Path, results: Path | None) -> Iterator[str]:
    for case, result in entries:
        if result and case.case.kind == "experiment" and case.runnable:
            yield from _figures_of(case, result)
            if case.folder is not None and (picture := picture_of(case, results)).is_file():
                where = Path(os.path.relpath(picture.resolve(), place.resolve())).as_posix()
                yield f"![{case.case.id}: measured, accepted and simulated]({where})\n"


def _figures_of(entry: BookCase, result: CaseResult) -> Iterator[str]:
    case = entry.case
    yield f"### {case.id}: {case.title}\n"
    facts = [f"Source: {', '.join(case.sources)}."]
    if case.unknown:
        facts.append(f"Sampled: {case.unknown_text}.")
    if case.note:
        facts.append(case.note)
    yield " ".join(facts) + "\n"
    header = "| quantity | reference | accepted | simulated | over what is unknown | over death models | verdict |"
    yield "\n".join([header, "|---|---|---|---|---|---|---|", *_rows(result.verdicts)]) + "\n"


def _rows(verdicts: Iterable[Verdict]) -> Iterator[str]:
    for one in verdicts:
        name = f"{one.quantity}, {one.unit}" if one.unit else one.quantity
        measured = _number(one.reference)
        if one.reference_spread:
            measured += f" ± {_number(one.reference_spread)}"
        verdict = _strong(one.verdict) + (f": {one.why}" if one.why else "")
        cells = [name, measured, _range(one.accepted_low, one.accepted_high), _number(one.simulated)]
        cells += [_range(one.low, one.high), _range(one.model_low, one.model_high), verdict]
        yield f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if abs(value) < 1000.0 else f"{value:.0f}"


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    if low is None:
        return f"at most {_number(high)}"
    return f"at least {_number(low)}" if high is None else f"{_number(low)} to {_number(high)}"
