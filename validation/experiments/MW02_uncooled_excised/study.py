# SPDX-License-Identifier: LGPL-3.0-or-later
"""Width of zones of an uncooled antenna in excised porcine liver at 30 and 50 W; 40 W calibrates (MW02)."""

from __future__ import annotations

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.he2010 import MINUTES, efficiency, excised, root_mean_square, widths

ANTENNAS = ("mw_single_slot", "mw_dual_slot")
"""Uncooled ones of the library; that of the experiment is not described."""
CALIBRATES = (20.0, 25.0, 28.0, 31.0, 34.0, 41.0)
MEASURED = {30.0: (19.0, 22.0, 26.0, 28.0, 30.0, 35.0), 50.0: (26.0, 28.0)}


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Root mean square of the deviations of each power, over antennas."""
    verdicts = []
    for watt, measured in MEASURED.items():
        minutes = MINUTES[: len(measured)]
        errors = [
            root_mean_square(
                widths(excised(antenna, watt * efficiency(antenna, CALIBRATES), minutes), minutes), measured
            )
            for antenna in ANTENNAS
        ]
        name = f"rms deviation of the width, {watt:g} W, 6 to {minutes[-1]:g} min"
        verdicts.append(judged(name, "mm", errors, within=(None, 4.0), unknown="the antenna"))
    return tuple(verdicts)
