# SPDX-License-Identifier: LGPL-3.0-or-later
"""A focused bowl in front of a homogeneous sample, in the half plane of radius and height: experiments with ultrasound.

The wave is the product's Rayleigh integral, damped ring by ring by the way of its rays through the sample; heat, blood
and death are the product's stage on a mesh that is fine around the focus. The sample sounds like the water before it:
nothing is refracted or reflected at its face.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from imagio_sim.campaign.case import BLOOD, cell_fields, transitions
from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.meshing.naming import BOUNDARY
from imagio_sim.meshing.phantoms import half_plane
from imagio_sim.outcome.zone import AblationZone, ablation_zone
from imagio_sim.physics.ultrasound import attenuation, bowl_depth, focal_length, focal_width, heat_deposition
from imagio_sim.plan import Scenario, scenario_of
from imagio_sim.solve.case import Numerics, ThermalCase
from imagio_sim.solve.radiators import Radiator, element_fields, focused_bowl
from imagio_sim.solve.sources.ultrasound import SonicationPulse, UltrasoundSpec
from imagio_sim.solve.stage import Stage
from imagio_sim.tissue import load_tissue, property_table
from imagio_sim.tissue.death import DECIDING

Floats = NDArray[np.float64]

AXIS = np.array([0.0, 0.0, 1.0])
SOURCE = "range of the experiment"
SMALLEST_REACH_MM, REACH_LENGTHS = 25.0, 2.5
"""Half the height of the mesh and its radius; in lengths of the focus where that is more."""
CELLS_ACROSS, CELLS_ALONG = 44, 88
NUMERICS = Numerics(time_tolerance=0.3, first_step=0.02, longest_powered_step=1.0)


@dataclass(frozen=True)
class Bowl:
    """Frequency [Hz], focal length [m] and focal length by aperture."""

    frequency: float
    focal_length: float
    f_number: float

    @property
    def aperture_radius(self) -> float:
        """Half the aperture [m]."""
        return 0.5 * self.focal_length / self.f_number

    @property
    def wavelength(self) -> float:
        """In water [m]."""
        return load_tissue("water").value("sound_speed") / self.frequency

    @property
    def focus(self) -> tuple[float, float]:
        """Width and length [mm] of the focus at half intensity."""
        lengths = {"aperture_radius": self.aperture_radius, "radius_of_curvature": self.focal_length}
        measures = (measure(wavelength=self.wavelength, **lengths) for measure in (focal_width, focal_length))
        width, length = (1e3 * one for one in measures)
        return width, length

    def power_for(self, intensity: float) -> float:
        """Acoustic power [W] that gives an intensity [W/m2] at the focus in water (O'Neil's gain k h)."""
        depth = bowl_depth(self.aperture_radius, self.focal_length)
        gain = 2.0 * np.pi / self.wavelength * depth
        return float(intensity / gain**2 * 2.0 * np.pi * self.focal_length * depth)


@dataclass(frozen=True)
class Sample:
    """What is sonicated.

    Attributes
    ----------
    tissue
        Of the library.
    depth
        Of the focus in it [m].
    start
        Temperature at the start and of the blood [degC].
    values
        Other than the library's, as text with units.
    excised
        Whether no blood flows.
    """

    tissue: str
    depth: float
    start: float
    values: Mapping[str, str] = field(default_factory=dict)
    excised: bool = False

    def scenario(self) -> Scenario:
        """What the product knows of it."""
        point: dict[str, Any] = {"device": "hifu_bowl_2mhz_44mm", "entry": [0, 0, -44], "tip": [0, 0, 0]}
        data: dict[str, Any] = {
            "schema": 1,
            "name": "sonicated",
            "question": "How large is the lesion?",
            "expected_run_time": "10 s",
            "frame": "LPS",
            "patient": {
                "unlabelled": self.tissue,
                "outside": self.tissue,
                "body_temperature": f"{self.start:.4g} degC",
                **({"conditions": ["ex_vivo"]} if self.excised else {}),
            },
            "plans": {
                "only": {
                    "applicators": [point],
                    "program": {
                        "mode": "sonications",
                        "coupling_path": "20 mm",
                        "sonications": [{"power": "1 W", "duration": "1 s"}],
                    },
                }
            },
        }
        if self.values:
            sourced = {name: {"value": value, "source": SOURCE} for name, value in self.values.items()}
            data["tissue_values"] = {self.tissue: sourced}
        return scenario_of(data, base=Path(), where="focused.yaml")


@dataclass(frozen=True, eq=False)
class Sonicated:
    """A sample after its sonication; ``power`` [W] is what was radiated."""

    stage: Stage
    power: float
    focus_node: int

    @property
    def hottest(self) -> float:
        """Highest temperature that the focus has had [degC]."""
        return float(self.stage.peak_temperature.max())

    def zone(self, level: Floats) -> AblationZone:
        """Where a level at the nodes of the stage is positive."""
        whole = self.stage.space.gathered(level)
        assert whole is not None
        return ablation_zone(self.stage.case.domain, whole, AXIS)

    def dead(self) -> AblationZone:
        """By the model that decides."""
        return self.zone(self.stage.levels()[DECIDING["heat"]])

    def dead_by_all(self) -> tuple[AblationZone, ...]:
        """By every model of death by heat."""
        return tuple(self.zone(level) for level in self.stage.levels().values())

    def section_mm2(self, zone: AblationZone) -> float:
        """Area of a zone in a plane that holds the axis."""
        domain = self.stage.case.domain
        corners = domain.points_mm[domain.cells]
        first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        areas = 0.5 * np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
        return float(2.0 * zone.dead_fraction @ areas)


class Focused:
    """A bowl in front of a sample, its field computed once; every sonication begins anew."""

    def __init__(self, bowl: Bowl, sample: Sample) -> None:
        self.bowl, self.sample, self._scenario = bowl, sample, sample.scenario()
        self.domain = _mesh(bowl)
        self._heat_per_watt = self._heat()

    def _heat(self) -> Floats:
        """Heat per cell and radiated power [1/m3], at the middles of the cells."""
        table = property_table(
            [self._scenario.tissue(self.sample.tissue)],
            ("sound_speed", "density", "acoustic_attenuation_500_khz", "acoustic_attenuation_exponent"),
        )
        damping = attenuation(
            table["acoustic_attenuation_500_khz"],
            table["acoustic_attenuation_exponent"],
            frequency=self.bowl.frequency,
        )[0]
        middles = self.domain.points_mm[self.domain.cells].mean(axis=1) * 1e-3
        points = np.column_stack([middles[:, 0], np.zeros(len(middles)), self.bowl.focal_length + middles[:, 1]])
        pressure = damped_pressure(self.bowl, points, damping, face=self.bowl.focal_length - self.sample.depth)
        return heat_deposition(
            pressure,
            attenuation_at=damping,
            density=table["density"][0],
            sound_speed=table["sound_speed"][0],
        )

    def sonicated(self, power: float, seconds: float, *, watched: float = 20.0) -> Sonicated:
        """After radiating a power [W] for a time [s] and watching for another."""
        spec = UltrasoundSpec(
            applicator="bowl",
            heat_per_power=self._heat_per_watt[None],
            pulses=(SonicationPulse(0.0, seconds, power, 0),),
            watched={},
            facts={},
            notes=(),
        )
        stage = Stage(MPI.COMM_SELF, replace(self._case(seconds + watched), sources=(spec,)))
        while not stage.finished:
            stage.advance()
        return Sonicated(stage, power, int(np.argmin(np.linalg.norm(stage.space.points, axis=1))))

    def sonicated_to(self, temperature: float, seconds: float, *, watched: float = 20.0) -> Sonicated:
        """With the power that brings the focus to a temperature [degC] in a time [s]: secant steps on the rise."""
        power, wanted = 1.0, temperature - self.sample.start
        for _ in range(3):
            rise = self.sonicated(power, seconds, watched=0.0).hottest - self.sample.start
            power *= wanted / rise
        return self.sonicated(power, seconds, watched=watched)

    def _case(self, end: float) -> ThermalCase:
        count = len(self.domain.cells)
        none = np.zeros(count)
        sampled = Sampled((self.sample.tissue,), np.ones((count, 1)), np.ones(count), none, none, none)
        constants = {name: value.value for name, value in self._scenario.law_constants().items()}
        blood = property_table([self._scenario.tissue(BLOOD)], ["volumetric_heat_capacity"])
        return ThermalCase(
            domain=self.domain,
            cell_fields=cell_fields(self._scenario, sampled),
            transitions=transitions(constants, freezing=False),
            vessel_conductance=none,
            lumen_fraction=none,
            body_temperature=self._scenario.patient.body_temperature,
            blood_heat_capacity=float(blood["volumetric_heat_capacity"][0]),
            constants=constants,
            cooling=(),
            deciding_models=(DECIDING["heat"],),
            end_time=end,
            numerics=NUMERICS,
        )


def damped_pressure(bowl: Bowl, points: Floats, damping: float, *, face: float) -> NDArray[np.complex128]:
    """Pressure [Pa] for 1 W at points (n, 3) [m], apex at the origin, behind the face of a sample at a height [m]."""
    water = load_tissue("water")
    impedance = water.value("density") * water.value("sound_speed")
    radiator = focused_bowl(
        aperture_radius=bowl.aperture_radius, radius_of_curvature=bowl.focal_length, wavelength=bowl.wavelength
    )
    rings = _rings(radiator)
    fields = element_fields(rings, points, wavelength=bowl.wavelength)
    heights = rings.points[rings.starts, 2]
    cosines = (bowl.focal_length - heights) / bowl.focal_length
    ways = np.maximum(points[None, :, 2] - face, 0.0) / cosines[:, None]
    source = np.sqrt(2.0 * impedance / radiator.areas.sum())
    return np.asarray(source * (fields * np.exp(-damping * ways)).sum(axis=0), complex)


def _rings(radiator: Radiator) -> Radiator:
    """The bowl with every ring as an element of its own."""
    heights = radiator.points[:, 2]
    starts = np.concatenate([[0], 1 + np.flatnonzero(np.abs(np.diff(heights)) > 1e-9)])
    return Radiator(radiator.points, radiator.areas, starts.astype(np.int64))


def _mesh(bowl: Bowl) -> Domain:
    """The half plane around the focus at the origin [mm], its cells growing with the distance from it."""
    width, length = bowl.focus
    reach = max(SMALLEST_REACH_MM, REACH_LENGTHS * length)
    plain = half_plane(1.0, 2.0, CELLS_ACROSS, CELLS_ALONG)
    across = _graded(plain.points_mm[:, 0], 1.5 * width, reach)
    share = plain.points_mm[:, 1] - 1.0
    along = np.sign(share) * _graded(np.abs(share), 1.2 * length, reach)
    surfaces = {BOUNDARY: np.vstack([plain.surfaces[name] for name in ("side", "bottom", "top")])}
    return replace(plain, points_mm=np.column_stack([across, along]), surfaces=surfaces)


def _graded(share: Floats, inner_mm: float, reach_mm: float) -> Floats:
    """From 0 to the reach as the share goes from 0 to 1, half of it within ``inner_mm``."""
    stretch = 2.0 * np.log(reach_mm / inner_mm - 1.0)
    return np.asarray(reach_mm * np.expm1(stretch * share) / np.expm1(stretch))
