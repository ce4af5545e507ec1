# SPDX-License-Identifier: LGPL-3.0-or-later
"""Runs against measured zones, on balls for which the answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pyvista as pv

from imagio_sim.anatomy.nifti import write_nifti
from imagio_sim.anatomy.volume import Grid
from imagio_sim.campaign.agreement.measured_cases import CaseRequest, compare_case, read_case
from imagio_sim.errors import InputError, InputErrors
from tests.anatomy.made_files import SHAPE, block, ct_slices, write_dicom_seg
from tests.campaign.made_runs import MIDDLE, made_run


def measured(folder: Path, radius_mm: float, shift: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Path:
    file = folder / f"zone_{radius_mm:g}.stl"
    pv.Sphere(radius=radius_mm, center=np.add(MIDDLE, shift), theta_resolution=50, phi_resolution=50).save(file)
    return file


def request(run: Path, zone: Path, **more: Path) -> CaseRequest:
    return CaseRequest("P01", run, zone, **more)


def test_a_zone_that_was_simulated_too_large_is_told_by_how_much(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", radius_mm=12.0)
    found = compare_case(read_case(request(run, measured(tmp_path, 10.0))), "none")
    one = found.by_treatment["none"]
    assert one.signed_distance_mm == pytest.approx(2.0, abs=0.05)
    assert one.axis_errors_mm == pytest.approx((4.0, 4.0, 4.0), abs=0.2)
    assert found.minimal_margins_mm == pytest.approx((6.0, 4.0), abs=0.1)
    # All of the target has a margin of 4 mm, and of 6 mm by the simulation: too little, and none of it foreseen.
    assert found.margins is not None
    assert (found.margins.too_small_share, found.margins.sensitivity) == (1.0, 0.0)


def test_contraction_is_undone_on_the_side_that_is_asked_for_and_all_are_told(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", radius_mm=12.0, length_ratio=0.8)
    read = read_case(request(run, measured(tmp_path, 9.6)))
    found = compare_case(read, "contract_simulated")
    radii = {
        name: (one.simulated_axes_mm[0] / 2.0, one.measured_axes_mm[0] / 2.0)
        for name, one in found.by_treatment.items()
    }
    assert radii["none"] == pytest.approx((12.0, 9.6), abs=0.1)
    assert radii["contract_simulated"] == pytest.approx((9.6, 9.6), abs=0.1)
    assert radii["expand_measured"] == pytest.approx((12.0, 12.0), abs=0.1)
    assert np.ptp(found.simulated.points_mm[:, 2]) == pytest.approx(19.2, abs=0.1)
    # Margins are those of the tissue before it contracted, whichever side is scaled.
    assert found.minimal_margins_mm == pytest.approx((6.0, 6.0), abs=0.1)
    assert compare_case(read, "none").minimal_margins_mm == pytest.approx((6.0, 3.6), abs=0.1)


def test_a_run_without_surfaces_is_read_from_its_map(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", target_mm=None)
    (run / "surfaces" / "zone.vtu").unlink()
    grid = Grid.around(np.array(MIDDLE) - 16.0, np.array(MIDDLE) + 16.0, 1.0)
    points = grid.to_lps(np.indices(grid.shape, dtype=float).reshape(3, -1).T)
    inside = np.linalg.norm(points - MIDDLE, axis=1).reshape(grid.shape) < 12.0
    write_nifti(run / "necrosis_1mm.nii.gz", inside.astype(np.uint8), grid)
    zone = measured(tmp_path, 12.0)
    found = compare_case(read_case(request(run, zone)), "none")
    assert found.by_treatment["none"].dice > 0.98
    assert found.margins is None
    write_nifti(run / "necrosis_1mm.nii.gz", np.zeros(grid.shape, dtype=np.uint8), grid)
    assert compare_case(read_case(request(run, zone)), "none").by_treatment["none"].dice == 0.0


@pytest.mark.parametrize(
    ("shift", "says"),
    [((0.0, 0.0, 200.0), "mm from the simulated one; register it"), ((-200.0, 100.0, 0.0), "in RAS instead of LPS")],
)
def test_a_zone_in_another_frame_is_refused_in_one_line(
    tmp_path: Path, shift: tuple[float, float, float], says: str
) -> None:
    run = made_run(tmp_path / "run")
    with pytest.raises(InputError) as refused:
        read_case(request(run, measured(tmp_path, 10.0, shift)))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "--register" in str(refused.value)


def test_a_zone_in_another_frame_is_laid_over_by_an_organ_and_the_rest_error_is_told(tmp_path: Path) -> None:
    run, away = made_run(tmp_path / "run"), (0.0, 40.0, 200.0)
    organ = pv.ParametricEllipsoid(40.0, 30.0, 25.0, u_res=30, v_res=30, w_res=30).clean().triangulate()
    for name, shift in (("before", (5.0, 0.0, 0.0)), ("after", np.add(away, (5.0, 0.0, 0.0)))):
        organ.translate(np.add(MIDDLE, shift)).save(tmp_path / f"{name}.stl")
    files = {"seen_after": tmp_path / "after.stl", "seen_before": tmp_path / "before.stl"}
    read = read_case(request(run, measured(tmp_path, 12.0, away), **files))
    assert read.registration is not None
    assert read.registration.shift_mm == pytest.approx(np.linalg.norm(away), abs=0.5)
    assert read.registration.residual_mean_mm < 0.5
    assert compare_case(read, "none").by_treatment["none"].dice > 0.95


def test_a_run_that_is_not_complete_is_refused(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    result = (run / "result.json").read_text(encoding="utf-8")
    (run / "result.json").write_text(result.replace("complete", "interrupted"), encoding="utf-8")
    with pytest.raises(InputErrors, match="a run that is interrupted"):
        read_case(request(run, measured(tmp_path, 10.0)))


def test_a_folder_of_two_runs_is_refused(tmp_path: Path) -> None:
    for name in ("A", "B"):
        made_run(tmp_path / "runs" / name)
    with pytest.raises(InputError, match=r"2 runs \(A, B\)"):
        read_case(request(tmp_path / "runs", measured(tmp_path, 10.0)))


def test_a_dicom_zone_of_another_frame_of_reference_is_refused_even_where_it_would_fit(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    mask = {"zone": block(SHAPE, (1, 1, 1), (9, 9, 5))}
    for path, frame in ((run / "necrosis.dcm", "1.2.3"), (tmp_path / "zone.dcm", "1.2.4")):
        write_dicom_seg(path, ct_slices(frame_uid=frame), mask)
    with pytest.raises(InputError, match=r"1\.2\.3, the plan's, got the DICOM frame of reference 1\.2\.4"):
        read_case(request(run, tmp_path / "zone.dcm"))
    write_dicom_seg(tmp_path / "zone.dcm", ct_slices(frame_uid="1.2.3"), mask)
    with pytest.raises(InputError, match="mm from the simulated one"):
        read_case(request(run, tmp_path / "zone.dcm"))
