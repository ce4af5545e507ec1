# SPDX-License-Identifier: LGPL-3.0-or-later
"""Burns at constant current through a cooled 15 G electrode in excised bovine liver (RF02, monopolar rows)."""

from __future__ import annotations

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.bench import Bench, Burned, burned

ROWS = {1100: (29.0, 692.0), 1150: (31.0, 482.0), 1200: (32.0, 610.0), 1250: (27.0, 425.0), 1300: (27.0, 375.0)}
"""Current [mA]: small axis [mm] and time until the experiment's roll-off [s], which is given to the program."""
DEVICES = ("cooled_15g_2cm", "cooled_15g_3cm", "cooled_15g_4cm")
"""The exposed length is not stated."""


def burn(device: str, milliampere: float, seconds: float) -> Burned:
    """One row with one exposed length, from the temperature of a room."""
    program = {"mode": "constant_current", "current": f"{milliampere / 1000.0} A", "duration": f"{seconds} s"}
    return burned(Bench(device, program, excised=True, body_temperature=20.0))


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Small axis of every row, over the exposed length."""
    verdicts = []
    for current, (axis, seconds) in ROWS.items():
        burns = [burn(device, current, seconds) for device in DEVICES]
        verdicts.append(
            judged(
                f"small axis, {current} mA",
                "mm",
                [one.size.across_mm for one in burns],
                within=(axis - 4.0, axis + 4.0),
                reference=axis,
                models=burns[1].over_models("across_mm"),
                unknown="exposed length 2, 3 or 4 cm",
            )
        )
    return tuple(verdicts)
