# SPDX-License-Identifier: LGPL-3.0-or-later
"""The scenario: one patient, one target, alternative plans, and what they must achieve."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, PrivateAttr, Tag, ValidationInfo, model_validator

from imagio_sim.errors import InputError
from imagio_sim.plan.constraints import Constraint
from imagio_sim.plan.device_values import device_value_faults
from imagio_sim.plan.interactions import ChosenInteraction, interaction_faults
from imagio_sim.plan.library_values import DeathModelName, PharmacyName, death_kinds, pharmacy_kinds
from imagio_sim.plan.model import DeviceName, Fault, Name, PlanModel, Point, Text, TissueName, fault, nearest, repeated
from imagio_sim.plan.patient import Patient
from imagio_sim.plan.solver_models import death_model_faults, dielectric_model_faults
from imagio_sim.plan.stages import Plan
from imagio_sim.plan.target import CriticalStructure, Target
from imagio_sim.tissue.constants import FIXED, library_constants, load_constants
from imagio_sim.tissue.death.library import death_records
from imagio_sim.tissue.library import Tissue, load_tissue
from imagio_sim.tissue.properties import PROPERTIES
from imagio_sim.tissue.value import Value
from imagio_sim.units import LENGTH_MM, TEMPERATURE_DIFFERENCE, Duration, Misfit, MisfitError, QuantityKind

if TYPE_CHECKING:
    from imagio_sim.pharmacy.library import Pharmacy

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

# How far beyond the range of its data file a law constant may lie, in widths of that range.
_BEYOND_RANGE = 10.0


def constant_kind(name: str) -> QuantityKind:
    """The quantity a law constant is, as it is written in a scenario."""
    value = library_constants()[name]
    low, high = (value.value if end is None else end for end in (value.low, value.high))
    reach = _BEYOND_RANGE * (high - low)
    unit = "" if value.unit == "1" else value.unit
    lowest = low - reach if unit == "degC" else max(low - reach, 0.0)
    return QuantityKind(name, unit, lowest, high + reach, f"{value.value:g} {unit}".strip())


def _known_constant(name: str) -> str:
    known = [constant for constant in library_constants() if constant not in FIXED]
    if name not in known:
        raise Misfit(
            repr(name),
            "a constant of the tissue laws that may be given",
            nearest(name, known, f"one of {', '.join(known)}"),
        ).raised_in_validation()
    return name


ConstantName = Annotated[str, AfterValidator(_known_constant)]


class GivenValue(PlanModel):
    """A value that replaces the library's: text with unit, standard deviation if known, and the source."""

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
    geometry
        ``axisymmetric``: a phantom with one straight needle on the z axis is solved in the half plane of radius and
        height.
    dielectric_model
        How permittivity follows temperature at microwave frequencies; default: the nominal one of the frequency.
    interactions
        Pairs of agents that do not act independently.
    """

    resolution: Resolution = "normal"
    geometry: Literal["three_dimensional", "axisymmetric"] = "three_dimensional"
    time_tolerance: Annotated[float, TEMPERATURE_DIFFERENCE.within(1e-4, 5.0)] | None = None
    linear_tolerance: float | None = Field(default=None, ge=1e-14, le=1e-2, strict=True)
    death_model: Text | None = None
    dielectric_model: Text | None = None
    interactions: tuple[ChosenInteraction, ...] = ()


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

    ``tissue_values`` replaces values of the tissue library, ``constants`` those of the tissue laws, ``device_values``
    those of devices, ``pharmacy_values`` those of the pharmacy and ``death_values`` those of the death models;
    ``plans`` are the alternatives, coordinates are in ``frame``. A bench experiment on a phantom may do without a
    ``target``.
    """

    schema_: Literal[1] = Field(alias="schema")
    name: Name
    question: Text
    expected_run_time: Duration
    frame: Frame
    patient: Patient
    tissue_values: Mapping[TissueName, Mapping[PropertyName, GivenValue]] = Field(default_factory=dict)
    constants: Mapping[ConstantName, GivenValue] = Field(default_factory=dict)
    device_values: Mapping[DeviceName, Mapping[str, GivenValue]] = Field(default_factory=dict)
    pharmacy_values: Mapping[PharmacyName, Mapping[str, GivenValue]] = Field(default_factory=dict)
    death_values: Mapping[DeathModelName, Mapping[str, GivenValue]] = Field(default_factory=dict)
    target: Target | None = None
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
            tissue: {name: _given(property_kind(name), PROPERTIES[name].unit, given) for name, given in values.items()}
            for tissue, values in self.tissue_values.items()
        }

    def tissue(self, name: str) -> Tissue:
        """A tissue in this patient: library, then species, then conditions, then ``tissue_values``."""
        return load_tissue(name, self.tissue_overrides().get(name), self.patient.parameter_sets)

    def law_constants(self) -> Mapping[str, Value]:
        """Constants of the tissue laws in this patient: library, then conditions, then ``constants``."""
        given = {
            name: _given(constant_kind(name), library_constants()[name].unit, value)
            for name, value in self.constants.items()
        }
        return load_constants(given, self.patient.parameter_sets)

    @property
    def pharmacy(self) -> Pharmacy:
        """The pharmacy with the values of ``pharmacy_values`` in place of the library's."""
        from imagio_sim.pharmacy.library import LIBRARY, Pharmacy, values_of

        known = {entry: values_of(LIBRARY.entry(entry)) for entry in self.pharmacy_values}
        return Pharmacy(
            {
                entry: {
                    key: _given(pharmacy_kinds(entry)[key], known[entry][key].value.unit, value)
                    for key, value in values.items()
                }
                for entry, values in self.pharmacy_values.items()
            }
        )

    def death_model_values(self, model: str) -> Mapping[str, Value]:
        """Parameters of a death model in this patient, with their sources: library, then ``death_values``."""
        nominal, kinds = death_records()[model].parameters, death_kinds(model)
        given = self.death_values.get(model, {})
        return {**nominal, **{key: _given(kinds[key], nominal[key].unit, value) for key, value in given.items()}}

    @property
    def death_parameters(self) -> dict[str, dict[str, float]]:
        """Numbers of ``death_values`` in the library's units, by model and parameter."""
        return {
            model: {key: self.death_model_values(model)[key].value for key in given}
            for model, given in self.death_values.items()
        }

    def faults(self) -> Iterable[Fault]:
        """Names agree, given tissue values are what they should be, and models have something to decide."""
        yield from self._target_faults()
        for found in (
            *death_model_faults(self.solver.death_model, self.plans),
            *dielectric_model_faults(self.solver.dielectric_model, self.plans),
            *interaction_faults(self.solver.interactions, self.plans),
        ):
            yield found.below("solver")
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
        yield from self._idle_constraint_faults()
        yield from self._value_faults()

    def _idle_constraint_faults(self) -> Iterator[Fault]:
        """Constraints on drug, dose or the organ of an infusion where no plan has any."""
        agents = {agent for plan in self.plans.values() for agent in plan.agents}
        fed = any(one.into_artery for plan in self.plans.values() for stage in plan.stages for one in stage.infusions)
        for index, constraint in enumerate(self.constraints):
            agent = constraint.OF_AGENTS.get(constraint.quantity)
            if agent is not None and agent not in agents:
                remedy = f"leave it out, or give {'a drug' if agent == 'drug' else agent} in one of the plans"
                found = f"{constraint.quantity}, while no plan kills by {agent}"
                yield fault("constraints", index, found=found, allowed="a quantity of the plans", remedy=remedy)
            elif constraint.quantity in constraint.OF_ORGANS and not fed:
                found = f"{constraint.quantity}, while no infusion names an organ"
                remedy = "leave it out, or give an infusion its organ"
                yield fault("constraints", index, found=found, allowed="a quantity of the plans", remedy=remedy)

    def _target_faults(self) -> Iterator[Fault]:
        if self.target is not None:
            return
        if not self.patient.is_phantom:
            yield fault("target", found="nothing", allowed="a value", remedy="add target")
        for index, constraint in enumerate(self.constraints):
            if constraint.quantity in constraint.OF_TARGETS:
                remedy = "leave the constraint out, or name a target"
                yield fault(
                    "constraints", index, found=constraint.quantity, allowed="a quantity of the zone", remedy=remedy
                )
        for name, plan in self.plans.items():
            if not any(stage.applicators for stage in plan.stages):  # a mesh has to be about something
                remedy = "name a target, or add an applicator"
                yield fault("plans", name, found="no applicator and no target", allowed="one of them", remedy=remedy)

    def _value_faults(self) -> Iterator[Fault]:
        for tissue, values in self.tissue_values.items():
            for name, given in values.items():
                faults = _quantity_faults(property_kind(name), given)
                yield from (found.below("tissue_values", tissue, name) for found in faults)
        for name, given in self.constants.items():
            yield from (found.below("constants", name) for found in _quantity_faults(constant_kind(name), given))
        for device, figures in self.device_values.items():
            faulty = device_value_faults(device, figures, _quantity_faults)
            yield from (found.below("device_values", device) for found in faulty)
        for entry, values in self.pharmacy_values.items():
            faults = _library_faults(entry, values, pharmacy_kinds(entry))
            yield from (found.below("pharmacy_values", entry) for found in faults)
        for model, values in self.death_values.items():
            faults = _library_faults(model, values, death_kinds(model))
            yield from (found.below("death_values", model) for found in faults)
        yield from self._perfusion_faults()

    def _perfusion_faults(self) -> Iterator[Fault]:
        """A tissue takes its perfusion from the image or from a value, not from both."""
        image = self.patient.perfusion
        if image is None:
            return
        for tissue, values in self.tissue_values.items():
            if "perfusion_rate" in values and (not image.tissues or tissue in image.tissues):
                yield fault(
                    "tissue_values",
                    tissue,
                    "perfusion_rate",
                    found="a value beside patient.perfusion",
                    allowed="one of them",
                    remedy="leave one out, or name in patient.perfusion.tissues those that follow the image",
                )


def _library_faults(owner: str, values: Mapping[str, GivenValue], kinds: Mapping[str, QuantityKind]) -> Iterator[Fault]:
    """Values that an entry of the pharmacy or a death model does not have, or that are not what they should be."""
    for key, given in values.items():
        if key in kinds:
            yield from (found.below(key) for found in _quantity_faults(kinds[key], given))
        else:
            remedy = nearest(key, kinds, f"one of {', '.join(kinds)}")
            yield fault(key, found=repr(key), allowed=f"a value of {owner} that may be given", remedy=remedy)


def _quantity_faults(kind: QuantityKind, given: GivenValue) -> Iterator[Fault]:
    kinds = {"value": kind, "spread": _spread_kind(kind)}
    for field, text in (("value", given.value), ("spread", given.spread)):
        try:
            if text is not None:
                kinds[field].read(text)
        except MisfitError as error:
            yield Fault((field,), error.misfit)


def _spread_kind(kind: QuantityKind) -> QuantityKind:
    """A standard deviation of this quantity; of a temperature it is a difference."""
    return replace(kind.within(0.0, kind.high - min(kind.low, 0.0)), unit="K" if kind.unit == "degC" else kind.unit)


def _given(kind: QuantityKind, unit: str, given: GivenValue) -> Value:
    spread = None if given.spread is None else _spread_kind(kind).read(given.spread)
    return Value(kind.read(given.value), unit, None, None, spread, given.source, "given", origin="scenario")
