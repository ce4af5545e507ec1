# SPDX-License-Identifier: LGPL-3.0-or-later
"""Growth delay of rat tumours after radio-frequency heating, pegylated liposomal doxorubicin, and both.

Run as ``python3 -m validation.experiments.DR08_rf_doxorubicin_rat.study``; writes the tables to standard output.
"""

from __future__ import annotations

from math import log, log10

import numpy as np

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.tissue.death.combination import combined_survival
from imagio_sim.tissue.death.drug import drug_death_models
from validation.experiments.liposomes_in_points import LiposomesInPoints

DAYS = {"control": 9.1, "RF70": 16.0, "liposomes": 16.5, "RF90": 16.6}
TOGETHER = {"RF70": (26.6, 5.3), "RF90": (31.5, 3.0)}
"""Days until a tumour is 3 cm large, mean, and mean and deviation of the arms with both."""
FIRST_CM, LAST_CM = 1.25, 3.0
RAT_KG, DOSE_MG = 0.2, 1.0
TUMOUR = "hcc"


def doubling_time() -> float:
    """Of the tumour's volume [d], from the control arm."""
    return DAYS["control"] / (3.0 * log(LAST_CM / FIRST_CM) / log(2.0))


def surviving(delay: float) -> float:
    """Surviving share of cells that grow back within a delay [d]."""
    return float(2.0 ** (-delay / doubling_time()))


def expected_days(arm: str) -> float:
    """Days of both by independent action: the logarithms of the surviving shares, and so the delays, add up."""
    shares = {name: np.array([surviving(DAYS[name] - DAYS["control"])]) for name in (arm, "liposomes")}
    survival = float(combined_survival({"heat": shares[arm], "drug": shares["liposomes"]}, ())[0])
    return DAYS["control"] - doubling_time() * log(survival) / log(2.0)


def liposomes_alone(days: float = 16.0) -> tuple[dict[str, float], dict[float, float]]:
    """Surviving share by model after some days, and drug in the tumour [ug/g] at times [h]."""
    tumour = LiposomesInPoints("pegylated", TUMOUR, count=1, body_mass=RAT_KG, dose_mg=DOSE_MG)
    tumour.wait(60.0, [37.0], infused_share=1.0)
    course, clock = {}, 0.0
    for hours in (24.0, 72.0, 24.0 * days):
        tumour.wait((hours - clock) * 3600.0, [37.0])
        course[hours], clock = float(tumour.concentrations()[0]), hours
    states = tumour.deaths.fields()
    models = drug_death_models("doxorubicin")
    return {model.name: float(model.survival(states[f"effect/{model.name}"])[0]) for model in models}, course


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Both together by independent action, and the liposomes alone by all models."""
    together = [
        judged(
            f"days, {arm} and liposomes",
            "d",
            expected_days(arm),
            within=(measured - deviation, measured + deviation),
            reference=measured,
            spread=deviation,
        )
        for arm, (measured, deviation) in TOGETHER.items()
    ]
    survivals = tuple(liposomes_alone()[0].values())
    measured = surviving(DAYS["liposomes"] - DAYS["control"])
    alone = judged(
        "measured surviving share after liposomes alone, which the models must bracket",
        "",
        measured,
        within=(min(survivals), max(survivals)),
        reference=measured,
        models=survivals,
    )
    return (*together, alone)


def main() -> None:
    """Write both tables."""
    print(f"doubling time {doubling_time():.2f} d")
    print("| arm | delay (d) | surviving share |")
    for name, days in DAYS.items():
        delay = days - DAYS["control"]
        print(f"| {name} | {delay:.1f} | {surviving(delay):.3f} |")
    print("\n| arm | independent action (d) | measured (d) | off by (SD) |")
    for name, (measured, deviation) in TOGETHER.items():
        expected = expected_days(name)
        off = (expected - measured) / deviation
        print(f"| {name} and liposomes | {expected:.1f} | {measured} ± {deviation} | {off:+.1f} |")
    survivals, course = liposomes_alone()
    print("\n| hours | drug in the tumour (ug/g) |")
    for hours, concentration in course.items():
        print(f"| {hours:g} | {concentration:.2f} |")
    print("\n| model | surviving share after 16 d of liposomes alone | decades |")
    for name, survival in survivals.items():
        print(f"| {name} | {survival:.3g} | {-log10(survival):.2f} |")


if __name__ == "__main__":
    main()
