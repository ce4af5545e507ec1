# SPDX-License-Identifier: LGPL-3.0-or-later
"""Temperature over distance and zones at 915 MHz and 2.45 GHz in excised porcine liver, 45 W for 10 min (MW07)."""

from __future__ import annotations

import numpy as np

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.bench import Bench, Burned, burned

PROGRAM = {"mode": "constant_power", "power": "45 W", "duration": "10 min"}
DISTANCES_MM = (10.0, 15.0, 20.0, 25.0, 30.0)
START = 20.0
HEIGHT_MM = 9.0
"""Of the thermometers above the tip: beside the slots."""


def burn(antenna: str) -> Burned:
    """With thermometers beside the slots."""
    probes = {f"at_{distance:g}": (distance, HEIGHT_MM) for distance in DISTANCES_MM}
    return burned(Bench(antenna, PROGRAM, excised=True, body_temperature=START, probes=probes))


def exponential_r2(found: Burned) -> float:
    """Coefficient of determination of an exponential through the rises at the end."""
    rises = np.log([found.course(f"at_{distance:g}")[1][-1] - START for distance in DISTANCES_MM])
    line = np.polyval(np.polyfit(DISTANCES_MM, rises, 1), DISTANCES_MM)
    return float(1.0 - np.sum((rises - line) ** 2) / np.sum((rises - rises.mean()) ** 2))


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """The exponential fall, and which of the two is wider."""
    slow, fast = burn("mw_dual_slot_915"), burn("mw_dual_slot")
    ratio = slow.size.across_mm / fast.size.across_mm
    return (
        judged("R2 of an exponential, 2.45 GHz", "", exponential_r2(fast), within=(0.9, None)),
        judged("R2 of an exponential, 915 MHz", "", exponential_r2(slow), within=(0.9, None)),
        judged("width at 915 MHz by that at 2.45 GHz", "", ratio, within=(None, 1.0), reference=15.0 / 17.0),
    )
