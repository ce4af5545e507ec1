# SPDX-License-Identifier: LGPL-3.0-or-later
"""One plasma for all sources of a drug: what each brings, followed alone, adds up to what both bring together."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.meshing.domain import Domain
from imagio_sim.outcome.course import TimeCourse, summed
from imagio_sim.solve.drug_depots import EmulsionDepot
from tests.solve.drugs import GIVEN, HOUR, Floats, drugged, emulsion, marched, middles, spec, volumes

LITTLE = 1e-3 * GIVEN
"""So little [mol] that no transporter of a cell is busy: all is linear."""


def elsewhere(domain: Domain) -> Floats:
    """Of a unit amount (m,) [1/m3], even over the cells near the opposite corner."""
    far = np.linalg.norm(middles(domain) - domain.points_mm.max(axis=0), axis=1) < 8.0
    return np.asarray(far / volumes(domain)[far].sum())


def depots(domain: Domain) -> tuple[EmulsionDepot, EmulsionDepot]:
    """A quick one with a burst, and a slow one elsewhere."""
    quick = emulsion(domain, name="quick", given=LITTLE)
    slow = emulsion(
        domain, name="slow", given=2.0 * LITTLE, burst_share=0.0, release_rate=1e-4, density=elsewhere(domain)
    )
    return quick, slow


def test_plasma_of_two_sources_together_is_the_sum_of_what_each_brings() -> None:
    def facts(*numbers: int) -> dict[str, object]:
        case = drugged(6.0 * HOUR)
        chosen = tuple(depots(case.domain)[number] for number in numbers)
        _, source = marched(drugged(6.0 * HOUR, depots=chosen))
        return source.facts()

    def course(found: dict[str, object]) -> TimeCourse:
        return TimeCourse.joined([(0.0, found["plasma_course_mol_per_m3"])])  # type: ignore[list-item]

    together, first, second = facts(0, 1), facts(0), facts(1)
    whole, added = course(together), summed([course(first), course(second)])
    assert added.peak[0] == pytest.approx(whole.peak[0], rel=5e-3)
    assert added.peak[0] > 1.1 * max(course(one).peak[0] for one in (first, second))
    times = np.linspace(600.0, 6.0 * HOUR, 40)
    assert np.abs(added.at(times) - whole.at(times)).max() < 0.01 * whole.peak[0]
    areas = [float(one["plasma_auc_mol_s_per_m3"]) for one in (together, first, second)]  # type: ignore[arg-type]
    assert areas[1] + areas[2] == pytest.approx(areas[0], rel=5e-3)
    books = [one["balance_mol"]["loaded"] for one in (together, first, second)]  # type: ignore[index]
    assert books[1] + books[2] == pytest.approx(books[0])
    assert all(abs(float(one["balance_error"])) < 1e-9 for one in (together, first, second))  # type: ignore[arg-type]


def test_drug_in_droplets_that_blood_carries_is_in_the_balance_and_not_in_the_plasma_at_once() -> None:
    case = drugged(6.0 * HOUR)
    fast = {"washout_rate": np.full(len(case.domain.cells), 1e-4), "burst_share": 0.0, "given": LITTLE}

    def peak(release: float) -> float:
        oil = emulsion(case.domain, release_rate=release, **fast)
        _, source = marched(drugged(6.0 * HOUR, depots=(oil,)))
        found = source.facts()
        assert found["balance_mol"]["oil_in_blood"] > 0.0
        assert abs(found["balance_error"]) < 1e-9
        return float(found["plasma_peak_mol_per_m3"])

    at_once = LITTLE * 1e-4 * 6.0 * HOUR / spec(case.domain).body.plasma_volume
    assert 0.0 < peak(1e-9) < 1e-3 * at_once < peak(1e-4)
