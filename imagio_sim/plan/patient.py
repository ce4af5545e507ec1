# SPDX-License-Identifier: LGPL-3.0-or-later
"""The patient: images, labels and which tissue everything is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from imagio_sim.plan.layers import Layers, layer_faults, with_layers_everywhere
from imagio_sim.plan.model import (
    Fault,
    OrganPackName,
    PlanModel,
    Point,
    Text,
    TissueName,
    fault,
    nearest,
    one_key_of,
    repeated,
)
from imagio_sim.plan.target import Size
from imagio_sim.plan.vessels import Vessels
from imagio_sim.tissue.library import injectable_fluids
from imagio_sim.tissue.parameter_sets import (
    Kind,
    ParameterSet,
    contradictions,
    parameter_set,
    parameter_set_names,
)
from imagio_sim.tissue.value import Value
from imagio_sim.units import LENGTH_MM, TEMPERATURE, HounsfieldUnits, Misfit

BodyTemperature = Annotated[float, TEMPERATURE.within(0.0, 45.0, "37 degC")]

PERFUSION_UNITS: Mapping[str, float] = {
    "1/s": 1.0,
    "1/min": 1.0 / 60.0,
    "mL/(min mL)": 1.0 / 60.0,
    "mL/(min 100 mL)": 1.0 / 6000.0,
    "mL/(min 100 g)": 1.0e-5 / 60.0,
}
"""What a perfusion image may be in, and its size in 1/s; the last is per mass, its size is in m3/(kg s)."""
PER_MASS = "mL/(min 100 g)"


def _known_set(kind: Kind, name: str) -> str:
    known = parameter_set_names(kind)
    if name not in known:
        raise Misfit(
            repr(name), f"one of {', '.join(known)}", nearest(name, known, "choose one")
        ).raised_in_validation()
    return name


def _known_fluid(name: str) -> str:
    if name not in injectable_fluids():
        raise Misfit(
            repr(name),
            f"a fluid that can be injected: {', '.join(injectable_fluids())}",
            nearest(name, injectable_fluids(), "choose one"),
        ).raised_in_validation()
    return name


def _known_perfusion_unit(unit: str) -> str:
    if unit not in PERFUSION_UNITS:
        raise Misfit(
            repr(unit), f"one of {', '.join(PERFUSION_UNITS)}", nearest(unit, PERFUSION_UNITS, "convert the image")
        ).raised_in_validation()
    return unit


SpeciesName = Annotated[str, AfterValidator(lambda name: _known_set("species", name))]
ConditionName = Annotated[str, AfterValidator(lambda name: _known_set("condition", name))]
FluidName = Annotated[str, AfterValidator(_known_fluid)]
PerfusionUnit = Annotated[str, AfterValidator(_known_perfusion_unit)]


class LabelFile(PlanModel):
    """A file with labels: a label map, DICOM-SEG, RTSTRUCT or one closed surface.

    Attributes
    ----------
    file
        Path relative to the scenario, or ``data:NAME/...``.
    name
        What the one structure of a surface (or of a binary mask) is.
    names
        Label number, or name of a structure in the file, to the label's name here.
    structures
        Only these of the file's structures (after ``names``); empty for all.
    largest_component
        Keep only the largest connected part of each structure.
    """

    file: Text
    name: Text | None = None
    names: Mapping[int | str, Text] = Field(default_factory=dict)
    structures: tuple[Text, ...] = ()
    largest_component: bool = False

    def faults(self) -> Iterable[Fault]:
        """One name for all and names for each exclude each other."""
        if self.name is not None and self.names:
            yield fault(
                "names",
                found="both name and names",
                allowed="one of them",
                remedy="name a single structure with name, several with names",
            )


class HounsfieldRule(PlanModel):
    """Voxels below this CT number, but not below that of the rule before, are ``tissue``; the last rule is open."""

    below: HounsfieldUnits | None = None
    tissue: TissueName


class ByHounsfield(PlanModel):
    """Tissue of what carries no label, by CT number."""

    by_hu: tuple[HounsfieldRule, ...] = Field(min_length=1)

    def faults(self) -> Iterable[Fault]:
        """Limits rise and only the last rule is open."""
        limits = [rule.below for rule in self.by_hu]
        if limits[-1] is not None:
            yield fault(
                "by_hu",
                len(limits) - 1,
                "below",
                found="a limit in the last rule",
                allowed="no limit",
                remedy="end with a rule for all other CT numbers",
            )
        for index, limit in enumerate(limits[:-1]):
            before = limits[index - 1] if index else None
            if limit is None or (before is not None and limit <= before):
                yield fault(
                    "by_hu",
                    index,
                    "below",
                    found="no limit" if limit is None else f"{limit:g} HU",
                    allowed="a limit above the one before",
                    remedy="order the rules from low to high",
                )


class Cut(PlanModel):
    """The region ends where the image ends: no flux, body temperature, or the skin's heat exchange with the room."""

    cut: Literal["insulated", "body_temperature", "skin"]


def _kind_of_rule(given: Any) -> str | None:
    return "tissue" if isinstance(given, str) else one_key_of("by_hu", "cut")(given)


def _not_just_cut(given: Any) -> Any:
    if given == "cut":
        raise Misfit(
            "'cut' without its boundary",
            "a tissue, or cut with a boundary",
            "write {cut: insulated}, {cut: body_temperature} or {cut: skin}",
        ).raised_in_validation()
    return given


OutsideTissue = Annotated[TissueName, BeforeValidator(_not_just_cut)]
Unlabelled = Annotated[
    Annotated[TissueName, Tag("tissue")] | Annotated[ByHounsfield, Tag("by_hu")], Discriminator(_kind_of_rule)
]
Outside = Annotated[Annotated[OutsideTissue, Tag("tissue")] | Annotated[Cut, Tag("cut")], Discriminator(_kind_of_rule)]


class FluidSphere(PlanModel):
    """A round collection: centre in the scenario's frame [mm] and diameter [mm]."""

    centre: Point
    diameter: Size


class FluidEllipsoid(PlanModel):
    """An ellipsoidal collection: centre and semi-axes along the scenario's x, y, z [mm]."""

    centre: Point
    semi_axes: tuple[Size, Size, Size]


class FluidShell(PlanModel):
    """A layer of ``thickness`` [mm] upon a label, all around or only within ``radius`` [mm] of ``centre``."""

    around: Text
    thickness: Annotated[float, LENGTH_MM.within(0.5, 50.0, "10 mm")]
    centre: Point | None = None
    radius: Annotated[float, LENGTH_MM.within(1.0, 300.0, "40 mm")] | None = None

    def faults(self) -> Iterable[Fault]:
        """Centre and radius belong together."""
        if (self.centre is None) != (self.radius is None):
            yield fault(
                found="one of centre and radius",
                allowed="both, or none for a layer all around",
                remedy="give the centre and the radius of where the fluid lies",
            )


class Fluid(PlanModel):
    """Fluid injected to separate organs: it takes the place of whatever the labels say, but not of the target.

    Attributes
    ----------
    name
        Label name under which it appears.
    tissue
        ``saline``, ``dextrose`` or another fluid of the library.
    sphere, ellipsoid, shell, labels
        Where it is: exactly one of them.
    """

    name: Text
    tissue: FluidName
    sphere: FluidSphere | None = None
    ellipsoid: FluidEllipsoid | None = None
    shell: FluidShell | None = None
    labels: LabelFile | None = None

    def faults(self) -> Iterable[Fault]:
        """Exactly one shape."""
        given = [key for key in ("sphere", "ellipsoid", "shell", "labels") if getattr(self, key) is not None]
        if len(given) != 1:
            yield fault(
                found=" and ".join(given) or "no shape",
                allowed="exactly one of sphere, ellipsoid, shell, labels",
                remedy="say where the fluid is, as several fluids if need be",
            )


class PerfusionImage(PlanModel):
    """Perfusion measured voxel by voxel, on the grid of the labels.

    Attributes
    ----------
    image
        NIfTI or NRRD, or a folder with one DICOM series.
    unit
        What its values are in.
    tissues
        Tissues that take their perfusion from it; all that are perfused, if empty.
    """

    image: Text
    unit: PerfusionUnit
    tissues: tuple[TissueName, ...] = ()

    @property
    def scale(self) -> float:
        """What a value is multiplied by: [1/s], or [m3/(kg s)] where the unit is per mass."""
        return PERFUSION_UNITS[self.unit]

    @property
    def per_mass(self) -> bool:
        """Whether the values count by mass of tissue."""
        return self.unit == PER_MASS


class Patient(PlanModel):
    """Image, labels (the first file wins where labels overlap), tissues, and what is special about the patient.

    Attributes
    ----------
    image
        CT or MR; may be left out where only surfaces or labels exist.
    labels
        In order of priority.
    organ_pack
        Named set of label-to-tissue assignments.
    tissues
        Label name to tissue, on top of the organ pack.
    unlabelled
        What label 0 is: a tissue, or tissues by CT number.
    outside
        What lies beyond the image: a tissue, or a cut.
    species
        Whose tissue it is; the library's values where it is left out.
    conditions
        State of the organs, or ``ex_vivo``.
    given_body_temperature
        [degC], ``body_temperature`` in the file; may be left to the species. Ex vivo: the start temperature.
    perfusion
        An image of it instead of one value per tissue.
    fluids
        Injected to separate organs; the first wins where they overlap.
    vessels
        By their centre lines, beside those that are labels.
    layers
        Of a phantom, which has neither image nor labels; ``unlabelled`` and ``outside`` need not be said then.
    """

    image: Text | None = None
    labels: tuple[LabelFile, ...] = ()
    organ_pack: OrganPackName | None = None
    tissues: Mapping[str, TissueName] = Field(default_factory=dict)
    unlabelled: Unlabelled
    outside: Outside
    species: SpeciesName | None = None
    conditions: tuple[ConditionName, ...] = ()
    given_body_temperature: BodyTemperature | None = Field(default=None, alias="body_temperature")
    perfusion: PerfusionImage | None = None
    fluids: tuple[Fluid, ...] = ()
    vessels: Vessels = ()
    layers: Layers | None = None

    @model_validator(mode="before")
    @classmethod
    def _layers_are_everywhere(cls, given: Any) -> Any:
        return with_layers_everywhere(given)

    @property
    def is_phantom(self) -> bool:
        """Whether it is a body made of tissues alone, without anything that was imaged or injected."""
        return self.image is None and self.perfusion is None and not self.labels and not self.fluids

    @property
    def parameter_sets(self) -> tuple[ParameterSet, ...]:
        """The species and the conditions, as they change tissues and law constants."""
        species = () if self.species is None else (parameter_set("species", self.species),)
        return (*species, *(parameter_set("condition", name) for name in self.conditions))

    @property
    def body_temperature(self) -> float:
        """[degC]; given, or the species' own."""
        return self.body_temperature_value.value

    @property
    def body_temperature_value(self) -> Value:
        """The body temperature with its source."""
        if self.given_body_temperature is not None:
            return Value(
                self.given_body_temperature, "degC", None, None, None, "the scenario", "given", origin="scenario"
            )
        known = [one.body_temperature for one in self.parameter_sets if one.body_temperature is not None]
        return known[0]  # the fault below refuses a patient without

    @property
    def blood_flows(self) -> bool:
        """Whether the patient is perfused at all (not so ex vivo)."""
        return not any(one.stops_blood for one in self.parameter_sets)

    @property
    def substitutes(self) -> dict[str, str]:
        """Tissue that the organ pack names to the tissue it is in this patient."""
        return {here: there for one in self.parameter_sets for here, there in one.substitutes.items()}

    def faults(self) -> Iterable[Fault]:
        """CT numbers need a CT, a patient without labels a tissue, and the patient's factors must fit together."""
        if isinstance(self.unlabelled, ByHounsfield) and self.image is None:
            yield fault(
                "unlabelled",
                found="by_hu without an image",
                allowed="a tissue",
                remedy="name the image, or one tissue for all that is unlabelled",
            )
        if not self.labels and not isinstance(self.outside, str):
            yield fault(
                "labels",
                found="no label file",
                allowed="at least one",
                remedy="name a label file, or make outside a tissue for a homogeneous phantom",
            )
        if self.layers is not None:
            yield from layer_faults(self.layers, self)
        yield from self._temperature_faults()
        yield from self._factor_faults()
        for index, name in repeated(fluid.name for fluid in self.fluids):
            yield fault(
                "fluids",
                index,
                "name",
                found=f"{name!r} again",
                allowed="a name per fluid",
                remedy="name each fluid differently",
            )

    def _temperature_faults(self) -> Iterator[Fault]:
        if self.given_body_temperature is not None:
            return
        if not self.blood_flows:
            yield fault(
                "body_temperature",
                found="nothing",
                allowed="the temperature of the excised organ at the start",
                remedy="add body_temperature, for example 20 degC",
            )
        elif self.species is None:
            yield fault(
                "body_temperature",
                found="nothing",
                allowed="a temperature, or a species that has one",
                remedy="add body_temperature, or name the species",
            )

    def _factor_faults(self) -> Iterator[Fault]:
        conditions = [parameter_set("condition", name) for name in self.conditions]
        for index, why in contradictions(conditions):
            yield fault(
                "conditions",
                index,
                found=why,
                allowed="conditions that can hold together",
                remedy="keep one of them",
            )
        if self.vessels and not self.blood_flows:
            yield fault(
                "vessels",
                found="vessels with flow ex vivo",
                allowed="no flow in an excised organ",
                remedy="leave out the vessels, or the condition",
            )
        if self.perfusion is not None and not self.blood_flows:
            yield fault(
                "perfusion",
                found="a perfusion image ex vivo",
                allowed="no perfusion where no blood flows",
                remedy="leave out the image, or the condition",
            )
