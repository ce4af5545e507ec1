# SPDX-License-Identifier: LGPL-3.0-or-later
"""Several sources that kill by one model: what none of them kills alone they may kill together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.sources.source import Deposit, HeatSource, Surroundings
from imagio_sim.solve.stage import COMBINED
from imagio_sim.tissue.death.combination import lethal_survival
from tests.solve.bricks import begun, cube

MODEL = "drug_exposure"


@dataclass(frozen=True)
class ToxinSpec:
    """Something that leaves one share of all cells alive."""

    name: str
    survival: float

    def source(self, surroundings: Surroundings) -> Toxin:
        return Toxin(self, surroundings)


class Toxin(HeatSource):
    def __init__(self, spec: ToxinSpec, surroundings: Surroundings) -> None:
        self.name, self._cells = spec.name, len(surroundings.case.domain.cells)
        self._survival = np.full(surroundings.space.count, spec.survival)

    def deposit(self, time: float, duration: float, middle: Floats) -> Deposit:
        return Deposit(np.zeros(self._cells))

    def survivals(self) -> dict[str, Floats]:
        return {MODEL: self._survival}

    def levels(self) -> dict[str, Floats]:
        return {MODEL: np.log(np.log(self._survival) / np.log(lethal_survival(MODEL)))}


def levels(*shares: float) -> dict[str, Floats]:
    specs = tuple(ToxinSpec(f"toxin {number}", share) for number, share in enumerate(shares))
    return begun(cube(sources=specs, deciding_models=("arrhenius_hepg2", MODEL))).levels()


@pytest.mark.parametrize(("share", "dies"), [(0.2, True), (0.5, False)])
def test_two_that_are_not_enough_alone_kill_where_their_product_does(share: float, dies: bool) -> None:
    assert share > lethal_survival(MODEL)
    assert (share**2 < lethal_survival(MODEL)) == dies
    for name in (MODEL, COMBINED):
        assert ((levels(share, share)[name] > 0.0) == dies).all()


def test_one_source_keeps_the_level_that_it_gives() -> None:
    assert levels(0.2)[MODEL] == pytest.approx(np.log(np.log(0.2) / np.log(lethal_survival(MODEL))))
