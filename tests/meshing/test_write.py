# SPDX-License-Identifier: LGPL-3.0-or-later
import json
from pathlib import Path

import meshio
import numpy as np
import pytest

from imagio_sim.errors import InputError
from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.meshing.phantoms import box
from imagio_sim.meshing.write import FORMATS, check_suffix, write_mesh


@pytest.fixture
def sampled_box() -> tuple[Domain, Sampled]:
    domain = box(3, 6.0)
    liver = (domain.points_mm[domain.cells].mean(axis=1)[:, 0] > 2.0).astype(float)
    zeros = np.zeros(len(liver))
    return domain, Sampled(("fat", "liver"), np.column_stack([1.0 - liver, liver]), zeros, zeros, zeros, liver)


def cells_of(mesh: meshio.Mesh, kind: str) -> np.ndarray:
    return np.concatenate([block.data for block in mesh.cells if block.type == kind])


@pytest.mark.parametrize("suffix", sorted(set(FORMATS) - {".inp"}))
def test_every_format_keeps_tissues_and_surfaces(
    sampled_box: tuple[Domain, Sampled], suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    domain, sampled = sampled_box
    path = tmp_path / f"mesh{suffix}"
    legend = json.loads(write_mesh(domain, sampled, path).read_text())
    assert capfd.readouterr() == ("", "")
    mesh = meshio.read(path)
    _, tag_name = FORMATS[suffix]
    tags = {"tetra": np.empty(0), "triangle": np.empty(0)}
    for block, values in zip(mesh.cells, mesh.cell_data[tag_name], strict=True):
        tags[block.type] = np.concatenate([tags[block.type], np.ravel(values)])
    assert np.bincount(tags["tetra"].astype(int)).tolist() == [0, 54, 108]
    assert {legend[str(int(tag))] for tag in np.unique(tags["triangle"])} == {
        f"surface {name}" for name in domain.surfaces
    }
    corners = mesh.points[cells_of(mesh, "tetra")]
    assert np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])).sum() / 6.0 == pytest.approx(216.0, rel=1e-6)


def test_abaqus_keeps_them_as_named_sets(sampled_box: tuple[Domain, Sampled], tmp_path: Path) -> None:
    path = tmp_path / "mesh.inp"
    write_mesh(*sampled_box, path)
    sets = meshio.read(path).cell_sets
    assert sum(len(part) for part in sets["liver"]) == 108
    assert sum(len(part) for part in sets["surface_x_min"]) == 18


def test_gmsh_reads_the_names(sampled_box: tuple[Domain, Sampled], tmp_path: Path) -> None:
    path = tmp_path / "mesh.msh"
    write_mesh(*sampled_box, path)
    names = meshio.read(path).field_data
    assert names["liver"].tolist() == [2, 3]
    assert names["surface z_max"][1] == 2


def test_vtk_holds_what_was_sampled(sampled_box: tuple[Domain, Sampled], tmp_path: Path) -> None:
    path = tmp_path / "mesh.vtu"
    write_mesh(*sampled_box, path)
    data = meshio.read(path).cell_data
    assert data["fraction_liver"][0].sum() == 108.0
    assert data["lumen_fraction"][0].sum() == 108.0


def test_an_unknown_suffix_is_refused_with_all_that_are_known() -> None:
    with pytest.raises(InputError, match=r"expected \.avs, \.inp, .*\.vtu.*got the suffix '\.stp'"):
        check_suffix(Path("mesh.stp"))
    with pytest.raises(InputError, match="no suffix"):
        check_suffix(Path("mesh"))


def test_a_path_below_a_file_is_refused(sampled_box: tuple[Domain, Sampled], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="a path that cannot be written"):
        write_mesh(*sampled_box, tmp_path / "file" / "mesh.vtu")
