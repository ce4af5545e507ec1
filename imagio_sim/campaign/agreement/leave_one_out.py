# SPDX-License-Identifier: LGPL-3.0-or-later
"""Every case judged by the others: its values, its lengths with and without its own zone, and the errors over all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from imagio_sim.campaign.agreement.emulator import Emulator, key_of
from imagio_sim.campaign.agreement.parameters import Parameter
from imagio_sim.campaign.agreement.posterior import Estimate, Learnt, estimate
from imagio_sim.campaign.agreement.treated_cases import CalibrationCase
from imagio_sim.campaign.uncertainty.inputs import Floats

KINDS = ("uncalibrated", "trained", "left_out")
"""How the lengths of a case are predicted: by what was known beforehand, by all cases, by all others."""


@dataclass(frozen=True)
class CaseCalibration:
    """What is known of one case.

    Attributes
    ----------
    parameters
        Its own zone and what the other cases have taught, by name of the parameter.
    measured_mm
        Measured lengths.
    trained_mm
        Lengths with the mean of all cases' parameters and the common offset of all cases.
    left_out_mm
        The same from the other cases alone.
    uncalibrated_mm
        Mean over what is known beforehand, without any offset.
    left_out_interval_mm
        Interval from 5 to 95 % in which the other cases let expect each measured length.
    """

    name: str
    parameters: Mapping[str, Estimate]
    measured_mm: tuple[float, ...]
    trained_mm: tuple[float, ...]
    left_out_mm: tuple[float, ...]
    uncalibrated_mm: tuple[float, ...]
    left_out_interval_mm: tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Simulated:
    """What was computed for the cases.

    Attributes
    ----------
    parameters
        What is calibrated.
    values, places
        Members (m, p) of the parameters' spread, see :func:`~imagio_sim.campaign.agreement.parameters.places_of`.
    emulators
        By :func:`~imagio_sim.campaign.agreement.emulator.key_of` the case.
    """

    parameters: Sequence[Parameter]
    values: Floats
    places: Floats
    emulators: Mapping[tuple[str, str], Emulator]


def judged_by_the_others(
    cases: Sequence[CalibrationCase], simulated: Simulated, learnt: Learnt, seed: int
) -> list[CaseCalibration]:
    """What is known of every case, with its own zone and without it."""
    weights = [learnt.of_case(number) for number in range(len(cases))]
    mean = np.mean([one @ simulated.places for one in weights], axis=0)
    return [_judged(number, case, weights[number], mean, simulated, learnt, seed) for number, case in enumerate(cases)]


def _judged(
    number: int,
    case: CalibrationCase,
    weights: Floats,
    mean: Floats,
    simulated: Simulated,
    learnt: Learnt,
    seed: int,
) -> CaseCalibration:
    emulator, others = simulated.emulators[key_of(case)], learnt.weights(number)
    rest = [k for k in range(len(learnt.measured)) if k != number]
    left_out = np.mean([learnt.of_case(k, number) @ simulated.places for k in rest], axis=0)
    return CaseCalibration(
        name=case.name,
        parameters={
            one.name: estimate(values, weights)
            for one, values in zip(simulated.parameters, simulated.values.T, strict=True)
        },
        measured_mm=_told(learnt.measured[number]),
        trained_mm=_told(emulator.at(mean[None])[0] + 2.0 * learnt.weights() @ learnt.grid[:, 0]),
        left_out_mm=_told(emulator.at(left_out[None])[0] + 2.0 * others @ learnt.grid[:, 0]),
        uncalibrated_mm=_told(learnt.predicted[number].mean(axis=0)),
        left_out_interval_mm=_expected(learnt, number, others, seed),
    )


def _expected(learnt: Learnt, number: int, others: Floats, seed: int) -> tuple[tuple[float, float], ...]:
    """Interval from 5 to 95 % of each length of a case, from the spread beforehand and what the other cases teach."""
    random, count = np.random.default_rng(seed + number), 4000
    member = random.integers(learnt.predicted.shape[1], size=count)
    offset, radial, single = learnt.grid[random.choice(len(others), size=count, p=others)].T
    common = 2.0 * (offset + radial * random.standard_normal(count))
    lengths = learnt.predicted[number, member] + common[:, None] + single[:, None] * random.standard_normal((count, 3))
    low, high = np.percentile(lengths, (5.0, 95.0), axis=0)
    return tuple((float(a), float(b)) for a, b in zip(low, high, strict=True))


def errors_of(found: Sequence[CaseCalibration]) -> dict[str, tuple[float, ...]]:
    """Root mean square error of each length: uncalibrated, trained, left out."""
    measured = np.array([one.measured_mm for one in found])
    told = {name: np.array([getattr(one, f"{name}_mm") for one in found]) for name in KINDS}
    return {name: _told(np.sqrt(((lengths - measured) ** 2).mean(axis=0))) for name, lengths in told.items()}


def expected_share(found: Sequence[CaseCalibration]) -> float:
    """Share of the measured lengths that lie in the interval that the other cases let expect."""
    inside = [
        low <= value <= high
        for case in found
        for value, (low, high) in zip(case.measured_mm, case.left_out_interval_mm, strict=True)
    ]
    return float(np.mean(inside))


def _told(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
