# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a plan and its mesh to the numbers the solver takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.model import Anatomy
from imagio_sim.campaign.geometry import StageGeometry
from imagio_sim.campaign.sequence import followed_for
from imagio_sim.devices.applicator import PlacedApplicator, Section
from imagio_sim.devices.generator import described
from imagio_sim.errors import InputError
from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.plan import Channel, Scenario, channels
from imagio_sim.plan.placement import to_lps
from imagio_sim.plan.scenario import PadGround
from imagio_sim.solve.case import Conductor, Generator, Ground, Numerics, SurfaceCooling, ThermalCase
from imagio_sim.tissue import load_constants, load_tissue, property_table
from imagio_sim.tissue.death import DECIDING, death_records
from imagio_sim.tissue.library import Tissue

Floats = NDArray[np.float64]

BLOOD = "blood"
PAD = "pad"
CELL_PROPERTIES = (
    "thermal_conductivity",
    "thermal_conductivity_slope",
    "electrical_conductivity",
    "electrical_conductivity_slope",
    "perfusion_rate",
    "metabolic_heat",
)
# What a vessel's lumen keeps of its thermal conductivity: its wall passes heat by the transfer coefficient alone.
LUMEN_CONDUCTION = 1e-3


def thermal_case(scenario: Scenario, plan_name: str, geometry: StageGeometry, *, stage: int) -> ThermalCase:
    """Everything the solver needs for one stage, without what earlier stages left behind."""
    plan, outputs = scenario.plan(plan_name), channels(scenario, plan_name, stage)
    domain = _with_pad(geometry.domain, scenario)
    constants = {name: value.value for name, value in load_constants().items()}
    active = _active_surfaces(geometry.applicators)
    blood = property_table([_tissue(scenario, BLOOD)], ["volumetric_heat_capacity"])["volumetric_heat_capacity"]
    controllers = {channel.name: channel.controller() for channel in outputs}
    return ThermalCase(
        domain=domain,
        cell_fields=cell_fields(scenario, geometry.sampled),
        transitions=(
            (constants["vaporisation_start"], constants["vaporisation_start"] + constants["vaporisation_width"]),
        ),
        vessel_conductance=geometry.sampled.wall_area_mm2 * 1e-6 * constants["vessel_wall_heat_transfer"],
        lumen_fraction=geometry.sampled.lumen_fraction,
        body_temperature=scenario.patient.body_temperature,
        blood_heat_capacity=float(blood[0]),
        constants=constants,
        conductors=tuple(_conductors(outputs, active)),
        generators=tuple(
            Generator(
                name=channel.name,
                driven=channel.name,
                returned=f"{channel.name}.return" if channel.returning else None,
                controller=described(controllers[channel.name]),
                sensors_mm=channel.sensors_mm,
            )
            for channel in outputs
        ),
        ground=_ground(scenario, geometry, outputs),
        cooling=(
            *_coolants(geometry.applicators, {name: one.power_off_time for name, one in controllers.items()}),
            *_skin(domain, scenario, constants),
        ),
        deciding_model=deciding_model(scenario),
        end_time=followed_for(plan.timeline, stage),
        numerics=_numerics(scenario),
    )


def cell_labels(anatomy: Anatomy, geometry: StageGeometry) -> dict[str, NDArray[np.generic]]:
    """What each cell is, for people to look at: label number (0: none) and the tissue that fills most of it."""
    domain = geometry.domain
    centres = domain.points_mm[domain.cells].mean(axis=1)
    return {
        "label": anatomy.label_at(centres),
        "tissue": geometry.sampled.fractions.argmax(axis=1).astype(np.int32),
        "unlabelled_share": geometry.sampled.unlabelled_fraction,
    }


def deciding_model(scenario: Scenario) -> str:
    """The death model that decides; an unknown one is refused."""
    chosen = scenario.solver.death_model or DECIDING
    if chosen not in death_records():
        raise InputError(
            f"{scenario.origin}: solver.death_model",
            found=repr(chosen),
            allowed=f"one of {', '.join(death_records())}",
            remedy=f"leave it out for {DECIDING}",
        )
    return chosen


def _tissue(scenario: Scenario, name: str) -> Tissue:
    return load_tissue(name, scenario.tissue_overrides().get(name))


def cell_fields(scenario: Scenario, sampled: Sampled) -> dict[str, Floats]:
    """Tissue properties per cell (m,): those of its tissues, weighted by their volume in it."""
    tissues = [_tissue(scenario, name) for name in sampled.tissues]
    table = property_table(tissues, [*CELL_PROPERTIES, "volumetric_heat_capacity", "water_content"])
    constants = {name: value.value for name, value in load_constants().items()}
    columns: dict[str, Floats] = {name: table[name] for name in CELL_PROPERTIES}
    moist = table["volumetric_heat_capacity"]
    columns["heat_capacity_0"] = moist
    columns["heat_capacity_1"] = np.minimum(moist, constants["dried_heat_capacity"])
    columns["latent_heat_0"] = table["water_content"] * constants["water_density"] * constants["latent_heat"]
    # Relative slopes count by what they are relative to, so that a mixed cell conducts as its parts do together.
    columns["electrical_conductivity_slope"] = table["electrical_conductivity_slope"] * table["electrical_conductivity"]
    fields = {name: sampled.fractions @ column for name, column in columns.items()}
    conductivity = fields["electrical_conductivity"]
    fields["electrical_conductivity_slope"] /= np.where(conductivity > 0.0, conductivity, 1.0)
    solid = np.maximum(1.0 - sampled.lumen_fraction, LUMEN_CONDUCTION)
    fields["thermal_conductivity"] = fields["thermal_conductivity"] * solid
    fields["thermal_conductivity_slope"] = fields["thermal_conductivity_slope"] * solid
    return fields


def _active_surfaces(applicators: Sequence[PlacedApplicator]) -> dict[str, list[str]]:
    """Surfaces of each conductor, ``applicator.conductor`` -> names in the mesh."""
    surfaces: dict[str, list[str]] = {}
    for applicator, rod_name, section in _sections(applicators):
        if section.conductor is not None:
            name = f"{applicator.name}.{section.conductor}"
            surfaces.setdefault(name, []).append(f"{applicator.name}.{rod_name}.{section.name}")
    return surfaces


def _sections(applicators: Sequence[PlacedApplicator]) -> list[tuple[PlacedApplicator, str, Section]]:
    return [(one, rod.name, section) for one in applicators for rod in one.rods for section in rod.sections]


def _conductors(outputs: Sequence[Channel], active: Mapping[str, list[str]]) -> list[Conductor]:
    """One conductor per side of each generator output."""
    found = []
    for channel in outputs:
        sides = [(channel.name, channel.active), (f"{channel.name}.return", channel.returning)]
        for name, parts in sides:
            if parts:
                found.append(Conductor(name, tuple(surface for part in parts for surface in active[part])))
    return found


def _coolants(applicators: Sequence[PlacedApplicator], off_times: Mapping[str, float]) -> list[SurfaceCooling]:
    """Internal cooling of every section that has it; the pump stops with the power."""
    latest = max(off_times.values(), default=0.0)
    return [
        SurfaceCooling(
            surface=f"{one.name}.{rod_name}.{section.name}",
            heat_transfer_coefficient=section.heat_transfer_coefficient,
            temperature=section.coolant_temperature,
            name="coolant",
            until=off_times.get(one.name, latest),
        )
        for one, rod_name, section in _sections(applicators)
        if section.heat_transfer_coefficient is not None and section.coolant_temperature is not None
    ]


def _skin(domain: Domain, scenario: Scenario, constants: Mapping[str, float]) -> list[SurfaceCooling]:
    """Heat given to the room where the region ends at air."""
    if "skin" not in domain.surfaces or not len(domain.surfaces["skin"]):
        return []
    return [SurfaceCooling("skin", constants["skin_heat_transfer"], constants["room_temperature"], "room")]


def _ground(scenario: Scenario, geometry: StageGeometry, outputs: Sequence[Channel]) -> Ground:
    """The pad, or the far ground around the middle of the electrodes in use."""
    if isinstance(scenario.ground, PadGround):
        return Ground(None, PAD)
    tips = np.array([one.tip_mm for one in geometry.applicators if any(one.name == c.name for c in outputs)])
    if not len(tips):
        return Ground(None)
    nodes = np.unique(
        np.concatenate(
            [
                geometry.domain.surfaces[surface].ravel()
                for surfaces in _active_surfaces(geometry.applicators).values()
                for surface in surfaces
            ]
        )
    )
    x, y, z = geometry.domain.points_mm[nodes].mean(axis=0)
    return Ground((float(x), float(y), float(z)))


def _with_pad(domain: Domain, scenario: Scenario) -> Domain:
    """The domain with the part of its boundary that the pad covers as the surface ``pad``."""
    if not isinstance(scenario.ground, PadGround):
        return domain
    pad = scenario.ground.pad
    centre = to_lps(pad.centre, scenario.frame)
    outside = np.concatenate([domain.surfaces[name] for name in ("boundary", "skin") if name in domain.surfaces])
    distance = np.linalg.norm(domain.points_mm[outside].mean(axis=1) - centre, axis=1)
    covered = outside[distance <= pad.radius]
    if not len(covered):
        raise InputError(
            f"{scenario.origin}: ground.pad",
            found=f"a pad whose nearest piece of boundary is {distance.min():.0f} mm away",
            allowed=f"a centre within {pad.radius:g} mm of the region's boundary",
            remedy="move the pad or enlarge it, or use ground: remote",
        )
    return replace(domain, surfaces={**domain.surfaces, PAD: covered})


def _numerics(scenario: Scenario) -> Numerics:
    numerics, solver = Numerics(), scenario.solver
    if solver.time_tolerance is not None:
        numerics = replace(numerics, time_tolerance=solver.time_tolerance)
    if solver.linear_tolerance is not None:
        numerics = replace(numerics, linear_tolerance=solver.linear_tolerance)
    return numerics
