# SPDX-License-Identifier: LGPL-3.0-or-later
"""Fit the transmission of the equivalent 13 G antenna to the zones of a manufacturer's sheet at 75 W (MW13).

python -m validation.calibration.antennas.study

The sheet is read from the data set ``ablation_zone_brochure``. Every candidate is solved in the half plane for every
duration, in excised and in perfused liver, and compared as it is and after contraction.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from mpi4py import MPI

from imagio_sim.anatomy.datasets import resolve_path
from imagio_sim.campaign.case import thermal_case, zone_model
from imagio_sim.campaign.geometry import StageGeometry, read_anatomy, stage_geometry
from imagio_sim.outcome.shrinkage import aerated_share, contracted_zone
from imagio_sim.outcome.zone import ablation_zone
from imagio_sim.plan import Scenario, scenario_of
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.sources.microwave import MicrowaveSpec
from imagio_sim.solve.stage import Stage

SHEET = "data:ablation_zone_brochure/mwa_covidien_emprint.csv"
DEVICE = "mw_equivalent_13g"
CALIBRATION_POWER = 75.0
"""Power [W] of the rows that calibrate; those of all other powers are for validation."""
TRANSMISSIONS = (0.6, 0.7, 0.8)
"""Candidates: shares of the generator's power that reach the antenna."""
RESOLUTION_MM = 0.25
"""Objectives [mm] that differ by less are alike: half the step in which the sheet states its semi-axes."""

State = Literal["excised", "perfused"]
PATIENTS: Mapping[State, Mapping[str, Any]] = {
    # The sheet gives no temperature; that of a room is assumed.
    "excised": {"conditions": ["ex_vivo"], "body_temperature": "20 degC"},
    "perfused": {"body_temperature": "37 degC"},
}


@dataclass(frozen=True)
class Row:
    """A zone of the sheet: power [W], duration [s], semi-axes along and across the antenna [mm]."""

    power: float
    duration: float
    along_mm: float
    across_mm: float


@dataclass(frozen=True)
class Simulated:
    """Semi-axes [mm] along and across the antenna before contraction, and length after by length before."""

    along_mm: float
    across_mm: float
    length_ratio: float

    def deviations(self, row: Row, *, contracted: bool) -> tuple[float, float]:
        """Simulated minus measured semi-axes [mm], along and across."""
        ratio = self.length_ratio if contracted else 1.0
        return self.along_mm * ratio - row.along_mm, self.across_mm * ratio - row.across_mm


def sheet() -> tuple[Row, ...]:
    """All rows of the manufacturer's sheet; it states the same semi-axis twice across the antenna."""
    path = resolve_path(SHEET, base=Path(), where="the manufacturer's sheet")
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            Row(
                float(record["power_W"]),
                float(record["duration_s"]),
                float(record["semi_axis_long_mm"]),
                float(record["semi_axis_short1_mm"]),
            )
            for record in csv.DictReader(file)
        )


def phantom(state: State, power: float, duration: float) -> Scenario:
    """The antenna on the axis of a ball of liver, with a minute for the heat to spread after it is off."""
    data: dict[str, Any] = {
        "schema": 1,
        "name": "brochure_table",
        "question": "How large is the zone?",
        "expected_run_time": "10 s",
        "frame": "LPS",
        "patient": {"unlabelled": "liver", "outside": "liver", **PATIENTS[state]},
        "plans": {
            "burn": {
                "applicators": [{"device": DEVICE, "entry": [0, 0, 120], "tip": [0, 0, 0]}],
                "program": {
                    "mode": "constant_power",
                    "power": f"{power} W",
                    "duration": f"{duration} s",
                    "cooling_phase": "1 min",
                },
            }
        },
        "region": {"shape": "sphere"},
        "solver": {"resolution": "normal", "geometry": "axisymmetric"},
    }
    return scenario_of(data, base=Path(), where="brochure_table.yaml")


@cache
def mesh(state: State) -> StageGeometry:
    """The ball in the half plane, the same for all powers and durations."""
    scenario = phantom(state, CALIBRATION_POWER, 60.0)
    return stage_geometry(scenario, "burn", read_anatomy(scenario), stage=0, resolution="normal")


def with_transmission(case: ThermalCase, transmission: float) -> ThermalCase:
    """The case with another share of the generator's power at the antenna."""
    (spec,) = case.sources
    assert isinstance(spec, MicrowaveSpec)
    (antenna,) = spec.antennas
    return replace(case, sources=(replace(spec, antennas=(replace(antenna, transmission=transmission),)),))


def simulated(state: State, row: Row, transmission: float | None = None) -> Simulated:
    """The zone of a row's power and duration, with the transmission of the library where none is given."""
    case = thermal_case(phantom(state, row.power, row.duration), "burn", mesh(state), stage=0)
    stage = Stage(MPI.COMM_SELF, case if transmission is None else with_transmission(case, transmission))
    while not stage.finished:
        stage.advance()
    level = stage.space.gathered(stage.levels()[zone_model(case.deciding_models)])
    hottest = stage.space.gathered(stage.peak_temperature)
    assert level is not None
    zone = ablation_zone(case.domain, level, np.array([0.0, 0.0, 1.0]))
    contracted = contracted_zone(case.domain, zone, hottest, aerated=aerated_share(mesh(state).sampled))
    ratio = 1.0 if contracted is None else contracted.length_ratio
    return Simulated(0.5 * zone.long_axis_mm, 0.5 * zone.short_axis_mm, ratio)


def root_mean_square(rows: Sequence[Row], zones: Sequence[Simulated], *, contracted: bool) -> float:
    """Objective: root mean square [mm] of the deviations of both semi-axes over all rows."""
    pairs = [zone.deviations(row, contracted=contracted) for row, zone in zip(rows, zones, strict=True)]
    return float(np.sqrt(np.mean(np.square(pairs))))


def main() -> None:
    """Print the objective of every candidate, and the deviations behind it."""
    rows = [row for row in sheet() if row.power == CALIBRATION_POWER]
    print("liver     transmission   rms mm: uncontracted   contracted   contracted along/across mm minus the sheet's")
    for state in PATIENTS:
        for transmission in TRANSMISSIONS:
            zones = [simulated(state, row, transmission) for row in rows]
            plain, after = (root_mean_square(rows, zones, contracted=choice) for choice in (False, True))
            gaps = [zone.deviations(row, contracted=True) for row, zone in zip(rows, zones, strict=True)]
            detail = "  ".join(f"{along:+.1f}/{across:+.1f}" for along, across in gaps)
            print(f"{state:9} {transmission:12.1f} {plain:23.2f} {after:12.2f}   {detail}", flush=True)


if __name__ == "__main__":
    main()
