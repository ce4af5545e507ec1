# SPDX-License-Identifier: LGPL-3.0-or-later
"""How far doxorubicin goes from beads of two sizes in the liver of swine (DR03).

Run as ``python -m validation.experiments.DR03_swine_penetration.study``; writes the table to standard output.
"""

from __future__ import annotations

import numpy as np

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.tissue.death.drug import drug_death_models
from imagio_sim.tissue.library import load_tissue
from validation.experiments.around_beads import DAY, DRUG, HOUR, MICROMOLAR, Setting

TIMES = [0.25 * HOUR, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY]
SEEN = 10.0 * MICROMOLAR
"""What is taken as seen by fluorescence [mol/m3 of tissue], assumed."""


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Penetration at 1 h, time of the highest concentration and course of death, for both sizes."""
    verdicts, depths = [], []
    for beads in ("dc_bead_70_150", "dc_bead_100_300"):
        solution = Setting(beads, "liver", 0.5).solve(TIMES)
        depths.append(float(solution.penetration_depth(SEEN)[1]) * 1e6)
        near = solution.mean_within(solution.tissue_concentration, 0.3e-3)
        survival = solution.survival(drug_death_models(DRUG)[0], load_tissue("liver").value("cell_density"))
        dead = 1.0 - solution.mean_within(survival, 0.3e-3)
        peak = TIMES[int(np.argmax(near))] / HOUR
        verdicts += [
            judged(f"penetration at 1 h, {beads}", "um", depths[-1], within=(150.0, 600.0), reference=300.0),
            judged(f"time of the highest concentration, {beads}", "h", peak, within=(0.5, 2.0), reference=1.0),
            judged(f"dead share at 168 h by that at 8 h, {beads}", "", dead[-1] / dead[4], within=(1.0, None)),
        ]
    ratio = depths[0] / depths[1]
    return (*verdicts, judged("penetration, small by large beads", "", ratio, within=(0.8, 1.25), reference=1.0))


def main() -> None:
    """Print penetration, mean concentration and dead share of both sizes in time."""
    print("| beads | time, h | penetration, um (300) | concentration within 0.3 mm, uM | dead within 0.3 mm |")
    print("|---|---|---|---|---|")
    for beads in ("dc_bead_70_150", "dc_bead_100_300"):
        solution = Setting(beads, "liver", 0.5).solve(TIMES)
        depth = solution.penetration_depth(SEEN) * 1e6
        near = solution.mean_within(solution.tissue_concentration, 0.3e-3) / MICROMOLAR
        model = drug_death_models(DRUG)[0]
        survival = solution.survival(model, load_tissue("liver").value("cell_density"))
        dead = 1.0 - solution.mean_within(survival, 0.3e-3)
        for at, time in enumerate(TIMES):
            print(f"| {beads} | {time / HOUR:g} | {depth[at]:.0f} | {near[at]:.0f} | {dead[at]:.0%} |")
        print(f"highest concentration at {TIMES[int(np.argmax(near))] / HOUR:g} h (measured 1 h)")


if __name__ == "__main__":
    main()
