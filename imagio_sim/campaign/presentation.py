# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pictures and the report of a finished plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.evaluation import plan_patient
from imagio_sim.campaign.infusions.pictures import infusion_pictures
from imagio_sim.campaign.infusions.report import Infused
from imagio_sim.campaign.provenance import constants_used
from imagio_sim.outcome.assessment import Assessment
from imagio_sim.outcome.result import Result
from imagio_sim.outcome.surface import Surface
from imagio_sim.plan import Scenario, assignments, placed_applicators
from imagio_sim.solve.stage import COMBINED
from imagio_sim.tissue.death import COLD
from imagio_sim.tissue.death.library import death_records
from imagio_sim.view.curves import draw_curves, draw_margin_histogram, has_curves
from imagio_sim.view.half_plane import HalfPlane, draw_half_plane
from imagio_sim.view.interactive import interactive_scene
from imagio_sim.view.planes import draw_planes
from imagio_sim.view.report import Picture, Report, write_report
from imagio_sim.view.scene import Scene
from imagio_sim.view.space import draw_space

if TYPE_CHECKING:
    from imagio_sim.campaign.run import Prepared

Floats = NDArray[np.float64]


def write_presentation(
    prepared: Prepared,
    assessment: Assessment,
    brought: Infused,
    result: Result,
    history: Sequence[Mapping[str, float]],
) -> None:
    """Write ``zone_planes.png``, ``zone_3d.png``, ``history.png``, ``margins.png`` and ``report.html``.

    An axisymmetric plan also gets ``half_plane.png``, and one of infusions or several agents what these have done.
    """
    folder, scene = prepared.folder.path, scene_of(prepared, assessment)
    scenario, plan_name = prepared.scenario, prepared.plan_name
    pictures = [
        _drawn(folder / "zone_planes.png", "Zone and target in three planes.", lambda path: draw_planes(path, scene)),
        _drawn(folder / "zone_3d.png", _space_caption(scene), lambda path: draw_space(path, scene)),
    ]
    if prepared.stages[-1].domain.axisymmetric:
        plane = half_plane_of(prepared, assessment, brought.fields)
        caption = "Temperature and zone in the plane of the axis; one half was solved, the other is its mirror image."
        pictures.insert(0, _drawn(folder / "half_plane.png", caption, lambda path: draw_half_plane(path, plane)))
    else:
        pictures += infusion_pictures(folder, scene, brought)
    columns = {name: [row[name] for row in history] for name in history[0]} if history else {}
    if has_curves(columns):
        pictures.append(
            _drawn(
                folder / "history.png",
                _history_caption(scenario, plan_name),
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
            constants=list(constants_used(scenario, plan_name, prepared.tissue_names)),
            scene=interactive_scene(scene),
        ),
    )


def _space_caption(scene: Scene) -> str:
    return f"Zone{', target and needles' if scene.applicators else ' and target'} in space."


def _history_caption(scenario: Scenario, plan_name: str) -> str:
    stages = scenario.plan(plan_name).stages
    shown = {
        "generator": any(stage.applicators for stage in stages),
        "drug": any("drug" in infusion.AGENTS for stage in stages for infusion in stage.infusions),
        "tissue": True,
    }
    return f"{' and '.join(name for name, there in shown.items() if there)} over time.".capitalize()


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
    critical = {label for parts in patient.structures.values() for label in parts}
    # A vessel that is to be spared is shown once, as such.
    vessels = {name: Surface(*one) for name, one in anatomy.vessel_surfaces().items() if name not in critical}
    return Scene(
        title=f"{scenario.name}: {prepared.plan_name}",
        zone=assessment.zone,
        zone_name=zone_name(assessment.deciding_model, scenario.plan(prepared.plan_name).agents),
        level=assessment.level,
        probe=assessment.probe,
        applicators=placed_applicators(scenario, prepared.plan_name),
        labels=anatomy.labels,
        roles=patient.roles,
        target=patient.target,
        margins=assessment.margins,
        organ=patient.capsule,
        vessels=vessels,
        structures=structures,
        image=anatomy.image,
    )


def zone_name(model: str, agents: Sequence[str]) -> str:
    """What a zone is called in pictures: by what it was made, and up to where it reaches."""
    if model == COMBINED:
        return f"ablation zone ({' and '.join(agents)})"
    record = death_records()[model]
    threshold = record.parameters.get("threshold")
    if threshold is None or threshold.unit != "degC":
        return f"ablation zone ({record.agent}, {model.replace('_', ' ')})"
    reach = f"{record.law.replace('_', ' ')} {threshold.value:g} °C"
    return f"ablation zone ({record.agent}, {reach})".replace("-", "−")


def half_plane_of(prepared: Prepared, assessment: Assessment, fields: Mapping[str, Floats]) -> HalfPlane:
    """What the picture of an axisymmetric plan shows."""
    scenario, plan_name, stage = prepared.scenario, prepared.plan_name, prepared.stages[-1]
    is_cold = COLD in scenario.plan(plan_name).agents
    return HalfPlane(
        title=f"{scenario.name}: {plan_name}",
        domain=stage.domain,
        sampled=stage.sampled,
        zone=assessment.zone,
        zone_name=zone_name(assessment.deciding_model, scenario.plan(plan_name).agents),
        level=assessment.level,
        extreme=fields["minimum_temperature_degC" if is_cold else "peak_temperature_degC"],
        is_cold=is_cold,
        applicators=stage.applicators,
    )


def _summary(prepared: Prepared) -> dict[str, str]:
    """The plan in a few lines."""
    scenario, name = prepared.scenario, prepared.plan_name
    body = "homogeneous phantom" if scenario.patient.layers is None else "layered phantom"
    lines = {"Patient": ", ".join(prepared.inputs) or body}
    if scenario.solver.geometry == "axisymmetric":
        lines["Geometry"] = "axisymmetric, solved in the half plane of radius and height"
    plan = scenario.plan(name)
    for number, stage in enumerate(plan.stages):
        for called, infusion in zip(plan.infusion_names[number], stage.infusions, strict=True):
            given = infusion.model_dump(mode="json", exclude_none=True, exclude={"name", "kind"})
            lines[f"{called}: {infusion.kind.replace('_', ' ')}"] = settings_text(given)
        for one in assignments(scenario, name, number):
            settings = one.program.model_dump(mode="json", exclude_none=True, exclude={"modality", "mode"})
            lines[f"{one.name}: {one.device.title}"] = (
                f"{one.program.mode.replace('_', ' ')}, {settings_text(settings)}"
            )
    return lines


def settings_text(settings: Any) -> str:
    """Settings of a program, whatever they hold, as a line for people."""
    if isinstance(settings, Mapping):
        return ", ".join(f"{key.replace('_', ' ')} {settings_text(value)}" for key, value in settings.items())
    if isinstance(settings, list):
        texts = [settings_text(one) for one in settings]
        return "; ".join(texts) if any(isinstance(one, Mapping | list) for one in settings) else ", ".join(texts)
    return str(settings)
