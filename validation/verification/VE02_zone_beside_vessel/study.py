# SPDX-License-Identifier: LGPL-3.0-or-later
"""The zone beside vessels of different width, as centre lines and as the label of the same cylinder.

``python -m validation.verification.VE02_zone_beside_vessel.study --help``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from imagio_sim.campaign.case import thermal_case
from imagio_sim.campaign.geometry import read_anatomy, stage_geometry
from imagio_sim.meshing.locate import Locator
from imagio_sim.meshing.recipe import Resolution
from imagio_sim.outcome.zone import ablation_zone
from imagio_sim.plan import Scenario, load_scenario
from imagio_sim.plan.reading import changed
from imagio_sim.solve.stage import Stage

SCENARIO = Path(__file__).with_name("beside_vessel.yaml")
PLAN = "needle"
VELOCITIES: Mapping[float, str] = {1.0: "4 cm/s", 2.0: "7 cm/s", 3.0: "9 cm/s", 6.0: "12 cm/s"}
"""Mean velocity by diameter [mm]."""
WALL_MM = 7.0
"""Distance of each vessel's wall from the electrode's axis [mm]."""
# Tissue next to the cooled electrode may live: where the zone is looked for along a line, and how closely.
_FROM_MM, _TO_MM, _STEP_MM = 3.0, 25.0, 0.05


@dataclass(frozen=True)
class Beside:
    """A zone [ml], and how far [mm] it reaches from the electrode's axis towards the vessel and away from it.

    ``carried`` is the heat [J] that the vessel carried away, ``warmed`` by how much [K] its blood warmed up.
    """

    volume_ml: float
    towards_mm: float
    away_mm: float
    carried: float
    warmed: float

    @property
    def row(self) -> str:
        """One line of a table."""
        return (
            f"{self.volume_ml:6.2f} ml, {self.towards_mm:5.2f} mm towards, {self.away_mm:5.2f} mm away, "
            f"{self.carried:7.1f} J carried, blood {self.warmed:+.2f} K"
        )


def with_vessel(diameter_mm: float | None) -> Scenario:
    """The scenario with a vessel of another width, or none."""
    scenario = load_scenario(SCENARIO)
    if diameter_mm is None:
        return changed(scenario, {"patient.vessels": []})
    place = "patient.vessels[0]"
    x = WALL_MM + diameter_mm / 2.0
    changes = {
        f"{place}.points": [[x, -60.0, 0.0], [x, 60.0, 0.0]],
        f"{place}.radius": f"{diameter_mm / 2.0:g} mm",
        f"{place}.velocity": VELOCITIES[diameter_mm],
    }
    return changed(scenario, changes)


def solved(scenario: Scenario, resolution: Resolution) -> Beside:
    """Run to the end on one rank and measure across the electrode's middle."""
    geometry = stage_geometry(scenario, PLAN, read_anatomy(scenario), stage=0, resolution=resolution)
    case = thermal_case(scenario, PLAN, geometry, stage=0)
    stage = Stage(MPI.COMM_SELF, case)
    while not stage.finished:
        stage.advance()
    level = stage.space.gathered(stage.levels()[case.deciding_models[0]])
    assert level is not None
    locator, axis = Locator(geometry.domain), np.array([0.0, 0.0, 1.0])
    carried, warmed = 0.0, 0.0
    for coupling in stage.couplings:
        facts = coupling.facts()
        carried += sum(facts["carried_J"].values())
        warmed = facts["courses"][0]["peak_temperature_degC"][-1] - case.body_temperature
    return Beside(
        ablation_zone(geometry.domain, level, axis).volume_ml,
        _reach(locator, level, 1.0),
        _reach(locator, level, -1.0),
        carried,
        warmed,
    )


def _reach(locator: Locator, level: NDArray[np.float64], side: float) -> float:
    """How far [mm] the zone reaches along x without a gap."""
    places = np.arange(_FROM_MM, _TO_MM, _STEP_MM)
    points = np.column_stack([side * places, np.zeros_like(places), np.zeros_like(places)])
    dead = locator.interpolate(level, points, outside=-1.0) > 0.0
    return float(places[np.argmin(dead)])


def main() -> None:
    """Print the zone beside every vessel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resolution", default="coarse", choices=("coarse", "normal", "fine"))
    chosen = parser.parse_args()
    for diameter in (None, *VELOCITIES):
        name = "no vessel" if diameter is None else f"{diameter:g} mm"
        print(f"{name:10s} {solved(with_vessel(diameter), chosen.resolution).row}", flush=True)


if __name__ == "__main__":
    main()
