# SPDX-License-Identifier: LGPL-3.0-or-later
"""One applicator on the axis of a homogeneous phantom, solved in the half plane: what bench experiments measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from imagio_sim.campaign.case import thermal_case, zone_model
from imagio_sim.campaign.geometry import StageGeometry, read_anatomy, stage_geometry
from imagio_sim.outcome.shrinkage import aerated_share, contracted_zone
from imagio_sim.outcome.zone import AblationZone, ablation_zone
from imagio_sim.plan import Scenario, scenario_of
from imagio_sim.solve.stage import Stage

AXIS = np.array([0.0, 0.0, 1.0])
SOURCE = "range of the experiment"


@dataclass(frozen=True)
class Bench:
    """An experiment.

    Attributes
    ----------
    device, program, tissue
        Applicator of the library, its program as in a scenario, and the tissue around it.
    body_temperature
        At the start [degC].
    excised
        Whether no blood flows.
    species
        Of the library; None: man.
    values
        Values of the tissue other than the library's, as text with units.
    constants
        Constants of the laws other than the library's, as text with units.
    probes
        Distance from the axis and height above the tip [mm], by name.
    margin_mm
        Tissue around the applicator that is meshed; None: as the device needs.
    """

    device: str
    program: Mapping[str, Any]
    tissue: str = "liver"
    body_temperature: float = 37.0
    excised: bool = False
    species: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    probes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    margin_mm: float | None = None

    def scenario(self) -> Scenario:
        """The experiment as a scenario."""
        data: dict[str, Any] = {
            "schema": 1,
            "name": "bench",
            "question": "How large is the zone?",
            "expected_run_time": "10 s",
            "frame": "LPS",
            "patient": {
                "unlabelled": self.tissue,
                "outside": self.tissue,
                "body_temperature": f"{self.body_temperature:.4g} degC",
                **({"conditions": ["ex_vivo"]} if self.excised else {}),
                **({"species": self.species} if self.species else {}),
            },
            "probes": [{"name": name, "position": [r, 0.0, z]} for name, (r, z) in self.probes.items()],
            "plans": {
                "only": {
                    "applicators": [{"device": self.device, "entry": [0, 0, 140], "tip": [0, 0, 0]}],
                    "program": dict(self.program),
                }
            },
            "region": {"shape": "sphere", **({"margin": f"{self.margin_mm} mm"} if self.margin_mm else {})},
            "solver": {"resolution": "coarse", "geometry": "axisymmetric"},
        }
        if self.values:
            data["tissue_values"] = {self.tissue: _sourced(self.values)}
        if self.constants:
            data["constants"] = _sourced(self.constants)
        return scenario_of(data, base=Path(), where="bench.yaml")


def _sourced(values: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"value": value, "source": SOURCE} for name, value in values.items()}


@dataclass(frozen=True)
class Size:
    """Of a zone after contraction: along and across the applicator [mm], and volume of dead tissue [ml]."""

    along_mm: float
    across_mm: float
    volume_ml: float


@dataclass(frozen=True, eq=False)
class Burned:
    """What an experiment comes to.

    Attributes
    ----------
    sizes
        Of the zone by every model of death; ``deciding`` names that which decides.
    stage
        At its end, with the history of probes and power.
    early
        The same as ``sizes`` at the times that were asked for.
    """

    sizes: Mapping[str, Size]
    deciding: str
    stage: Stage
    early: Mapping[float, Mapping[str, Size]] = field(default_factory=dict)

    def size_at(self, time: float) -> Size:
        """By the model that decides, at one of the times that were asked for."""
        return self.early[time][self.deciding]

    @property
    def size(self) -> Size:
        """By the model that decides."""
        return self.sizes[self.deciding]

    def over_models(self, name: str) -> tuple[float, ...]:
        """One of the measures of the zone by all models."""
        return tuple(getattr(size, name) for size in self.sizes.values())

    def course(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times [s] and temperatures [degC] of a probe."""
        rows = self.stage.history
        return np.array([row["time_s"] for row in rows]), np.array([row[f"probe.{name}_degC"] for row in rows])


def burned(bench: Bench, times: Sequence[float] = ()) -> Burned:
    """Solve an experiment and measure its zone as it would be measured: after contraction.

    ``times`` [s] are those at which its growth is measured as well.
    """
    scenario = bench.scenario()
    geometry = _mesh(_geometry_key(bench))
    case, aerated = thermal_case(scenario, "only", geometry, stage=0), aerated_share(geometry.sampled)
    stage, early = Stage(MPI.COMM_SELF, case), {}
    waiting = sorted(times, reverse=True)
    while not stage.finished:
        stage.advance()
        while waiting and stage.history[-1]["time_s"] >= waiting[-1] - 1.0:
            early[waiting.pop()] = _sizes(stage, aerated)
    return Burned(_sizes(stage, aerated), zone_model(case.deciding_models), stage, early)


def _sizes(stage: Stage, aerated: NDArray[np.float64]) -> dict[str, Size]:
    hottest, domain, sizes = stage.space.gathered(stage.peak_temperature), stage.case.domain, {}
    for name, level in stage.levels().items():
        whole = stage.space.gathered(level)
        assert whole is not None
        sizes[name] = _size(domain, ablation_zone(domain, whole, AXIS), hottest, aerated)
    return sizes


def _size(domain: Any, zone: AblationZone, hottest: Any, aerated: NDArray[np.float64]) -> Size:
    contracted = contracted_zone(domain, zone, hottest, aerated=aerated)
    if contracted is None:
        return Size(zone.long_axis_mm, zone.short_axis_mm, zone.tissue_volume_ml)
    return Size(contracted.long_axis_mm, contracted.short_axis_mm, contracted.volume_ml)


def _geometry_key(bench: Bench) -> tuple[str, str, str, float | None]:
    return bench.device, bench.tissue, str(bench.program.get("mode")), bench.margin_mm


@cache
def _mesh(key: tuple[str, str, str, float | None]) -> StageGeometry:
    """The mesh, which depends on device and region only, with the tissue on it."""
    device, tissue, mode, margin = key
    programs: dict[str, dict[str, Any]] = {
        "constant_power": {"mode": mode, "power": "30 W", "duration": "1 min"},
        "constant_current": {"mode": mode, "current": "0.5 A", "duration": "1 min"},
        "impedance_control": {"mode": mode, "duration": "1 min"},
        "freeze_thaw": {"mode": mode, "phases": [{"action": "freeze", "duration": "1 min"}]},
    }
    scenario = Bench(device, programs[mode], tissue, margin_mm=margin).scenario()
    return stage_geometry(scenario, "only", read_anatomy(scenario), stage=0, resolution="coarse")
