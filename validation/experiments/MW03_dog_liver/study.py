# SPDX-License-Identifier: LGPL-3.0-or-later
"""Width of zones of a cooled antenna in living dog liver, with what excised liver calibrated (MW03, cooled rows)."""

from __future__ import annotations

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.bench import Bench, burned
from validation.experiments.he2010 import efficiency, root_mean_square, widths
from validation.experiments.MW01_cooled_excised.study import ANTENNAS, CALIBRATES

MINUTES = (5.0, 10.0, 15.0, 20.0)
MEASURED = {30.0: (19.0, 21.0, 23.0, 24.0), 40.0: (21.0, 28.0, 29.0, 33.0), 50.0: (22.0, 29.0, 31.0, 32.0)}


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Root mean square of the deviations of each power, over antennas."""
    verdicts = []
    for watt, measured in MEASURED.items():
        errors = []
        for antenna in ANTENNAS:
            power = watt * efficiency(antenna, CALIBRATES)
            program = {"mode": "constant_power", "power": f"{power} W", "duration": "20 min"}
            bench = Bench(antenna, program, species="dog", body_temperature=38.0)
            errors.append(root_mean_square(widths(burned(bench, [60.0 * one for one in MINUTES]), MINUTES), measured))
        name = f"rms deviation of the width, {watt:g} W, 5 to 20 min"
        verdicts.append(judged(name, "mm", errors, within=(None, 5.0), unknown="the antenna"))
    return tuple(verdicts)
