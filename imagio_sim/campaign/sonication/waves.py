# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a transducer in place and a patient to its fields in the tissue, one for every point it is focused to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage
from scipy.interpolate import CubicSpline

from imagio_sim.anatomy.model import Anatomy
from imagio_sim.anatomy.volume import Grid
from imagio_sim.campaign.sonication.geometry import PlacedTransducer
from imagio_sim.devices.modalities.ultrasound import SpiralArray
from imagio_sim.errors import InputError
from imagio_sim.physics.ultrasound import attenuation
from imagio_sim.plan import Scenario
from imagio_sim.solve.acoustics import AcousticTissues, Beam, BeamField, TissueBlock
from imagio_sim.solve.radiators import Radiator, disc_array, element_fields, focused_bowl, focusing_phases
from imagio_sim.tissue import property_table

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex64]

ACOUSTIC_PROPERTIES = ("sound_speed", "density", "acoustic_attenuation_500_khz", "acoustic_attenuation_exponent")

# Voxels of the acoustic grid, in wavelengths of the coupling medium.
_VOXEL_WAVELENGTHS = 1.0 / 3.0
# Tissue that is followed beyond the deepest focus, and room beside the cone of the beam [mm].
_BEYOND_FOCUS_MM, _BESIDE_BEAM_MM = 40.0, 12.0
# Bowl fields are computed along a radius, so many points to a wavelength, and interpolated.
_RADIAL_POINTS = 8.0
# Most voxels of an acoustic grid (memory).
_MOST_VOXELS = 60_000_000


@dataclass(frozen=True, eq=False)
class SonicatedTissue:
    """The tissue in front of a transducer on its acoustic grid.

    Attributes
    ----------
    names
        Tissues by number; the coupling medium is the last.
    block
        Numbers of the voxels.
    grid
        The voxels in the patient; its first axis runs along the beam.
    entry_mm
        From the apex to the first face.
    warnings
        What may be wrong with it.
    """

    names: tuple[str, ...]
    block: TissueBlock
    grid: Grid
    entry_mm: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Sonicator:
    """A transducer in front of the tissue: gives the field for any focus at 1 W of acoustic power."""

    placed: PlacedTransducer
    tissue: SonicatedTissue
    tissues: AcousticTissues

    @cached_property
    def _beam(self) -> Beam:
        return Beam(self.tissue.block, self.tissues)

    @cached_property
    def _radiator(self) -> Radiator:
        transducer, wavelength = self.placed.device.transducer, self.placed.wavelength
        radius = transducer.radius_of_curvature.value * 1e-3
        if isinstance(transducer, SpiralArray):
            return disc_array(
                transducer.element_centres_mm * 1e-3,
                radius_of_curvature=radius,
                element_radius=0.5e-3 * transducer.element_diameter.value,
                wavelength=wavelength,
            )
        return focused_bowl(
            aperture_radius=0.5e-3 * transducer.aperture.value,
            radius_of_curvature=radius,
            wavelength=wavelength,
            hole_radius=0.5e-3 * transducer.hole_mm,
        )

    @cached_property
    def _face_points(self) -> Floats:
        """Points (p, 3) [m] of the first face in the transducer's frame."""
        y, x = (
            (np.arange(count) - 0.5 * (count - 1)) * self.tissue.block.spacing
            for count in self.tissue.block.tissue.shape[1:]
        )
        rows, columns = np.meshgrid(y, x, indexing="ij")
        return np.column_stack([columns.ravel(), rows.ravel(), np.full(rows.size, self.tissue.entry_mm * 1e-3)])

    @cached_property
    def _element_fields(self) -> Complexes:
        """Pressure (e, p) on the first face by each element per rho c u_0, without attenuation."""
        points, wavelength = self._face_points, self.placed.wavelength
        if self._radiator.element_count > 1:
            return element_fields(self._radiator, points, wavelength=wavelength)
        return self._turned_field(points, wavelength)

    def _turned_field(self, points: Floats, wavelength: float) -> Complexes:
        """The field of a bowl, which is the same all around its axis, from that along one radius."""
        radius = np.hypot(points[:, 0], points[:, 1])
        depth, curvature = points[0, 2], self.placed.radius_of_curvature_mm * 1e-3
        count = int(np.ceil(_RADIAL_POINTS * radius.max() / wavelength)) + 4
        across = np.linspace(0.0, 1.001 * radius.max(), count)
        along = np.column_stack([across, np.zeros(count), np.full(count, depth)])
        fields = element_fields(self._radiator, along, wavelength=wavelength)[0]
        # What is left when the phase of a wave towards the focus is taken out varies slowly.
        towards = [np.exp(-2j * np.pi / wavelength * np.hypot(r, curvature - depth)) for r in (across, radius)]
        return np.asarray(CubicSpline(across, fields / towards[0])(radius) * towards[1], np.complex64)[None]

    def entering(self, focus_mm: Floats | None) -> Complexes:
        """Pressure [Pa] (rows, columns) at the first face for 1 W, focused to a point (3,) of the patient.

        Free-field calibration: 1 W is rho c u_0^2 / 2 times the area that vibrates.
        """
        wavelength, radiator = self.placed.wavelength, self._radiator
        focus = self.placed.geometric_focus if focus_mm is None else self.placed.to_transducer(focus_mm[None])[0] * 1e-3
        drive = focusing_phases(radiator, focus, wavelength=wavelength)
        field = drive @ self._element_fields
        coupling = self.tissue.block.coupling
        impedance = self.tissues.impedance[coupling]
        loss = np.exp(-self.tissues.attenuation[coupling] * self._way_through_water)
        source_pressure = np.sqrt(2.0 * impedance / radiator.areas.sum())
        return np.asarray(source_pressure * loss * field, np.complex64).reshape(self.tissue.block.tissue.shape[1:])

    @property
    def _way_through_water(self) -> Floats:
        """From the bowl to the points of the first face (p,) [m], along the lines towards its centre of curvature."""
        to_focus = np.linalg.norm(self._face_points - self.placed.geometric_focus, axis=1)
        return np.asarray(np.maximum(self.placed.radius_of_curvature_mm * 1e-3 - to_focus, 0.0))

    def field(self, focus_mm: Floats | None) -> BeamField:
        """The field at 1 W."""
        return self._beam.propagate(self.entering(focus_mm))


def sonicator(scenario: Scenario, anatomy: Anatomy, placed: PlacedTransducer, foci_mm: Floats) -> Sonicator:
    """A transducer with the tissue around its foci (n, 3) sampled and its properties looked up; nothing is assumed."""
    tissue = sonicated_tissue(anatomy, placed, foci_mm)
    table = property_table([scenario.tissue(name) for name in tissue.names], ACOUSTIC_PROPERTIES)
    frequency = placed.device.frequency.value
    damping = attenuation(
        table["acoustic_attenuation_500_khz"], table["acoustic_attenuation_exponent"], frequency=frequency
    )
    return Sonicator(placed, tissue, AcousticTissues(frequency, table["sound_speed"], table["density"], damping))


def sonicated_tissue(anatomy: Anatomy, placed: PlacedTransducer, foci_mm: Floats) -> SonicatedTissue:
    """Sample the patient onto a grid along the beam, from just before the skin to beyond the foci."""
    step = placed.wavelength * 1e3 * _VOXEL_WAVELENGTHS
    local = placed.to_transducer(foci_mm)
    entry = placed.water_mm(anatomy)
    deepest = max(float(local[:, 2].max()), placed.radius_of_curvature_mm) + _BEYOND_FOCUS_MM
    half = placed.beam_radius_mm(entry) + float(np.abs(local[:, :2]).max(initial=0.0)) + _BESIDE_BEAM_MM
    layers, count = int(np.ceil((deepest - entry) / step)), fft.next_fast_len(int(np.ceil(2.0 * half / step)))
    _require_memory(layers * count**2, placed)
    grid = placed.grid(entry, layers=layers, across=count, step_mm=step)
    numbers, used, entered = _numbers(anatomy, placed, grid)
    names = (*(anatomy.tissue_names[tissue] for tissue in used), placed.coupling)
    block = TissueBlock(numbers, step * 1e-3, step * 1e-3, len(used))
    return SonicatedTissue(names, block, grid, entry, _doubts(placed, entered))


def _numbers(
    anatomy: Anatomy, placed: PlacedTransducer, grid: Grid
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]:
    """Tissue numbers of the voxels, the tissues that occur, and which columns of voxels meet the body."""
    shape = grid.shape
    tissue = np.empty(shape, dtype=np.int16)
    body = np.empty(shape, dtype=bool)
    across = np.indices(shape[1:], dtype=float).reshape(2, -1).T
    for layer in range(shape[0]):
        points = grid.to_lps(np.column_stack([np.full(len(across), float(layer)), across]))
        index, inside = placed.sampled(anatomy, points)
        tissue[layer], body[layer] = index.reshape(shape[1:]), inside.reshape(shape[1:])
    inside_body = np.maximum.accumulate(_thick(body, placed, grid), axis=0)
    tissue[~inside_body] = -1
    used = np.unique(tissue[tissue >= 0]).astype(np.int64)
    table = np.full(len(anatomy.tissue_names) + 1, len(used), dtype=np.uint8)
    table[used] = np.arange(len(used))
    return table[tissue], used, inside_body[-1]


def _thick(body: NDArray[np.bool_], placed: PlacedTransducer, grid: Grid) -> NDArray[np.bool_]:
    """Voxels of the body without sheets (clothing, blankets) that are thinner than a body along the beam."""
    width = max(1, round(placed.thinnest_body_mm / float(grid.spacing_mm[0])))
    thinned = ndimage.minimum_filter1d(body.view(np.uint8), width, axis=0, mode="nearest")
    return np.asarray(ndimage.maximum_filter1d(thinned, width, axis=0, mode="nearest"), dtype=bool)


def _doubts(placed: PlacedTransducer, entered: NDArray[np.bool_]) -> tuple[str, ...]:
    """Warn where part of the beam does not meet the body."""
    missed = 1.0 - float(entered.mean())
    if missed <= 0.05:
        return ()
    return (f"{placed.name}: {missed:.0%} of the acoustic grid is beyond the body: does the beam miss part of it?",)


def _require_memory(voxels: int, placed: PlacedTransducer) -> None:
    if voxels > _MOST_VOXELS:
        raise InputError(
            f"applicator {placed.name}",
            found=f"a beam that takes {voxels / 1e6:.0f} million voxels of a third of a wavelength",
            allowed=f"at most {_MOST_VOXELS / 1e6:.0f} million",
            remedy="use a lower frequency or a smaller transducer, or bring it closer to the skin",
        )


def distinct_foci(foci_mm: Sequence[Floats]) -> tuple[Floats, list[int]]:
    """Points (n, 3) in order without repetition, and the number of each given one among them."""
    keys = [tuple(float(value) for value in np.round(point, 3)) for point in foci_mm]
    distinct = list(dict.fromkeys(keys))
    return np.array(distinct), [distinct.index(key) for key in keys]
