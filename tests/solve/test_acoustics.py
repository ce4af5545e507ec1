# SPDX-License-Identifier: LGPL-3.0-or-later
"""The hybrid angular spectrum method against closed forms, and where the power goes."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import imagio_sim.solve.acoustics as acoustics
from imagio_sim.physics.ultrasound import bowl_axis_pressure, reflection
from imagio_sim.solve.acoustics import AcousticTissues, Beam, BeamField, TissueBlock
from imagio_sim.solve.radiators import element_fields, focused_bowl

FREQUENCY = 1.0e6
WATER, GEL, LIVER, FAT, BONE = range(5)
TISSUES = AcousticTissues(
    FREQUENCY,
    sound_speed=np.array([1500.0, 1500.0, 1590.0, 1440.0, 3515.0]),
    density=np.array([1000.0, 1000.0, 1080.0, 911.0, 1908.0]),
    attenuation=np.array([0.0, 30.0, 7.0, 4.4, 55.0]),
)
WAVELENGTH = 1500.0 / FREQUENCY
SPACING, THICKNESS = WAVELENGTH / 4.0, WAVELENGTH / 3.0


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing leaves at the sides: the field is periodic, as a plane wave is."""
    monkeypatch.setattr(acoustics, "_SPONGE_STRENGTH", 0.0)


def layers(*stack: tuple[int, int], count: int = 48) -> TissueBlock:
    """Slabs of (tissue, number of layers)."""
    column = np.concatenate([np.full(number, tissue, dtype=np.uint8) for tissue, number in stack])
    return TissueBlock(np.tile(column[:, None, None], (1, count, count)), THICKNESS, SPACING, WATER)


def plane(block: TissueBlock, *, periods: int = 0) -> BeamField:
    """A plane wave of 100 kPa, oblique by so many periods across the grid."""
    count = block.tissue.shape[2]
    across = np.exp(2j * np.pi * periods * np.arange(count) / count)
    return Beam(block, TISSUES).propagate(1e5 * np.ones((count, 1)) * across)


@pytest.mark.usefixtures("endless")
def test_a_plane_wave_passes_matched_absorbing_layers_as_its_exponential() -> None:
    found = plane(layers((WATER, 20), (GEL, 30), (WATER, 20), (GEL, 10), (WATER, 5)))
    assert found.pressure[-1] == pytest.approx(1e5 * np.exp(-30.0 * 40 * THICKNESS), rel=1e-3)
    assert found.powers.reflected.sum() == pytest.approx(0.0, abs=1e-4 * found.powers.incident)
    assert abs(found.powers.imbalance) < 1e-3


@pytest.mark.usefixtures("endless")
@pytest.mark.parametrize("tissue", [LIVER, FAT, BONE])
def test_an_impedance_step_passes_its_transmission_coefficient(tissue: int) -> None:
    found = plane(layers((WATER, 10), (tissue, 10)))
    before, after = TISSUES.impedance[WATER], TISSUES.impedance[tissue]
    damping = np.exp(-TISSUES.attenuation[tissue] * THICKNESS * 0.5)
    assert found.pressure[10] == pytest.approx(1e5 * damping * 2.0 * after / (before + after), rel=0.01)
    share = ((after - before) / (after + before)) ** 2
    assert found.powers.reflected[tissue] / found.powers.incident == pytest.approx(share, rel=1e-2)
    assert abs(found.powers.imbalance) < 2e-3


@pytest.mark.usefixtures("endless")
@pytest.mark.parametrize(("tissue", "periods"), [(LIVER, 2), (LIVER, 5), (FAT, 5), (BONE, 3)])
def test_an_oblique_wave_is_reflected_as_snells_law_says(tissue: int, periods: int) -> None:
    block = layers((WATER, 10), (tissue, 10))
    found = plane(block, periods=periods)
    across = 2.0 * np.pi * periods / (block.tissue.shape[2] * SPACING)
    before, after = (np.sqrt(TISSUES.wave_numbers[n] ** 2 - across**2) / TISSUES.density[n] for n in (WATER, tissue))
    share = abs(reflection(before, after)) ** 2
    assert found.powers.reflected[tissue] / found.powers.incident == pytest.approx(float(share), rel=0.01)
    assert abs(found.powers.imbalance) < 5e-3


@pytest.mark.usefixtures("endless")
def test_a_reflected_wave_heats_what_it_has_passed_before() -> None:
    with_bone, without = (
        plane(layers((WATER, 5), (LIVER, 30), (behind, 10))).heat[20].mean() for behind in (BONE, LIVER)
    )
    share = (
        (TISSUES.impedance[BONE] - TISSUES.impedance[LIVER]) / (TISSUES.impedance[BONE] + TISSUES.impedance[LIVER])
    ) ** 2
    way_back = np.exp(-2.0 * 7.0 * THICKNESS * 2 * 14.5)  # to the bone and back to the middle of the layer
    assert with_bone / without == pytest.approx(1.0 + share * way_back, rel=1e-2)


APERTURE, CURVATURE, START = 0.022, 0.06, 0.02


@cache
def bowl_field(cells_per_wavelength: float) -> tuple[np.ndarray, float]:
    """The field of a bowl (n, n) per rho c u_0 at a plane in water, and the spacing [m]."""
    spacing = WAVELENGTH / cells_per_wavelength
    count = 2 * round(0.025 / spacing)
    place = (np.arange(count) - count // 2) * spacing
    x, y = np.meshgrid(place, place)
    points = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, START)])
    radiator = focused_bowl(aperture_radius=APERTURE, radius_of_curvature=CURVATURE, wavelength=WAVELENGTH)
    return element_fields(radiator, points, wavelength=WAVELENGTH)[0].reshape(count, count), spacing


def through(tissue: np.ndarray, spacing: float, thickness: float, tissues: AcousticTissues = TISSUES) -> BeamField:
    field, _ = bowl_field(WAVELENGTH / spacing)
    return Beam(TissueBlock(tissue, thickness, spacing, WATER), tissues).propagate(1e5 * field)


@pytest.mark.parametrize("tissue", [WATER, GEL])
def test_a_bowl_keeps_oneils_axis_pressure_on_its_way_through_a_matched_medium(tissue: int) -> None:
    field, spacing = bowl_field(4.0)
    count = int((0.08 - START) / THICKNESS)
    block = np.full((count, *field.shape), tissue, dtype=np.uint8)
    found = through(block, spacing, THICKNESS).pressure[:, field.shape[0] // 2, field.shape[1] // 2]
    faces = START + THICKNESS * np.arange(count + 1)
    exact = 1e5 * np.abs(
        bowl_axis_pressure(
            faces,
            aperture_radius=APERTURE,
            radius_of_curvature=CURVATURE,
            wave_number_at=2.0 * np.pi / WAVELENGTH,
            source_pressure=1.0,
        )
    )
    middle = np.sqrt(0.5 * (exact[1:] ** 2 + exact[:-1] ** 2))
    if tissue == WATER:
        assert np.abs(found - middle).max() < 0.01 * middle.max()
        return
    # The rim's waves go a longer way through what absorbs than the middle's: O'Neil with a complex wave number, whose
    # paths are absorbing from the surface on, brackets the field together with damping along the axis.
    deep = int(np.argmin(np.abs(faces - CURVATURE)))
    slant = (CURVATURE - START) / np.sqrt(1.0 - (APERTURE / CURVATURE) ** 2)
    assert np.exp(-30.0 * slant) * 0.99 < found[deep] / middle[deep] < np.exp(-30.0 * (CURVATURE - START)) * 1.01


def abdominal_wall(shape: tuple[int, int, int], *, ribs: bool) -> np.ndarray:
    """Water, fat with an uneven inner side, liver, and ribs in it across the beam."""
    layer, row, column = np.indices(shape)
    tissue = np.full(shape, LIVER, dtype=np.uint8)
    tissue[layer < 30 + 4 * np.sin(row / 9.0) * np.cos(column / 13.0)] = FAT
    tissue[layer < 8] = WATER
    if ribs:
        across = (column - shape[2] // 2) * SPACING
        tissue[(np.abs(layer - 45) < 8) & (np.abs(np.abs(across) - 0.012) < 0.004)] = BONE
    return tissue


@pytest.mark.parametrize("ribs", [False, True])
def test_power_that_enters_is_absorbed_transmitted_or_reflected(ribs: bool) -> None:
    field, spacing = bowl_field(4.0)
    book = through(abdominal_wall((110, *field.shape), ribs=ribs), spacing, THICKNESS).powers
    assert abs(book.imbalance) < 0.02
    assert book.incident == pytest.approx(
        book.absorbed.sum() + book.returned + book.transmitted + book.sideways + book.unfollowed, rel=0.02
    )
    assert (book.absorbed[BONE] + book.reflected[BONE] > 0.02 * book.incident) == ribs
    assert book.sideways + book.unfollowed < 0.1 * book.incident


def test_heat_adds_up_to_what_tissues_absorb() -> None:
    field, spacing = bowl_field(4.0)
    found = through(abdominal_wall((110, *field.shape), ribs=False), spacing, THICKNESS)
    volume = spacing**2 * THICKNESS
    assert float(found.heat.sum(dtype=float)) * volume == pytest.approx(found.powers.absorbed.sum(), rel=1e-4)
    assert found.powers.absorbed[WATER] == 0.0


def test_thinner_layers_do_not_change_the_focus() -> None:
    field, spacing = bowl_field(4.0)
    wall = abdominal_wall((110, *field.shape), ribs=False)
    coarse = through(wall, spacing, THICKNESS).pressure
    fine = through(wall.repeat(2, axis=0), spacing, THICKNESS / 2.0).pressure
    assert fine.max() == pytest.approx(float(coarse.max()), rel=0.02)
    assert fine.argmax() // 2 // coarse[0].size == pytest.approx(coarse.argmax() // coarse[0].size, abs=2)


def test_gas_stops_the_beam() -> None:
    field, spacing = bowl_field(4.0)
    gas = AcousticTissues(
        FREQUENCY,
        np.array([*TISSUES.sound_speed[:4], 343.0]),
        np.array([*TISSUES.density[:4], 1.2]),
        np.array([*TISSUES.attenuation[:4], 10.0]),
    )
    block = np.full((60, *field.shape), LIVER, dtype=np.uint8)
    block[30:40] = 4
    book = through(block, spacing, THICKNESS, gas).powers
    assert book.transmitted < 1e-3 * book.incident
    assert abs(book.imbalance) < 0.02
