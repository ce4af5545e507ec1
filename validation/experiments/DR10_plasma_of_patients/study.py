# SPDX-License-Identifier: LGPL-3.0-or-later
"""Doxorubicin in the plasma of patients after beads (DR10, a case added here).

Run as ``python -m validation.experiments.DR10_plasma_of_patients.study``; writes the table to standard output.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imagio_sim.campaign.modalities.chemoembolisation import plasma_kinetics
from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.pharmacy.drugs import load_drug
from imagio_sim.solve.bead_scale import body_share
from validation.experiments.around_beads import DRUG, HOUR, Setting

DOSE_MG = 100.0
"""Middle of the doses given, 47 to 150 mg."""
TIMES = np.array([5.0, 20.0, 40.0, 60.0, 120.0, 360.0, 1440.0, 2880.0, 10080.0]) * 60.0
"""When blood was taken [s]."""
SETTINGS = {
    "single beads, 1 ml per 100 ml": Setting("dc_bead_100_300", "hcc", 1.0),
    "vessels of 160 um full of beads": Setting("dc_bead_100_300", "hcc", 1.0, 80e-6),
    "vessels of 600 um full of beads": Setting("dc_bead_100_300", "hcc", 1.0, 300e-6),
}


@dataclass(frozen=True)
class Plasma:
    """Peak [ng/ml] at a time [h], area under the curve [ng h/ml], and the share of the load that was cleared."""

    peak: float
    at: float
    area: float
    cleared: float


def plasma(setting: Setting) -> Plasma:
    """Over a week."""
    drug = load_drug(DRUG)
    core, tissue = setting.core(), setting.surroundings()
    cores = drug.amount_of(DOSE_MG) / core.dose
    body = body_share(plasma_kinetics(drug), cores)
    solution = setting.cell(core, tissue, body=body).solve([float(time) for time in TIMES])
    course = solution.body[:, 0] / body.plasma_volume * drug.value("molar_mass") * 1e6
    area = np.trapezoid(np.concatenate([[0.0], course]), np.concatenate([[0.0], TIMES])) / HOUR
    at = TIMES[int(np.argmax(course))] / HOUR
    return Plasma(float(course.max()), float(at), float(area), float(solution.body[-1, 3] / core.dose))


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Area and peak, over how the beads lie and the bath of DR04."""
    found = [plasma(one) for setting in SETTINGS.values() for one in setting.over_baths(case)]
    how = f"how the beads lie, {case.unknown_text}"
    areas, peaks = [one.area for one in found], [one.peak for one in found]
    return (
        judged("area", "ng h/ml", areas, within=(0.0, 663.0 + 2 * 418.0), reference=663.0, spread=418.0, unknown=how),
        judged("peak", "ng/ml", peaks, within=(79.0 / 3, 79.0 * 3), reference=79.0, spread=38.0, unknown=how),
    )


def main() -> None:
    """Print peak and area of the plasma concentration over a week."""
    print("| setting | peak, ng/ml (79 ± 38) | at, h | area, ng h/ml (663 ± 418) | cleared in a week |")
    print("|---|---|---|---|---|")
    for name, setting in SETTINGS.items():
        found = plasma(setting)
        print(f"| {name} | {found.peak:.0f} | {found.at:g} | {found.area:.0f} | {found.cleared:.0%} |")


if __name__ == "__main__":
    main()
