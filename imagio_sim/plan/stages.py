# SPDX-License-Identifier: LGPL-3.0-or-later
"""A plan: stages on one timeline, each with applicators and what they are told to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field, GetJsonSchemaHandler, PrivateAttr, model_validator
from pydantic_core import CoreSchema

from imagio_sim.devices.device import Device
from imagio_sim.devices.library import device_names, load_device
from imagio_sim.devices.modalities.laser import LaserDevice
from imagio_sim.devices.modalities.radiofrequency import RadiofrequencyDevice
from imagio_sim.plan.device_values import CONTEXT
from imagio_sim.plan.infusions import Infusion, Liposomes
from imagio_sim.plan.model import DeviceName, Fault, Name, PlanModel, Point, Text, fault, nearest, repeated
from imagio_sim.plan.programs import Program
from imagio_sim.tissue.death import HEAT
from imagio_sim.units import Delay, LengthMm, Wait

SAME_POINT_MM = 0.01
"""Entry and tip closer than this [mm] are the same point: they give no direction."""


class Applicator(PlanModel):
    """A device in the patient.

    Attributes
    ----------
    name
        Default: ``applicator_1`` and so on, counted through the plan.
    device
        Name in the device library.
    entry, tip
        Where it enters the skin and where its tip is, in the scenario's frame [mm].
    markup
        Instead of both: a 3D Slicer line (``.mrk.json``), from entry to tip.
    deployment
        Of an expandable device, or the bare length of a needle in a sheath [mm].
    start
        When it is switched on [s] after the stage begins.
    program
        Its own program; without it the stage's.
    return_electrode
        Name of the applicator that takes the current back; the two are then a bipolar pair.
    """

    name: Name | None = None
    device: DeviceName
    entry: Point | None = None
    tip: Point | None = None
    markup: Text | None = None
    deployment: LengthMm | None = None
    start: Delay = 0.0
    program: Program | None = None
    return_electrode: Name | None = None

    _given: Device | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any) -> None:
        """Take the device as the scenario has it, where it gives figures of it; faults are judged with it."""
        self._given = (context or {}).get(CONTEXT, {}).get(self.device)

    @property
    def of_library(self) -> Device:
        """Its device: the library's, but for what the scenario gives."""
        return self._given or load_device(self.device)

    def faults(self) -> Iterable[Fault]:
        """One way of placing it, a direction, and a deployment only where there is something to deploy."""
        if (self.markup is None) == (self.entry is None and self.tip is None):
            found = "no place" if self.markup is None else "both a markup and coordinates"
            yield fault(
                found=found,
                allowed="entry and tip, or a markup",
                remedy="give entry: [x, y, z] and tip: [x, y, z] in mm",
            )
        elif self.markup is None and (self.entry is None or self.tip is None):
            lacking = "entry" if self.entry is None else "tip"
            yield fault(lacking, found="nothing", allowed="[x, y, z] in mm", remedy=f"add {lacking}")
        elif self.entry is not None and self.tip is not None and _distance(self.entry, self.tip) < SAME_POINT_MM:
            yield fault(
                "tip",
                found=f"the same point as entry, {list(self.tip)}",
                allowed="another point than entry",
                remedy="entry is on the skin, tip in the tissue",
            )
        yield from self._deployment_faults()

    def _deployment_faults(self) -> Iterable[Fault]:
        reach = self.of_library.deployment_range_mm
        if self.deployment is None:
            return
        if reach is None:
            yield fault(
                "deployment",
                found=f"{self.deployment:g} mm",
                allowed="no deployment",
                remedy=f"{self.device} has nothing to deploy",
            )
        elif not reach[0] <= self.deployment <= reach[1]:
            allowed = f"{reach[0]:g} mm to {reach[1]:g} mm"
            yield fault(
                "deployment",
                found=f"{self.deployment:g} mm",
                allowed=allowed,
                remedy=f"this is how far {self.device} deploys",
            )


class Stage(PlanModel):
    """One treatment: applicators that stay where they are, infusions at its begin, a wait before the next stage.

    Attributes
    ----------
    name
        Default: ``stage_1`` and so on.
    start
        When it begins [s] on the plan's timeline; default: when the one before and its wait are over.
    applicators
        None for a stage that only waits.
    infusions
        What is given through an artery or a vein when it begins.
    program
        For every applicator without its own.
    wait
        Time [s] between the end of the last program and the next stage.
    """

    name: Name | None = None
    start: Wait | None = None
    applicators: tuple[Applicator, ...] = ()
    infusions: tuple[Infusion, ...] = ()
    program: Program | None = None
    wait: Wait = 0.0

    @model_validator(mode="before")
    @classmethod
    def _modality_of_the_device(cls, given: Any) -> Any:
        return _with_modalities(given) if isinstance(given, dict) else given

    @property
    def modalities(self) -> tuple[str, ...]:
        """Its modalities: those of its infusions, which come first in time, and of its applicators."""
        devices = [one.of_library.modality for one in self.applicators]
        return tuple(dict.fromkeys([*(one.modality for one in self.infusions), *devices]))

    @property
    def agents(self) -> tuple[str, ...]:
        """What it kills by."""
        acting = [*self.infusions, *(one.of_library for one in self.applicators)]
        return tuple(dict.fromkeys(agent for one in acting for agent in one.AGENTS))

    def program_of(self, applicator: Applicator) -> Program | None:
        """What an applicator does: None for one that only takes back the current of another."""
        is_return = any(
            applicator.name is not None and other.return_electrode == applicator.name for other in self.applicators
        )
        return applicator.program or (None if is_return else self.program)

    @property
    def duration(self) -> float:
        """Time [s] from its begin until the last cooling phase or infusion is over, without the wait."""
        ends = [one.duration for one in self.infusions]
        ends += [
            one.start + program.treatment_time + program.cooling_phase
            for one in self.applicators
            if (program := self.program_of(one))
        ]
        return max(ends, default=0.0)

    def faults(self) -> Iterable[Fault]:
        """Something happens, every applicator knows what to do, and its generator can do it."""
        if not self.applicators and self.program is not None:
            yield fault(
                "program",
                found="a program without an applicator",
                allowed="no program",
                remedy="add applicators, or leave the program out",
            )
        elif not self.applicators and self.duration + self.wait == 0.0:
            found = "infusions without time to act" if self.infusions else "neither applicators nor a wait"
            yield fault(found=found, allowed="at least one of them", remedy="add applicators, or wait: 30 min")
        if self.applicators and self.program is not None:
            driven = [one for one in self.applicators if one.program is None]
            yield from (found.below("program") for found in self.program.faults_among(driven))
        yield from self._wavelength_faults()
        for index, applicator in enumerate(self.applicators):
            if applicator.program is not None:
                alone = applicator.program.faults_among([applicator])
                yield from (found.below("applicators", index, "program") for found in alone)
            yield from (found.below("applicators", index) for found in self._pair_faults(applicator))
            yield from self._program_faults(index, applicator)

    def _wavelength_faults(self) -> Iterator[Fault]:
        """The light of all fibres is one field in tissue that has one set of optics."""
        devices = [one.of_library for one in self.applicators]
        found = sorted({one.laser.wavelength.value for one in devices if isinstance(one, LaserDevice)})
        if len(found) > 1:
            yield fault(
                "applicators",
                found=f"fibres of {' and '.join(f'{value:g} nm' for value in found)} in one stage",
                allowed="one wavelength per stage",
                remedy="choose fibres of the same laser, or another stage",
            )

    def _pair_faults(self, applicator: Applicator) -> Iterator[Fault]:
        partners = {one.name: one for one in self.applicators if one.name is not None and one is not applicator}
        wanted = applicator.return_electrode
        if wanted is None:
            return
        if not isinstance(applicator.of_library, RadiofrequencyDevice):
            yield fault(
                "return_electrode",
                found=f"a partner for {applicator.device}",
                allowed="radio-frequency electrodes only",
                remedy="leave return_electrode out",
            )
        elif wanted not in partners:
            remedy = nearest(wanted, partners, "give the other applicator of the pair this name")
            yield fault(
                "return_electrode",
                found=repr(wanted),
                allowed="the name of another applicator of the stage",
                remedy=remedy,
            )
        elif partners[wanted].program is not None:
            yield fault(
                "return_electrode",
                found=f"{wanted!r}, which has its own program",
                allowed="an applicator without a program",
                remedy="only one of a pair is driven",
            )
        elif partners[wanted].return_electrode is not None:
            yield fault(
                "return_electrode",
                found=f"{wanted!r}, which has a return electrode itself",
                allowed="an applicator without return_electrode",
                remedy="name the partner in one of the two only",
            )
        elif next(one for one in self.applicators if one.return_electrode == wanted) is not applicator:
            yield fault(
                "return_electrode",
                found=f"{wanted!r} for the second time",
                allowed="a partner of its own",
                remedy="a bipolar pair has two applicators; place another one",
            )
        elif not _is_monopolar(applicator) or not _is_monopolar(partners[wanted]):
            yield fault(
                "return_electrode",
                found="a device that is bipolar by itself, or no radio-frequency electrode",
                allowed="two monopolar devices",
                remedy="leave return_electrode out",
            )

    def _program_faults(self, index: int, applicator: Applicator) -> Iterator[Fault]:
        program = self.program_of(applicator)
        is_return = any(
            other.return_electrode == applicator.name for other in self.applicators if applicator.name is not None
        )
        if program is None and not is_return:
            yield fault(
                "applicators",
                index,
                "program",
                found="nothing",
                allowed="a program",
                remedy="add program to the applicator or to the stage",
            )
        if program is not None:
            path = ("applicators", index, "program") if applicator.program is not None else ("program",)
            yield from (found.below(*path) for found in program.faults_with(applicator.of_library))


class Plan(PlanModel):
    """Stages in order; a plan of one stage may be written without the list."""

    stages: tuple[Stage, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _one_stage_without_the_list(cls, given: Any) -> Any:
        return {"stages": [given]} if isinstance(given, dict) and "stages" not in given else given

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        staged = handler.resolve_ref_schema(handler(schema))
        return {"title": "Plan", "anyOf": [staged, staged["properties"]["stages"]["items"]]}

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modalities in the order in which they are first used."""
        return tuple(dict.fromkeys(modality for stage in self.stages for modality in stage.modalities))

    @property
    def agents(self) -> tuple[str, ...]:
        """What it kills by, in the order of its modalities; heat where nothing acts."""
        return tuple(dict.fromkeys(agent for stage in self.stages for agent in stage.agents)) or (HEAT,)

    @property
    def applicator_names(self) -> tuple[tuple[str, ...], ...]:
        """Names of the applicators, per stage."""
        count, names = 0, []
        for stage in self.stages:
            names.append(
                tuple(
                    one.name or f"applicator_{count + number}" for number, one in enumerate(stage.applicators, start=1)
                )
            )
            count += len(stage.applicators)
        return tuple(names)

    @property
    def infusion_names(self) -> tuple[tuple[str, ...], ...]:
        """Names of the infusions, per stage."""
        count, names = 0, []
        for stage in self.stages:
            given = enumerate(stage.infusions, start=count + 1)
            names.append(tuple(one.name or f"infusion_{number}" for number, one in given))
            count += len(stage.infusions)
        return tuple(names)

    @property
    def weighing(self) -> Liposomes | None:
        """The infusion that gives the mass of the patient's body, to which the kinetics of all drugs are scaled."""
        given = (one for stage in self.stages for one in stage.infusions if isinstance(one, Liposomes))
        return next((one for one in given if one.body_mass is not None), None)

    @property
    def timeline(self) -> tuple[StageTimes, ...]:
        """When each stage begins and ends."""
        clock, times = 0.0, []
        for number, stage in enumerate(self.stages, start=1):
            begin = clock if stage.start is None else stage.start
            times.append(StageTimes(stage.name or f"stage_{number}", begin, begin + stage.duration, stage.wait))
            clock = begin + stage.duration + stage.wait
        return tuple(times)

    def _body_faults(self) -> Iterator[Fault]:
        """One patient has one mass."""
        first = self.weighing
        given = [(n, m, one) for n, stage in enumerate(self.stages) for m, one in enumerate(stage.infusions)]
        for number, index, one in given:
            if first and isinstance(one, Liposomes) and one.body_mass not in (None, first.body_mass):
                yield fault(
                    *("stages", number, "infusions", index, "body_mass"),
                    found=f"{one.body_mass} kg beside {first.body_mass} kg",
                    allowed="one body mass",
                    remedy="give it once, or twice the same",
                )

    def faults(self) -> Iterable[Fault]:
        """Names are unique and stages do not overlap."""
        places = [(number, index) for number, names in enumerate(self.applicator_names) for index in range(len(names))]
        for flat, name in repeated(name for names in self.applicator_names for name in names):
            stage, index = places[flat]
            yield fault(
                "stages",
                stage,
                "applicators",
                index,
                "name",
                found=f"{name!r} for the second time",
                allowed="a name of its own",
                remedy="name each applicator differently",
            )
        taken = [name for names in (*self.applicator_names, *self.infusion_names) for name in names]
        for number, names in enumerate(self.infusion_names):
            for index, name in enumerate(names):
                if taken.count(name) > 1:
                    yield fault(
                        *("stages", number, "infusions", index, "name"),
                        found=f"{name!r} for the second time",
                        allowed="a name of its own",
                        remedy="name infusions and applicators differently",
                    )
        yield from self._body_faults()
        yield from self._release_faults()
        for number, name in repeated(times.name for times in self.timeline):
            yield fault(
                "stages",
                number,
                "name",
                found=f"{name!r} for the second time",
                allowed="a name of its own",
                remedy="name each stage differently",
            )
        for number, (before, times) in enumerate(zip(self.timeline, self.timeline[1:], strict=False), start=1):
            if times.begin < before.next_begin:
                allowed = f"{before.next_begin:g} s or later"
                yield fault(
                    "stages",
                    number,
                    "start",
                    found=f"{times.begin:g} s",
                    allowed=allowed,
                    remedy=f"{before.name} and its wait last until then",
                )

    def _release_faults(self) -> Iterator[Fault]:
        """What heat is to release has to be in the blood before the heat is over."""
        heated = [HEAT in stage.agents for stage in self.stages]
        for number, stage in enumerate(self.stages):
            for index, infusion in enumerate(stage.infusions):
                if isinstance(infusion, Liposomes) and infusion.opened_by_heat and not any(heated[number:]):
                    found = "given after the last heating" if any(heated) else "given without any heating"
                    yield fault(
                        *("stages", number, "infusions", index),
                        found=f"liposomes {found}: nothing would release their drug",
                        allowed="heat in the same stage or a later one",
                        remedy="give them before the ablation",
                    )


@dataclass(frozen=True)
class StageTimes:
    """Begin and end of a stage [s] on the plan's timeline, and the wait [s] after it."""

    name: str
    begin: float
    end: float
    wait: float

    @property
    def next_begin(self) -> float:
        """When the next stage may begin [s]."""
        return self.end + self.wait


def _is_monopolar(applicator: Applicator) -> bool:
    device = applicator.of_library
    return isinstance(device, RadiofrequencyDevice) and not device.is_bipolar


def _distance(one: Point, other: Point) -> float:
    return float(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5)


def _with_modalities(stage: Mapping[str, Any]) -> dict[str, Any]:
    """The stage with the device's modality written into each program that leaves it open."""
    given = stage.get("applicators")
    applicators = [one for one in given if isinstance(one, dict)] if isinstance(given, list | tuple) else []
    modalities = [
        load_device(str(one["device"])).modality for one in applicators if one.get("device") in device_names()
    ]
    filled = dict(stage)
    if isinstance(stage.get("program"), dict) and modalities:
        filled["program"] = {"modality": modalities[0], **stage["program"]}
    if isinstance(given, list | tuple):
        filled["applicators"] = [_with_own_modality(one) for one in given]
    return filled


def _with_own_modality(applicator: Any) -> Any:
    if (
        not isinstance(applicator, dict)
        or not isinstance(applicator.get("program"), dict)
        or applicator.get("device") not in device_names()
    ):
        return applicator
    return {
        **applicator,
        "program": {"modality": load_device(str(applicator["device"])).modality, **applicator["program"]},
    }
