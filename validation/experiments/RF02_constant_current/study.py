# SPDX-License-Identifier: LGPL-3.0-or-later
"""Burns at constant current through a cooled 15 G electrode in excised bovine liver (RF02, monopolar rows)."""

from __future__ import annotations

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.bench import Bench, Burned, burned

ROWS = {1100: (29.0, 692.0), 1150: (31.0, 482.0), 1200: (32.0, 610.0), 1250: (27.0, 425.0), 1300: (27.0, 375.0)}
"""Current [mA]: small axis [mm] and time until the experiment's roll-off [s], which is given to the program."""
LENGTHS = {2: "cooled_15g_2cm", 3: "cooled_15g_3cm", 4: "cooled_15g_4cm"}


def burn(length_cm: int, conductivity: float, milliampere: float, seconds: float) -> Burned:
    """One row with an exposed length [cm] in liver that conducts so well [S/m], from the temperature of a room."""
    program = {"mode": "constant_current", "current": f"{milliampere / 1000.0} A", "duration": f"{seconds} s"}
    values = {"electrical_conductivity": f"{conductivity} S/m"}
    return burned(Bench(LENGTHS[length_cm], program, excised=True, body_temperature=20.0, values=values))


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Small axis of every row, over what is not stated."""
    verdicts = []
    for current, (axis, seconds) in ROWS.items():
        burns = [
            burn(min(4, int(one["exposed length"])), one["electrical conductivity"], current, seconds)
            for one in case.samples(8, seed=102)
        ]
        verdicts.append(
            judged(
                f"small axis, {current} mA",
                "mm",
                [one.size.across_mm for one in burns],
                within=(axis - 4.0, axis + 4.0),
                reference=axis,
                models=burns[0].over_models("across_mm"),
                unknown=case.unknown_text,
            )
        )
    return tuple(verdicts)
