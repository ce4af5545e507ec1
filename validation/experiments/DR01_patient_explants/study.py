# SPDX-License-Identifier: LGPL-3.0-or-later
"""Doxorubicin around occluded vessels of patients, 8 h and a month after embolisation (DR01).

Run as ``python -m validation.experiments.DR01_patient_explants.study``; writes the tables to standard output.
"""

from __future__ import annotations

import numpy as np

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.solve.bead_scale_solution import BeadScaleSolution
from validation.experiments.around_beads import DAY, HOUR, MICROMOLAR, Setting

TIMES = [8 * HOUR, 7 * DAY, 30 * DAY]
DISTANCE = 0.6e-3
"""Half of the measured diameter [m]."""
SETTINGS = {
    "single beads, 2 ml in 200 ml": Setting("dc_bead_100_300", "hcc", 1.0),
    "vessels of 160 um full of beads, 2 ml in 200 ml": Setting("dc_bead_100_300", "hcc", 1.0, 80e-6),
    "vessels of 300 um full of beads, 2 ml in 200 ml": Setting("dc_bead_100_300", "hcc", 1.0, 150e-6),
}
RABBITS_DISTANCE = 0.2e-3
"""Up to which drug was found around other beads in rabbits [m]."""
DETECTED = 0.1 * MICROMOLAR
"""What is taken as detected [mol/m3 of tissue]; 0.65 uM was measured."""


def figures(solution: BeadScaleSolution) -> tuple[float, float, float, float]:
    """Concentration within 0.6 mm at 8 h and 30 d [uM], its ratio, and the reach at 8 h [mm] from the vessel's axis."""
    near = solution.mean_within(solution.tissue_concentration, DISTANCE) / MICROMOLAR
    reach = solution.penetration_depth(DETECTED)[0] + solution.cell.core.radius
    return near[0], near[2], near[2] / near[0], reach * 1e3


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Concentrations and reach, over how the beads lie."""
    found = np.array([figures(setting.solve(TIMES)) for setting in SETTINGS.values()])
    early, _, ratio, reach = found.T
    how = "how the beads lie"
    return (
        judged("tissue at 8 h", "uM", early, within=(2.5, 10.0), reference=5.0, unknown=how),
        judged("tissue at a month by that at 8 h", "", ratio, within=(0.065, 0.26), reference=0.13, unknown=how),
        judged("reach around the vessel at 8 h", "mm", reach, within=(0.6, None), reference=0.6, unknown=how),
    )


def main() -> None:
    """Print the settings and, for vessels of 160 um, what the spread of each number does."""
    print("| setting | 8 h, uM (5) | 1 month, uM (0.65) | ratio (0.13) | reach at 8 h, mm (at least 0.6) | released |")
    print("|---|---|---|---|---|---|")
    for name, setting in SETTINGS.items():
        solution = setting.solve(TIMES)
        early, late, ratio, reach = figures(solution)
        limit = "" if reach < 1e3 * solution.cell.cell_radius else " (the whole cell)"
        released = ", ".join(f"{share:.0%}" for share in solution.released_share[[0, 2]])
        print(f"| {name} | {early:.0f} | {late:.2g} | {ratio:.2g} | {reach:.2f}{limit} | {released} |")
    print(
        "\n| setting, within 0.2 mm | 1 week, uM (rabbits 74 to 452) | 1 month, uM (rabbits 10 to 52) |\n|---|---|---|"
    )
    for name, setting in SETTINGS.items():
        solution = setting.solve(TIMES)
        near = solution.mean_within(solution.tissue_concentration, RABBITS_DISTANCE) / MICROMOLAR
        print(f"| {name} | {near[1]:.0f} | {near[2]:.2g} |")
    print("\n| changed alone | 8 h, uM | 1 month, uM | ratio | reach, mm | released |\n|---|---|---|---|---|---|")
    chosen = list(SETTINGS.values())[1]
    for name, solution in chosen.spread(TIMES):
        early, late, ratio, reach = figures(solution)
        released = ", ".join(f"{share:.0%}" for share in solution.released_share[[0, 2]])
        print(f"| {name} | {early:.0f} | {late:.2g} | {ratio:.2g} | {reach:.2f} | {released} |")
    print(f"washout {chosen.surroundings().free_washout:.2e} 1/s; balance {np.max(solution.balance_error):.1e}")


if __name__ == "__main__":
    main()
