# SPDX-License-Identifier: LGPL-3.0-or-later
"""What of a plan is not known exactly: constants with a spread, and where the applicators really come to lie."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imagio_sim.plan import Scenario, scenario_of, written
from imagio_sim.plan.placement import entry_and_tip
from imagio_sim.plan.scenario import constant_kind, property_kind
from imagio_sim.plan.stages import Applicator
from imagio_sim.tissue.constants import FIXED, constants_used_by
from imagio_sim.tissue.properties import properties_used_by
from imagio_sim.tissue.value import Value
from imagio_sim.units import QuantityKind

Floats = NDArray[np.float64]

PLACEMENT = "placement"
"""How the names of the inputs of an applicator's place begin."""
_AXES = ("x", "y", "z")
_MEAN_OF_NORM = math.sqrt(8.0 / math.pi)
"""Mean length of a vector of three independent standard normal numbers."""


class UncertainInput(Protocol):
    """A number that is drawn for every member, by a name that is the same in every plan that has it."""

    @property
    def name(self) -> str:
        """Its name, unique in a scenario."""

    @property
    def spread(self) -> str:
        """What is known of it, in words."""

    def drawn(self, share: float) -> float:
        """Its value at a share in (0, 1) of its distribution."""


@dataclass(frozen=True)
class UncertainConstant:
    """A constant of a tissue (``owner`` its name) or of the tissue laws (``owner`` empty).

    A standard deviation stands for a normal distribution cut off at what is plausible, a range alone for one in which
    every value is as likely as another.
    """

    owner: str
    quantity: str
    value: Value
    kind: QuantityKind

    @property
    def name(self) -> str:
        """``liver: perfusion_rate`` or ``laws: heat_capacity``."""
        return f"{self.owner or 'laws'}: {self.quantity}"

    @property
    def spread(self) -> str:
        """Distribution and source."""
        unit = f" {self.value.unit}" if self.value.unit != "1" else ""
        if self.value.sd is not None:
            return f"{self.value.value:g} ± {self.value.sd:g}{unit} (normal; {self.value.source})"
        return f"{self.value.low:g} to {self.value.high:g}{unit} (even; {self.value.source})"

    def drawn(self, share: float) -> float:
        """Quantile of the distribution."""
        from scipy.stats import truncnorm

        value = self.value
        if value.sd is None:
            assert value.low is not None
            assert value.high is not None
            return value.low + share * (value.high - value.low)
        ends = [(end - value.value) / value.sd for end in (self.kind.low, self.kind.high)]
        return float(truncnorm.ppf(share, *ends, loc=value.value, scale=value.sd))

    def written(self, drawn: float, where: str) -> dict[str, Any]:
        """The value as a scenario gives it."""
        text = self.kind.text(drawn) if self.kind.unit else drawn
        return {"value": text, "source": f"drawn for {where} from {self.spread}"}


@dataclass(frozen=True)
class UncertainPlace:
    """How far the tip of an applicator comes to lie off its plan along one axis of the scenario's frame [mm]."""

    applicator: str
    axis: int
    sd_mm: float

    @property
    def name(self) -> str:
        """``placement of needle, x``."""
        return f"{PLACEMENT} of {self.applicator}, {_AXES[self.axis]}"

    @property
    def spread(self) -> str:
        """Distribution."""
        return f"0 ± {self.sd_mm:.2g} mm (normal)"

    def drawn(self, share: float) -> float:
        """Quantile of the distribution [mm]."""
        from scipy.stats import norm

        return float(self.sd_mm * norm.ppf(share))


def uncertain_constants(scenario: Scenario, plan_name: str, tissues: Iterable[str]) -> list[UncertainConstant]:
    """Every constant with a spread that a plan uses of these tissues and of the tissue laws."""
    modalities = scenario.plan(plan_name).modalities
    properties, constants = properties_used_by(modalities), constants_used_by(modalities) - FIXED
    image = scenario.patient.perfusion
    imaged = set() if image is None else set(image.tissues or tissues)
    found = [
        UncertainConstant(tissue, name, value, property_kind(name))
        for tissue in tissues
        for name, value in scenario.tissue(tissue).values.items()
        if name in properties and not (name == "perfusion_rate" and tissue in imaged)
    ]
    found += [
        UncertainConstant("", name, value, constant_kind(name))
        for name, value in scenario.law_constants().items()
        if name in constants
    ]
    return [one for one in found if _is_spread(one.value)]


def _is_spread(value: Value) -> bool:
    if value.sd is not None:
        return value.sd > 0.0
    return value.low is not None and value.high is not None and value.high > value.low


def uncertain_places(scenario: Scenario, plan_name: str, *, mean_error_mm: float) -> list[UncertainPlace]:
    """The place of every applicator of a plan, off by ``mean_error_mm`` on average over all directions.

    In a half plane every needle lies on the axis, and none can be off it.
    """
    if mean_error_mm <= 0.0 or scenario.solver.geometry == "axisymmetric":
        return []
    names = [name for stage in scenario.plan(plan_name).applicator_names for name in stage]
    return [UncertainPlace(name, axis, mean_error_mm / _MEAN_OF_NORM) for name in names for axis in range(3)]


def with_drawn(
    scenario: Scenario,
    plan_name: str,
    drawn: Mapping[str, float],
    inputs: Sequence[UncertainConstant | UncertainPlace],
    *,
    where: str,
) -> Scenario:
    """The scenario with drawn values (by name of the input) in place of the nominal ones, checked like a file."""
    data = written(scenario)
    for one in inputs:
        if isinstance(one, UncertainConstant):
            place = data.setdefault("tissue_values", {}).setdefault(one.owner, {}) if one.owner else None
            place = data.setdefault("constants", {}) if place is None else place
            place[one.quantity] = one.written(drawn[one.name], where)
    offsets: dict[str, Floats] = {}
    for one in inputs:
        if isinstance(one, UncertainPlace):
            offsets.setdefault(one.applicator, np.zeros(3))[one.axis] = drawn[one.name]
    _displace(scenario, plan_name, data, offsets)
    return scenario_of(data, base=scenario.base, where=f"{scenario.origin} ({where})")


def _displace(scenario: Scenario, plan_name: str, data: dict[str, Any], offsets: Mapping[str, Floats]) -> None:
    """Move the tips of a plan's applicators; the entry stays, so that the needle comes to lie at another angle.

    What has no needle (a transducer) is moved as a whole.
    """
    plan = scenario.plan(plan_name)
    stages = data["plans"][plan_name]["stages"]
    for stage, names, given in zip(plan.stages, plan.applicator_names, stages, strict=True):
        for name, applicator, entry in zip(names, stage.applicators, given.get("applicators", ()), strict=True):
            if name in offsets:
                entry |= _moved(scenario, applicator, offsets[name])
                entry.pop("markup", None)


def _moved(scenario: Scenario, applicator: Applicator, offset: Floats) -> dict[str, list[float]]:
    """Entry and tip in the scenario's frame, off by an offset (3,) [mm] in that frame."""
    sign = np.array([-1.0, -1.0, 1.0]) if scenario.frame == "RAS" else np.ones(3)
    entry, tip = (sign * point for point in entry_and_tip(applicator, scenario.frame, scenario.base))
    has_needle = bool(applicator.of_library.applicator(applicator.deployment))
    return {"entry": list(map(float, entry if has_needle else entry + offset)), "tip": list(map(float, tip + offset))}
