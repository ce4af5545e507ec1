# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is calibrated: constants of tissues with their published spread, or anything in a scenario with a range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from imagio_sim.campaign.agreement.treated_cases import CalibrationCase
from imagio_sim.campaign.uncertainty.inputs import Floats, UncertainConstant, uncertain_constants, with_drawn
from imagio_sim.campaign.what_if.variation import Interval, parse_vary
from imagio_sim.errors import InputError
from imagio_sim.plan import Scenario, changed
from imagio_sim.plan.model import nearest
from imagio_sim.tissue import tissue_names

PERCENTS = (5.0, 50.0, 95.0)


@dataclass(frozen=True)
class PathParameter:
    """What stands at a path of the scenario, every value of an interval as likely as another."""

    path: str
    interval: Interval

    @property
    def name(self) -> str:
        """The path."""
        return self.path

    @property
    def spread(self) -> str:
        """The interval."""
        return (
            f"{self.interval.written(self.interval.start)} to {self.interval.written(self.interval.stop)} (even; given)"
        )

    def drawn(self, share: float) -> float:
        """A number in the interval's unit."""
        return self.interval.start + share * (self.interval.stop - self.interval.start)


Parameter = UncertainConstant | PathParameter
"""A number of a scenario with what is known of it beforehand."""


def parameters_of(names: Sequence[str], cases: Sequence[CalibrationCase]) -> list[Parameter]:
    """The parameters by name: ``TISSUE: QUANTITY`` with a spread, or ``PATH=LOW:HIGH``."""
    first = cases[0]
    tissues = {name.partition(":")[0] for name in names} & set(tissue_names())
    known = {one.name: one for one in uncertain_constants(first.scenario, first.plan, sorted(tissues))}
    return [_parameter(name, known) for name in names]


def _parameter(name: str, known: Mapping[str, UncertainConstant]) -> Parameter:
    if name in known:
        return known[name]
    if "=" in name:
        given = parse_vary(name, "--parameter")
        if isinstance(given.choices, Interval) and given.choices.step is None:
            return PathParameter(given.path, given.choices)
    raise InputError(
        f"--parameter {name}",
        found="no parameter with a spread",
        allowed="TISSUE: QUANTITY (a constant with a spread that the plan uses), or PATH=LOW:HIGH",
        remedy=nearest(name, known, "see `imagio tissues`"),
    )


def unit_of(parameter: Parameter) -> str:
    """Unit of the numbers that are drawn."""
    if isinstance(parameter, PathParameter):
        return parameter.interval.unit
    return "" if parameter.value.unit == "1" else parameter.value.unit


def values_of(parameters: Sequence[Parameter], shares: Floats) -> Floats:
    """Values (m, p) of the parameters at shares (m, p) of their spread."""
    return np.column_stack(
        [[one.drawn(float(share)) for share in column] for one, column in zip(parameters, shares.T, strict=True)]
    )


def places_of(parameters: Sequence[Parameter], values: Floats) -> Floats:
    """Values (m, p) by the middle and the width of what is known of each beforehand: what is interpolated over."""
    low, middle, high = (np.array([one.drawn(percent / 100.0) for one in parameters]) for percent in PERCENTS)
    return np.asarray((values - middle) / (high - low))


def with_values(
    case: CalibrationCase,
    parameters: Sequence[Parameter],
    values: Mapping[str, float],
    where: str,
) -> Scenario:
    """The case's scenario with these values of the parameters."""
    constants = [one for one in parameters if isinstance(one, UncertainConstant)]
    paths = [one for one in parameters if isinstance(one, PathParameter)]
    scenario = with_drawn(case.scenario, case.plan, values, constants, where=where) if constants else case.scenario
    return changed(scenario, {one.path: one.interval.written(values[one.name]) for one in paths})
