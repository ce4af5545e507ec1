# SPDX-License-Identifier: LGPL-3.0-or-later
"""What radio-embolisation gave, as a section of the report."""

from __future__ import annotations

from collections.abc import Mapping

from imagio_sim.outcome.result import (
    ActivityResult,
    DoseResult,
    LungDoseResult,
    MakeControlResult,
    PlanningResult,
    StructureDoseResult,
)
from imagio_sim.view.section import Section, millilitres, percent, with_unit
from imagio_sim.view.source_facts import FactTable

_METHODS = ("kernel", "local")


def dose_section(dose: DoseResult) -> Section:
    """Doses of the structures, of the lungs, control of the tumour, the activity and how it is planned."""
    control = dose["tumour_control"]
    text = "Doses are those when all activity has decayed."
    if control is not None:
        low, high = control["range"]
        text += (
            f" The tumour is controlled with a probability of {percent(control['probability'])} by the dose of each of "
            f"its voxels ({percent(low)} to {percent(high)} by the spread of the data); a uniform dose of its mean, "
            f"{with_unit(control['mean_dose_Gy'], 'Gy')}, would control it with "
            f"{percent(control['probability_at_mean_dose'])}."
        )
    makes = {} if control is None else control["by_make"]
    if len(makes) > 1:
        text += " Doses of several makes are added up in units of the dose of each that controls half of the tumours."
    tables = [_structures(dose["structures"]), *_makes(makes), _lungs(dose["lungs"]), _activity(dose["activity"])]
    return Section("Radiation dose", text, [*tables, _planning(dose["planning"])])


def _structures(structures: Mapping[str, StructureDoseResult]) -> FactTable:
    rows = []
    for name, found in structures.items():
        for method in _METHODS:
            figures = found["kernel"] if method == "kernel" else found["local"]
            gray = (figures["mean_Gy"], figures["D95_Gy"], figures["D70_Gy"], figures["D50_Gy"], figures["mean_BED_Gy"])
            rows.append(
                (
                    name.replace("_", " "),
                    method,
                    millilitres(found["volume_ml"]),
                    *(with_unit(value, "Gy") for value in gray),
                    *(with_unit(figures[name], "Gy") for name in ("EUBED_Gy", "EUD_Gy")),
                )
            )
    columns = ("structure", "method", "volume", "mean", "D95", "D70", "D50", "mean BED", "EUBED", "EUD")
    return FactTable("Dose by structure", columns, rows)


def _makes(makes: Mapping[str, MakeControlResult]) -> list[FactTable]:
    """What each make would control alone, where there are several."""
    rows = [
        (
            name.replace("_", " "),
            with_unit(one["mean_dose_Gy"], "Gy"),
            with_unit(one["half_dose_Gy"], "Gy"),
            percent(one["probability"]),
        )
        for name, one in makes.items()
    ]
    columns = ("microspheres", "mean dose of the tumour", "half are controlled by", "controls alone")
    return [FactTable("By make of microspheres", columns, rows)] if len(rows) > 1 else []


def _lungs(lungs: LungDoseResult) -> FactTable:
    low, high = lungs["mean_range_Gy"]
    row = (
        with_unit(lungs["activity_GBq"], "GBq"),
        with_unit(lungs["mass_kg"], "kg"),
        with_unit(lungs["mean_Gy"], "Gy"),
        f"{low:.3g} to {with_unit(high, 'Gy')}",
    )
    return FactTable("Lungs", ("activity", "mass", "mean dose", "by the range of their mass"), [row])


def _activity(activities: Mapping[str, ActivityResult]) -> FactTable:
    rows = [
        (
            name,
            one["nuclide"],
            with_unit(one["given_GBq"], "GBq"),
            with_unit(one["spheres"], "spheres"),
            with_unit(one["in_target_GBq"], "GBq"),
            with_unit(one["in_organ_GBq"], "GBq"),
            with_unit(one["lung_GBq"], "GBq"),
            percent(one["decayed_share"]),
        )
        for name, one in activities.items()
    ]
    columns = ("infusion", "nuclide", "given", "in", "in target", "in organ", "in lungs", "decayed at the end")
    return FactTable("Activity", columns, rows)


def _planning(plans: Mapping[str, PlanningResult]) -> FactTable:
    """Without the columns of the aim where no infusion has one."""
    with_aim = any("aim_Gy" in one for one in plans.values())
    rows = [
        (
            name,
            with_unit(one["MIRD_mean_dose_Gy"], "Gy"),
            with_unit(one["partition_tumour_dose_Gy"], "Gy"),
            with_unit(one["partition_liver_dose_Gy"], "Gy"),
            with_unit(one["MIRD_GBq_per_100_Gy"], "GBq"),
            with_unit(one["partition_GBq_per_100_Gy_of_tumour"], "GBq"),
            with_unit(one["partition_GBq_per_100_Gy_of_liver"], "GBq"),
            *(_aim(one) if with_aim else ()),
        )
        for name, one in plans.items()
    ]
    models = ("mean dose, MIRD", "tumour, partition", "liver, partition")
    wanted = ("for 100 Gy, MIRD", "for 100 Gy of tumour", "for 100 Gy of liver")
    aim = ("aim", "for the aim, MIRD", "for the aim in the tumour") if with_aim else ()
    return FactTable("As planners compute it", ("infusion", *models, *wanted, *aim), rows)


def _aim(one: PlanningResult) -> tuple[str, ...]:
    """The dose that is wanted and the activities that give it."""
    return (
        with_unit(one.get("aim_Gy"), "Gy"),
        with_unit(one.get("MIRD_GBq_for_aim"), "GBq"),
        with_unit(one.get("partition_GBq_for_aim_of_tumour"), "GBq"),
    )
