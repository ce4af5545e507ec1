# SPDX-License-Identifier: LGPL-3.0-or-later
"""What infusions brought, who killed what and what is left of the organ, as sections of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from imagio_sim.outcome.comparison import MISSING
from imagio_sim.outcome.result import (
    ConcentrationResult,
    DrugResult,
    DrugSourceResult,
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
_SAME = 1e-6
"""Two volumes closer than this, relatively, are the same."""
_NOTHING_MG = 1e-9
"""What is left below this is the tail of an exponential."""
_LEFT, _PERFUSED = "What is left of the organ", "alive and perfused by its artery"
_CLOCK = {"d": 86400.0, "h": 3600.0, "min": 60.0}
"""Units of time and their lengths [s]; one is used from twice its length on."""


def infusion_sections(result: Result) -> list[Section]:
    """Sections of what a result has, in the order in which a planner asks."""
    found: list[Section] = []
    if result.get("infusions"):
        found.append(_infusions(result["infusions"]))
    if any(_is_embolised(stage) for stage in result.get("perfusion_by_stage", [])):
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
    return Section("Infusions", text, [FactTable("Where they went", columns, rows), *_clusters(infusions)])


def _clusters(infusions: Mapping[str, InfusionResult]) -> list[FactTable]:
    """What was drawn, where clusters were asked for."""
    rows = [
        (
            name,
            *(f"{drawn[key]:d}" for key in ("particles", "clusters", "largest")),
            percent(drawn["relative_spread"]),
            str(drawn["seed"]),
        )
        for name, one in infusions.items()
        if (drawn := one.get("clusters")) is not None
    ]
    columns = ("infusion", "particles in tissue", "clusters", "in the largest", "spread between voxels", "seed")
    return [FactTable("Clusters drawn", columns, rows)] if rows else []


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
        "Mean blood flow in the target and within 10 mm around it. What embolisation stops washes no drug out, and "
        "carries no heat away, so that the same burn reaches farther."
    )
    return Section("Blood flow", text, [FactTable("Blood flow by stage", columns, rows)])


def _is_embolised(stage: PerfusionResult) -> bool:
    """Whether the blood flow of a stage is another one than normally."""
    normal = stage["target_normal_per_s"], stage["beside_normal_per_s"]
    return (stage["target_per_s"], stage["beside_per_s"]) != normal


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
        _balance(drugs),
        _plasma(drugs),
        *_of_target(drugs),
    ]
    depths = [
        (name, where.replace("_", " "), with_unit(depth, "mm"))
        for name, drug in drugs.items()
        for where, depth in drug["penetration_mm"].items()
    ]
    if depths:
        tables.append(FactTable("How far the drug goes", ("drug", "from", "penetration"), depths))
    reach = " Penetration is how far from a particle tissue has seen a tenth of the exposure beside it."
    return Section("Drug", f"Times are those of the plan.{reach if depths else ''}", tables)


def _balance(drugs: Mapping[str, DrugResult]) -> FactTable:
    """Where each drug is, and how exactly that is known."""
    places = [
        (key.replace("_", " "), *(_milligrams(drug["balance_mg"].get(key)) for drug in drugs.values()))
        for key in _places(drugs)
    ]
    errors = (f"{100.0 * drug['balance_error']:.2g} %" for drug in drugs.values())
    corrected = (
        MISSING if drug["corrected_share"] is None else f"{100.0 * drug['corrected_share']:.2g} %"
        for drug in drugs.values()
    )
    rows = [*places, ("error of the balance", *errors), ("corrected", *corrected)]
    return FactTable("Where the drug is at the end", ("place", *drugs), rows)


def _plasma(drugs: Mapping[str, DrugResult]) -> FactTable:
    """What blood has seen, and what each of several sources has part in."""
    rows = []
    for name, drug in drugs.items():
        rows.append((name, *_peak(drug), with_unit(drug["plasma_auc_umol_h_per_l"], "µmol h/l")))
        if len(drug["sources"]) > 1:
            rows += [
                (
                    f"of it by {source.replace('.', ' ')}",
                    *_peak(one),
                    with_unit(one["plasma_auc_umol_h_per_l"], "µmol h/l"),
                )
                for source, one in drug["sources"].items()
            ]
    columns = ("drug", "highest free concentration in plasma", "at", "area under its curve")
    return FactTable("Exposure of the patient", columns, rows)


def _peak(one: DrugResult | DrugSourceResult) -> tuple[str, str]:
    return with_unit(one["plasma_peak_umol_per_l"], "µmol/l"), _clock(one["plasma_peak_s"])


def _of_target(drugs: Mapping[str, DrugResult]) -> Iterator[FactTable]:
    """What the target has got, and how much of it that is enough for."""
    rows = [row for name, drug in drugs.items() for row in _in_target(name, drug)]
    if not rows:
        return
    yield FactTable("The target", ("drug", "quantity", "mean", "95 % have", "half has", "5 % have"), rows)
    reached = [
        (
            name,
            with_unit(drug["target_peak_umol_per_l"], "µmol/l"),
            _clock(drug["target_peak_s"]),
            percent(drug["share_above_threshold"]),
        )
        for name, drug in drugs.items()
    ]
    columns = ("drug", "highest mean concentration", "at", "share exposed enough to die of it alone")
    yield FactTable("The target at its highest", columns, reached)


def _places(drugs: Mapping[str, DrugResult]) -> list[str]:
    return list(dict.fromkeys(key for drug in drugs.values() for key in drug["balance_mg"]))


def _in_target(name: str, drug: DrugResult) -> Iterator[tuple[str, ...]]:
    if drug["target"] is not None:
        yield (name, "concentration in tissue at the end", *_statistics(drug["target"], "µmol/l"))
    if drug["target_exposure_umol_h_per_l"] is not None:
        yield (name, "exposure", *_statistics(drug["target_exposure_umol_h_per_l"], "µmol h/l"))


def _statistics(found: ConcentrationResult, unit: str) -> Iterator[str]:
    return (with_unit(value, unit) for value in (found["mean"], found["C95"], found["C50"], found["C5"]))


def _milligrams(mass: float | None) -> str:
    return MISSING if mass is None else f"{mass if mass >= _NOTHING_MG else 0.0:.3g} mg"


def _clock(seconds: float | None) -> str:
    """A time in the unit in which people say it."""
    if seconds is None:
        return MISSING
    for unit, length in _CLOCK.items():
        if seconds >= 2.0 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


def _reserve(reserve: LiverReserveResult) -> Section:
    organ, lowest = ", ".join(reserve["organ"]), reserve["lowest"]
    at_end = {
        f"{organ} without the target": millilitres(reserve["volume_ml"]),
        "reached by infusions": millilitres(reserve["territory_ml"]),
        "neither reached nor dead": millilitres(reserve["untreated_ml"]),
        "without arterial flow": millilitres(reserve["embolised_ml"]),
        "dead": millilitres(reserve["dead_ml"]),
        "alive": percent(reserve["alive_share"]),
        _PERFUSED: f"{millilitres(reserve['perfused_ml'])} ({percent(reserve['perfused_share'])})",
    }
    if reserve["mean_dose_Gy"] is not None:
        at_end["mean dose"] = with_unit(reserve["mean_dose_Gy"], "Gy")
    if lowest is None or lowest["perfused_ml"] > (1.0 - _SAME) * reserve["perfused_ml"]:  # the end is the lowest
        return Section(_LEFT, "", [FactTable("Organ", ("part", "volume or share"), list(at_end.items()))])
    at_lowest = {
        "without arterial flow": millilitres(lowest["embolised_ml"]),
        "dead": millilitres(lowest["dead_ml"]),
        _PERFUSED: f"{millilitres(lowest['perfused_ml'])} ({percent(lowest['perfused_share'])})",
    }
    when = f"{_clock(lowest['from_s'])} to {_clock(lowest['until_s'])}"
    rows = [(part, text, at_lowest.get(part, "")) for part, text in at_end.items()]
    text = f"Least of the organ is perfused from {when} of the plan, if what dies in a stage is dead from its begin."
    columns = ("part", "at the end", f"from {when}")
    return Section(_LEFT, text, [FactTable("Organ", columns, rows)])
