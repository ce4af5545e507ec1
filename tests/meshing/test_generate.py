# SPDX-License-Identifier: LGPL-3.0-or-later
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imagio_sim.devices.applicator import TipShape
from imagio_sim.devices.library import load_device
from imagio_sim.meshing import generate as generation
from imagio_sim.meshing.child import Attempt, last_lines, run_worker
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.generate import MeshingFailure, generate, generate_axisymmetric
from imagio_sim.meshing.phantoms import ball
from imagio_sim.meshing.quality import cell_sizes_mm
from imagio_sim.meshing.recipe import MeshRecipe, reach_for, recipe_for, recipe_to_json
from imagio_sim.meshing.region import Box, Capsule
from imagio_sim.meshing.topology import boundary_facets, facet_areas
from tests.meshing.needles import ACTIVE, RADIUS, ball_points, expandable, needle, placed, small_recipe

BALL_30 = 4.0 / 3.0 * np.pi * 30.0**3


def area(domain: Domain, name: str) -> float:
    return float(facet_areas(domain.points_mm, domain.surfaces[name]).sum())


def every_boundary_facet_has_one_name(domain: Domain) -> bool:
    named = np.sort(np.concatenate(list(domain.surfaces.values())), axis=1)
    exposed = np.sort(boundary_facets(domain.cells)[0], axis=1)
    return len(named) == len(exposed) and np.array_equal(np.unique(named, axis=0), np.unique(exposed, axis=0))


@pytest.fixture(scope="module")
def one_needle() -> Domain:
    return generate(small_recipe(needle())).domain


def test_a_ball_minus_a_needle_has_its_volume(one_needle: Domain) -> None:
    shaft = np.pi * RADIUS**2 * (40.0 - 2.0) + np.pi * RADIUS**2 * 2.0 / 3.0
    assert one_needle.cell_volumes_mm3.sum() == pytest.approx(BALL_30 - shaft, rel=0.01)
    # What the needle takes away is resolved as well, against the ball that the boundary facets enclose.
    facets = np.concatenate(list(one_needle.surfaces.values()))
    a, b, c = np.moveaxis(one_needle.points_mm[facets], 1, 0)
    enclosed = (a * np.cross(b, c)).sum() / 6.0
    assert one_needle.cell_volumes_mm3.sum() == pytest.approx(enclosed, rel=1e-9)


def test_sections_have_their_areas(one_needle: Domain) -> None:
    cone = np.pi * RADIUS * np.hypot(2.0, RADIUS)
    assert area(one_needle, "A.needle.active") == pytest.approx(2.0 * np.pi * RADIUS * (ACTIVE - 2.0) + cone, rel=0.02)
    assert area(one_needle, "A.needle.shaft") == pytest.approx(2.0 * np.pi * RADIUS * 20.0, rel=0.02)
    assert area(one_needle, "boundary") == pytest.approx(4.0 * np.pi * 900.0, rel=0.02)


def test_a_section_ends_exactly_where_it_should(one_needle: Domain) -> None:
    active = one_needle.points_mm[one_needle.surfaces["A.needle.active"]][:, :, 2]
    shaft = one_needle.points_mm[one_needle.surfaces["A.needle.shaft"]][:, :, 2]
    assert active.min() == pytest.approx(-10.0, abs=1e-6)
    assert active.max() == pytest.approx(-10.0 + ACTIVE, abs=1e-6)
    assert shaft.min() == pytest.approx(-10.0 + ACTIVE, abs=1e-6)


def test_every_boundary_facet_has_exactly_one_name(one_needle: Domain) -> None:
    assert every_boundary_facet_has_one_name(one_needle)
    assert set(one_needle.surfaces) == {"boundary", "A.needle.active", "A.needle.shaft"}


def test_cells_are_well_shaped_and_graded(one_needle: Domain) -> None:
    assert one_needle.minimum_quality > 0.1
    distance = np.linalg.norm(one_needle.points_mm[one_needle.cells].mean(axis=1) - [0.0, 0.0, -10.0], axis=1)
    sizes = cell_sizes_mm(one_needle)
    assert np.median(sizes[distance < 1.5]) < 0.6
    far_below = one_needle.points_mm[one_needle.cells].mean(axis=1)[:, 2] < -24.0
    assert np.median(sizes[far_below]) > 2.0


def test_the_same_recipe_gives_the_same_mesh(one_needle: Domain) -> None:
    again = generate(small_recipe(needle())).domain
    assert np.array_equal(again.points_mm, one_needle.points_mm)
    assert np.array_equal(again.cells, one_needle.cells)


def surface_of_active_part(shape: TipShape, tip_length: float) -> float:
    """The body of revolution's area by quadrature of its outline."""
    side = 2.0 * np.pi * RADIUS * (ACTIVE - tip_length)
    share = np.linspace(0.0, 1.0, 20_001)
    radius = RADIUS * {"flat": share, "cone": share, "round": np.sqrt(share * (2.0 - share))}[shape]
    slant = np.hypot(np.diff(radius), np.diff(share * tip_length))
    return float(side + np.sum(np.pi * (radius[1:] + radius[:-1]) * slant))


@pytest.mark.parametrize(("shape", "tip_length"), [("flat", 0.0), ("round", RADIUS), ("round", 2.0), ("cone", 4.0)])
def test_every_tip_has_its_area(shape: TipShape, tip_length: float) -> None:
    domain = generate(small_recipe(needle(shape=shape, tip_length=tip_length))).domain
    assert every_boundary_facet_has_one_name(domain)
    assert domain.minimum_quality > 0.1
    assert area(domain, "A.needle.active") == pytest.approx(surface_of_active_part(shape, tip_length), rel=0.02)


def test_curved_tines_fuse_with_their_shaft() -> None:
    domain = generate(small_recipe(expandable(), centre=(0.0, 0.0, 0.0))).domain
    assert every_boundary_facet_has_one_name(domain)
    assert domain.minimum_quality > 0.05
    for number in range(1, 5):
        bare = 2.0 * np.pi * 0.3 * (10.0 - 0.9) + np.pi * 0.3 * np.hypot(0.3, 0.9)
        assert area(domain, f"T.tine_{number}.tine") == pytest.approx(bare, rel=0.03)
    assert area(domain, "T.shaft.tip") == pytest.approx(2.0 * np.pi * 5.0 + np.pi * (1.0 - 4 * 0.3**2), rel=0.03)


def test_a_tine_along_a_free_curve_can_be_meshed() -> None:
    x = np.linspace(0.0, 12.0, 9)
    path = tuple((float(a), float(2.0 * np.sin(a / 4.0)), float(0.03 * a**2)) for a in x)
    shaft = needle().rods[0]
    tine = replace(shaft, name="tine", path_mm=path, radius_mm=0.4, tip="cone", tip_length_mm=1.0)
    domain = generate(small_recipe(placed("T", (tine,), (0.0, 0.0, 0.0), (0.0, 0.0, 50.0)), radius=20.0)).domain
    assert every_boundary_facet_has_one_name(domain)
    assert domain.minimum_quality > 0.05


def test_three_needles_five_millimetres_apart() -> None:
    spots = [(2.9 * np.cos(turn), 2.9 * np.sin(turn)) for turn in (0.3, 0.3 + 2.0944, 0.3 + 4.1888)]
    needles = [needle(f"N{n}", (x, y, -10.0), (x, y, 90.0)) for n, (x, y) in enumerate(spots)]
    domain = generate(small_recipe(*needles)).domain
    assert every_boundary_facet_has_one_name(domain)
    areas = [area(domain, f"N{n}.needle.active") for n in range(3)]
    assert areas == pytest.approx([areas[0]] * 3, rel=0.01)


@pytest.mark.parametrize(
    "region", [Capsule((0.0, 0.0, -15.0), (5.0, 0.0, 15.0), 20.0), Box((-20.0, -21.0, -22.0), (20.0, 22.0, 21.0))]
)
def test_a_slanting_shaft_leaves_any_region(region: Capsule | Box) -> None:
    recipe = replace(small_recipe(needle(tip=(0.0, 0.0, 0.0), entry=(40.0, 50.0, 60.0))), region=region)
    domain = generate(recipe).domain
    assert every_boundary_facet_has_one_name(domain)
    assert domain.cell_volumes_mm3.sum() == pytest.approx(region.volume_mm3, rel=0.02)
    outermost = domain.points_mm[np.unique(domain.surfaces["A.needle.shaft"])]
    assert region.signed_distance_mm(outermost).max() == pytest.approx(0.0, abs=1e-4)


def test_shafts_in_all_directions_can_be_meshed() -> None:
    for entry in ((0.0, 0.0, 90.0), (90.0, 0.0, 0.0), (0.0, -90.0, 0.0), (50.0, 50.0, 50.0)):
        domain = generate(small_recipe(needle(tip=(0.0, 0.0, 0.0), entry=entry))).domain
        assert domain.minimum_quality > 0.1


def test_the_half_plane_of_a_needle_turns_into_the_same_body(one_needle: Domain) -> None:
    flat = generate_axisymmetric(small_recipe(needle())).domain
    assert flat.axisymmetric
    assert every_boundary_facet_has_one_name(flat)
    assert set(flat.surfaces) == {"axis", *one_needle.surfaces}
    assert flat.cell_volumes_mm3.sum() == pytest.approx(one_needle.cell_volumes_mm3.sum(), rel=0.01)
    assert area(flat, "A.needle.active") == pytest.approx(ACTIVE - 2.0 + np.hypot(2.0, RADIUS), rel=1e-6)
    assert flat.points_mm[np.unique(flat.surfaces["A.needle.active"])][:, 1].min() == pytest.approx(0.0, abs=1e-9)


def fails_with_hxt(recipe_file: Path, output_file: Path, algorithm: str) -> Attempt:
    """As when HXT ends its process."""
    if algorithm == "hxt":
        return Attempt(1, "Info    : Starting\nError   : HXT gave up\n")
    return run_worker(recipe_file, output_file, algorithm)


def test_when_hxt_fails_delaunay_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "run_worker", fails_with_hxt)
    said: list[str] = []
    made = generate(small_recipe(needle(), radius=25.0), on_progress=said.append)
    assert made.algorithm == "delaunay"
    assert said == ["meshing with gmsh (hxt)", "meshing with gmsh (delaunay)"]
    assert every_boundary_facet_has_one_name(made.domain)


def test_when_all_fails_the_message_ends_with_what_gmsh_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        generation, "run_worker", lambda *_: Attempt(1, "Info    : Start\nError   : overlapping facets\n")
    )
    with pytest.raises(MeshingFailure, match=r"hxt: Error   : overlapping facets; delaunay: Error") as caught:
        ball(10.0, 2.0)
    assert caught.value.exit_code == 3


def test_a_real_failure_of_gmsh_comes_back_as_a_log(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text('{"kind": "ShellRecipe"}')
    attempt = run_worker(tmp_path / "recipe.json", tmp_path / "mesh.npz", "hxt")
    assert attempt.return_code == 1
    assert "ShellRecipe" in last_lines(attempt.log)


def test_the_child_takes_no_part_in_the_parents_mpi_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "0")
    monkeypatch.setenv("PMIX_RANK", "0")
    from imagio_sim.meshing.child import _environment

    assert not {name for name in _environment() if name.startswith(("OMPI_COMM", "PMIX"))}


def test_an_interrupt_ends_the_child_too(tmp_path: Path) -> None:
    recipe_file = tmp_path / "recipe.json"
    recipe_file.write_text(recipe_to_json(recipe_for([needle()], ball_points((0, 0, 0), 10.0), reach_mm=20.0)))
    program = (
        "import signal, sys; from pathlib import Path; from imagio_sim.meshing.child import run_worker; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); "  # ignored where the tests run in the background
        f"run_worker(Path({str(recipe_file)!r}), Path({str(tmp_path / 'mesh.npz')!r}), 'hxt')"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL, start_new_session=True)
    child = child_that_meshes(parent.pid)
    os.kill(parent.pid, signal.SIGINT)
    parent.wait(timeout=10.0)
    assert not Path(f"/proc/{child}").exists()
    assert not (tmp_path / "mesh.npz").exists()


def child_that_meshes(parent: int) -> str:
    """The only child of a process, once it has loaded gmsh."""
    end = time.monotonic() + 60.0
    while time.monotonic() < end:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        if children and "libgmsh" in Path(f"/proc/{children[0]}/maps").read_text():
            assert len(children) == 1
            return children[0]
        time.sleep(0.01)
    raise AssertionError("nothing is being meshed")


def normal_recipe(device: str) -> MeshRecipe:
    library = load_device(device)
    rods = library.applicator()
    reach = reach_for(rods, largest_zone_mm=library.largest_zone.value)
    return recipe_for([placed("A", rods, (0, 0, -15), (30, 40, 80))], ball_points((0, 0, 0), 15.0), reach_mm=reach)


@pytest.mark.slow
def test_a_normal_mesh_of_a_needle_has_about_a_hundred_thousand_nodes() -> None:
    domain = generate(normal_recipe("cooled_17g_3cm")).domain
    assert 80_000 < len(domain.points_mm) < 115_000
    assert domain.minimum_quality > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("device", ["starburst_xl", "leveen_3.5cm", "cooled_cluster_17g_2.5cm", "bipolar_15g_2x2cm"])
def test_devices_of_the_library_can_be_meshed(device: str) -> None:
    domain = generate(normal_recipe(device)).domain
    assert every_boundary_facet_has_one_name(domain)
    assert domain.minimum_quality > 0.05
