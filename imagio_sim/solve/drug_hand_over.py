# SPDX-License-Identifier: LGPL-3.0-or-later
"""A drug on its way from one stage to the next: as fields of amounts per volume, and numbers.

On another mesh amounts are set right: what the fields hold there is scaled to what was left, and told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.drug_kinetics import DepotDrugState
from imagio_sim.solve.drug_organ import DrugOrgan

_DEPOT, _TOTAL, _AFLOAT = "depot/", "total/", "afloat/"
_PLACES, _EXPOSURE = ("free", "bound", "cells"), "exposure"


def fields_of(depots: Sequence[str], state: DepotDrugState, exposure: Floats) -> dict[str, Floats]:
    """Drug at the nodes (count,), in all and by shell, and the exposure (s, count)."""
    held = {f"{_DEPOT}{name}": load for name, load in zip(depots, state.depots, strict=True)}
    parts = {name: getattr(state, name) for name in _PLACES}
    shells = {f"{name}/{shell}": row for name, rows in parts.items() for shell, row in enumerate(rows)}
    whole = {name: rows.sum(axis=0) for name, rows in parts.items()}
    exposures = {f"{_EXPOSURE}/{shell}": row for shell, row in enumerate(exposure)}
    return {**held, **whole, **shells, **exposures}


def amounts_of(organ: DrugOrgan, fields: Mapping[str, Floats]) -> dict[str, float]:
    """What fields of amounts hold [mol]."""
    return {f"{_TOTAL}{name}": organ.amount(values) for name, values in fields.items() if _is_amount(name)}


def state_from(organ: DrugOrgan, depots: Sequence[str], fields: Mapping[str, Floats]) -> DepotDrugState:
    """The drug in the tissue that :func:`fields_of` gave; a depot of which nothing is known there is empty."""
    shells = organ.shells.share
    return replace(
        DepotDrugState.empty(len(depots), *shells.shape),
        depots=np.array([fields.get(f"{_DEPOT}{name}", np.zeros(shells.shape[1])) for name in depots]).reshape(
            len(depots), -1
        ),
        free=by_shell(shells, fields, "free"),
        bound=by_shell(shells, fields, "bound"),
        cells=by_shell(shells, fields, "cells"),
    )


def exposure_from(organ: DrugOrgan, fields: Mapping[str, Floats]) -> Floats:
    """The exposure (s, count) that :func:`fields_of` gave."""
    return by_shell(organ.shells.share, fields, _EXPOSURE, amount=False)


def by_shell(shares: Floats, fields: Mapping[str, Floats], name: str, *, amount: bool = True) -> Floats:
    """Values in the shells (s, count), of which the tissue has these shares (s, count).

    Where an earlier stage had another number of shells, amounts per volume of all tissue are spread over the tissue
    alike, and anything else takes its mean.
    """
    count = sum(key.startswith(f"{name}/") for key in fields)
    rows = np.array([fields[f"{name}/{shell}"] for shell in range(count)])
    if len(rows) == len(shares):
        return rows
    return np.asarray(rows.sum(axis=0) * shares if amount else rows.mean(axis=0) * (shares > 0.0))


def set_right(
    organ: DrugOrgan, fields: Mapping[str, Floats], numbers: Mapping[str, float]
) -> tuple[dict[str, Floats], float]:
    """Fields that hold what ``numbers`` say, and by how much [mol], without its sign, they held something else."""
    # sums over the shells are handed on as well, but nothing is taken from them
    taken = [name for name in fields if _is_amount(name) and name not in _PLACES]
    corrected = sum(abs(organ.amount(fields[name]) - numbers[f"{_TOTAL}{name}"]) for name in taken)
    return {name: _rescaled(organ, name, values, numbers) for name, values in fields.items()}, corrected


def _rescaled(organ: DrugOrgan, name: str, values: Floats, numbers: Mapping[str, float]) -> Floats:
    held = organ.amount(values) if _is_amount(name) else 0.0
    return values * (numbers[f"{_TOTAL}{name}"] / held) if held > 0.0 else values


def _is_amount(name: str) -> bool:
    return name.startswith(_DEPOT) or name.partition("/")[0] in _PLACES


def body_of(depots: Sequence[str], state: DepotDrugState) -> dict[str, float]:
    """Amounts in the body [mol]."""
    first, second = state.peripheral
    afloat = {f"{_AFLOAT}{name}": float(amount) for name, amount in zip(depots, state.afloat, strict=True)}
    body = {"plasma": state.plasma, "peripheral_1": float(first), "peripheral_2": float(second)}
    return {**afloat, **body, "cleared": state.cleared}


def with_body(depots: Sequence[str], state: DepotDrugState, body: Mapping[str, float]) -> DepotDrugState:
    """A state with the body that :func:`body_of` gave."""
    return replace(
        state,
        afloat=np.array([body.get(f"{_AFLOAT}{name}", 0.0) for name in depots]),
        plasma=body["plasma"],
        peripheral=np.array([body["peripheral_1"], body["peripheral_2"]]),
        cleared=body["cleared"],
    )
