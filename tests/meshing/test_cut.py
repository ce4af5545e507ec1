# SPDX-License-Identifier: LGPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest

from imagio_sim.errors import InputError
from imagio_sim.meshing.cut import cut_air, cut_outside
from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.meshing.generate import generate
from imagio_sim.meshing.phantoms import box
from imagio_sim.meshing.sample import sample
from imagio_sim.meshing.topology import boundary_facets, facet_areas
from tests.meshing.made_anatomy import MadeAnatomy, cube_grid
from tests.meshing.needles import needle, small_recipe


def half_in_air(height: float) -> MadeAnatomy:
    """Air above a height, liver and fat below."""

    def tissue(points: np.ndarray) -> np.ndarray:
        return np.where(points[:, 2] > height, 2, np.where(points[:, 0] > 0.0, 1, 0))

    return MadeAnatomy(("fat", "liver", "air"), tissue)


def every_boundary_facet_has_one_name(domain: Domain) -> bool:
    named = np.sort(np.concatenate(list(domain.surfaces.values())), axis=1)
    exposed = np.sort(boundary_facets(domain.cells)[0], axis=1)
    return len(named) == len(exposed) and np.array_equal(np.unique(named, axis=0), np.unique(exposed, axis=0))


@pytest.fixture(scope="module")
def pierced() -> Domain:
    return generate(small_recipe(needle())).domain


def test_air_goes_and_leaves_skin(pierced: Domain) -> None:
    domain, sampled = cut_air(pierced, sample(pierced, half_in_air(18.0)))
    assert sampled.tissues == ("fat", "liver")
    assert sampled.fractions.sum(axis=1) == pytest.approx(1.0)
    assert len(sampled.wall_area_mm2) == len(domain.cells)
    assert every_boundary_facet_has_one_name(domain)
    cap = np.pi * 12.0**2 * (30.0 - 4.0)
    assert domain.cell_volumes_mm3.sum() == pytest.approx(pierced.cell_volumes_mm3.sum() - cap, rel=0.01)
    skin = domain.points_mm[domain.surfaces["skin"]].mean(axis=1)[:, 2]
    assert skin == pytest.approx(18.0, abs=3.0)
    flat = np.pi * (30.0**2 - 18.0**2)
    assert flat < facet_areas(domain.points_mm, domain.surfaces["skin"]).sum() < 1.8 * flat


def test_a_shaft_ends_at_the_skin_and_its_electrode_stays(pierced: Domain) -> None:
    domain, _ = cut_air(pierced, sample(pierced, half_in_air(18.0)))
    assert domain.points_mm[domain.surfaces["A.needle.shaft"]][:, :, 2].max() < 21.0
    areas = [facet_areas(d.points_mm, d.surfaces["A.needle.active"]).sum() for d in (pierced, domain)]
    assert areas[1] == pytest.approx(areas[0])


def test_an_electrode_wholly_in_air_is_refused(pierced: Domain) -> None:
    with pytest.raises(InputError, match=r"A\.needle\.active: .*wholly in air or beyond the image"):
        cut_air(pierced, sample(pierced, half_in_air(-20.0)))


def test_without_air_nothing_is_cut(pierced: Domain) -> None:
    sampled = sample(pierced, MadeAnatomy(("liver",), lambda points: np.zeros(len(points), dtype=np.int64)))
    assert cut_air(pierced, sampled) == (pierced, sampled)


def test_what_lies_beyond_the_image_goes(pierced: Domain) -> None:
    image = MadeAnatomy(
        ("liver",), lambda points: np.where(np.abs(points).max(axis=1) < 20.0, 0, -1), "cut", cube_grid(40, 1.0)
    )
    domain, sampled = cut_outside(pierced, sample(pierced, image))
    assert domain.cell_volumes_mm3.sum() == pytest.approx(40.0**3, rel=0.02)
    assert sampled.fractions.sum(axis=1) == pytest.approx(1.0)
    assert every_boundary_facet_has_one_name(domain)
    assert "image_border" in domain.surfaces


def outer_named(domain: Domain) -> Domain:
    """The domain with all its outside as ``boundary``."""
    return replace(domain, surfaces={"boundary": np.concatenate(list(domain.surfaces.values()))})


def only(tissue: np.ndarray) -> Sampled:
    zeros = np.zeros(len(tissue))
    return Sampled(("liver", "air"), np.column_stack([1.0 - tissue, tissue]), zeros, zeros, zeros, zeros)


def test_what_is_cut_off_goes_too() -> None:
    domain = outer_named(box(6, 6.0))
    heights = domain.points_mm[domain.cells].mean(axis=1)[:, 2]
    slit = ((heights > 4.0) & (heights < 5.0)).astype(float)
    kept, _ = cut_air(domain, only(slit))
    assert kept.cell_volumes_mm3.sum() == pytest.approx(6.0 * 6.0 * 4.0)
    assert facet_areas(kept.points_mm, kept.surfaces["skin"]).sum() == pytest.approx(36.0)


def test_two_cuts_share_the_skin() -> None:
    domain = outer_named(box(6, 6.0))
    first, _ = cut_air(domain, only((domain.points_mm[domain.cells].mean(axis=1)[:, 2] > 4.0).astype(float)))
    share = (first.points_mm[first.cells].mean(axis=1)[:, 0] > 4.0).astype(float)
    second, _ = cut_air(first, only(share))
    assert facet_areas(second.points_mm, second.surfaces["skin"]).sum() == pytest.approx(4.0 * 6.0 + 4.0 * 6.0)
