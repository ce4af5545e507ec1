# SPDX-License-Identifier: LGPL-3.0-or-later
"""A cooled electrode of 2 cm in excised bovine and in living porcine liver (RF07)."""

from __future__ import annotations

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.bench import Bench, burned

PROGRAM = {"mode": "impedance_control", "duration": "12 min"}
DEVICE = "cooled_17g_2cm"


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Ratio of the small axes, and both sizes in excised liver, over what is not stated."""
    models: tuple[float, ...] = ()
    ratios, along, across = [], [], []
    for one in case.samples(8, seed=107):
        excised = burned(Bench(DEVICE, PROGRAM, excised=True, body_temperature=one["start temperature"]))
        values = {"perfusion_rate": f"{one['perfusion of the pigs']} 1/s"}
        living = burned(Bench(DEVICE, PROGRAM, body_temperature=38.0, values=values))
        ratios.append(living.size.across_mm / excised.size.across_mm)
        along.append(excised.size.along_mm)
        across.append(excised.size.across_mm)
        models = excised.over_models("across_mm")
    unknown = case.unknown_text
    return (
        judged("living by excised, across", "", ratios, within=(0.663, 0.863), reference=0.763, unknown=unknown),
        judged("along, excised", "mm", along, within=(30.1 * 0.85, 30.1 * 1.15), reference=30.1, unknown=unknown),
        judged(
            "across, excised",
            "mm",
            across,
            within=(26.2 * 0.85, 26.2 * 1.15),
            reference=26.2,
            models=models,
            unknown=unknown,
        ),
    )
