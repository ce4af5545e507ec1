# SPDX-License-Identifier: LGPL-3.0-or-later
"""Width of zones of a cooled antenna in excised porcine liver at 30 and 50 W; 40 W calibrates (MW01)."""

from __future__ import annotations

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.he2010 import efficiency, excised, root_mean_square, widths

ANTENNAS = ("mw_choked_ceramic", "mw_equivalent_13g")
"""The cooled ones of the library; that of the experiment is not described."""
CALIBRATES = (25.0, 30.0, 32.0, 34.0, 39.0, 42.0)
MEASURED = {30.0: (24.0, 27.0, 30.0, 34.0, 40.0, 43.0), 50.0: (27.0, 34.0, 37.0, 39.0, 43.0, 45.0)}


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Root mean square of the deviations of each power, over antennas."""
    verdicts = []
    for watt, measured in MEASURED.items():
        errors = [
            root_mean_square(widths(excised(antenna, watt * efficiency(antenna, CALIBRATES))), measured)
            for antenna in ANTENNAS
        ]
        name = f"rms deviation of the width, {watt:g} W, 6 to 16 min"
        verdicts.append(judged(name, "mm", errors, within=(None, 4.0), unknown="the antenna"))
    return tuple(verdicts)
