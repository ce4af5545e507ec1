# SPDX-License-Identifier: LGPL-3.0-or-later
"""Fluids and a perfusion image from the scenario to the cells of the mesh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from imagio_sim.campaign.case import cell_fields, thermal_case
from imagio_sim.campaign.geometry import read_anatomy, stage_geometry
from imagio_sim.campaign.provenance import constants_used, from_memory
from imagio_sim.errors import ImagioError, InputError
from imagio_sim.meshing.domain import Sampled
from imagio_sim.plan import Scenario, scenario_of

SHAPE, SPACING, HALF = 40, 3.0, 58.5
"""A block of liver around the origin, in voxels of 3 mm."""


def flow_of(x_mm: np.ndarray) -> np.ndarray:
    """Perfusion that grows evenly along LPS x, in mL/(min 100 mL)."""
    return 60.0 + x_mm


def write_patient(folder: Path) -> None:
    """Labels and a perfusion map, written in RAS."""
    affine = np.diag([-SPACING, -SPACING, SPACING, 1.0])
    affine[:3, 3] = (HALF, HALF, -HALF)
    labels = np.ones((SHAPE,) * 3, np.uint8)
    nibabel.save(nibabel.Nifti1Image(labels, affine), folder / "labels.nii.gz")
    x_lps = (np.indices(labels.shape)[0] * SPACING - HALF).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(flow_of(x_lps).astype(np.float32), affine), folder / "flow.nii.gz")
    nibabel.save(nibabel.Nifti1Image(flow_of(x_lps[:-1]), affine), folder / "other_grid.nii.gz")
    nibabel.save(nibabel.Nifti1Image(-flow_of(x_lps), affine), folder / "negative.nii.gz")


def patient(folder: Path, device: str = "cooled_17g_2cm", **more: Any) -> Scenario:
    write_patient(folder)
    data = {
        "schema": 1,
        "name": "factors",
        "question": "Does the patient reach the cells?",
        "expected_run_time": "1 min",
        "frame": "LPS",
        "patient": {
            "labels": [{"file": "labels.nii.gz", "name": "liver"}],
            "organ_pack": "liver",
            "unlabelled": "fat",
            "outside": "liver",
            "species": "human_adult",
            **more,
        },
        "target": {"sphere": {"centre": [0, 0, 0], "diameter": "2 cm", "tissue": "tumour_liver"}},
        "plans": {
            "A": {
                "applicators": [{"device": device, "entry": [100, 0, 0], "tip": [-10, 0, 0]}],
                "program": {"mode": "constant_power", "power": "30 W", "duration": "2 min"},
            }
        },
        "region": {"margin": "20 mm"},
        "solver": {"resolution": "coarse"},
    }
    return scenario_of(data, base=folder, where="factors.yaml")


def half_liver_half_fat() -> Sampled:
    """Cells of liver, of fat, of half each, and of blood."""
    fractions = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    nothing = np.zeros(4)
    return Sampled(("blood", "fat", "liver"), fractions, nothing, nothing, nothing, nothing)


IMAGE = {"image": "flow.nii.gz", "unit": "mL/(min 100 mL)"}


def test_a_perfusion_image_reaches_the_cells_where_it_was_measured(tmp_path: Path) -> None:
    scenario = patient(tmp_path, perfusion=IMAGE)
    geometry = stage_geometry(scenario, "A", read_anatomy(scenario), stage=0, resolution="coarse")
    case = thermal_case(scenario, "A", geometry, stage=0)
    centres = geometry.domain.points_mm[geometry.domain.cells].mean(axis=1)
    inside = np.all(np.abs(centres) < HALF - 10.0, axis=1)
    expected = flow_of(centres[inside, 0]) / 6000.0
    np.testing.assert_allclose(case.cell_fields["perfusion_rate"][inside], expected, atol=3.0 / 6000.0)


def test_tissues_that_do_not_follow_the_image_keep_their_own_perfusion(tmp_path: Path) -> None:
    scenario = patient(tmp_path, perfusion={**IMAGE, "tissues": ["liver"]})
    fat = scenario.tissue("fat").value("perfusion_rate")
    rates = cell_fields(scenario, half_liver_half_fat(), np.full(4, 0.01))["perfusion_rate"]
    np.testing.assert_allclose(rates, [0.01, fat, 0.5 * (0.01 + fat), 0.0])


def test_what_is_not_perfused_takes_nothing_from_the_image(tmp_path: Path) -> None:
    rates = cell_fields(patient(tmp_path, perfusion=IMAGE), half_liver_half_fat(), np.full(4, 0.01))["perfusion_rate"]
    np.testing.assert_allclose(rates, [0.01, 0.01, 0.01, 0.0])


def test_cells_beyond_the_image_keep_the_perfusion_of_their_tissue(tmp_path: Path) -> None:
    scenario = patient(tmp_path, perfusion=IMAGE)
    plain = cell_fields(scenario, half_liver_half_fat())["perfusion_rate"]
    measured = np.array([np.nan, np.nan, 0.01, np.nan])
    rates = cell_fields(scenario, half_liver_half_fat(), measured)["perfusion_rate"]
    np.testing.assert_allclose(rates, [plain[0], plain[1], 0.01, 0.0])


def test_perfusion_per_mass_counts_by_the_density_of_each_tissue(tmp_path: Path) -> None:
    scenario = patient(tmp_path, perfusion={**IMAGE, "unit": "mL/(min 100 g)"})
    per_mass = 60.0 * scenario.patient.perfusion.scale  # type: ignore[union-attr]
    rates = cell_fields(scenario, half_liver_half_fat(), np.full(4, per_mass))["perfusion_rate"]
    density = {name: scenario.tissue(name).value("density") for name in ("liver", "fat")}
    np.testing.assert_allclose(rates[:2], [0.01e-3 * density["liver"], 0.01e-3 * density["fat"]])


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ({"image": "other_grid.nii.gz"}, "expected the grid of the labels"),
        ({"image": "negative.nii.gz"}, r"patient\.perfusion\.image: .*0 to 0\.2 1/s in every voxel"),
        ({"unit": "1/s"}, r"voxels from 1\.5 to .* 1/s when read in 1/s; check the unit"),
        ({"image": "missing.nii.gz"}, r"patient\.perfusion\.image: .*no file"),
    ],
)
def test_a_perfusion_image_that_cannot_be_is_refused(tmp_path: Path, image: dict[str, str], says: str) -> None:
    with pytest.raises(ImagioError, match=says):
        read_anatomy(patient(tmp_path, perfusion={**IMAGE, **image}))


def test_fluids_are_placed_in_the_frame_of_the_scenario(tmp_path: Path) -> None:
    fluids = [
        {"name": "pool", "tissue": "saline", "sphere": {"centre": [30, 0, 0], "diameter": "2 cm"}},
        {"name": "layer", "tissue": "dextrose", "shell": {"around": "target", "thickness": "4 mm"}},
    ]
    with pytest.raises(InputError, match=r"fluids\[1\]\.shell\.around"):
        read_anatomy(patient(tmp_path, fluids=fluids))
    anatomy = read_anatomy(patient(tmp_path, fluids=fluids[:1]))
    index, _, _ = anatomy.sample(np.array([[30.0, 0.0, 0.0], [-30.0, 0.0, 0.0]]))
    assert [anatomy.tissue_names[number] for number in index] == ["saline", "liver"]
    assert anatomy.labels.volume_ml("pool") == pytest.approx(4.0 / 3.0 * np.pi, rel=0.1)


def test_fluid_may_be_drawn_in_a_file(tmp_path: Path) -> None:
    drawn = {"name": "pool", "tissue": "saline", "labels": {"file": "labels.nii.gz", "name": "drawn"}}
    anatomy = read_anatomy(patient(tmp_path, fluids=[drawn]))
    assert not anatomy.labels.mask("liver").any()
    assert anatomy.labels.mask("pool").any()


def test_the_constants_of_a_run_say_what_has_set_them_and_which_are_from_memory(tmp_path: Path) -> None:
    scenario = patient(tmp_path, species="pig", conditions=["steatosis"])
    constants = list(constants_used(scenario, "A", ["liver", "tumour_liver"]))
    found = {(one.owner, one.quantity): one for one in constants}
    assert found["patient", "body_temperature"].origin == "species pig"
    assert found["liver", "perfusion_rate"].origin == "condition steatosis"
    assert found["liver", "water_content"].origin == "condition steatosis"
    assert found["tumour_liver", "perfusion_rate"].origin == "library"
    assert "liver: perfusion_rate" in from_memory(constants)
    assert "tumour_liver: water_content" in from_memory(constants)
    assert "liver: density" not in from_memory(constants)
    assert [one for one in from_memory(constants) if "contraction" in one] == ["contraction: of liver at 50 degC"]


def test_a_run_does_not_list_what_its_modality_does_not_use(tmp_path: Path) -> None:
    quantities = {one.quantity for one in constants_used(patient(tmp_path), "A", ["liver"])}
    assert "electrical_conductivity" in quantities
    assert not {"sound_speed", "relative_permittivity_2450_mhz", "intact_conductivity"} & quantities


def test_a_microwave_run_lists_the_course_its_tissue_follows(tmp_path: Path) -> None:
    constants = list(constants_used(patient(tmp_path, device="mw_choked_ceramic"), "A", ["liver"]))
    laws = {one.quantity: one for one in constants if one.owner == "dielectric laws"}
    assert laws["2450_mhz permittivity.span"].evidence == "read"
    assert "relative_permittivity_2450_mhz" in {one.quantity for one in constants}
    assert not [one for one in constants_used(patient(tmp_path), "A", ["liver"]) if one.owner == "dielectric laws"]
