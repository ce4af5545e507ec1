# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a plan must achieve: limits on the quantities of the result.

A value on the wrong side of ``at_least`` or ``at_most`` fails; one that keeps the limit but not the stricter
``warn`` is a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from pydantic import Field

from imagio_sim.plan.model import Fault, PlanModel, Text, fault
from imagio_sim.units import (
    AbsorbedDose,
    ConcentrationUmol,
    Duration,
    Fraction,
    SignedLengthMm,
    Temperature,
    ThermalDose,
    VolumeMl,
)

Limit = TypeVar("Limit", bound=float)


class Limits(PlanModel, Generic[Limit]):
    """Limits on one quantity, of one critical structure where the quantity belongs to a structure."""

    OF_STRUCTURES: ClassVar[frozenset[str]] = frozenset(
        {
            "collateral_volume",
            "collateral_fraction",
            "distance",
            "peak_temperature",
            "minimum_temperature",
            "peak_thermal_dose",
        }
    )

    OF_TARGETS: ClassVar[frozenset[str]] = frozenset(
        {
            "target_coverage",
            "margin_fraction_lt_0",
            "margin_fraction_0_5",
            "margin_fraction_ge_5",
            "margin_fraction_ge_10",
            "minimal_ablative_margin",
            "target_mean_dose",
            "target_share_above_drug_threshold",
        }
    )

    OF_AGENTS: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "target_mean_dose": "radiation",
            "normal_liver_mean_dose": "radiation",
            "lung_mean_dose": "radiation",
            "target_share_above_drug_threshold": "drug",
            "plasma_peak": "drug",
        }
    )
    """Agent that some plan has to kill by, so that a quantity means anything."""

    OF_ORGANS: ClassVar[frozenset[str]] = frozenset({"liver_reserve_volume", "liver_reserve_fraction"})
    """Quantities of the organ that infusions name."""

    name: Text
    quantity: str
    structure: Text | None = None
    at_least: Limit | None = None
    at_most: Limit | None = None
    warn: Limit | None = None

    def faults(self) -> Iterable[Fault]:
        """One limit, a stricter warning, and a structure exactly where one is needed."""
        if (self.at_least is None) == (self.at_most is None):
            found = "neither" if self.at_least is None else "both"
            yield fault(
                found=f"{found} of at_least and at_most",
                allowed="one of them",
                remedy="give the limit that matters; two limits are two constraints",
            )
        elif not self._warn_is_stricter():
            side = "above at_least" if self.at_least is not None else "below at_most"
            yield fault(
                "warn", found=f"{self.warn:g}", allowed=f"a value {side}", remedy="a warning comes before a failure"
            )
        yield from self._structure_faults()

    def _warn_is_stricter(self) -> bool:
        if self.warn is None:
            return True
        return (
            self.warn > self.at_least
            if self.at_least is not None
            else self.at_most is not None and self.warn < self.at_most
        )

    def _structure_faults(self) -> Iterable[Fault]:
        needed = self.quantity in self.OF_STRUCTURES
        if needed and self.structure is None:
            yield fault(
                "structure",
                found="nothing",
                allowed="the name of a critical structure",
                remedy=f"say of which structure {self.quantity} is meant",
            )
        if not needed and self.structure is not None:
            yield fault(
                "structure",
                found=repr(self.structure),
                allowed="no structure",
                remedy=f"{self.quantity} belongs to the plan as a whole",
            )

    def status(self, value: float) -> Literal["pass", "warn", "fail"]:
        """How a value of the result stands against the limits."""
        if not _keeps(value, self.at_least, self.at_most):
            return "fail"
        stricter = (self.warn, None) if self.at_least is not None else (None, self.warn)
        return "pass" if _keeps(value, *stricter) else "warn"


def _keeps(value: float, at_least: float | None, at_most: float | None) -> bool:
    return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)


class FractionLimits(Limits[Fraction]):
    """A share between 0 and 1."""

    quantity: Literal[
        "target_coverage",
        "margin_fraction_lt_0",
        "margin_fraction_0_5",
        "margin_fraction_ge_5",
        "margin_fraction_ge_10",
        "collateral_fraction",
        "liver_reserve_fraction",
        "target_share_above_drug_threshold",
    ]


class LengthLimits(Limits[SignedLengthMm]):
    """A length [mm]; the margin is negative where the target is uncovered."""

    quantity: Literal["minimal_ablative_margin", "long_axis", "short_axis", "distance"]


class VolumeLimits(Limits[VolumeMl]):
    """A volume [ml]."""

    quantity: Literal["ablation_zone_volume", "collateral_volume", "liver_reserve_volume"]


class TemperatureLimits(Limits[Temperature]):
    """A temperature [degC]."""

    quantity: Literal["peak_temperature", "minimum_temperature"]


class ThermalDoseLimits(Limits[ThermalDose]):
    """A thermal dose [cumulative equivalent minutes at 43 degC]."""

    quantity: Literal["peak_thermal_dose"]


class AbsorbedDoseLimits(Limits[AbsorbedDose]):
    """An absorbed dose of radiation [Gy]."""

    quantity: Literal["target_mean_dose", "normal_liver_mean_dose", "lung_mean_dose"]


class ConcentrationLimits(Limits[ConcentrationUmol]):
    """A concentration of drug [umol/l]."""

    quantity: Literal["plasma_peak"]


class TimeLimits(Limits[Duration]):
    """A time [s]."""

    quantity: Literal["treatment_time"]


Constraint = Annotated[
    FractionLimits
    | LengthLimits
    | VolumeLimits
    | TemperatureLimits
    | ThermalDoseLimits
    | AbsorbedDoseLimits
    | ConcentrationLimits
    | TimeLimits,
    Field(discriminator="quantity"),
]
