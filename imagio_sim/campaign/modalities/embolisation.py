# SPDX-License-Identifier: LGPL-3.0-or-later
"""Closed arterioles: what is left of the perfusion, and what dies of it.

An embolisation closes a share ``occlusion`` of the arterioles in its territory until its particles have gone (or its
oil, where no particles follow it). A later one closes that share of those that are open then. Tissue loses the arterial
share of its blood where its arterioles are closed; portal blood stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.infusions.delivery import Delivered
from imagio_sim.campaign.infusions.infused_patient import fed_tissues
from imagio_sim.campaign.modalities.setting import StageSetting
from imagio_sim.pharmacy.library import Pharmacy
from imagio_sim.plan.infusions import EmbolicInfusion
from imagio_sim.solve.sources import SourceSpec
from imagio_sim.solve.sources.ischaemia import ClosedTissue, IschaemiaSpec

Floats = NDArray[np.float64]


class Closure(NamedTuple):
    """What one embolisation closed.

    Attributes
    ----------
    elapsed
        Time [s] from it to the begin of the stage.
    lasting
        Time [s] after which its arterioles are open again.
    share
        Share of the arterioles of each tissue in each cell (m, t) that it closed.
    """

    elapsed: float
    lasting: float
    share: Floats


def perfusion_factor(setting: StageSetting) -> Floats:
    """What is left of the perfusion of each cell (m,) at the begin of the stage."""
    return _perfusion_factor(setting, closures(setting))


def sources(setting: StageSetting) -> tuple[SourceSpec, ...]:
    """Ischaemia of what has been embolised up to the stage."""
    found = closures(setting)
    if not found:
        return ()
    sampled, arterial = setting.geometry.sampled, _arterial_shares(setting, found)
    parts = [
        ClosedTissue(tissue, one.elapsed, one.lasting, 1.0 - float(arterial[column]), share[:, column])
        for one in found
        for share in (one.share * sampled.fractions,)
        for column, tissue in enumerate(sampled.tissues)
        if arterial[column] > 0.0 and share[:, column].any()
    ]
    return (IschaemiaSpec(tuple(parts), _perfusion_factor(setting, found)),)


def closures(setting: StageSetting) -> tuple[Closure, ...]:
    """Every embolisation up to the stage, in order."""
    found: list[Closure] = []
    for one in setting.infusions():
        if isinstance(one.infusion, EmbolicInfusion) and one.delivered is not None:
            still_open = _open_share(setting, found, one.elapsed)
            share = still_open * one.infusion.occlusion * _reached_share(setting, one.delivered)
            found.append(Closure(one.elapsed, closed_for(one.infusion, setting.scenario.pharmacy), share))
    return tuple(found)


def _open_share(setting: StageSetting, found: Sequence[Closure], before: float) -> Floats:
    """Share of the arterioles of each tissue in each cell (m, t) that is open at a time [s] before the stage begins."""
    closed = [one.share for one in found if one.elapsed - before < one.lasting]
    return np.asarray(1.0 - np.sum([np.zeros_like(setting.geometry.sampled.fractions), *closed], axis=0))


def _reached_share(setting: StageSetting, delivered: Delivered) -> Floats:
    """Share of each tissue in each cell (m, t) that an infusion reaches; tissues that its artery does not feed: 0.

    The territory counts whole cells; at the organ's surface its share of a cell is all in the organ's part of it.
    """
    anatomy, fractions = setting.geometry.anatomy, setting.geometry.sampled.fractions
    assert anatomy is not None  # only the half plane has none, and a plan refuses infusions there
    tissues = fed_tissues(anatomy, delivered.infusion)
    fed = np.array([name in tissues for name in setting.geometry.sampled.tissues])
    part = fractions @ fed.astype(float)
    reached = setting.cell_territory(delivered) / np.where(part > 0.0, part, 1.0)
    return np.asarray(np.minimum(reached, 1.0)[:, None] * fed)


def closed_for(infusion: EmbolicInfusion, pharmacy: Pharmacy) -> float:
    """Time [s] after which the arterioles are open again: when the particles have gone, or else the oil."""
    entries = infusion.library_entries(pharmacy)
    if "particles" in entries:
        return float(entries["particles"].value("occlusion_time"))
    return 1.0 / float(entries["oil"].value("washout_rate_normal"))


def _perfusion_factor(setting: StageSetting, found: Sequence[Closure]) -> Floats:
    sampled = setting.geometry.sampled
    flow = sampled.fractions * [setting.scenario.tissue(name).value("perfusion_rate") for name in sampled.tissues]
    closed = 1.0 - _open_share(setting, found, 0.0)
    lost, total = (flow * closed) @ _arterial_shares(setting, found), flow.sum(axis=1)
    return np.asarray(1.0 - lost / np.where(total > 0.0, total, 1.0))


def _arterial_shares(setting: StageSetting, found: Sequence[Closure]) -> Floats:
    """Arterial share of each tissue's blood (t,), 0 for those that are not perfused or that no closure touches.

    Raises
    ------
    InputError
        Naming the tissue that lacks it and is embolised.
    """
    sampled = setting.geometry.sampled
    shares = np.zeros(len(sampled.tissues))
    for column, name in enumerate(sampled.tissues):
        tissue, present = setting.scenario.tissue(name), sampled.fractions[:, column] > 0.0
        touched = any((one.share[present, column] > 0.0).any() for one in found)
        if touched and tissue.value("perfusion_rate") > 0.0:
            shares[column] = tissue.value("arterial_share")
    return shares
