# SPDX-License-Identifier: LGPL-3.0-or-later
"""How much larger a burn in pig liver becomes when its arteries, or all of its blood, are closed before.

Run as ``python3 -m validation.experiments.EM01_burn_after_embolisation.study``; writes the table to standard output.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from imagio_sim.campaign.run import Listener, RunOptions, run_plan
from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.plan import scenario_of
from imagio_sim.tissue.library import load_tissue
from imagio_sim.tissue.parameter_sets import parameter_set

QUIET = Listener(say=lambda text: None, progress=lambda progress: None, stop=lambda: False)


@dataclass(frozen=True)
class Blood:
    """What is closed, the share of the perfusion that is left, and the volume ratios that were measured."""

    closed: str
    left: float
    measured: str


def settings() -> Iterator[Blood]:
    """Without embolisation, without arteries, and without blood."""
    arterial = load_tissue("liver").value("arterial_share")
    yield Blood("nothing", 1.0, "1")
    yield Blood("arteries", 1.0 - arterial, "1.3 (gelatin), 1.8 and 2.4 (gelatin, 0.1 to 0.3 mm beads)")
    yield Blood("arteries and half of the portal blood", 0.5 * (1.0 - arterial), "1.9 (oil and gelatin)")
    yield Blood("all blood", 0.0, "2.3 (oil, gelatin and portal vein)")


def scenario(left: float) -> dict[str, Any]:
    """A cooled electrode of 2 cm in homogeneous pig liver with a share of its perfusion."""
    rate = parameter_set("species", "pig").tissues["liver"]["perfusion_rate"].value
    needle = {"device": "cooled_17g_2cm", "entry": [0, 0, 100], "tip": [0, 0, 0]}
    return {
        "schema": 1,
        "name": "burn",
        "question": "How large is the burn?",
        "expected_run_time": "10 s",
        "frame": "LPS",
        "patient": {"unlabelled": "liver", "outside": "liver", "body_temperature": "38 degC"},
        "tissue_values": {
            "liver": {"perfusion_rate": {"value": f"{left * rate} 1/s", "source": "share of that of the pig"}}
        },
        "plans": {
            "burn": {
                "applicators": [needle],
                "program": {"mode": "impedance_control", "duration": "12 min", "cooling_phase": "30 s"},
            }
        },
        "solver": {"resolution": "normal", "geometry": "axisymmetric"},
    }


def burn(left: float) -> dict[str, Any]:
    """Volume [ml] and axes [mm] of the burn with a share of the perfusion."""
    with tempfile.TemporaryDirectory() as folder:
        made = scenario_of(scenario(left), base=Path(folder), where="burn.yaml")
        return dict(run_plan(made, "burn", RunOptions(Path(folder), "normal"), QUIET)["ablation_zone"])


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """What closing the arteries adds, and that closing more never makes a smaller burn."""
    volumes = [burn(blood.left)["volume_ml"] for blood in settings()]
    ratio = volumes[1] / volumes[0]
    least = min(after / before for before, after in pairwise(volumes))
    return (
        judged("burn after gelatin by that before", "", ratio, within=(0.8, 1.8), reference=1.3, spread=0.5),
        judged("least growth of the burn when more is closed", "", least, within=(1.0, None), reference=1.0),
    )


def main() -> None:
    """Write volume and axes of every burn, and the ratio to the first."""
    first = None
    print("| closed | perfusion left | zone (ml) | axes (mm) | ratio | measured |\n|---|---|---|---|---|---|")
    for blood in settings():
        zone = burn(blood.left)
        first = first or zone["volume_ml"]
        print(
            f"| {blood.closed} | {blood.left:.0%} | {zone['volume_ml']:.1f} "
            f"| {zone['long_axis_mm']:.0f} × {zone['short_axis_mm']:.0f} "
            f"| {zone['volume_ml'] / first:.2f} | {blood.measured} |"
        )


if __name__ == "__main__":
    main()
