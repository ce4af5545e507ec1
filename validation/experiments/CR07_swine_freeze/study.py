# SPDX-License-Identifier: LGPL-3.0-or-later
"""Ice of one freeze of 15 min and of two of 10 min in liver and kidney of swine (CR07)."""

from __future__ import annotations

from collections.abc import Mapping

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.bench import Bench, Burned, burned

NEEDLES = ("icerod_17g", "icesphere_17g", "iceedge_13g")
"""Neither the needle nor their number is in the abstract."""
SINGLE = {"mode": "freeze_thaw", "phases": [{"action": "freeze", "duration": "15 min"}]}
DOUBLE = {
    "mode": "freeze_thaw",
    "phases": [
        {"action": "freeze", "duration": "10 min"},
        {"action": "passive_thaw", "duration": "8 min"},
        {"action": "freeze", "duration": "10 min"},
    ],
}


def frozen(needle: str, tissue: str, program: Mapping[str, object]) -> Burned:
    """In a pig of 38 degC."""
    return burned(Bench(needle, program, tissue, species="pig", body_temperature=38.0))


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Liver by kidney and two freezes by one, over needles; by the lethal isotherm that decides."""
    liver = [frozen(needle, "liver", SINGLE) for needle in NEEDLES]
    kidney = [frozen(needle, "kidney", SINGLE) for needle in NEEDLES]
    twice = [frozen(needle, "liver", DOUBLE) for needle in NEEDLES]
    organs = [one.size.across_mm / other.size.across_mm for one, other in zip(liver, kidney, strict=True)]
    freezes = [one.size.across_mm / other.size.across_mm for one, other in zip(twice, liver, strict=True)]
    first = zip(liver[0].over_models("across_mm"), kidney[0].over_models("across_mm"), strict=True)
    models = tuple(one / other for one, other in first)
    return (
        judged(
            "width, liver by kidney", "", organs, within=(1.0, 1.4), reference=1.1, models=models, unknown="the needle"
        ),
        judged(
            "width, 10-8-10 by 15 min, liver", "", freezes, within=(0.85, 1.15), reference=1.0, unknown="the needle"
        ),
    )
