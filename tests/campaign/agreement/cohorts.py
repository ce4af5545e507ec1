# SPDX-License-Identifier: LGPL-3.0-or-later
"""Protocols of a synthetic cohort that are solved in a second each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imagio_sim.campaign.agreement.synthetic_cohort import Making
from imagio_sim.campaign.run import Listener
from imagio_sim.plan import Scenario, changed, scenario_of
from tests.campaign.bench import PLAN, bench_case

QUIET = Listener(lambda _: None, lambda _: None, lambda: False)
PERFUSION, CONDUCTIVITY = "liver: perfusion_rate", "liver: thermal_conductivity"
HIDDEN = (PERFUSION, CONDUCTIVITY, "liver: specific_heat_capacity", "liver: electrical_conductivity")


def protocols(burns: Sequence[tuple[float, float]]) -> list[tuple[Scenario, str]]:
    """A burn of so many watts and minutes each, on the half plane."""
    return [(_protocol(power, minutes), PLAN) for power, minutes in burns]


def _protocol(power: float, minutes: float) -> Scenario:
    needle = {"device": "cooled_17g_2cm", "entry": [0, 0, 100], "tip": [0, 0, 0]}
    program = {"mode": "constant_power", "power": f"{power:g} W", "duration": f"{minutes:g} min"}
    name = f"burn_{power:g}W_{minutes:g}min"
    data = bench_case(
        name=name,
        plans={PLAN: {"applicators": [needle], "program": program}},
        solver={"resolution": "coarse", "geometry": "axisymmetric", "death_model": "cem43_a_240"},
    )
    return scenario_of(data, base=Path(), where=name)


def beside_a_vein(burns: Sequence[tuple[float, float]]) -> list[tuple[Scenario, str]]:
    """The same in space, 8 mm from a vein of 6 mm."""
    vein = {"name": "vein", "points": [[-40, 8, -10], [40, 8, 20]], "radius": "3 mm", "flow": "300 ml/min"}
    patient = {"layers": {"by_height": [{"tissue": "liver"}]}, "body_temperature": "37 degC", "vessels": [vein]}
    return [
        (
            changed(
                scenario, {"patient": patient, "region": {"margin": "25 mm"}, "solver.geometry": "three_dimensional"}
            ),
            plan,
        )
        for scenario, plan in protocols(burns)
    ]


def making(count: int) -> Making:
    """Another model of death, a finer mesh, smaller steps and other vessels than the calibration has."""
    return Making(count, HIDDEN, "isotherm_54")
