# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pictures and the report of a finished plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagio_sim.campaign.evaluation import plan_patient
from imagio_sim.campaign.provenance import tissue_record
from imagio_sim.outcome.assessment import Assessment
from imagio_sim.outcome.result import Result
from imagio_sim.outcome.surface import Surface
from imagio_sim.plan import channels, placed_applicators, resolved_plan
from imagio_sim.view.curves import draw_curves, draw_margin_histogram
from imagio_sim.view.planes import draw_planes
from imagio_sim.view.report import Constant, Picture, Report, write_report
from imagio_sim.view.scene import Scene
from imagio_sim.view.space import draw_space

if TYPE_CHECKING:
    from imagio_sim.campaign.run import Prepared


def write_presentation(
    prepared: Prepared, assessment: Assessment, result: Result, history: Sequence[Mapping[str, float]]
) -> None:
    """Write ``zone_planes.png``, ``zone_3d.png``, ``history.png``, ``margins.png`` and ``report.html``."""
    folder, scene = prepared.folder.path, scene_of(prepared, assessment)
    pictures = [
        _drawn(folder / "zone_planes.png", "Zone and target in three planes.", lambda path: draw_planes(path, scene)),
        _drawn(folder / "zone_3d.png", "Zone, target and needles in space.", lambda path: draw_space(path, scene)),
    ]
    columns = {name: [row[name] for row in history] for name in history[0]} if history else {}
    if columns:
        pictures.append(
            _drawn(
                folder / "history.png",
                "Generator and tissue over time.",
                lambda path: draw_curves(path, columns, scene.title),
            )
        )
    margins = assessment.margins
    if margins is not None:
        pictures.append(
            _drawn(
                folder / "margins.png",
                "Margins over the target's surface.",
                lambda path: draw_margin_histogram(path, margins, scene.title),
            )
        )
    write_report(
        folder / "report.html",
        Report(
            title=scene.title,
            question=prepared.scenario.question,
            summary=_summary(prepared),
            result=result,
            pictures=pictures,
            constants=list(_constants(prepared)),
        ),
    )


def _drawn(path: Path, caption: str, draw: Callable[[Path], None]) -> Picture:
    draw(path)
    return Picture(path, caption)


def scene_of(prepared: Prepared, assessment: Assessment) -> Scene:
    """What the pictures show."""
    anatomy, scenario = prepared.anatomy, prepared.scenario
    patient = plan_patient(scenario, anatomy)
    structures = {
        (label if len(parts) > 1 else name): surface
        for name, parts in patient.structures.items()
        for label, surface in parts.items()
    }
    vessels = {name: Surface(*surface) for name, surface in anatomy.vessel_surfaces().items()}
    return Scene(
        title=f"{scenario.name}: {prepared.plan_name}",
        zone=assessment.zone,
        level=assessment.level,
        probe=assessment.probe,
        applicators=placed_applicators(scenario, prepared.plan_name),
        labels=anatomy.labels,
        roles=patient.roles,
        target=patient.target,
        margins=assessment.margins,
        organ=patient.capsule,
        vessels=vessels,
        structures={name: surface for name, surface in structures.items() if name not in vessels},
        image=anatomy.image,
    )


def _summary(prepared: Prepared) -> dict[str, str]:
    """The plan in a few lines."""
    scenario, name = prepared.scenario, prepared.plan_name
    lines = {"Patient": ", ".join(prepared.inputs) or "homogeneous phantom"}
    for number, _ in enumerate(scenario.plan(name).stages):
        for channel in channels(scenario, name, number):
            settings = channel.program.model_dump(mode="json", exclude_none=True, exclude={"modality", "mode"})
            told = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in settings.items())
            lines[f"{channel.name}: {channel.device.title}"] = f"{channel.program.mode.replace('_', ' ')}, {told}"
    return lines


def _constants(prepared: Prepared) -> Iterable[Constant]:
    """Every constant the run used, with its source."""
    names = sorted({name for stage in prepared.stages for name in stage.sampled.tissues})
    record = tissue_record(prepared.scenario, names)
    owners = {**record["tissues"], "laws": record["laws"], **record["death_models"]}
    for owner, values in owners.items():
        for quantity, entry in values.items():
            yield Constant(owner, quantity, entry["value"], entry["spread"], f"{entry['source']} ({entry['evidence']})")
    resolved = resolved_plan(prepared.scenario, prepared.plan_name)
    for device, data in resolved["devices"].items():
        yield from _sourced(device, "", data, resolved["sources"])


def _sourced(device: str, path: str, data: Any, sources: Mapping[str, Mapping[str, str]]) -> Iterable[Constant]:
    """Every figure of a device file that carries a source."""
    if not isinstance(data, dict):
        return
    if "source" in data and "value" in data:
        reference = sources.get(data["source"], {}).get("reference", data["source"])
        spread = str(data.get("spread", ""))
        yield Constant(device, path, str(data["value"]), spread, f"{reference} ({data.get('evidence', '')})")
        return
    for key, value in data.items():
        yield from _sourced(device, f"{path} {key}".strip(), value, sources)
