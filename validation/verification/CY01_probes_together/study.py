# SPDX-License-Identifier: LGPL-3.0-or-later
"""What two cryoneedles freeze together, and what each of them would freeze alone, on one mesh.

python -m validation.verification.CY01_probes_together.study
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from mpi4py import MPI

from imagio_sim.campaign.case import thermal_case
from imagio_sim.campaign.geometry import read_anatomy, stage_geometry
from imagio_sim.meshing.domain import Domain
from imagio_sim.outcome.zone import ablation_zone
from imagio_sim.plan import load_scenario
from imagio_sim.solve.case import Floats, ThermalCase
from imagio_sim.solve.sources.cryo import CryoProbe, CryoSpec
from imagio_sim.solve.stage import Stage

SCENARIO = Path(__file__).parents[3] / "scenarios" / "kidney_cryo.yaml"
PLAN, FIRST_FREEZE = "two_needles", 600.0
SURFACES = (0.0, -20.0, -40.0)


def lowest_temperature(case: ThermalCase, probes: tuple[CryoProbe, ...]) -> Floats:
    """Lowest temperature (n,) [degC] during the first freeze with these probes."""
    stage = Stage(MPI.COMM_SELF, replace(case, sources=(CryoSpec(probes),), end_time=FIRST_FREEZE))
    while not stage.finished:
        stage.advance()
    gathered = stage.space.gathered(stage.minimum_temperature)
    assert gathered is not None
    return gathered


def volume_ml(domain: Domain, lowest: Floats, surface: float) -> float:
    """Tissue volume [ml] that was ever colder than a temperature [degC]."""
    return ablation_zone(domain, surface - lowest, np.array([0.0, 0.0, 1.0])).tissue_volume_ml


def main() -> None:
    """Print the volumes of the two needles together, of each alone, and of the union of those."""
    scenario = load_scenario(SCENARIO)
    geometry = stage_geometry(scenario, PLAN, read_anatomy(scenario), stage=0, resolution="coarse")
    case = thermal_case(scenario, PLAN, geometry, stage=0)
    (spec,) = case.sources
    assert isinstance(spec, CryoSpec)
    alone = [lowest_temperature(case, (probe,)) for probe in spec.probes]
    fields = {"together": lowest_temperature(case, spec.probes), "union of single": np.minimum(*alone)}
    fields |= {probe.name: field for probe, field in zip(spec.probes, alone, strict=True)}
    print("                 " + "".join(f"{surface:8.0f} degC" for surface in SURFACES))
    for name, field in fields.items():
        volumes = [volume_ml(case.domain, field, surface) for surface in SURFACES]
        print(f"{name:17}" + "".join(f"{volume:10.2f} ml" for volume in volumes))


if __name__ == "__main__":
    main()
