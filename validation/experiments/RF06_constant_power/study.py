# SPDX-License-Identifier: LGPL-3.0-or-later
"""Temperature 8 mm from an electrode after 12 min at 30 W in excised porcine liver (RF06, tissue at 450 kHz).

Half of the electrode lay in the liver, half in a gel that conducts alike, which is taken for liver here.
"""

from __future__ import annotations

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.bench import Bench, burned

PROGRAM = {"mode": "constant_power", "power": "30 W", "duration": "12 min"}
LENGTHS = {2: "cooled_17g_2cm", 3: "cooled_17g_3cm", 4: "cooled_17g_4cm"}


def end_temperature(length_cm: int, start: float) -> float:
    """8 mm beside the middle of the half in liver [degC], from a temperature [degC] at the start."""
    bench = Bench(
        LENGTHS[length_cm],
        PROGRAM,
        excised=True,
        body_temperature=start,
        probes={"probe": (8.0, 2.5 * length_cm)},
    )
    return float(burned(bench).course("probe")[1][-1])


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """The temperature, over electrode and temperature at the start."""
    samples = case.samples(8, seed=106)
    found = [end_temperature(min(4, int(one["exposed length"])), one["start temperature"]) for one in samples]
    name, limits = "8 mm from the electrode", (58.7 - 5.0, 58.7 + 5.0)
    return (judged(name, "degC", found, within=limits, reference=58.7, spread=2.5, unknown=case.unknown_text),)
