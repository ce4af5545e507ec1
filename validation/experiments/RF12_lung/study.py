# SPDX-License-Identifier: LGPL-3.0-or-later
"""A cooled electrode of 2 cm for 12 min in ventilated lung of swine (RF12, peripheral burns)."""

from __future__ import annotations

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.tissue import load_tissue
from validation.experiments.bench import Bench, burned

PROGRAM = {"mode": "impedance_control", "duration": "12 min"}


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Both axes, over the perfusion of lung."""
    spread = load_tissue("lung_inflated").values["perfusion_rate"]
    assert spread.low is not None
    assert spread.high is not None
    burns = []
    for share in (0.1, 0.5, 0.9):
        rate = spread.low + share * (spread.high - spread.low)
        bench = Bench("cooled_17g_2cm", PROGRAM, tissue="lung_inflated", values={"perfusion_rate": f"{rate} 1/s"})
        burns.append(burned(bench))
    unknown = f"perfusion {spread.low:g} to {spread.high:g} 1/s"
    along, across = [one.size.along_mm for one in burns], [one.size.across_mm for one in burns]
    models = burns[1].over_models("across_mm")
    return (
        judged("along, peripheral", "mm", along, within=(31.0, 43.0), reference=37.0, unknown=unknown),
        judged("across, peripheral", "mm", across, within=(21.0, 33.0), reference=27.0, models=models, unknown=unknown),
    )
