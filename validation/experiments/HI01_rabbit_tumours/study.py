# SPDX-License-Identifier: LGPL-3.0-or-later
"""Necrosis of rabbit VX2 tumours by one sonication of known highest temperature and time to it (HI01)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.focused import Bowl, Focused, Sample, Sonicated


@dataclass(frozen=True)
class Row:
    """Highest temperature [degC], time to it [s], necrosis and its standard deviation [mm3]."""

    hottest: float
    seconds: float
    necrosis: float
    spread: float


ROWS = {"10 days": Row(79.7, 4.3, 31.33, 6.28), "15 days": Row(79.8, 4.3, 45.00, 4.39)}


def sonicated(one: Mapping[str, float], row: Row) -> Sonicated:
    """A tumour of one age, for one set of what is unknown."""
    bowl = Bowl(1e6 * one["frequency"], 1e-3 * one["focal length"], one["focal length by aperture"])
    values = {"perfusion_rate": f"{one['perfusion']} 1/s"}
    sample = Sample("tumour_liver", 1e-3 * one["depth in tissue"], one["temperature of the rabbit"], values)
    return Focused(bowl, sample).sonicated_to(row.hottest, row.seconds)


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Volume of necrosis by age of the tumour, over what is unknown."""
    verdicts, samples = [], case.samples(12, seed=401)
    for age, row in ROWS.items():
        found = [sonicated(one, row) for one in samples]
        verdicts.append(
            judged(
                f"necrosis of a tumour of {age}",
                "mm3",
                [one.dead().tissue_volume_mm3 for one in found],
                within=(row.necrosis - 2.0 * row.spread, row.necrosis + 2.0 * row.spread),
                reference=row.necrosis,
                spread=row.spread,
                models=tuple(zone.tissue_volume_mm3 for zone in found[0].dead_by_all()),
                unknown=case.unknown_text,
            )
        )
    return tuple(verdicts)
