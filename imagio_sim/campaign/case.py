# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a plan and its mesh to the numbers the solver takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.model import Anatomy
from imagio_sim.campaign.geometry import StageGeometry
from imagio_sim.campaign.modalities import StageSetting, sources
from imagio_sim.campaign.modalities.radiofrequency import with_pad
from imagio_sim.campaign.sequence import followed_for
from imagio_sim.devices.modalities import DEVICES
from imagio_sim.errors import InputError
from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.plan import Scenario, assignments, to_lps
from imagio_sim.plan.placement import as_triple
from imagio_sim.solve.case import Numerics, SurfaceCooling, ThermalCase
from imagio_sim.solve.stage import COMBINED
from imagio_sim.tissue import load_constants, load_tissue, property_table
from imagio_sim.tissue.death import DECIDING, death_records
from imagio_sim.tissue.library import Tissue

Floats = NDArray[np.float64]

BLOOD = "blood"
HEAT = "heat"
DECIDING_MODELS: Mapping[str, str] = {HEAT: DECIDING}
"""The death model that decides for each agent, where a scenario does not choose."""
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
    geometry = replace(geometry, domain=with_pad(geometry.domain, scenario))
    constants = {name: value.value for name, value in load_constants().items()}
    blood = property_table([_tissue(scenario, BLOOD)], ["volumetric_heat_capacity"])["volumetric_heat_capacity"]
    start = constants["vaporisation_start"]
    setting = StageSetting(scenario, plan_name, stage, geometry, constants)
    return ThermalCase(
        domain=geometry.domain,
        cell_fields=cell_fields(scenario, geometry.sampled),
        transitions=((start, start + constants["vaporisation_width"]),),
        vessel_conductance=geometry.sampled.wall_area_mm2 * 1e-6 * constants["vessel_wall_heat_transfer"],
        lumen_fraction=geometry.sampled.lumen_fraction,
        body_temperature=scenario.patient.body_temperature,
        blood_heat_capacity=float(blood[0]),
        constants=constants,
        cooling=(*_coolants(setting), *_skin(geometry.domain, scenario, constants)),
        deciding_models=deciding_models(scenario, plan_name),
        end_time=followed_for(scenario.plan(plan_name).timeline, stage),
        numerics=_numerics(scenario),
        sources=sources(setting),
        probes_mm={probe.name: as_triple(to_lps(probe.position, scenario.frame)) for probe in scenario.probes},
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


def deciding_models(scenario: Scenario, plan_name: str) -> tuple[str, ...]:
    """The death models that decide, one for each agent that acts in a plan; an unknown one is refused.

    The model that a scenario chooses takes the place of its agent's.
    """
    chosen = chosen_model(scenario)
    modalities = scenario.plan(plan_name).modalities
    agents = dict.fromkeys(agent for modality in modalities for agent in DEVICES[modality].AGENTS) or {HEAT: None}
    deciding = {agent: DECIDING_MODELS[agent] for agent in agents}
    if chosen is not None:
        deciding[agent_of(chosen)] = chosen
    return tuple(deciding.values())


def chosen_model(scenario: Scenario) -> str | None:
    """The death model that the scenario asks for; an unknown one is refused."""
    chosen = scenario.solver.death_model
    if chosen is not None and chosen not in death_records():
        raise InputError(
            f"{scenario.origin}: solver.death_model",
            found=repr(chosen),
            allowed=f"one of {', '.join(death_records())}",
            remedy=f"leave it out for {DECIDING}",
        )
    return chosen


def agent_of(model: str) -> str:
    """The agent that a death model is of."""
    return HEAT


def zone_model(models: Sequence[str]) -> str:
    """The name under which the zone of the deciding models is measured."""
    return models[0] if len(models) == 1 else COMBINED


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


def _coolants(setting: StageSetting) -> list[SurfaceCooling]:
    """Internal cooling of every section that has it; the pump stops when its applicator is off for good."""
    off_times = {one.name: one.off_time for one in assignments(setting.scenario, setting.plan_name, setting.stage)}
    latest = max(off_times.values(), default=0.0)
    return [
        SurfaceCooling(
            surface=surface,
            heat_transfer_coefficient=section.heat_transfer_coefficient,
            temperature=section.coolant_temperature,
            name="coolant",
            until=off_times.get(applicator.name, latest),
        )
        for applicator, surface, section in setting.sections()
        if section.heat_transfer_coefficient is not None and section.coolant_temperature is not None
    ]


def _skin(domain: Domain, scenario: Scenario, constants: Mapping[str, float]) -> list[SurfaceCooling]:
    """Heat given to the room where the region ends at air."""
    if "skin" not in domain.surfaces or not len(domain.surfaces["skin"]):
        return []
    return [SurfaceCooling("skin", constants["skin_heat_transfer"], constants["room_temperature"], "room")]


def _numerics(scenario: Scenario) -> Numerics:
    numerics, solver = Numerics(), scenario.solver
    if solver.time_tolerance is not None:
        numerics = replace(numerics, time_tolerance=solver.time_tolerance)
    if solver.linear_tolerance is not None:
        numerics = replace(numerics, linear_tolerance=solver.linear_tolerance)
    return numerics
