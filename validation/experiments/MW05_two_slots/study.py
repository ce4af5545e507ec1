# SPDX-License-Identifier: LGPL-3.0-or-later
"""How round zones of a cooled dual-slot antenna and of a cooled monopole are in excised bovine liver, 50 W (MW05)."""

from __future__ import annotations

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.bench import Bench, burned

PROGRAM = {"mode": "constant_power", "power": "50 W", "duration": "5 min"}
MEASURED = {2.0: (0.75, 0.53), 5.0: (0.82, 0.63)}
"""Width by length after some minutes, dual slot and monopole."""


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """The difference of the ratios, from the temperature of a room."""
    times = [60.0 * minutes for minutes in MEASURED]
    both = [
        burned(Bench(antenna, PROGRAM, excised=True, body_temperature=20.0), times)
        for antenna in ("mw_dual_slot_cooled", "mw_monopole_cooled")
    ]
    verdicts = []
    for minutes, (dual, mono) in MEASURED.items():
        sizes = [one.size_at(60.0 * minutes) for one in both]
        ratios = [size.across_mm / size.along_mm for size in sizes]
        difference = dual - mono
        limits = (max(0.0, difference - 0.12), difference + 0.12)
        name = f"width by length, dual slot minus monopole, {minutes:g} min"
        verdicts.append(judged(name, "", ratios[0] - ratios[1], within=limits, reference=difference))
    return tuple(verdicts)
