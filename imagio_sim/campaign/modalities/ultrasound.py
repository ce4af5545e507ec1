# SPDX-License-Identifier: LGPL-3.0-or-later
"""Focused ultrasound of a stage: the heat of every focus on the mesh, and what a planner must know of the fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.modalities.setting import StageSetting
from imagio_sim.campaign.sonication.geometry import PlacedTransducer, foci_mm, placed_transducer
from imagio_sim.campaign.sonication.transfer import HeatTransfer
from imagio_sim.campaign.sonication.waves import Sonicator, distinct_foci, sonicator
from imagio_sim.meshing.domain import Sampled
from imagio_sim.physics.ultrasound import linear_pressure_limit, pressure_gain
from imagio_sim.plan import Assignment
from imagio_sim.plan.programs.ultrasound import Sonications
from imagio_sim.solve.acoustics import BeamField
from imagio_sim.solve.sources import SourceSpec
from imagio_sim.solve.sources.ultrasound import SonicationPulse, UltrasoundSpec

Floats = NDArray[np.float64]

BONE, GAS = ("bone",), ("air", "lung")
"""How the names of tissues begin that stop sound."""

# Shares of the power, and shift of the focus [mm], from which on a planner is warned.
_MUCH_LOST, _MUCH_UNBOOKED, _MUCH_OFF_MESH, _FAR_SHIFT_MM = 0.01, 0.02, 0.1, 2.0
# The focus is looked for within this many of its lengths and widths around where it was planned.
_SEARCHED_LENGTHS, _SEARCHED_WIDTHS = 2.0, 4.0


@dataclass(frozen=True, eq=False)
class Focus:
    """One point and its field at 1 W of acoustic power.

    Attributes
    ----------
    number, position_mm
        Among the points of the transducer (LPS).
    power
        Highest it is sonicated with [W].
    heat
        Per cell (m,) [W/m3].
    tissue_peaks
        Highest pressure by tissue [Pa].
    peak_mm, peak
        Where the pressure is highest around the point planned, and how high [Pa].
    shares
        Of the radiated power.
    absorbed
        Share of the radiated power by tissue.
    lost
        Share absorbed by or reflected from tissues that stop sound, ``bone`` and ``gas``.
    """

    number: int
    position_mm: Floats
    power: float
    heat: Floats
    tissue_peaks: Mapping[str, float]
    peak_mm: Floats
    peak: float
    shares: Mapping[str, float]
    absorbed: Mapping[str, float]
    lost: Mapping[str, float]

    @property
    def shift_mm(self) -> float:
        """From the point planned to the highest pressure."""
        return float(np.linalg.norm(self.peak_mm - self.position_mm))

    @property
    def called(self) -> str:
        """Its name in messages."""
        return f"focus {self.number + 1}"

    @property
    def beyond_mesh(self) -> float:
        """Share of its heat that lies beyond the mesh."""
        absorbed = sum(self.absorbed.values())
        return 1.0 - self.shares["on_mesh"] / absorbed if absorbed > 0.0 else 0.0

    def highest_in(self, tissue: str) -> float:
        """Highest pressure [Pa] in a tissue at the highest power."""
        return float(self.tissue_peaks[tissue] * np.sqrt(self.power))

    def facts(self) -> dict[str, Any]:
        """For the result."""
        return {
            "position_mm": tuple(map(float, self.position_mm)),
            "highest_power_W": self.power,
            "focal_pressure_MPa": self.peak * np.sqrt(self.power) * 1e-6,
            "shift_mm": self.shift_mm,
            "share": {**self.shares, "absorbed": dict(self.absorbed), "lost": dict(self.lost)},
        }


def sources(setting: StageSetting) -> tuple[SourceSpec, ...]:
    """Every transducer by itself."""
    return tuple(_transducer(setting, assignment) for assignment in setting.assignments("ultrasound"))


def _transducer(setting: StageSetting, assignment: Assignment) -> UltrasoundSpec:
    scenario, program, anatomy = setting.scenario, assignment.program, setting.geometry.anatomy
    assert isinstance(program, Sonications)
    assert anatomy is not None  # only the half plane has none, and a plan refuses transducers there
    placed = placed_transducer(scenario, setting.plan_name, assignment)
    points, numbers = distinct_foci(foci_mm(scenario, assignment, placed))
    powers = [
        max(one.power for one, n in zip(program.sonications, numbers, strict=True) if n == k)
        for k in range(len(points))
    ]
    made = sonicator(scenario, anatomy, placed, points)
    transfer = HeatTransfer(setting.geometry.domain, made.tissue.grid)
    foci = [
        _focus(made, transfer, number, point, power)
        for number, (point, power) in enumerate(zip(points, powers, strict=True))
    ]
    limits = pressure_limits(setting, made)
    return UltrasoundSpec(
        applicator=assignment.name,
        heat_per_power=np.array([focus.heat for focus in foci]),
        pulses=tuple(_pulses(program, numbers, assignment.start)),
        watched=_watched(setting.geometry.sampled),
        facts={
            "acoustic_voxels": int(np.prod(made.tissue.grid.shape)),
            "pressure_limit_MPa": {name: limit * 1e-6 for name, limit in limits.items()},
            "foci": tuple(focus.facts() for focus in foci),
        },
        notes=(*made.tissue.warnings, *_notes(placed, foci, limits)),
    )


def _pulses(program: Sonications, numbers: list[int], start: float) -> Iterator[SonicationPulse]:
    begin = start
    for one, number in zip(program.sonications, numbers, strict=True):
        yield SonicationPulse(begin, begin + one.duration, one.power, number)
        begin += one.duration + one.pause


def _watched(sampled: Sampled) -> dict[str, NDArray[np.bool_]]:
    """Cells that are mostly bone, if any are."""
    columns = [number for number, name in enumerate(sampled.tissues) if name.startswith(BONE)]
    cells = sampled.fractions[:, columns].sum(axis=1) > 0.5
    return {"bone": cells} if cells.any() else {}


def _focus(made: Sonicator, transfer: HeatTransfer, number: int, point: Floats, power: float) -> Focus:
    """The field of one point, brought to the mesh."""
    field, names = made.field(point), made.tissue.names
    coupling = made.tissue.block.coupling
    tissue = made.tissue.block.tissue
    heat = np.where(tissue == coupling, 0.0, field.heat)
    cells = transfer.cell_heat(heat, around=point, reach_mm=_searched_mm(made.placed))
    peak_mm, peak = _peak(made, field, point)
    shares, absorbed, lost = _shares(field, names, coupling)
    shares["on_mesh"] = transfer.power(cells)
    highest = np.array([field.pressure[tissue == n].max(initial=0.0) for n in range(coupling)])
    return Focus(
        number,
        point,
        power,
        cells,
        dict(zip(names, map(float, highest), strict=False)),
        peak_mm,
        peak,
        shares,
        absorbed,
        lost,
    )


def _shares(
    field: BeamField, names: tuple[str, ...], coupling: int
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Where 1 W went: in all, by tissue, and to what stops sound."""
    book = field.powers
    shares = {
        "entering": book.incident,
        "beside_or_in_water": 1.0 - book.incident + float(book.absorbed[coupling]),
        "reflected": float(book.reflected.sum()),
        "returned": book.returned,
        "transmitted": book.transmitted,
        "scattered": book.sideways,
        "unfollowed": book.unfollowed,
        "imbalance": book.imbalance,
    }
    absorbed = {name: float(share) for name, share in zip(names, book.absorbed[:coupling], strict=False)}
    stopped = {
        kind: sum(
            float(book.absorbed[n] + book.reflected[n]) for n in range(coupling) if names[n].startswith(beginnings)
        )
        for kind, beginnings in (("bone", BONE), ("gas", GAS))
    }
    return shares, absorbed, stopped


def _searched_mm(placed: PlacedTransducer) -> Floats:
    """Half the size (3,) of the box around a point in which its focus is looked for, along the beam first."""
    return np.array([_SEARCHED_LENGTHS * placed.focus_length_mm, *[_SEARCHED_WIDTHS * placed.focus_width_mm] * 2])


def _peak(made: Sonicator, field: BeamField, point: Floats) -> tuple[Floats, float]:
    """Where (3,) the pressure is highest around a point, and how high [Pa]."""
    grid = made.tissue.grid
    middle, half = grid.to_index(point[None])[0], _searched_mm(made.placed) / grid.spacing_mm
    lower = np.clip(np.floor(middle - half), 0, np.array(grid.shape) - 1).astype(int)
    upper = np.clip(np.ceil(middle + half) + 1, lower + 1, grid.shape).astype(int)
    part = field.pressure[tuple(slice(a, b) for a, b in zip(lower, upper, strict=True))]
    index = np.array(np.unravel_index(int(part.argmax()), part.shape)) + lower
    return grid.to_lps(index[None].astype(float))[0], float(part.max())


def pressure_limits(setting: StageSetting, made: Sonicator) -> dict[str, float]:
    """Pressure [Pa] up to which linear acoustics holds, by tissue.

    The lower of what distorts the wave and what lets single pulses cavitate; the latter alone in tissues without a B/A.
    """
    device = made.placed.device
    radius = device.transducer.radius_of_curvature.value * 1e-3
    gain = pressure_gain(
        wavelength=made.placed.wavelength,
        aperture_radius=0.5e-3 * device.transducer.aperture.value,
        radius_of_curvature=radius,
    )
    cavitation = setting.constants["cavitation_pressure"] * 1e6
    limits = {}
    for number, name in enumerate(made.tissue.names[:-1]):
        tissue = setting.scenario.tissue(name)
        if "nonlinearity_parameter" not in tissue.values:
            limits[name] = cavitation
            continue
        distorted = linear_pressure_limit(
            setting.constants["acoustic_distortion_limit"],
            frequency=device.frequency.value,
            density=made.tissues.density[number],
            sound_speed=made.tissues.sound_speed[number],
            nonlinearity_parameter=tissue.value("nonlinearity_parameter"),
            radius_of_curvature=radius,
            gain=gain,
        )
        limits[name] = min(float(distorted), cavitation)
    return limits


def _notes(placed: PlacedTransducer, foci: Sequence[Focus], limits: Mapping[str, float]) -> Iterator[str]:
    """What a planner must know of the fields: of every kind the worst."""
    for kind in ("bone", "gas"):
        worst = max(foci, key=lambda focus: focus.lost[kind])
        if worst.lost[kind] > _MUCH_LOST:
            yield (
                f"{placed.name}: {kind} in the path to {worst.called} takes {worst.lost[kind]:.0%} of the acoustic"
                " power (absorbed or reflected)"
            )
    for name, limit in limits.items():
        worst = max(foci, key=lambda focus: focus.highest_in(name))
        if worst.highest_in(name) > limit:
            yield (
                f"{placed.name}: {worst.highest_in(name) * 1e-6:.1f} MPa in {name} ({worst.called}) are beyond linear"
                f" acoustics, which holds up to {limit * 1e-6:.1f} MPa: shocks or bubbles would heat more than shown"
            )
    worst = max(foci, key=lambda focus: focus.shift_mm)
    if worst.shift_mm > _FAR_SHIFT_MM:
        yield f"{placed.name}: tissue shifts the highest pressure of {worst.called} by {worst.shift_mm:.1f} mm"
    worst = max(foci, key=lambda focus: abs(focus.shares["imbalance"]))
    if abs(worst.shares["imbalance"]) > _MUCH_UNBOOKED:
        share = worst.shares["imbalance"]
        yield f"{placed.name}: {share:.1%} of the acoustic power of {worst.called} is not accounted for"
    worst = max(foci, key=lambda focus: focus.beyond_mesh)
    if worst.beyond_mesh > _MUCH_OFF_MESH:
        yield f"{placed.name}: {worst.beyond_mesh:.0%} of the heat of {worst.called} lies beyond the region"
