# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a drug's source says of it: where it is, how far it has gone, and what to beware of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from imagio_sim.solve.bead_shells import WIDEST, fewest
from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.drug_book import DrugBook
from imagio_sim.solve.drug_depots import BeadDepot, EmulsionDepot
from imagio_sim.solve.drug_kinetics import DepotDrugState
from imagio_sim.solve.drug_organ import DrugOrgan

# Share of the beads in tissue with too few of them to fill it with their shells, above which that is told.
_MANY_SPARSE = 0.05


def amounts(organ: DrugOrgan, state: DepotDrugState, book: DrugBook) -> dict[str, float]:
    """Where the drug is [mol]: ``plasma`` with what it exchanges with; of emulsions also in what blood carried away."""
    emulsified = any(isinstance(depot, EmulsionDepot) for depot in organ.spec.depots)
    afloat = {"oil_in_blood": float(state.afloat.sum())} if emulsified else {}
    return {
        "depots": organ.amount(state.depots.sum(axis=0)),
        "free": organ.amount(state.free.sum(axis=0)),
        "bound": organ.amount(state.bound.sum(axis=0)),
        "cells": organ.amount(state.cells.sum(axis=0)),
        **afloat,
        "plasma": state.plasma + float(state.peripheral.sum()),
        "cleared": state.cleared,
        "elsewhere": book.elsewhere,
    }


def target_mean(organ: DrugOrgan, state: DepotDrugState) -> float:
    """Mean concentration in the tissue of the target outside of depots [mol/m3]; nothing without a target."""
    held = (state.free + state.bound + state.cells).sum(axis=0)
    return organ.space.node_sum(held * organ.target) / max(organ.target_volume, 1e-300)


@dataclass(frozen=True, eq=False)
class DrugStatement:
    """The end of a stage.

    ``exposure`` (s, count) is the time integral of the free concentration [mol s/m3].
    """

    organ: DrugOrgan
    state: DepotDrugState
    book: DrugBook
    exposure: Floats

    def fields(self) -> dict[str, Floats]:
        """Drug per volume of fluid (free, bound) and of tissue (cells, depots), exposure, and pressure of the fluid."""
        begin, organ, state = f"drug_{self.organ.spec.drug}", self.organ, self.state
        return {
            f"{begin}_free_mol_per_m3": organ.dissolved(state.free),
            f"{begin}_bound_mol_per_m3": organ.dissolved(state.bound),
            f"{begin}_cells_mol_per_m3": state.cells.sum(axis=0),
            f"{begin}_depot_mol_per_m3": state.depots.sum(axis=0),
            f"{begin}_exposure_mol_s_per_m3": organ.shells.mean(self.exposure),
            "interstitial_pressure_Pa": organ.flow.pressure,
        }

    def facts(self) -> dict[str, Any]:
        """Where the drug is, how exactly it was followed, and what the body has seen of it."""
        book, organ, spec = self.book, self.organ, self.organ.spec
        where = amounts(organ, self.state, book)
        return {
            "drug": spec.drug,
            "molar_mass_g_per_mol": 1e3 * spec.molar_mass,
            "mg_per_mol": spec.mass_per_amount,
            "balance_mol": {"loaded": book.loaded, **where},
            "balance_error": book.error_of(where),
            "largest_balance_error": book.largest_error,
            "corrected_share": sum(book.corrected_shares.values()),
            "corrected_shares": book.corrected_shares,
            "plasma_peak_mol_per_m3": book.peak,
            "plasma_peak_s": book.peak_time,
            "plasma_auc_mol_s_per_m3": book.area,
            "penetration_depth_mm": self._penetration_depth_mm(),
            "particles_per_ml": self._particles_per_ml(),
            "target_share_of_drug": self._in_target() if organ.target_volume > 0.0 else None,
            **self._fluid(),
        }

    def _fluid(self) -> Mapping[str, float]:
        organ = self.organ
        inside, speed = organ.volume * organ.wet, np.linalg.norm(organ.flow.velocity, axis=1)
        mean = organ.space.node_sum(organ.flow.pressure * inside) / max(organ.space.node_sum(inside), 1e-300)
        return {
            "interstitial_pressure_mean_Pa": mean,
            "interstitial_pressure_highest_Pa": organ.space.maximum(organ.flow.pressure),
            "interstitial_velocity_highest_um_per_s": 1e6 * organ.space.maximum(speed),
        }

    def _in_target(self) -> float:
        """Share of what the tissue holds that is in the target."""
        state, organ = self.state, self.organ
        held = state.depots.sum(axis=0) + (state.free + state.bound + state.cells).sum(axis=0)
        return organ.space.node_sum(held * organ.target) / max(organ.amount(held), 1e-300)

    def _penetration_depth_mm(self) -> float | None:
        """How far from a bead the tissue has held a tenth of the exposure beside it, mean over the beads [mm]."""
        organ = self.organ
        if len(organ.shells.share) == 1:
            return None
        number = organ.bead_density * organ.wet
        return (
            1e3
            * organ.amount(number * _reach(self.exposure, organ.shells.distances))
            / max(organ.amount(number), 1e-300)
        )

    def _particles_per_ml(self) -> dict[str, float]:
        """Highest number of beads per millilitre of tissue, by infusion."""
        organ = self.organ
        return {
            depot.name: 1e-6 * depot.beads * organ.space.maximum(organ.density_of(depot))
            for depot in organ.spec.depots
            if isinstance(depot, BeadDepot)
        }

    def warnings(self) -> list[str]:
        """Whether many beads lie too far apart for their shells to fill the tissue between them."""
        share, drug = self._sparse_share(), self.organ.spec.drug
        if share <= _MANY_SPARSE:
            return []
        warning = (
            f"{100.0 * share:.0f} % of the beads with {drug} lie in tissue with fewer than "
            f"{1e-6 * fewest('sphere'):.0f} of them per ml: {drug} that goes farther than {1e3 * WIDEST:g} mm from a "
            "bead is not followed there, and what beads, tissue and blood hold may be wrong by a quarter of the dose"
        )
        return [warning]

    def _sparse_share(self) -> float:
        """Share of the beads, and so of what they brought, in tissue that their shells do not fill."""
        organ = self.organ
        beads = [depot for depot in organ.spec.depots if isinstance(depot, BeadDepot)]
        if not beads:
            return 0.0
        number = organ.bead_density * organ.wet
        sparse = number * (organ.bead_density < fewest(beads[0].shape))
        return organ.amount(sparse) / max(organ.amount(number), 1e-300)


def _reach(values: Floats, distances: Floats) -> Floats:
    """Distance (count,) at which values (s, count) fall below a tenth of the first, linear between shells."""
    below = values < 0.1 * values[0]
    first = np.where(below.any(axis=0), below.argmax(axis=0), len(values) - 1)
    node = np.arange(values.shape[1])
    near, far = np.maximum(first - 1, 0), first
    drop = values[near, node] - values[far, node]
    share = np.where(drop > 0.0, (values[near, node] - 0.1 * values[0]) / np.where(drop > 0.0, drop, 1.0), 1.0)
    return np.asarray(distances[near, node] + np.clip(share, 0.0, 1.0) * (distances[far, node] - distances[near, node]))
