# SPDX-License-Identifier: LGPL-3.0-or-later
"""Doxorubicin that radio-frequency heating releases in pig liver, beside what was measured there.

Run as ``python3 -m validation.experiments.LI01_pig_liver_rf.study``; writes the tables to standard output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from imagio_sim.campaign.case import thermal_case
from imagio_sim.campaign.geometry import read_anatomy, stage_geometry
from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.pharmacy.drugs import load_drug
from imagio_sim.plan import Scenario, scenario_of
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.sources.liposomes import LiposomeSource, LiposomeSpec
from imagio_sim.solve.stage import Stage
from imagio_sim.tissue import load_tissue

Floats = NDArray[np.float64]

MEASURED = {5: 3.0, 12: 7.1}
"""Tissue concentration [ug/g] after a time of heating [min]: Rossmann et al. 2017, two pigs each."""
MIDDLE_MM, HALF_SLICE_MM = 15.0, 1.5
"""Height of the electrode's middle, and half the thickness of the section that is looked at."""
MARGIN_MM = 10.0


@dataclass(frozen=True)
class Variant:
    """What is changed: body mass [kg], body temperature, size of cells by that of tumours, factor on the perfusion."""

    name: str
    body_mass: float = 43.0
    body_temperature: str = "37 degC"
    cell_volume: float = 1.0
    perfusion: float = 1.0


def cell_volume(tissue: str) -> float:
    """Volume of a cell [m3]: what plasma and interstitium leave, by the number of cells."""
    values = load_tissue(tissue)
    cells = 1.0 - values.value("plasma_fraction") - values.value("interstitial_fraction")
    return cells / values.value("cell_density")


VARIANTS = (
    Variant("nominal"),
    Variant("pig of 30 kg", body_mass=30.0),
    Variant("hepatocytes by their size", cell_volume=cell_volume("liver") / cell_volume("hcc")),
    Variant("half the perfusion", perfusion=0.5),
    Variant("38 degC", body_temperature="38 degC"),
)


def scenario(minutes: int, variant: Variant) -> Scenario:
    """30 mg within half an hour, then a cooled electrode of 3 cm."""
    data = {
        "schema": 1,
        "name": "pig",
        "question": "How much drug does a longer ablation release?",
        "expected_run_time": "10 s",
        "frame": "LPS",
        "patient": {
            "unlabelled": "liver",
            "outside": "liver",
            "species": "pig",
            "conditions": ["in_vivo"],
            "body_temperature": variant.body_temperature,
        },
        "plans": {"only": plan(minutes, variant)},
        "solver": {"resolution": "normal", "geometry": "axisymmetric"},
    }
    return scenario_of(data, base=Path(), where="pig.yaml")


def plan(minutes: int, variant: Variant) -> Mapping[str, object]:
    """The infusion and the ablation after it."""
    return {
        "infusions": [
            {
                "kind": "liposomes",
                "formulation": "thermodox",
                "drug_mass": "30 mg",
                "infusion_time": "30 min",
                "body_mass": f"{variant.body_mass} kg",
            }
        ],
        "applicators": [{"device": "cooled_17g_3cm", "entry": [0, 0, 80], "tip": [0, 0, 0], "start": "30 min"}],
        "program": {
            "mode": "impedance_control",
            "initial_power": "60 W",
            "max_power": "120 W",
            "duration": f"{minutes} min",
        },
    }


def case_of(minutes: int, variant: Variant) -> ThermalCase:
    """The experiment as the solver takes it."""
    read = scenario(minutes, variant)
    geometry = stage_geometry(read, "only", read_anatomy(read), stage=0, resolution="normal")
    case = thermal_case(read, "only", geometry, stage=0)
    perfusion = variant.perfusion * case.cell_fields["perfusion_rate"]
    (spec,) = (one for one in case.sources if isinstance(one, LiposomeSpec))
    exchange, size = spec.exchange, variant.cell_volume
    # The drug's constants are of tumour cells: their uptake goes with the membrane, their content with the volume.
    sized = replace(
        exchange,
        uptake_maximum=size ** (2.0 / 3.0) * exchange.uptake_maximum,
        return_half=size * exchange.return_half,
    )
    return replace(
        case,
        cell_fields={**case.cell_fields, "perfusion_rate": perfusion},
        sources=tuple(replace(spec, exchange=sized) if one is spec else one for one in case.sources),
    )


@dataclass(frozen=True, eq=False)
class Section:
    """Through the electrode's middle: distance from its axis (n,) [mm], coagulated or not, drug (n,) [ug/g].

    ``released`` is what is not in liposomes, which fluorescence shows.
    """

    radius_mm: Floats
    coagulated: NDArray[np.bool_]
    released: Floats
    total: Floats

    @property
    def edge_mm(self) -> float:
        """Radius of the coagulated tissue."""
        return float(self.radius_mm[self.coagulated].max())

    def within_margin(self, values: Floats) -> float:
        """Mean over the area of the ring that reaches 1 cm beyond the coagulated tissue."""
        ring = (self.radius_mm > self.edge_mm) & (self.radius_mm <= self.edge_mm + MARGIN_MM)
        return float(np.average(values[ring], weights=self.radius_mm[ring]))


def section(minutes: int, variant: Variant) -> Section:
    """Solve the experiment and cut through it."""
    stage = Stage(MPI.COMM_SELF, case_of(minutes, variant))
    while not stage.finished:
        stage.advance()
    (source,) = (one for one in stage.sources if isinstance(one, LiposomeSource))
    radius, height = (stage.space.points * 1e3).T
    here = np.abs(height - MIDDLE_MM) < HALF_SLICE_MM
    grams = load_drug("doxorubicin").value("molar_mass") * 1e6 / (load_tissue("liver").value("density") * 1e-3)
    concentration = grams * 1e-3 * source.drug.tissue[:, here]
    coagulated = stage.death.dead_fraction()[here] > 0.5
    return Section(radius[here], coagulated, concentration[2:].sum(axis=0), concentration.sum(axis=0))


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Both concentrations, their ratio and the place of the highest, over the pig's mass and temperature."""
    samples = case.samples(8, seed=1)
    pigs = [Variant("", one["mass of the pig"], f"{one['temperature of the pig']:.2f} degC") for one in samples]
    both = [{minutes: section(minutes, pig) for minutes in MEASURED} for pig in pigs]
    found = {minutes: [one[minutes].within_margin(one[minutes].released) for one in both] for minutes in MEASURED}
    ratios = [long / short for short, long in zip(found[5], found[12], strict=True)]
    places = [one[12].radius_mm[one[12].released.argmax()] - one[12].edge_mm for one in both]
    means = [
        judged(
            f"drug in the margin after {minutes} min",
            "ug/g",
            found[minutes],
            within=(measured / 2, measured * 2),
            reference=measured,
            unknown=case.unknown_text,
        )
        for minutes, measured in MEASURED.items()
    ]
    return (
        *means,
        judged("12 by 5 min", "", ratios, within=(1.7, 3.4), reference=2.4, unknown=case.unknown_text),
        judged("highest, from the edge", "mm", places, within=(-10.0, 10.0), unknown=case.unknown_text),
    )


def main() -> None:
    """Write both tables."""
    nominal = {minutes: section(minutes, VARIANTS[0]) for minutes in MEASURED}
    print("| distance (mm) | " + " | ".join(f"{minutes} min (ug/g)" for minutes in nominal) + " |")
    for low in range(0, 26, 2):
        means = [one.released[(one.radius_mm >= low) & (one.radius_mm < low + 2)] for one in nominal.values()]
        print(f"| {low + 1} | " + " | ".join(f"{own.mean():.2f}" if len(own) else "-" for own in means) + " |")
    print("\n| variant | edge (mm) | 5 min | 12 min | ratio | highest at (mm from the edge) |")
    for variant in VARIANTS:
        both = nominal if variant is VARIANTS[0] else {minutes: section(minutes, variant) for minutes in MEASURED}
        short, long = (one.within_margin(one.released) for one in both.values())
        edges = " and ".join(f"{one.edge_mm:.1f}" for one in both.values())
        peaks = " and ".join(f"{one.radius_mm[one.released.argmax()] - one.edge_mm:.1f}" for one in both.values())
        print(f"| {variant.name} | {edges} | {short:.2f} | {long:.2f} | {long / short:.2f} | {peaks} |")


if __name__ == "__main__":
    main()
