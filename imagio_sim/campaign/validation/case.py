# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cases of the validation book: ``validation/<kind>/<name>/case.yaml``, and ``validation/open_cases.yaml``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, ValidationError

from imagio_sim.errors import InputError, InputErrors
from imagio_sim.plan.fault_reports import errors_of
from imagio_sim.plan.model import Fault, PlanModel, Text, fault, nearest
from imagio_sim.plan.reading import parse_yaml

Modality = Literal[
    "heat and death",
    "radiofrequency",
    "microwave",
    "laser",
    "cryo",
    "focused ultrasound",
    "electroporation",
    "drug",
    "radio-embolisation",
    "vessels",
    "histology",
    "numerics",
]
KINDS = ("verification", "experiments")
OPEN_CASES, RESULT = "open_cases.yaml", "result.json"


class Unknown(PlanModel):
    """An input that the source does not state: sampled over what is plausible, never chosen.

    Attributes
    ----------
    low, high
        Ends of the plausible range, in ``unit``; every value within is taken as equally likely.
    why
        Where the range comes from.
    """

    name: Text
    low: float
    high: float
    unit: str
    why: Text

    def faults(self) -> Iterable[Fault]:
        """The range is one."""
        if self.low >= self.high:
            yield fault("high", found=f"{self.high:g}", allowed=f"more than low, {self.low:g}", remedy="swap the ends")


class ValidationCase(PlanModel):
    """A case: what is compared with what, and how it is judged.

    Attributes
    ----------
    id, title, modality
        Identifier, the question in one line, and what it belongs to.
    kind, use
        Verification (are the equations solved right?) or experiment; cases marked ``calibrate`` are where constants
        come from and are not judged.
    measured
        Whether the reference was measured on tissue, phantom, animal or patient.
    tier
        ``fast`` cases together take minutes.
    sources
        Keys of docs/references.bib, DOIs or where the reference was found.
    tolerance
        Written before the run.
    unknown
        Inputs that the source leaves open and that are sampled.
    tests
        Tests whose passing is the verdict (pytest node ids), or
    study
        the module of the case's folder whose ``judge(case)`` returns the verdicts, or
    missing
        why it is not judged.
    covers
        Identifiers of other collections of cases that this one stands for.
    note
        What a reader of the table should know.
    """

    id: Text
    title: Text
    modality: Modality
    kind: Literal["verification", "experiment"]
    use: Literal["verify", "calibrate", "validate"]
    measured: bool = Field(strict=True)
    tier: Literal["fast", "full"] = "fast"
    sources: tuple[Text, ...] = Field(min_length=1)
    tolerance: Text | None = None
    unknown: tuple[Unknown, ...] = ()
    tests: tuple[Text, ...] = ()
    study: Text | None = None
    missing: Text | None = None
    covers: tuple[Text, ...] = ()
    note: str = ""

    def faults(self) -> Iterable[Fault]:
        """It is judged in one way, by a tolerance, or says why not."""
        ways = [bool(self.tests), self.study is not None, self.missing is not None]
        if sum(ways) != 1:
            yield fault(
                found=f"{sum(ways)} of tests, study and missing",
                allowed="one of them",
                remedy="say how it is judged, or what is missing",
            )
        if self.missing is None and self.tolerance is None:
            yield fault("tolerance", found="none", allowed="a tolerance", remedy="write it down before the first run")

    def samples(self, count: int, seed: int) -> list[dict[str, float]]:
        """``count`` sets of the unknown inputs by name, a Latin hypercube over their ranges."""
        from scipy.stats import qmc

        drawn = qmc.LatinHypercube(d=len(self.unknown), rng=np.random.default_rng(seed)).random(count)
        return [
            {
                one.name: one.low + (one.high - one.low) * float(share)
                for one, share in zip(self.unknown, row, strict=True)
            }
            for row in drawn
        ]

    @property
    def unknown_text(self) -> str:
        """What was sampled, with the ranges."""
        return ", ".join(f"{one.name} {one.low:g} to {one.high:g} {one.unit}".rstrip() for one in self.unknown)


@dataclass(frozen=True)
class BookCase:
    """A case and the folder it lies in; None for one that nobody has been able to run."""

    case: ValidationCase
    folder: Path | None

    @property
    def runnable(self) -> bool:
        """Whether there is something to run."""
        return self.case.missing is None

    @property
    def result_file(self) -> Path | None:
        """Where its result lies."""
        return None if self.folder is None else self.folder / RESULT


def find_book(start: Path) -> Path:
    """The folder ``validation`` of the source tree: above ``start``, or beside the package.

    Raises
    ------
    InputError
        In an installation without the source tree.
    """
    beside = Path(__file__).resolve().parents[3]
    for root in (start.resolve(), *start.resolve().parents, beside):
        if all((root / "validation" / kind).is_dir() for kind in KINDS):
            return root / "validation"
    raise InputError(
        "validation",
        found=f"no folder validation/ at or above {start.resolve()}",
        allowed="the source tree of imagio-sim, where the validation book lies",
        remedy="clone the repository and run the command in it; the installed package alone has no cases",
    )


def read_cases(book: Path) -> dict[str, BookCase]:
    """All cases by identifier, in the order of the table: verification, experiments, those not run.

    Raises
    ------
    InputErrors
        Everything that is wrong with the files, together.
    """
    found, faults = [], []
    for file, data in _entries(book):
        try:
            case = ValidationCase.model_validate(data)
        except ValidationError as error:
            faults += errors_of(error, data, str(file), ValidationCase)
        else:
            found.append(BookCase(case, file.parent if file.name == "case.yaml" else None))
    if faults:
        raise InputErrors(faults)
    return _by_identifier(found)


def _entries(book: Path) -> Iterable[tuple[Path, dict[str, Any]]]:
    for kind in KINDS:
        for file in sorted((book / kind).glob("*/case.yaml")):
            yield file, parse_yaml(file.read_text(encoding="utf-8"), str(file))
    file = book / OPEN_CASES
    for entry in parse_yaml(file.read_text(encoding="utf-8"), str(file))["cases"]:
        yield file, entry


def _by_identifier(found: Sequence[BookCase]) -> dict[str, BookCase]:
    cases: dict[str, BookCase] = {}
    for one in found:
        if one.case.id in cases:
            raise InputError(
                f"validation case {one.case.id}",
                found="two cases of this identifier",
                allowed="one",
                remedy="remove the entry in open_cases.yaml once the case has a folder",
            )
        cases[one.case.id] = one
    return cases


def chosen_cases(
    cases: dict[str, BookCase], names: Sequence[str], tier: Literal["fast", "full"] | None
) -> list[BookCase]:
    """Cases by name and tier, of which ``full`` includes the fast ones; those that can be run.

    Raises
    ------
    InputErrors
        For every name that no case has.
    """
    unknown = [name for name in names if name not in cases]
    if unknown:
        raise InputErrors(
            InputError(
                "CASE",
                found=repr(name),
                allowed="the identifier of a case, as docs/validation.md lists them",
                remedy=nearest(name, cases, "see docs/validation.md"),
            )
            for name in unknown
        )
    selected = [cases[name] for name in dict.fromkeys(names)] if names else list(cases.values())
    return [one for one in selected if one.runnable and (tier in (None, "full") or one.case.tier == tier)]
