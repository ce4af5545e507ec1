# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a radio-embolisation in a scenario to doses in the patient and in the result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest

from imagio_sim.anatomy.volume import Grid
from imagio_sim.campaign.geometry import read_anatomy, stage_geometry
from imagio_sim.campaign.infusions.absorbed_dose import infusion_doses
from imagio_sim.campaign.infusions.dose_assessment import assess_dose, dose_warnings, on_grid, write_dose
from imagio_sim.campaign.modalities.radioembolisation import sources
from imagio_sim.campaign.modalities.setting import StageSetting
from imagio_sim.campaign.run import RunOptions, run_plan
from imagio_sim.meshing.transfer import node_volumes_mm3
from imagio_sim.outcome.result import DoseResult
from imagio_sim.pharmacy.microspheres import load_microspheres
from imagio_sim.plan import Scenario
from imagio_sim.solve.sources.radiation import RadiationSpec
from imagio_sim.tissue.constants import load_constants
from tests.campaign.conftest import Observed
from tests.campaign.embolised import ALL, TUMOUR, bland, labels, patient, write_uptake
from tests.export.test_dicom_seg import series


def spheres(territory: dict[str, Any] = ALL, **changes: Any) -> dict[str, Any]:
    """An infusion of glass microspheres."""
    return {
        "kind": "radioembolisation",
        "organ": ["liver"],
        "territory": territory,
        "microspheres": "therasphere",
        "activity": "0.5 GBq",
        "lung_shunt": "8 %",
        "tumour_to_normal": 3,
        **changes,
    }


def staged(folder: Path, *infusions: dict[str, Any], **changes: Any) -> Scenario:
    return patient(folder, *({"infusions": [one], "wait": "40 days"} for one in infusions), **changes)


def assessed(scenario: Scenario) -> DoseResult:
    dose = assess_dose(scenario, "A", read_anatomy(scenario))
    assert dose is not None
    return dose


@pytest.fixture(scope="module", autouse=True)
def few_rays() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imagio_sim.delivery.dose._RAYS", 40_000)
        yield


@pytest.fixture(scope="module")
def glass(tmp_path_factory: pytest.TempPathFactory) -> DoseResult:
    return assessed(staged(tmp_path_factory.mktemp("glass"), spheres()))


def test_activity_and_energy_are_all_accounted_for(glass: DoseResult) -> None:
    one = glass["activity"]["infusion_1"]
    where = one["in_organ_GBq"] + one["beyond_organ_GBq"] + one["lung_GBq"] + one["elsewhere_GBq"]
    assert where == pytest.approx(one["given_GBq"], rel=1e-15)
    assert one["sum_error"] <= 2.0**-52
    assert one["in_target_GBq"] < one["in_organ_GBq"]
    booked = one["deposited_J"] + one["bremsstrahlung_J"] + one["beyond_grid_J"]
    assert booked == pytest.approx(one["electron_energy_J"], rel=1e-12)
    per_gigabecquerel = load_microspheres("therasphere").nuclide.energy_per_activity * 1e9
    assert one["electron_energy_J"] == pytest.approx(0.92 * 0.5 * per_gigabecquerel, rel=1e-9)


def test_local_deposition_is_the_partition_model(glass: DoseResult) -> None:
    planned, structures = glass["planning"]["infusion_1"], glass["structures"]
    assert structures["target"]["local"]["mean_Gy"] == pytest.approx(planned["partition_tumour_dose_Gy"], rel=1e-6)
    liver = structures["perfused_liver"]["local"]["mean_Gy"]
    assert liver == pytest.approx(planned["partition_liver_dose_Gy"], rel=1e-3)
    assert structures["perfused_volume"]["mass_g"] == pytest.approx(1e3 * planned["perfused_mass_kg"], rel=1e-6)


def test_the_kernel_takes_dose_from_the_tumour_to_the_liver_beside_it(glass: DoseResult) -> None:
    target = glass["structures"]["target"]
    assert 0.6 * target["local"]["mean_Gy"] < target["kernel"]["mean_Gy"] < 0.95 * target["local"]["mean_Gy"]
    assert target["kernel"]["D95_Gy"] < target["kernel"]["D50_Gy"] < target["kernel"]["D5_Gy"]
    assert target["local"]["D95_Gy"] == pytest.approx(target["local"]["D5_Gy"])


def test_the_lungs_get_the_shunt_over_their_mass(glass: DoseResult) -> None:
    lungs, mass = glass["lungs"], load_constants()["lung_mass"]
    energy = 0.08 * 0.5e9 * load_microspheres("therasphere").nuclide.energy_per_activity
    assert lungs["activity_GBq"] == pytest.approx(0.04)
    assert lungs["mean_Gy"] == pytest.approx(energy / mass.value)
    assert lungs["mean_range_Gy"][0] < lungs["mean_Gy"] < lungs["mean_range_Gy"][1]


def test_tumour_control_comes_with_its_range(glass: DoseResult) -> None:
    control = glass["tumour_control"]
    assert control is not None
    assert control["mean_dose_Gy"] == pytest.approx(glass["structures"]["target"]["kernel"]["mean_Gy"])
    assert control["range"][0] < control["probability"] < control["range"][1]


def test_nearly_all_has_decayed_at_the_end_of_the_plan(glass: DoseResult) -> None:
    assert glass["activity"]["infusion_1"]["decayed_share"] == pytest.approx(1.0, abs=1e-4)


def test_an_aim_says_which_activity_it_takes(tmp_path: Path) -> None:
    wanted = assessed(staged(tmp_path, spheres(aim="150 Gy")))["planning"]["infusion_1"]
    activity = f"{wanted['MIRD_GBq_for_aim']:.6f} GBq"
    given = assessed(staged(tmp_path, spheres(activity=activity)))["planning"]["infusion_1"]
    assert given["MIRD_mean_dose_Gy"] == pytest.approx(150.0, rel=1e-4)
    assert wanted["partition_GBq_for_aim_of_tumour"] == pytest.approx(
        1.5 * (wanted["partition_GBq_per_100_Gy_of_tumour"] or 0.0)
    )


def test_two_infusions_add_up_in_the_structures(tmp_path: Path, glass: DoseResult) -> None:
    both = assessed(staged(tmp_path, spheres(), spheres(name="again")))
    assert set(both["activity"]) == {"infusion_1", "again"}
    for name, structure in both["structures"].items():
        once = glass["structures"][name]["local"]["mean_Gy"]
        assert structure["local"]["mean_Gy"] == pytest.approx(2.0 * once, rel=1e-9)
    assert both["lungs"]["mean_Gy"] == pytest.approx(2.0 * glass["lungs"]["mean_Gy"])
    effective = [made["structures"]["target"]["local"]["mean_BED_Gy"] for made in (both, glass)]
    assert effective[0] == pytest.approx(2.0 * effective[1], rel=1e-3)  # 40 days apart


def test_infusions_into_different_organs_are_all_in_the_dose(tmp_path: Path, glass: DoseResult) -> None:
    """The grid of the first one, which is given into the tumour alone, does not hold what the second reaches."""
    alone = {"territory": {"labels": ["tumour"]}, "organ": ["tumour"]}
    both = assessed(staged(tmp_path, spheres(**alone, name="lesion"), spheres()))
    reverse = assessed(staged(tmp_path, spheres(), spheres(**alone, name="lesion")))
    given = both["activity"]["lesion"]["deposited_J"] + both["activity"]["infusion_2"]["deposited_J"]
    for found in (both, reverse):
        organ = found["structures"]["liver"]
        assert organ["volume_ml"] == pytest.approx(glass["structures"]["liver"]["volume_ml"])
        assert organ["mass_g"] * 1e-3 * organ["kernel"]["mean_Gy"] == pytest.approx(given, rel=0.1)
    for name, structure in both["structures"].items():
        for figure in ("mean_Gy", "D95_Gy", "mean_BED_Gy"):
            other = reverse["structures"][name]["kernel"][figure]  # type: ignore[literal-required]
            assert structure["kernel"][figure] == pytest.approx(other, rel=1e-9)  # type: ignore[literal-required]


def test_every_make_counts_by_its_own_half_dose(tmp_path: Path) -> None:
    both = assessed(staged(tmp_path, spheres(), spheres(name="resin", microspheres="sir_spheres")))["tumour_control"]
    assert both is not None
    glass, resin = both["by_make"]["therasphere"], both["by_make"]["sir_spheres"]
    assert (glass["half_dose_Gy"], resin["half_dose_Gy"]) == (250.0, 60.0)
    assert glass["mean_dose_Gy"] == pytest.approx(resin["mean_dose_Gy"], rel=1e-9)
    assert 60.0 < both["half_dose_Gy"] < 250.0
    assert both["probability"] > max(glass["probability"], resin["probability"])


CLUSTERS = {"deposition": "clusters", "seed": 3}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[DoseResult, DoseResult]:
    """Few glass spheres of much activity on the same voxels: smooth, and in clusters."""
    folder = tmp_path_factory.mktemp("clusters")
    return assessed(staged(folder, spheres())), assessed(staged(folder, spheres(**CLUSTERS)))


def test_clusters_keep_the_mean_dose_and_lower_the_smallest(drawn: tuple[DoseResult, DoseResult]) -> None:
    for name, rel in (("target", 0.15), ("liver", 0.02)):
        smooth, clustered = (found["structures"][name]["kernel"] for found in drawn)
        assert clustered["mean_Gy"] == pytest.approx(smooth["mean_Gy"], rel=rel)
    smooth, clustered = (found["structures"]["normal_liver"]["kernel"] for found in drawn)
    assert clustered["D95_Gy"] < 0.9 * smooth["D95_Gy"]
    assert clustered["D5_Gy"] > 1.1 * smooth["D5_Gy"]
    assert clustered["EUD_Gy"] < smooth["EUD_Gy"]


def test_clusters_keep_the_activity_to_the_last_digit(drawn: tuple[DoseResult, DoseResult]) -> None:
    smooth, clustered = (found["activity"]["infusion_1"] for found in drawn)
    assert clustered["sum_error"] <= 2.0**-52
    for name in ("given_GBq", "lung_GBq", "elsewhere_GBq"):
        assert clustered[name] == smooth[name]  # type: ignore[literal-required]


def test_the_same_seed_draws_the_same_dose_and_another_one_another(
    tmp_path: Path, drawn: tuple[DoseResult, DoseResult]
) -> None:
    again, other = (assessed(staged(tmp_path, spheres(**{**CLUSTERS, "seed": seed}))) for seed in (3, 4))
    assert again["structures"] == drawn[1]["structures"]
    assert other["structures"] != drawn[1]["structures"]


def test_an_infusion_split_in_two_is_the_whole_one(tmp_path: Path, glass: DoseResult) -> None:
    halves = [spheres(activity="0.25 GBq", name=name) for name in ("one", "other")]
    split = assessed(patient(tmp_path, {"infusions": halves, "wait": "40 days"}))
    for figure in ("mean_Gy", "mean_BED_Gy", "EUBED_Gy", "EUD_Gy"):
        found, whole = (made["structures"]["target"]["kernel"][figure] for made in (split, glass))  # type: ignore[literal-required]
        assert found == pytest.approx(whole, rel=1e-9)


def test_an_image_in_becquerels_is_what_is_there_and_differs_with_a_warning(tmp_path: Path) -> None:
    values = np.zeros(labels().shape)
    values[TUMOUR] = 100.0
    write_uptake(tmp_path, values)
    image = {"image": "uptake.nii.gz", "unit": "kBq/ml"}
    scenario = staged(tmp_path, spheres(image, tumour_to_normal=None, lung_shunt="0 %"))
    anatomy = read_anatomy(scenario)
    (one,) = infusion_doses(scenario, "A", anatomy)
    seen = 1e5 * values[TUMOUR].size * 8e-3
    assert one.activity == pytest.approx(seen, rel=1e-6)
    inside = one.dose.local[one.delivered.target]
    per_gray = 1e5 * 1e6 / 1056.0 * load_microspheres("therasphere").nuclide.energy_per_activity
    assert inside.mean() == pytest.approx(per_gray, rel=1e-6)
    (warning,) = dose_warnings(scenario, "A", anatomy)
    assert "doses are those of the image" in warning


@pytest.mark.parametrize(("prescribed_by_image", "said"), [(1.0001, 0), (1.01, 1), (0.99, 1)])
def test_an_image_of_another_activity_is_said_however_little_it_differs(
    tmp_path: Path, prescribed_by_image: float, said: int
) -> None:
    values = np.zeros(labels().shape)
    values[TUMOUR] = 1e5
    write_uptake(tmp_path, values)
    seen = 1e8 * values[TUMOUR].size * 8e-3 * 1e-9
    image = {"image": "uptake.nii.gz", "unit": "kBq/ml"}
    activity = f"{seen * prescribed_by_image:.8f} GBq"
    scenario = staged(tmp_path, spheres(image, tumour_to_normal=None, lung_shunt="0 %", activity=activity))
    assert len(dose_warnings(scenario, "A", read_anatomy(scenario))) == said


def test_activity_below_the_threshold_is_elsewhere_and_not_in_what_lies_above(tmp_path: Path) -> None:
    values = np.where(labels() > 0, 10.0, 0.0)
    values[TUMOUR] = 100.0
    write_uptake(tmp_path, values)
    found = []
    for threshold in ("0 %", "20 %"):
        image = {"image": "uptake.nii.gz", "unit": "kBq/ml", "threshold": threshold}
        scenario = staged(tmp_path, spheres(image, tumour_to_normal=None))
        anatomy = read_anatomy(scenario)
        (one,) = infusion_doses(scenario, "A", anatomy)
        dose = assess_dose(scenario, "A", anatomy)
        assert dose is not None
        found.append((one.dose.local[one.delivered.target].mean(), dose["activity"]["infusion_1"]))
    (whole_dose, whole), (cut_dose, cut) = found
    assert cut_dose == pytest.approx(whole_dose, rel=1e-6)
    assert cut["given_GBq"] == pytest.approx(whole["given_GBq"])
    below = 1e4 * (np.count_nonzero(labels()) - values[TUMOUR].size) * 8e-3 * 1e-9
    assert whole["elsewhere_GBq"] == pytest.approx(0.0, abs=1e-12)
    assert cut["elsewhere_GBq"] == pytest.approx(below, rel=1e-6)
    assert cut["sum_error"] <= 2.0**-52


def test_an_image_of_a_later_time_is_taken_back_to_the_infusion(tmp_path: Path) -> None:
    values = np.zeros(labels().shape)
    values[TUMOUR] = 100.0
    write_uptake(tmp_path, values)
    image = {"image": "uptake.nii.gz", "unit": "kBq/ml"}
    activities = []
    for later in ({}, {"imaged_after": "64.1 h"}):
        scenario = staged(tmp_path, spheres(image, tumour_to_normal=None, **later))
        (one,) = infusion_doses(scenario, "A", read_anatomy(scenario))
        activities.append(one.activity)
    assert activities[1] == pytest.approx(2.0 * activities[0], rel=1e-9)


def test_the_density_of_the_tissue_counts(tmp_path: Path) -> None:
    scenario = staged(tmp_path, spheres())
    anatomy = read_anatomy(scenario)
    (one,) = infusion_doses(scenario, "A", anatomy)
    tissues = [scenario.tissue(name).value("density") for name in ("liver", "hcc", "fat", "blood")]
    assert set(np.unique(one.density)) <= set(tissues)
    assert one.density[one.delivered.target].mean() == pytest.approx(scenario.tissue("hcc").value("density"))


def test_the_doses_of_a_patient_and_a_plan_are_worked_out_once(tmp_path: Path) -> None:
    scenario = staged(tmp_path, spheres())
    anatomy = read_anatomy(scenario)
    assert infusion_doses(scenario, "A", anatomy) is infusion_doses(scenario, "A", anatomy)


def test_a_plan_without_radiation_has_no_dose(tmp_path: Path) -> None:
    scenario = staged(tmp_path, bland(ALL))
    anatomy = read_anatomy(scenario)
    assert assess_dose(scenario, "A", anatomy) is None
    write_dose(tmp_path, scenario, "A", anatomy, None, None)
    assert not (tmp_path / "dose.nii.gz").exists()


def test_the_image_of_the_dose_lies_on_the_segmentation(tmp_path: Path) -> None:
    scenario = staged(tmp_path, spheres())
    anatomy = read_anatomy(scenario)
    write_dose(tmp_path, scenario, "A", anatomy, tmp_path / "seg.nii.gz", None)
    written, segmentation = (nibabel.load(tmp_path / name) for name in ("dose.nii.gz", "seg.nii.gz"))
    assert written.get_data_dtype() == np.float32
    assert np.array_equal(written.affine, segmentation.affine)
    (one,) = infusion_doses(scenario, "A", anatomy)
    dose = np.asarray(written.dataobj)
    assert dose.shape == segmentation.shape
    assert dose[TUMOUR].mean() == pytest.approx(one.dose.kernel[one.delivered.target].mean(), rel=0.02)


def test_the_dose_is_a_dicom_map_where_the_patient_is_a_dicom_series(tmp_path: Path) -> None:
    scenario = staged(tmp_path, spheres())
    anatomy = read_anatomy(scenario)
    (tmp_path / "ct").mkdir()
    (one,) = infusion_doses(scenario, "A", anatomy)
    hottest = one.dose.grid.to_lps(np.argwhere(one.dose.kernel == one.dose.kernel.max())[:1].astype(float))[0]
    for file in series(tmp_path / "ct"):
        image = pydicom.dcmread(file)
        image.ImagePositionPatient = list(hottest + np.array(image.ImagePositionPatient) - [-5.0, 7.0, 100.0])
        image.save_as(file)
    assert write_dose(tmp_path, scenario, "A", anatomy, None, tmp_path / "ct") == ()
    read = pydicom.dcmread(tmp_path / "dose.dcm")
    mapping = read.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "Gy"
    assert read.pixel_array.max() == pytest.approx(one.dose.kernel.max(), rel=0.05)


def test_both_doses_come_to_the_mesh_in_the_same_way_with_what_they_hold(tmp_path: Path) -> None:
    """Local deposition jumps from voxel to voxel: read at the nodes it is what a few voxels say."""
    scenario = staged(tmp_path, spheres(**CLUSTERS))
    anatomy = read_anatomy(scenario)
    made = stage_geometry(scenario, "A", anatomy, stage=0, resolution="coarse")
    (spec,) = sources(StageSetting(scenario, "A", 0, made, {}))
    assert isinstance(spec, RadiationSpec)
    (one,), (activity,) = infusion_doses(scenario, "A", anatomy), spec.activities
    for nodal, values in ((activity.dose, one.dose.kernel), (activity.local_dose, one.dose.local)):
        held = float(node_volumes_mm3(made.domain) @ nodal)
        assert held == pytest.approx(float(values.sum()) * one.dose.grid.voxel_volume_mm3, rel=0.01)
        assert 0.0 <= nodal.min() < nodal.max() <= values.max()


def test_values_keep_their_place_on_a_finer_grid_and_are_nothing_beyond_their_own() -> None:
    coarse = Grid((4, 4, 4), np.diag([2.0, 2.0, 2.0, 1.0]))
    fine = Grid.around(np.full(3, -5.0), np.full(3, 11.0), 1.0)
    moved = on_grid(
        coarse.to_lps(np.indices(coarse.shape).reshape(3, -1).T.astype(float))[:, 0].reshape(4, 4, 4), coarse, fine
    )
    assert moved[8, 8, 8] == pytest.approx(3.0)
    assert moved[0, 0, 0] == 0.0


@pytest.mark.slow
def test_a_run_writes_doses_and_kills_by_them(tmp_path: Path) -> None:
    scenario = staged(
        tmp_path,
        spheres(activity="1 GBq"),
        constraints=[
            {"name": "tumour", "quantity": "target_mean_dose", "at_least": "205 Gy"},
            {"name": "lungs", "quantity": "lung_mean_dose", "at_most": "1 Gy"},
        ],
    )
    options = RunOptions(tmp_path / "out", "coarse")
    result = run_plan(scenario, "A", options, Observed().listener)
    assert result["modalities"] == ["radioembolisation"]
    assert [one["status"] for one in result["constraints"]] == ["pass", "fail"]
    assert result["kill"]["models"]["radiation"]["model"] == "lq_tissue"
    assert result["target"] is not None
    assert result["target"]["coverage"] > 0.95
    assert (tmp_path / "out" / "A" / "dose.nii.gz").exists()


@pytest.mark.slow
def test_a_wait_split_into_two_stages_kills_what_one_does(tmp_path: Path) -> None:
    whole = patient(tmp_path, {"infusions": [spheres()], "wait": "8 days"})
    split = patient(tmp_path, {"infusions": [spheres()], "wait": "3 days"}, {"wait": "5 days"})
    results = [
        run_plan(scenario, "A", RunOptions(tmp_path / name, "coarse"), Observed().listener)
        for name, scenario in (("whole", whole), ("split", split))
    ]
    volumes = [result["ablation_zone"]["volume_ml"] for result in results]
    assert volumes[0] > 1.0
    assert volumes[1] == pytest.approx(volumes[0], rel=1e-6)
    assert results[0]["dose"]["structures"] == results[1]["dose"]["structures"]
    assert any("% of its dose" in warning for warning in results[0]["warnings"])
