# SPDX-License-Identifier: LGPL-3.0-or-later
"""A thermal ablation stage reduced to numbers: everything the solver needs, and nothing of files or patients.

A case is made on one rank, written to a file, and read by every rank that solves it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.meshing.domain import Domain

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SurfaceCooling:
    """Heat transfer through a named surface to a fluid: coefficient [W/(m2 K)] and fluid temperature [degC].

    The fluid flows until ``until`` [s] (None: always); ``name`` is what the heat it takes is booked under.
    """

    surface: str
    heat_transfer_coefficient: float
    temperature: float
    name: str
    until: float | None = None


@dataclass(frozen=True)
class Conductor:
    """An electrically connected group of electrode surfaces."""

    name: str
    surfaces: tuple[str, ...]


@dataclass(frozen=True)
class Generator:
    """One generator output: the conductor it drives, its return (None: ground), its program and its sensors.

    ``controller`` describes its program (``devices.generator.described``); ``sensors_mm`` are the points (LPS mm)
    where it measures temperature.
    """

    name: str
    driven: str
    returned: str | None
    controller: Mapping[str, Any]
    sensors_mm: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True)
class Ground:
    """Where the current returns to: far away around ``centre_mm``, or a pad on the nodes of a surface."""

    centre_mm: tuple[float, float, float] | None
    pad_surface: str | None = None


@dataclass(frozen=True, eq=False)
class VolumeSource:
    """Heat from elsewhere: ``density`` (m,) [W/m3] per cell, held from ``start`` to ``end`` [s] of the stage.

    One that comes on voxels is put onto cells by ``meshing.transfer.VoxelTransfer.cell_densities``. ``name`` is what
    its heat is booked under.
    """

    name: str
    density: Floats
    start: float
    end: float


@dataclass(frozen=True)
class Numerics:
    """Tolerances and step limits; the defaults are those of ``docs/decisions/0002``."""

    time_tolerance: float = 0.5
    linear_tolerance: float = 1e-7
    nonlinear_tolerance: float = 1e-3
    first_step: float = 0.25
    shortest_step: float = 1e-3
    longest_powered_step: float = 20.0


@dataclass(frozen=True, eq=False)
class ThermalCase:
    """One stage: domain, tissue as per-cell fields, cooling, generators.

    Attributes
    ----------
    cell_fields
        Per-cell properties (m,) in SI: ``heat_capacity_<i>`` [J/(m3 K)] of each phase from the coldest on and
        ``latent_heat_<i>`` [J/m3] of each transition between them, ``thermal_conductivity`` [W/(m K)] and its
        ``thermal_conductivity_slope`` [W/(m K2)], ``electrical_conductivity`` [S/m] and its relative
        ``electrical_conductivity_slope`` [1/K], ``perfusion_rate`` [1/s], ``metabolic_heat`` [W/m3].
    transitions
        Temperature range (low, high) [degC] of each change of phase, coldest first.
    lumen_fraction
        Share of each cell (m,) inside a vessel; where all cells around a node are blood, flow holds its temperature.
    vessel_conductance
        Wall area times heat-transfer coefficient per cell (m,) [W/K].
    body_temperature
        Blood, initial and boundary temperature [degC].
    blood_heat_capacity
        Volumetric, of blood [J/(m3 K)].
    deciding_model
        Name of the death model that decides, and that stops perfusion.
    sources
        Heat deposited by other than the generators.
    initial_state
        Nodal fields (..., n) that earlier stages left: ``temperature``, ``peak_temperature``, ``death/<model>``.
    static_cell_fields
        Per-cell labels (m,) that only go to the output.
    constants
        The laws' constants that are not per-cell fields, by name (see ``tissue.laws``).
    """

    domain: Domain
    cell_fields: Mapping[str, Floats]
    transitions: tuple[tuple[float, float], ...]
    vessel_conductance: Floats
    lumen_fraction: Floats
    body_temperature: float
    blood_heat_capacity: float
    constants: Mapping[str, float]
    conductors: tuple[Conductor, ...]
    generators: tuple[Generator, ...]
    ground: Ground
    cooling: tuple[SurfaceCooling, ...]
    deciding_model: str
    end_time: float
    numerics: Numerics = field(default_factory=Numerics)
    sources: tuple[VolumeSource, ...] = ()
    initial_state: Mapping[str, Floats] = field(default_factory=dict)
    static_cell_fields: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the case to one file (NumPy archive)."""
        arrays: dict[str, Any] = {f"surface/{name}": facets for name, facets in self.domain.surfaces.items()}
        arrays |= {f"cell/{name}": values for name, values in self.cell_fields.items()}
        arrays |= {f"state/{name}": values for name, values in self.initial_state.items()}
        arrays |= {f"static/{name}": values for name, values in self.static_cell_fields.items()}
        arrays |= {f"source/{source.name}": source.density for source in self.sources}
        text = {
            "minimum_quality": self.domain.minimum_quality,
            "axisymmetric": self.domain.axisymmetric,
            "body_temperature": self.body_temperature,
            "blood_heat_capacity": self.blood_heat_capacity,
            "constants": dict(self.constants),
            "transitions": self.transitions,
            "conductors": [asdict(entry) for entry in self.conductors],
            "generators": [asdict(entry) | {"controller": dict(entry.controller)} for entry in self.generators],
            "ground": asdict(self.ground),
            "cooling": [asdict(entry) for entry in self.cooling],
            "deciding_model": self.deciding_model,
            "end_time": self.end_time,
            "numerics": asdict(self.numerics),
            "sources": [[source.name, source.start, source.end] for source in self.sources],
        }
        with path.open("wb") as file:
            np.savez(
                file,
                points_mm=self.domain.points_mm,
                cells=self.domain.cells,
                vessel_conductance=self.vessel_conductance,
                lumen_fraction=self.lumen_fraction,
                text=np.array(json.dumps(text)),
                **arrays,
            )

    @classmethod
    def load(cls, path: Path) -> ThermalCase:
        """Read what :meth:`save` wrote."""
        with np.load(path) as archive:
            stored = {name: archive[name] for name in archive.files}
        text = json.loads(str(stored.pop("text")))

        def group(prefix: str) -> dict[str, Any]:
            return {name.removeprefix(prefix): values for name, values in stored.items() if name.startswith(prefix)}

        domain = Domain(
            stored["points_mm"], stored["cells"], group("surface/"), text["minimum_quality"], text["axisymmetric"]
        )
        return cls(
            domain=domain,
            cell_fields=group("cell/"),
            transitions=tuple((low, high) for low, high in text["transitions"]),
            vessel_conductance=stored["vessel_conductance"],
            lumen_fraction=stored["lumen_fraction"],
            body_temperature=text["body_temperature"],
            blood_heat_capacity=text["blood_heat_capacity"],
            constants=text["constants"],
            conductors=tuple(Conductor(entry["name"], tuple(entry["surfaces"])) for entry in text["conductors"]),
            generators=tuple(_generator(entry) for entry in text["generators"]),
            ground=Ground(_point(text["ground"]["centre_mm"]), text["ground"]["pad_surface"]),
            cooling=tuple(SurfaceCooling(**entry) for entry in text["cooling"]),
            deciding_model=text["deciding_model"],
            end_time=text["end_time"],
            numerics=Numerics(**text["numerics"]),
            sources=tuple(
                VolumeSource(name, stored[f"source/{name}"], start, end) for name, start, end in text["sources"]
            ),
            initial_state=group("state/"),
            static_cell_fields=group("static/"),
        )


def _point(values: list[float] | None) -> tuple[float, float, float] | None:
    return None if values is None else (values[0], values[1], values[2])


def _generator(entry: dict[str, Any]) -> Generator:
    sensors = tuple((x, y, z) for x, y, z in entry["sensors_mm"])
    return Generator(**(entry | {"sensors_mm": sensors}))
