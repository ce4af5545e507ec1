# SPDX-License-Identifier: LGPL-3.0-or-later
"""An infusion of lysolipid liposomes into tissue like liver, for tests of whole stages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from imagio_sim.physics.liposomes import BodyKinetics
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.sources import VolumeSource
from imagio_sim.solve.sources.liposomes import DrugExchange, LiposomeSpec, RateTable
from tests.solve.bricks import SIDE_MM, cube

AMOUNT = 1.6e-4
HEATED = 2.0e6


def heated(power: float = HEATED, end_time: float = 180.0, **changes: Any) -> ThermalCase:
    """The left quarter of a cube is heated from 20 to 140 s, liposomes are infused from the begin on."""
    case = cube(end_time=end_time, deciding_models=("arrhenius_hepg2", "drug_exposure"))
    cells = case.domain.points_mm[case.domain.cells].mean(axis=1)
    density = np.where(cells[:, 0] < SIDE_MM / 4.0, power, 0.0)
    beam = VolumeSource("beam", density, 20.0, 140.0)
    return replace(case, sources=(beam, infusion(len(cells), **changes)))


def infusion(cells: int, **changes: Any) -> LiposomeSpec:
    """90 mg of doxorubicin within 2 min from the begin on."""
    given = LiposomeSpec(
        infusion="liposomes_1",
        drug="doxorubicin",
        amount=AMOUNT,
        unencapsulated_share=0.02,
        mass_per_amount=0.57998e6,
        begin=0.0,
        duration=120.0,
        body=BodyKinetics(2.95e-3, 1.5e-4, 1.4e-5, 0.0177, 1.73e-5, 1.83, 1.41e-5, 0.071, 7.9e-6),
        release=RateTable((37.0, 39.5, 40.5, 41.5), (1.4e-5, 0.164, 0.485, 0.971)),
        permeability=RateTable((37.0, 42.0), (2e-10, 9.4e-9)),
        exchange=DrugExchange(2.667e-6, 8.333e-9, 0.75, 0.746, 8.586e-20, 4.03e-4, 2.52e-17),
        plasma_fraction=np.full(cells, 0.1),
        interstitial_fraction=np.full(cells, 0.15),
        vessel_surface=np.full(cells, 2e4),
        passable_surface=np.full(cells, 2e4),
        cell_density=np.full(cells, 6e14),
        haematocrit=0.42,
        target=np.zeros(cells),
    )
    return replace(given, **changes)
