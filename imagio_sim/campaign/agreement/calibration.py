# SPDX-License-Identifier: LGPL-3.0-or-later
"""Named parameters calibrated on measured zones, every case judged by what the others have taught.

Every case has its own values of the parameters, drawn from what is known of them beforehand (the spread of the library,
or a range). Its zone is told by three lengths: the diameter of the ball of equal volume, the long and the short axis.
They are computed at a few values of the parameters and interpolated between (radial basis functions). Beside the
parameters there is what no parameter explains: a radial offset that all cases share, known beforehand to within the
spread of the models of cell death; a radial scatter from case to case; and scatter of the single lengths. For each
case these three are learnt from all *other* cases, by adding up over a grid how likely each makes them; what its own
zone then says of its parameters is stated as the median with the interval from 5 to 95 %.

A parameter that zones say nothing about keeps its spread. An error common to all cases that acts like one of the
parameters (all perfusion too high) can be told from it only as far as its spread beforehand does so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imagio_sim.campaign.agreement.emulator import Runs, emulators_of, key_of, spread_shares
from imagio_sim.campaign.agreement.leave_one_out import (
    CaseCalibration,
    Simulated,
    errors_of,
    expected_share,
    judged_by_the_others,
)
from imagio_sim.campaign.agreement.measured_cases import Treatment
from imagio_sim.campaign.agreement.parameters import PERCENTS, Parameter, parameters_of, places_of, unit_of, values_of
from imagio_sim.campaign.agreement.posterior import Learnt
from imagio_sim.campaign.agreement.treated_cases import LENGTHS, CalibrationCase
from imagio_sim.campaign.run import Listener, RunOptions
from imagio_sim.errors import InputError

FEWEST_CASES = 3
_MEMBERS = 768
"""Points of the parameters' spread at which the interpolated lengths are held against the measured ones."""
_LEAST_OFFSET_SD_MM = 0.2


@dataclass(frozen=True)
class Asked:
    """How to calibrate: names of the parameters, runs per scenario, seed, and what is done about shrinkage."""

    parameters: tuple[str, ...]
    runs: int = 12
    seed: int = 0
    shrinkage: Treatment = "none"


@dataclass(frozen=True)
class Calibration:
    """The outcome.

    Attributes
    ----------
    spreads, units
        What is known of each parameter beforehand, in words, and the unit of its numbers.
    before
        Percentiles 5, 50 and 95 of what is known beforehand.
    means
        Mean over the cases of each parameter's median, and its standard deviation.
    offset_mm, offset_sd_mm
        Common radial offset (measured minus simulated) as all cases tell it.
    offset_spread_mm
        What was known of it beforehand: the standard deviation over the models of cell death.
    emulator_error_mm
        Root mean square error of the interpolation at runs that were left out of it.
    errors_mm
        Root mean square error of each length: uncalibrated, trained, left out.
    left_out_coverage
        Share of the measured lengths that lie in the interval that the other cases let expect (0.9 is right).
    """

    asked: Asked
    spreads: Mapping[str, str]
    units: Mapping[str, str]
    before: Mapping[str, tuple[float, float, float]]
    cases: tuple[CaseCalibration, ...]
    means: Mapping[str, tuple[float, float]]
    offset_mm: float
    offset_sd_mm: float
    offset_spread_mm: float
    emulator_error_mm: float
    errors_mm: Mapping[str, tuple[float, ...]]
    left_out_coverage: float
    notices: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"lengths": LENGTHS, **asdict(self)}


def calibrate(cases: Sequence[CalibrationCase], asked: Asked, options: RunOptions, listener: Listener) -> Calibration:
    """Run every scenario at a few values of the parameters, and say what the measured zones make of them.

    Raises
    ------
    InputError
        Fewer than three cases, or a parameter that is none.
    """
    if len(cases) < FEWEST_CASES:
        raise InputError(
            "cohort",
            found=f"{len(cases)} cases",
            allowed=f"at least {FEWEST_CASES}",
            remedy="one case says nothing about what is common to all",
        )
    parameters = parameters_of(asked.parameters, cases)
    emulators = emulators_of(cases, parameters, Runs(asked.runs, asked.seed, asked.shrinkage), options, listener)
    drawn = values_of(parameters, spread_shares(len(parameters), _MEMBERS, asked.seed + 1))
    simulated = Simulated(parameters, drawn, places_of(parameters, drawn), emulators)
    own = [emulators[key_of(case)] for case in cases]
    predicted = np.stack([one.at(simulated.places) for one in own])
    measured = np.stack([case.lengths_mm / _ratio(case, asked) for case in cases])
    offset_sd = max(float(np.mean([one.offset_sd_mm for one in own])), _LEAST_OFFSET_SD_MM)
    error = float(np.sqrt(np.mean([one.error_mm**2 for one in own])))
    learnt = Learnt.from_cases(predicted, measured, offset_sd, error)
    return _calibration(cases, asked, simulated, learnt, offset_sd, error)


def _ratio(case: CalibrationCase, asked: Asked) -> float:
    """By what the measured lengths are divided: what fixing and cutting took, unless nothing is to be done about it."""
    return 1.0 if asked.shrinkage == "none" else case.processing_ratio


def _calibration(
    cases: Sequence[CalibrationCase],
    asked: Asked,
    simulated: Simulated,
    learnt: Learnt,
    offset_sd: float,
    error: float,
) -> Calibration:
    found = judged_by_the_others(cases, simulated, learnt, asked.seed)
    everyone, offsets = learnt.weights(), learnt.grid[:, 0]
    offset = float(everyone @ offsets)
    return Calibration(
        asked=asked,
        spreads={one.name: one.spread for one in simulated.parameters},
        units={one.name: unit_of(one) for one in simulated.parameters},
        before={one.name: _percentiles(one) for one in simulated.parameters},
        cases=tuple(found),
        means=_means(found, simulated.parameters),
        offset_mm=offset,
        offset_sd_mm=float(np.sqrt(everyone @ (offsets - offset) ** 2)),
        offset_spread_mm=offset_sd,
        emulator_error_mm=error,
        errors_mm=errors_of(found),
        left_out_coverage=expected_share(found),
        notices=tuple(dict.fromkeys(case.notice for case in cases if case.notice)),
    )


def _percentiles(parameter: Parameter) -> tuple[float, float, float]:
    low, median, high = (parameter.drawn(percent / 100.0) for percent in PERCENTS)
    return low, median, high


def _means(found: Sequence[CaseCalibration], parameters: Sequence[Parameter]) -> dict[str, tuple[float, float]]:
    medians = {one.name: [case.parameters[one.name].median for case in found] for one in parameters}
    return {name: (float(np.mean(values)), float(np.std(values, ddof=1))) for name, values in medians.items()}


def write_calibration(folder: Path, found: Calibration) -> None:
    """Write ``calibration.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / ".calibration.json"
    partial.write_text(json.dumps(found.data(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(folder / "calibration.json")
