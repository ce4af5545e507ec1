# SPDX-License-Identifier: LGPL-3.0-or-later
"""A cooled electrode for 12 min in living porcine liver (RF10)."""

from __future__ import annotations

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.bench import Bench, burned

PROGRAM = {"mode": "impedance_control", "duration": "12 min"}


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Both axes, over exposed length and perfusion."""
    burns = []
    for one in case.samples(8, seed=110):
        values = {"perfusion_rate": f"{one['perfusion of the pigs']} 1/s"}
        length = min(4, int(one["exposed length"]))
        burns.append(burned(Bench(f"cooled_17g_{length}cm", PROGRAM, body_temperature=38.0, values=values)))
    along, across = [one.size.along_mm for one in burns], [one.size.across_mm for one in burns]
    unknown, models = case.unknown_text, burns[0].over_models("across_mm")
    return (
        judged("along", "mm", along, within=(39.1, 52.9), reference=46.0, spread=2.0, unknown=unknown),
        judged("across", "mm", across, within=(25.7, 34.7), reference=30.2, spread=2.0, models=models, unknown=unknown),
    )
