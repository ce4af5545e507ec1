# SPDX-License-Identifier: LGPL-3.0-or-later
"""One to four 2.4 mm cryoprobes 2 cm apart in agar at 39 degC, 15 min: diameter and share of the lethal ice.

python -m validation.experiments.CR01_agar_probes.study
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from imagio_sim.campaign.case import thermal_case
from imagio_sim.campaign.geometry import read_anatomy, stage_geometry
from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.plan import Scenario, scenario_of
from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.stage import Stage

SPACING_MM, MIDDLE_MM = 20.0, 20.0
HALF = 0.5 * SPACING_MM
PLACES: dict[int, tuple[tuple[float, float], ...]] = {
    1: ((0.0, 0.0),),
    2: ((-HALF, 0.0), (HALF, 0.0)),
    3: ((-HALF, -SPACING_MM / np.sqrt(12.0)), (HALF, -SPACING_MM / np.sqrt(12.0)), (0.0, SPACING_MM / np.sqrt(3.0))),
    4: ((-HALF, -HALF), (HALF, -HALF), (-HALF, HALF), (HALF, HALF)),
}
MEASURED = {1: (12.0, 0.13), 2: (33.0, 0.46), 3: (41.0, 0.51), 4: (49.0, 0.56)}
LETHAL, ICE = -30.0, 0.0
GRID_MM = 0.5
SOURCE = "agar taken as water and ice"


def phantom(count: int) -> Scenario:
    """Probes along z in a block of agar."""
    probes = [
        {"device": "endocare_2.4mm", "name": f"probe_{number}", "entry": [x, y, 120.0], "tip": [x, y, 0.0]}
        for number, (x, y) in enumerate(PLACES[count], start=1)
    ]
    data: dict[str, Any] = {
        "schema": 1,
        "name": "agar",
        "question": "How wide is the lethal ice?",
        "expected_run_time": "2 min",
        "frame": "LPS",
        "patient": {"unlabelled": "water", "outside": "water", "body_temperature": "39 degC"},
        "constants": {
            "freezable_water_fraction": {"value": "1", "source": SOURCE},
            "freezing_start": {"value": "0 degC", "source": SOURCE},
            "freezing_width": {"value": "1 K", "source": SOURCE},
            "freezing_conductivity_rise": {"value": "1.62 W/(m K)", "source": SOURCE},
            "freezing_heat_capacity_drop": {"value": "2.3e6 J/(m^3 K)", "source": SOURCE},
        },
        "plans": {
            "freeze": {
                "applicators": probes,
                "program": {"mode": "freeze_thaw", "phases": [{"action": "freeze", "duration": "15 min"}]},
            }
        },
        "region": {"margin": "70 mm"},
        "solver": {"resolution": "coarse"},
    }
    return scenario_of(data, base=Path(), where="agar.yaml")


def frozen(count: int) -> Stage:
    """The phantom after 15 min."""
    scenario = phantom(count)
    geometry = stage_geometry(scenario, "freeze", read_anatomy(scenario), stage=0, resolution="coarse")
    stage = Stage(MPI.COMM_SELF, thermal_case(scenario, "freeze", geometry, stage=0))
    while not stage.finished:
        stage.advance()
    return stage


def below(stage: Stage, temperature: float) -> Floats:
    """Places (n, 2) [mm] below a temperature [degC] in the plane across the middle of the active walls."""
    from scipy.interpolate import LinearNDInterpolator

    axis = np.asarray(np.arange(-50.0, 50.0, GRID_MM), np.float64)
    x, y = (np.asarray(part.ravel(), float) for part in np.meshgrid(axis, axis))
    near = np.abs(stage.space.points[:, 2] * 1e3 - MIDDLE_MM) < 10.0
    interpolate = LinearNDInterpolator(stage.space.points[near] * 1e3, stage.temperature[near])
    values = interpolate(np.column_stack([x, y, np.full(x.size, MIDDLE_MM)]))
    below: Floats = np.column_stack([x, y])[values < temperature]
    return below


def widest_mm(places: Floats) -> float:
    """Largest extent [mm] of places in any direction."""
    angles = np.linspace(0.0, np.pi, 90, endpoint=False)
    along = places @ np.array([np.cos(angles), np.sin(angles)])
    return float(np.ptp(along, axis=0).max()) + GRID_MM


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Two to four probes; one calibrates."""
    verdicts = []
    for count in (2, 3, 4):
        diameter, share = MEASURED[count]
        stage = frozen(count)
        lethal, ice = below(stage, LETHAL), below(stage, ICE)
        width = widest_mm(lethal)
        verdicts += [
            judged(
                f"lethal ice of {count} probes", "mm", width, within=(diameter - 4, diameter + 4), reference=diameter
            ),
            judged(
                f"lethal share of the ice of {count} probes",
                "",
                len(lethal) / len(ice),
                within=(share - 0.08, share + 0.08),
                reference=share,
            ),
        ]
    return tuple(verdicts)


def main() -> None:
    """Print extents and shares of area beside the measured ones."""
    print("probes   lethal ice mm (measured)   all ice mm   share of area (measured)   steps")
    for count, (diameter, share) in MEASURED.items():
        stage = frozen(count)
        lethal, ice = below(stage, LETHAL), below(stage, ICE)
        print(
            f"{count:6} {widest_mm(lethal):12.1f} ({diameter:g}) {widest_mm(ice):16.1f} "
            f"{len(lethal) / len(ice):14.0%} ({share:.0%}) {stage.steps:16}",
            flush=True,
        )


if __name__ == "__main__":
    main()
