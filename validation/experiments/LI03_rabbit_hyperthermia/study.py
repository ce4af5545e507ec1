# SPDX-License-Identifier: LGPL-3.0-or-later
"""How many times as much doxorubicin evenly heated tissue holds as unheated, beside three experiments on rabbits.

Run as ``python3 -m validation.experiments.LI03_rabbit_hyperthermia.study``; writes the table to standard output.
"""

from __future__ import annotations

from dataclasses import dataclass

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.liposomes_in_points import LiposomesInPoints

MINUTE, BODY = 60.0, 37.0
RABBIT_KG, DOSE_MG = 3.5, 5.8
"""1.67 mg/kg (Staruch et al. 2015); both cancel in the ratios but for saturated uptake."""


@dataclass(frozen=True)
class Experiment:
    """Heating of a tissue.

    Attributes
    ----------
    temperature, heating
        Held [degC] for a time [min].
    wait
        Between the end of the infusion of 5 min and the begin of the heat [min]; None: infused when the heat begins.
    rest
        Between the end of the heat and the sample [min], after which vessels are flushed; 0: not flushed.
    heated_share
        Of the volume that was sampled.
    measured
        Concentration by that without heat.
    """

    name: str
    tissue: str
    temperature: float
    heating: float
    wait: float | None
    rest: float
    heated_share: float
    measured: float


EXPERIMENTS = (
    Experiment("VX2 in the thigh, 43 degC for 20 min", "soft_tissue_sarcoma", 43.0, 20.0, None, 120.0, 1.0, 20.0),
    Experiment("muscle at bone, 43 degC for 20 min", "muscle", 43.0, 20.0, None, 120.0, 1.0, 17.0),
    Experiment("VX2, a quarter at 40.5 degC for 30 min", "soft_tissue_sarcoma", 40.5, 30.0, 10.0, 0.0, 0.25, 3.4),
)


def ratio(experiment: Experiment) -> float:
    """Concentration where some of the tissue was heated, by that where none was."""
    points = LiposomesInPoints("thermodox", experiment.tissue, count=2, body_mass=RABBIT_KG, dose_mg=DOSE_MG)
    warm = [BODY, experiment.temperature]
    infusing, heating = 5.0 * MINUTE, experiment.heating * MINUTE
    if experiment.wait is None:
        points.wait(infusing, warm, infused_share=1.0)
        points.wait(heating - infusing, warm)
    else:
        points.wait(infusing, [BODY, BODY], infused_share=1.0)
        points.wait(experiment.wait * MINUTE, [BODY, BODY])
        points.wait(heating, warm)
    if experiment.rest:
        points.wait(experiment.rest * MINUTE, [BODY, BODY])
    cold, hot = points.concentrations(with_plasma=not experiment.rest)
    share = experiment.heated_share
    return float((share * hot + (1.0 - share) * cold) / cold)


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Heated by unheated tissue."""
    return tuple(
        judged(one.name, "", ratio(one), within=(one.measured / 2, one.measured * 2), reference=one.measured)
        for one in EXPERIMENTS
    )


def main() -> None:
    """Write the table."""
    print("| experiment | computed | measured |")
    for experiment in EXPERIMENTS:
        print(f"| {experiment.name} | {ratio(experiment):.1f} | {experiment.measured:g} |")


if __name__ == "__main__":
    main()
