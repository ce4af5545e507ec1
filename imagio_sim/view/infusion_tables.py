# SPDX-License-Identifier: LGPL-3.0-or-later
"""What infusions brought, who killed what and what is left of the organ, as sections of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from imagio_sim.outcome.comparison import MISSING
from imagio_sim.outcome.result import (
    ConcentrationResult,
    DrugResult,
    InfusionResult,
    KillResult,
    KillVolumes,
    LiverReserveResult,
    PerfusionResult,
    Result,
)
from imagio_sim.view.dose_tables import dose_section
from imagio_sim.view.section import Section, millilitres, percent, with_unit
from imagio_sim.view.source_facts import FactTable

_UNITS = {"mg": "mg", "ml": "ml", "GBq": "GBq"}


def infusion_sections(result: Result) -> list[Section]:
    """Sections of what a result has, in the order in which a planner asks."""
    found: list[Section] = []
    if result.get("infusions"):
        found.append(_infusions(result["infusions"]))
    if result.get("perfusion_by_stage"):
        found.append(_perfusion(result["perfusion_by_stage"]))
    if "kill" in result and len(result["kill"]["models"]) > 1:
        found.append(_kill(result["kill"]))
    if "dose" in result:
        found.append(dose_section(result["dose"]))
    if result.get("drug"):
        found.append(_drugs(result["drug"]))
    if "liver_reserve" in result:
        found.append(_reserve(result["liver_reserve"]))
    return found


def _infusions(infusions: Mapping[str, InfusionResult]) -> Section:
    columns = ("infusion", "what", "given", "territory", "target fed", "in target", "in organ", "lungs", "elsewhere")
    rows = [
        (
            name,
            one["kind"].replace("_", " "),
            ", ".join(_amount(words, amount) for words, amount in one["injected"].items()) or MISSING,
            millilitres(one["territory_volume_ml"]),
            *(percent(one[share]) for share in ("target_fed_share", "in_target_share", "in_organ_share")),
            percent(one["lung_share"]),
            percent(one["elsewhere_share"]),
        )
        for name, one in infusions.items()
    ]
    text = "Shares are of what was given; the organ includes the target."
    return Section("Infusions", text, [FactTable("Where they went", columns, rows)])


def _perfusion(stages: Sequence[PerfusionResult]) -> Section:
    rows = [
        (
            str(number),
            *_flow(stage["target_normal_per_s"], stage["target_per_s"]),
            *_flow(stage["beside_normal_per_s"], stage["beside_per_s"]),
        )
        for number, stage in enumerate(stages, start=1)
    ]
    columns = ("stage", "target, normally", "target, in the stage", "beside it, normally", "beside it, in the stage")
    text = (
        "Mean blood flow that an ablation meets, in the target and within 10 mm around it: what embolisation stops "
        "carries no heat away, so that the same burn reaches farther."
    )
    return Section("Blood flow", text, [FactTable("Blood flow by stage", columns, rows)])


def _flow(normal: float | None, left: float | None) -> tuple[str, str]:
    """Normal flow, and what is left of it with its share."""
    share = None if normal is None or left is None or not normal > 0.0 else left / normal
    return with_unit(normal, "1/s"), f"{with_unit(left, '1/s')} ({percent(share)})"


def _amount(words: str, amount: float) -> str:
    what, _, unit = words.rpartition("_")
    return f"{amount:g} {_UNITS[unit]} {what}"


def _kill(kill: KillResult) -> Section:
    text = (
        "Agents act independently: surviving shares multiply."
        if not kill["interactions"]
        else "Chosen interactions: "
        + "; ".join(f"{' and '.join(one['between'])}, strength {one['strength']:g}" for one in kill["interactions"])
        + "."
    )
    parts = {"target": kill["target"], "outside": kill["outside"]}
    present = {name: volumes for name, volumes in parts.items() if volumes is not None}
    return Section("Who killed what", text, [_classes(present), _agents(kill, present)])


def _classes(parts: Mapping[str, KillVolumes]) -> FactTable:
    """Disjoint classes of dead tissue."""
    names = dict.fromkeys(name for volumes in parts.values() for name in volumes["by_ml"])
    rows = [
        (_class_words(name), *(millilitres(volumes["by_ml"].get(name, 0.0)) for volumes in parts.values()))
        for name in names
    ]
    rows.append(("all", *(millilitres(volumes["killed_ml"]) for volumes in parts.values())))
    return FactTable("Dead tissue by what was enough to kill it", ("killed by", *_where(parts)), rows)


def _where(parts: Mapping[str, KillVolumes]) -> Iterator[str]:
    return (f"in the {name}" if name == "target" else name for name in parts)


def _class_words(name: str) -> str:
    if name == "combination":
        return "the combination only"
    return f"{name.replace(' + ', ' and ')}, each enough" if " + " in name else f"{name} only"


def _agents(kill: KillResult, parts: Mapping[str, KillVolumes]) -> FactTable:
    """What every agent would have killed alone, by its deciding model."""
    survivals = kill["target_mean_survival"]
    rows = [
        (
            agent,
            model["model"],
            *(millilitres(volumes["alone_ml"][agent]) for volumes in parts.values()),
            percent(survivals.get(agent)),
            percent(kill["target"]["combination_shares"].get(agent) if kill["target"] else None),
        )
        for agent, model in kill["models"].items()
    ]
    rows.append(
        ("all", "", *(millilitres(one["killed_ml"]) for one in parts.values()), percent(survivals.get("combined")), "")
    )
    columns = (
        "agent",
        "by",
        *(f"alone, {name}" for name in parts),
        "target cells surviving",
        "part in the combination",
    )
    return FactTable("What every agent does alone", columns, rows)


def _drugs(drugs: Mapping[str, DrugResult]) -> Section:
    tables = [
        FactTable(
            "Where the drug is at the end",
            ("drug", *(key.replace("_", " ") for key in _places(drugs)), "error of the balance", "corrected"),
            [
                (
                    name,
                    *(_milligrams(drug["balance_mg"].get(key)) for key in _places(drugs)),
                    f"{100.0 * drug['balance_error']:.2g} %",
                    MISSING if drug["corrected_share"] is None else f"{100.0 * drug['corrected_share']:.2g} %",
                )
                for name, drug in drugs.items()
            ],
        ),
        FactTable(
            "Exposure of the patient",
            ("drug", "peak in plasma", "at", "AUC in plasma"),
            [
                (
                    name,
                    with_unit(drug["plasma_peak_umol_per_l"], "µmol/l"),
                    with_unit(_minutes(drug["plasma_peak_s"]), "min"),
                    with_unit(drug["plasma_auc_umol_h_per_l"], "µmol h/l"),
                )
                for name, drug in drugs.items()
            ],
        ),
    ]
    rows = [row for name, drug in drugs.items() for row in _in_target(name, drug)]
    if rows:
        tables.append(FactTable("The target", ("drug", "quantity", "mean", "95 % have", "half has", "5 % have"), rows))
    depths = [
        (name, where.replace("_", " "), with_unit(depth, "mm"))
        for name, drug in drugs.items()
        for where, depth in drug["penetration_mm"].items()
    ]
    if depths:
        tables.append(FactTable("How far the drug goes", ("drug", "from", "penetration"), depths))
    shares = [f"{name} {percent(drug['share_above_threshold'])}" for name, drug in drugs.items()]
    text = f"Share of the target that was exposed enough to die of the drug alone: {', '.join(shares)}."
    return Section("Drug", text, tables)


def _places(drugs: Mapping[str, DrugResult]) -> list[str]:
    return list(dict.fromkeys(key for drug in drugs.values() for key in drug["balance_mg"]))


def _in_target(name: str, drug: DrugResult) -> Iterator[tuple[str, ...]]:
    if drug["target"] is not None:
        yield (name, "concentration in tissue", *_statistics(drug["target"], "µmol/l"))
    if drug["target_exposure_umol_h_per_l"] is not None:
        yield (name, "exposure", *_statistics(drug["target_exposure_umol_h_per_l"], "µmol h/l"))


def _statistics(found: ConcentrationResult, unit: str) -> Iterator[str]:
    return (with_unit(value, unit) for value in (found["mean"], found["C95"], found["C50"], found["C5"]))


def _milligrams(mass: float | None) -> str:
    return MISSING if mass is None else f"{mass:.3g} mg"


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 60.0


def _reserve(reserve: LiverReserveResult) -> Section:
    organ = ", ".join(reserve["organ"])
    rows = [
        (f"{organ} without the target", millilitres(reserve["volume_ml"])),
        ("reached by infusions", millilitres(reserve["territory_ml"])),
        ("neither reached nor dead", millilitres(reserve["untreated_ml"])),
        ("without arterial flow", millilitres(reserve["embolised_ml"])),
        ("dead", millilitres(reserve["dead_ml"])),
        ("alive", percent(reserve["alive_share"])),
        (
            "alive and perfused by its artery",
            f"{millilitres(reserve['perfused_ml'])} ({percent(reserve['perfused_share'])})",
        ),
    ]
    if reserve["mean_dose_Gy"] is not None:
        rows.append(("mean dose", with_unit(reserve["mean_dose_Gy"], "Gy")))
    return Section("What is left of the organ", "", [FactTable("Organ", ("part", "volume or share"), rows)])
