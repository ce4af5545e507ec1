# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the study found as JSON, as a page and as figures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from imagio_sim.outcome.uncertainty import CHANCE
from validation.uncertainty.study import MODALITIES

FOLDER = Path(__file__).parent
RESULTS, README = FOLDER / "results.json", FOLDER / "README.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
SHOWN_MAP = ("radiofrequency", "death_probability_one_electrode.png")
"""The map of a plan in the demo patient that the page shows."""
MAIN = ("minimal_ablative_margin", "ablation_zone_volume", "target_mean_dose", "target_exposed", "tumour_control")
TITLES = {
    "minimal_ablative_margin": "margin (mm)",
    "ablation_zone_volume": "zone (ml)",
    "target_mean_dose": "mean dose (Gy)",
    "target_exposed": "target above drug threshold (%)",
    "tumour_control": "tumour control (%)",
}
GROUPS = ("tissue and laws", "device", "drug and spheres", "death model", "placement")
FEWEST_KEPT = 64
"""Members of a plan below which nothing is kept: so few say little, and least where the spread comes from."""
_MOST_NAMED, _MOST_SHOWN = 6, 3


def write_record(out: Path) -> None:
    """Read what is finished below a folder, keep it, and renew the page with its figures."""
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for name in MODALITIES:
        file = out / name / "uncertainty.json"
        told = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
        if told is not None and told["asked"]["count"] >= FEWEST_KEPT:
            found[name] = _kept(told)
    RESULTS.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    picture = out / SHOWN_MAP[0] / SHOWN_MAP[1]
    if SHOWN_MAP[0] in found and picture.is_file():
        shutil.copyfile(picture, FOLDER / "death_probability.png")
    if found:
        draw_intervals(found, FOLDER / "intervals.png")
        draw_origins(found, FOLDER / "origins.png")
    before, after = README.read_text(encoding="utf-8").split(BEGIN)[0], README.read_text(encoding="utf-8").split(END)[1]
    README.write_text(f"{before}{BEGIN}\n\n{table(found)}\n\n{END}{after}", encoding="utf-8")


def _kept(told: Mapping[str, Any]) -> dict[str, Any]:
    """What is worth keeping of an ``uncertainty.json``: the strongest inputs instead of all."""
    plans = {
        name: {
            **{key: one[key] for key in ("members", "failed", "figures", "covered", "margin_kept", "unchecked")},
            "seconds_per_member": round(one["seconds"], 1),
            "inputs": len(one["inputs"]),
            "origins": {key: _strongest(one["origins"].get(key, [])) for key in MAIN if one["origins"].get(key)},
            "groups": {key: _by_group(one["origins"][key], one["inputs"]) for key in MAIN if one["origins"].get(key)},
        }
        for name, one in told["plans"].items()
    }
    return {"asked": told["asked"], "plans": plans, "differences": told["differences"]}


def _strongest(origins: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "share": round(one["share"], 3)} for one in origins[:_MOST_NAMED]]


def _by_group(origins: list[dict[str, Any]], inputs: Mapping[str, Mapping[str, str]]) -> dict[str, float]:
    """Share of each kind of input in what is above chance."""
    meant = [one for one in origins if one["significance"] < CHANCE]
    total = sum(one["share"] for one in meant) or 1.0
    shares = dict.fromkeys(GROUPS, 0.0)
    for one in meant:
        shares[group_of(one["name"])] += one["share"] / total
    return {name: round(share, 3) for name, share in shares.items()}


def group_of(name: str) -> str:
    """What kind of thing an input is, by its name."""
    from imagio_sim.devices.library import device_names
    from imagio_sim.pharmacy.library import entry_names
    from imagio_sim.tissue.death import death_records

    owner = name.partition(":")[0].split(" and ")[0]
    if name.startswith("placement"):
        return "placement"
    if owner in device_names():
        return "device"
    if owner in entry_names():
        return "drug and spheres"
    return "death model" if owner in death_records() else "tissue and laws"


def plans_of(found: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Modality, plan and what was found, in the order of the page."""
    for modality in sorted(found):
        for plan, one in found[modality]["plans"].items():
            yield modality, plan, one


def table(found: Mapping[str, Any]) -> str:
    """Probabilities, intervals, the strongest inputs and the time of a member, as Markdown."""
    columns = ("plan", "members", "target covered", "margin ≥ 5 mm", "margin (mm)", "zone (ml)", "follows", "unchecked")
    lines = [f"| {' | '.join((*columns, 's per member'))} |", "|---" * (len(columns) + 1) + "|"]
    for modality, plan, one in plans_of(found):
        key = next(key for key in MAIN if key in one["origins"])
        meant = [each for each in one["origins"][key][:_MOST_SHOWN] if each["significance"] < CHANCE]
        leading = "; ".join(f"{each['name']} {100 * each['share']:.0f} %" for each in meant) or "none beyond chance"
        lines.append(
            f"| {modality}: {plan.replace('_', ' ')} | {one['members']} of {one['members'] + one['failed']} "
            f"| {_chance(one['covered'])} | {_chance(one['margin_kept'])} "
            f"| {_interval(one, 'minimal_ablative_margin')} | {_interval(one, 'ablation_zone_volume')} "
            f"| {leading} | {100 * one['unchecked'][key]:.0f} % | {one['seconds_per_member']:.0f} |"
        )
    more = [line for modality, plan, one in plans_of(found) for line in _of_infusions(modality, plan, one)]
    more += [line for modality in sorted(found) for line in _pairs(found[modality])]
    return "\n".join([*lines, "", *more])


def _of_infusions(modality: str, plan: str, one: Mapping[str, Any]) -> Iterator[str]:
    told = [f"{TITLES[key]} {_interval(one, key)}" for key in MAIN[2:] if key in one["figures"]]
    if told:
        yield f"- {modality}, {plan.replace('_', ' ')}: {', '.join(told)}."


def _pairs(told: Mapping[str, Any]) -> Iterator[str]:
    for one in told["differences"]:
        chances = ", ".join(
            f"{key.replace('_', ' ')} {100 * found['value']:.0f} %" for key, found in one["better"].items()
        )
        yield f"- {one['first'].replace('_', ' ')} is better than {one['second'].replace('_', ' ')} in: {chances}."


def _chance(found: Mapping[str, float] | None) -> str:
    if found is None:
        return "–"
    return f"{100 * found['value']:.0f} % ({100 * found['low']:.0f} to {100 * found['high']:.0f})"


def _interval(one: Mapping[str, Any], key: str) -> str:
    found = one["figures"].get(key)
    if found is None:
        return "–"
    return f"{found['median']:.3g} ({found['low']:.3g} to {found['high']:.3g})"


def draw_intervals(found: Mapping[str, Any], path: Path) -> None:
    """Margins of all plans: 5, 50 and 95 %, with that of the nominal run."""
    from matplotlib.figure import Figure

    told = [
        (f"{modality}: {plan.replace('_', ' ')}", margin)
        for modality, plan, one in plans_of(found)
        if (margin := one["figures"].get("minimal_ablative_margin"))
    ]
    figure = Figure(figsize=(9.0, 0.6 + 0.45 * len(told)), layout="constrained")
    axes = figure.subplots()
    for row, (_, margin) in enumerate(told):
        axes.plot([margin["low"], margin["high"]], [row, row], color="#4477aa", linewidth=5, solid_capstyle="butt")
        axes.plot(margin["median"], row, "|", color="black", markersize=14)
        if margin["nominal"] is not None:
            axes.plot(margin["nominal"], row, "o", color="#ee6677", markersize=6)
    axes.axvline(0.0, color="#888888", linewidth=0.8)
    axes.axvline(5.0, color="#888888", linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(told)), [name for name, _ in told])
    axes.invert_yaxis()
    axes.set_xlabel("minimal ablative margin (mm): 5 to 95 % of the members, median |, nominal ●")
    figure.savefig(path, dpi=110)


def draw_origins(found: Mapping[str, Any], path: Path) -> None:
    """Of what kind the inputs are that the main figure of each plan follows."""
    from matplotlib.figure import Figure

    told = [
        (f"{modality}: {plan.replace('_', ' ')}", next(iter(one["groups"].values())))
        for modality, plan, one in plans_of(found)
        if one["groups"]
    ]
    figure = Figure(figsize=(9.0, 1.0 + 0.45 * len(told)), layout="constrained")
    axes = figure.subplots()
    start = [0.0] * len(told)
    for group, colour in zip(GROUPS, ("#4477aa", "#ccbb44", "#228833", "#ee6677", "#bbbbbb"), strict=True):
        widths = [100.0 * shares[group] for _, shares in told]
        axes.barh(range(len(told)), widths, left=start, color=colour, label=group)
        start = [a + b for a, b in zip(start, widths, strict=True)]
    axes.set_yticks(range(len(told)), [name for name, _ in told])
    axes.invert_yaxis()
    axes.set_xlabel("share of what is above chance (%)")
    figure.legend(loc="outside upper center", ncols=len(GROUPS), frameon=False)
    figure.savefig(path, dpi=110)
