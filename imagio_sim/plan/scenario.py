# SPDX-License-Identifier: LGPL-3.0-or-later
"""The scenario: one patient, one target, alternative plans, and what they must achieve."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, PrivateAttr, Tag, ValidationInfo, model_validator

from imagio_sim.errors import InputError
from imagio_sim.plan.constraints import Constraint
from imagio_sim.plan.model import Fault, Name, PlanModel, Point, Text, TissueName, fault, nearest, repeated
from imagio_sim.plan.patient import Patient
from imagio_sim.plan.stages import Plan
from imagio_sim.plan.target import CriticalStructure, Target
from imagio_sim.tissue.properties import PROPERTIES
from imagio_sim.tissue.value import Value
from imagio_sim.units import LENGTH_MM, TEMPERATURE_DIFFERENCE, Duration, Misfit, MisfitError, QuantityKind

Frame = Literal["RAS", "LPS"]
Resolution = Literal["coarse", "normal", "fine"]


def property_kind(name: str) -> QuantityKind:
    """The quantity a tissue property is, as it is written in a scenario."""
    definition = PROPERTIES[name]
    unit = "" if definition.unit == "1" else definition.unit
    return QuantityKind(name, unit, definition.low, definition.high, f"{definition.high / 2:g} {unit}".strip())


def _known_property(name: str) -> str:
    if name not in PROPERTIES:
        raise Misfit(
            repr(name), "a tissue property", nearest(name, PROPERTIES, f"one of {', '.join(PROPERTIES)}")
        ).raised_in_validation()
    return name


PropertyName = Annotated[str, AfterValidator(_known_property)]


class GivenValue(PlanModel):
    """A tissue value that replaces the library's: text with unit, standard deviation if known, and the source."""

    value: str | float
    source: Text
    spread: str | float | None = None


class Pad(PlanModel):
    """A dispersive electrode: the part of the region's boundary within ``radius`` [mm] of ``centre``."""

    centre: Point
    radius: Annotated[float, LENGTH_MM.within(5.0, 300.0, "8 cm")]


class PadGround(PlanModel):
    """The current returns through a pad."""

    pad: Pad


def _kind_of_ground(given: Any) -> str:
    return "remote" if isinstance(given, str) else "pad"


Ground = Annotated[
    Annotated[Literal["remote"], Tag("remote")] | Annotated[PadGround, Tag("pad")], Discriminator(_kind_of_ground)
]


class Solver(PlanModel):
    """How finely and with which models.

    Attributes
    ----------
    resolution
        Of the mesh.
    time_tolerance
        Temperature error [K] allowed in one time step.
    linear_tolerance
        Relative residual at which linear solves stop.
    death_model
        The one that decides; default: the modality's own.
    """

    resolution: Resolution = "normal"
    time_tolerance: Annotated[float, TEMPERATURE_DIFFERENCE.within(1e-4, 5.0)] | None = None
    linear_tolerance: float | None = Field(default=None, ge=1e-14, le=1e-2, strict=True)
    death_model: Text | None = None


class Region(PlanModel):
    """The computational region: its shape and how far [mm] it reaches beyond target and applicators."""

    shape: Literal["sphere", "capsule", "box"] | None = None
    margin: Annotated[float, LENGTH_MM.within(5.0, 300.0, "40 mm")] | None = None


class Probe(PlanModel):
    """A point whose temperature is recorded over time."""

    name: Name
    position: Point


class Scenario(PlanModel):
    """One complete case; a file of schema 1.

    ``tissue_values`` replaces values of the tissue library, ``plans`` are the alternatives, coordinates are
    in ``frame``.
    """

    schema_: Literal[1] = Field(alias="schema")
    name: Name
    question: Text
    expected_run_time: Duration
    frame: Frame
    patient: Patient
    tissue_values: Mapping[TissueName, Mapping[PropertyName, GivenValue]] = Field(default_factory=dict)
    target: Target
    critical_structures: tuple[CriticalStructure, ...] = ()
    probes: tuple[Probe, ...] = ()
    plans: Mapping[Name, Plan] = Field(min_length=1)
    constraints: tuple[Constraint, ...] = ()
    ground: Ground = "remote"
    region: Region = Region()
    solver: Solver = Solver()

    _base: Path = PrivateAttr(default=Path())
    _origin: str = PrivateAttr(default="scenario")

    @model_validator(mode="after")
    def _remember_origin(self, info: ValidationInfo) -> Self:
        if info.context:
            self._base, self._origin = info.context["base"], info.context["where"]
        return self

    @property
    def base(self) -> Path:
        """Folder that relative file names start from."""
        return self._base

    @property
    def origin(self) -> str:
        """Where it was read from, as errors name it."""
        return self._origin

    def plan(self, name: str) -> Plan:
        """A plan by name; an unknown name is refused with the nearest."""
        if name not in self.plans:
            remedy = nearest(name, self.plans, f"the plans are {', '.join(self.plans)}")
            raise InputError(
                f"{self.origin}: plans",
                found=f"plan {name!r}",
                allowed=f"one of {', '.join(self.plans)}",
                remedy=remedy,
            )
        return self.plans[name]

    def tissue_overrides(self) -> dict[str, dict[str, Value]]:
        """Values that replace the library's, by tissue and property, in the library's units."""
        return {
            tissue: {name: _override(name, given) for name, given in values.items()}
            for tissue, values in self.tissue_values.items()
        }

    def faults(self) -> Iterable[Fault]:
        """Names agree and given tissue values are what they should be."""
        names = [structure.known_as for structure in self.critical_structures]
        for index, name in repeated(names):
            yield fault(
                "critical_structures",
                index,
                found=f"{name!r} for the second time",
                allowed="a name of its own",
                remedy="give each structure a name",
            )
        for index, name in repeated(probe.name for probe in self.probes):
            yield fault(
                "probes",
                index,
                "name",
                found=f"{name!r} for the second time",
                allowed="a name of its own",
                remedy="name each probe differently",
            )
        for index, name in repeated(constraint.name for constraint in self.constraints):
            yield fault(
                "constraints",
                index,
                "name",
                found=f"{name!r} for the second time",
                allowed="a name of its own",
                remedy="name each constraint differently",
            )
        for index, constraint in enumerate(self.constraints):
            if constraint.structure is not None and constraint.structure not in names:
                remedy = nearest(constraint.structure, names, "add it to critical_structures")
                yield fault(
                    "constraints",
                    index,
                    "structure",
                    found=repr(constraint.structure),
                    allowed="the name of a critical structure",
                    remedy=remedy,
                )
        yield from self._value_faults()

    def _value_faults(self) -> Iterator[Fault]:
        for tissue, values in self.tissue_values.items():
            for name, given in values.items():
                yield from (found.below("tissue_values", tissue, name) for found in _quantity_faults(name, given))


def _quantity_faults(name: str, given: GivenValue) -> Iterator[Fault]:
    kinds = {"value": property_kind(name), "spread": _spread_kind(name)}
    for field, text in (("value", given.value), ("spread", given.spread)):
        try:
            if text is not None:
                kinds[field].read(text)
        except MisfitError as error:
            yield Fault((field,), error.misfit)


def _spread_kind(name: str) -> QuantityKind:
    return property_kind(name).within(0.0, PROPERTIES[name].high)


def _override(name: str, given: GivenValue) -> Value:
    spread = None if given.spread is None else _spread_kind(name).read(given.spread)
    return Value(
        property_kind(name).read(given.value), PROPERTIES[name].unit, None, None, spread, given.source, "given"
    )
