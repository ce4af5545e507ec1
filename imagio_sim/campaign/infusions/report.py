# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a result says of infusions: where they went, what drugs did, and what is left of the organ they feed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.model import Anatomy
from imagio_sim.campaign.geometry import StageGeometry
from imagio_sim.campaign.infusions.absorbed_dose import InfusionDose, infusion_doses
from imagio_sim.campaign.infusions.delivery import Delivered, cell_warnings, cluster_warnings, delivered
from imagio_sim.campaign.infusions.drug_report import DrugOnMesh, Facts, drug_results, drug_warnings, drugs_on_mesh
from imagio_sim.campaign.modalities.embolisation import closed_for
from imagio_sim.delivery.clusters import Census
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.locate import Locator
from imagio_sim.outcome.assessment import Assessment
from imagio_sim.outcome.attribution import Attribution
from imagio_sim.outcome.liver_reserve import LiverReserve, LowestReserve, Reached, liver_reserve
from imagio_sim.outcome.perfusion import perfusion_about
from imagio_sim.outcome.probe import Probe
from imagio_sim.outcome.result import NORMAL_LIVER, ClusterResult, InfusionResult, PerfusionResult, Result
from imagio_sim.plan import Scenario
from imagio_sim.plan.infusions import EmbolicInfusion, InfusionModel
from imagio_sim.plan.stages import StageTimes
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.sources.ischaemia import IschaemiaSpec
from imagio_sim.solve.state_names import LEVEL

Floats = NDArray[np.float64]

_INJECTED: Mapping[str, str] = MappingProxyType(
    {
        "drug_mass": "drug_mg",
        "particle_volume": "particles_ml",
        "oil_volume": "oil_ml",
        "activity": "activity_GBq",
    }
)
"""Field of an infusion that is an amount, and its name in the result."""
# An image of what an infusion reached that shows less than this share of the organ is worth a warning.
_NEARLY_ALL_OF_ORGAN = 0.95
# Every so many of the points at which coverage is measured find the cells of the target.
_THINNED = 5
# Volumes that agree to so many digits of a millilitre are the same.
_DIGITS_ML = 6


@dataclass(frozen=True, eq=False)
class Infused:
    """What infusions did by the end of a plan.

    Attributes
    ----------
    delivered
        Where those into arteries went.
    doses
        Of those with radionuclides, on voxels.
    drugs
        On the last stage's mesh, by name.
    fields
        Final nodal fields (n,) of that mesh.
    attribution
        Who killed what.
    reserve
        What is left of the organ that infusions feed; None where none names it.
    lowest_reserve
        The same of the part of the plan in which least of it is perfused.
    """

    delivered: Sequence[Delivered]
    doses: Sequence[InfusionDose]
    drugs: Mapping[str, DrugOnMesh]
    fields: Mapping[str, Floats]
    attribution: Attribution
    reserve: LiverReserve | None
    lowest_reserve: LowestReserve | None

    def add_to(self, result: Result, scenario: Scenario, anatomy: Anatomy, assessment: Assessment) -> None:
        """Put it into a result, of whose plan it is; doses are there already."""
        result["kill"] = self.attribution.section
        infusions = infusion_results(scenario, result["plan"], anatomy)
        if infusions:
            result["infusions"] = infusions
            result["warnings"].extend([*coverage_warnings(self.delivered), *cluster_warnings(self.delivered)])
            result["warnings"].extend(cell_warnings(self.delivered, assessment.probe.domain))
        if self.drugs:
            result["drug"] = drug_results(self.drugs, assessment)
            result["warnings"].extend(drug_warnings(self.drugs))
        if self.reserve is not None:
            dose = result["dose"]["structures"].get(NORMAL_LIVER) if "dose" in result else None
            mean_dose = None if dose is None else dose["kernel"]["mean_Gy"]
            result["liver_reserve"] = self.reserve.section(mean_dose, self.lowest_reserve)


@dataclass(frozen=True, eq=False)
class StageEnd:
    """The end of a stage: its mesh, its nodal fields (n,), and what its sources say by their names."""

    domain: Domain
    fields: Mapping[str, Floats]
    facts: Mapping[str, Facts]

    def dead(self, model: str, points_mm: Floats) -> NDArray[np.bool_]:
        """Whether points (p, 3) in LPS mm lie in the zone of a death model."""
        return Probe(self.domain, Locator(self.domain)).dead(self.fields[f"{LEVEL}{model}"], points_mm)


def infused(
    scenario: Scenario,
    plan_name: str,
    anatomy: Anatomy,
    assessment: Assessment,
    attribution: Attribution,
    ends: Sequence[StageEnd],
) -> Infused:
    """What infusions did by the ends of a plan's stages."""
    timeline, fields = scenario.plan(plan_name).timeline, ends[-1].fields
    counted = _counted_organ(scenario, plan_name, anatomy)
    return Infused(
        delivered(scenario, plan_name, anatomy),
        infusion_doses(scenario, plan_name, anatomy),
        drugs_on_mesh([(times.begin, end.facts) for times, end in zip(timeline, ends, strict=True)], fields),
        fields,
        attribution,
        None if counted is None else counted.at_the_end(assessment),
        None if counted is None else counted.lowest(assessment, ends[:-1]),
    )


def infusion_results(scenario: Scenario, plan_name: str, anatomy: Anatomy) -> dict[str, InfusionResult]:
    """Every infusion of a plan, by its name."""
    plan = scenario.plan(plan_name)
    went = {one.name: one for one in delivered(scenario, plan_name, anatomy)}
    return {
        name: _infusion_result(infusion, number, plan.timeline[number].begin, went.get(name))
        for number, stage in enumerate(plan.stages)
        for name, infusion in zip(plan.infusion_names[number], stage.infusions, strict=True)
    }


def coverage_warnings(went: Sequence[Delivered]) -> list[str]:
    """Images of what infusions reached that do not show the whole organ."""
    return [
        f"{one.name}: its image covers {100.0 * covered:.1f} % of the organ; the rest counts as not reached"
        for one in went
        if (covered := one.territory.facts.get("covered_share", 1.0)) < _NEARLY_ALL_OF_ORGAN
    ]


def _infusion_result(infusion: InfusionModel, stage: int, begin: float, went: Delivered | None) -> InfusionResult:
    given = {words: getattr(infusion, field, None) for field, words in _INJECTED.items()}
    made: InfusionResult = {
        "kind": infusion.kind,
        "stage": stage + 1,
        "begin_s": begin,
        "injected": {words: float(amount) for words, amount in given.items() if amount is not None},
        "territory_volume_ml": None,
        "target_fed_share": None,
        "in_target_share": None,
        "in_organ_share": None,
        "lung_share": None,
        "elsewhere_share": None,
        "sum_error": None,
    }
    return made if went is None else _with_shares(made, went)


def _with_shares(made: InfusionResult, went: Delivered) -> InfusionResult:
    """The same with what went where; what stays on the grid beyond the organ is elsewhere."""
    deposition, target = went.deposition, went.target
    in_organ = deposition.share_in(went.organ)
    beyond = deposition.share_in(~went.organ) + deposition.elsewhere_share
    found: InfusionResult = {
        **made,
        "territory_volume_ml": went.territory.volume_ml,
        "target_fed_share": float(went.territory.share[target].mean()) if target.any() else None,
        "in_target_share": deposition.share_in(target),
        "in_organ_share": in_organ,
        "lung_share": deposition.lung_share,
        "elsewhere_share": beyond,
        "sum_error": abs(in_organ + beyond + deposition.lung_share - 1.0),
        "territory_found": dict(went.territory.facts),
        "to_lungs": {words: amount * deposition.lung_share for words, amount in made["injected"].items()},
    }
    if went.census is not None:
        found["clusters"] = _clusters(went, went.census)
    return found


def _clusters(went: Delivered, census: Census) -> ClusterResult:
    """What was drawn."""
    assert went.infusion.seed is not None  # a plan asks for it
    return {
        "seed": went.infusion.seed,
        "particles": census.beads,
        "clusters": census.clusters,
        "largest": census.largest,
        "relative_spread": census.relative_spread,
        "voxel_mm": [float(length) for length in went.deposition.grid.spacing_mm],
    }


@dataclass(frozen=True, eq=False)
class _CountedOrgan:
    """The organ that infusions feed, by the centres (p, 3) of its voxels without the target, each of ``voxel_ml``."""

    scenario: Scenario
    plan_name: str
    organ: tuple[str, ...]
    points: Floats
    voxel_ml: float
    own: Sequence[Delivered]

    @property
    def _timeline(self) -> Sequence[StageTimes]:
        return self.scenario.plan(self.plan_name).timeline

    @property
    def _end(self) -> float:
        return self._timeline[-1].next_begin

    def at_the_end(self, assessment: Assessment) -> LiverReserve:
        """What is left when the plan ends."""
        return self._at(self._end, assessment.probe.dead(assessment.level, self.points))

    def lowest(self, assessment: Assessment, earlier: Sequence[StageEnd]) -> LowestReserve:
        """The part of the plan in which least is perfused; deaths of a stage count from its begin."""
        dead = [end.dead(assessment.deciding_model, self.points) for end in earlier]
        dead.append(assessment.probe.dead(assessment.level, self.points))
        parts = [
            LowestReserve(self._at(0.5 * (begin + end), dead[stage]), begin, end) for begin, end, stage in self._parts()
        ]
        # of parts with the same reserve the last
        return min(reversed(parts), key=lambda part: round(part.reserve.perfused_ml, _DIGITS_ML))

    def _parts(self) -> Iterator[tuple[float, float, int]]:
        """Begin and end [s] of what no artery is closed or opened within, and the stage that it lies in."""
        begins = [times.begin for times in self._timeline]
        opened = [begins[one.stage] + self._lasting(one) for one in self.own]
        marks = sorted({0.0, *begins, self._end, *(time for time in opened if time < self._end)})
        for begin, end in pairwise(marks):
            yield begin, end, sum(time <= begin for time in begins) - 1

    def _at(self, time: float, dead: NDArray[np.bool_]) -> LiverReserve:
        reached = [Reached(one.territory.grid, one.territory.share, self._closed(one, time)) for one in self.own]
        return liver_reserve(self.organ, self.points, self.voxel_ml, reached, dead)

    def _closed(self, one: Delivered, time: float) -> float:
        """Share of the arterioles in its territory that an infusion closes at a time [s] of the plan."""
        if not isinstance(one.infusion, EmbolicInfusion):
            return 0.0
        elapsed = time - self._timeline[one.stage].begin
        return one.infusion.occlusion if 0.0 <= elapsed < self._lasting(one) else 0.0

    def _lasting(self, one: Delivered) -> float:
        """Time [s] after which the arterioles that an infusion closes are open again; at once where it closes none."""
        if not isinstance(one.infusion, EmbolicInfusion):
            return 0.0
        return closed_for(one.infusion, self.scenario.pharmacy)


def _counted_organ(scenario: Scenario, plan_name: str, anatomy: Anatomy) -> _CountedOrgan | None:
    own = delivered(scenario, plan_name, anatomy)
    named = own or next((found for name in scenario.plans if (found := delivered(scenario, name, anatomy))), ())
    if not named:
        return None
    first = named[0]
    grid = first.deposition.grid
    points = grid.to_lps(np.argwhere(first.organ & ~first.target).astype(float))
    return _CountedOrgan(scenario, plan_name, first.infusion.organ, points, grid.voxel_volume_mm3 / 1000.0, own)


def perfusion_by_stage(cases: Sequence[ThermalCase], assessment: Assessment) -> list[PerfusionResult]:
    """Blood flow in the target and around it in every stage; nothing without a target."""
    if assessment.coverage is None or assessment.target is None:
        return []
    samples, target, found = assessment.coverage.samples.points_mm[::_THINNED], assessment.target, []
    for case in cases:
        cells = Locator(case.domain).cells(case.domain.located(samples))
        rate = case.cell_fields["perfusion_rate"]
        found.append(perfusion_about(case.domain, rate, _factor_left(case), target, np.unique(cells[cells >= 0])))
    return found


def _factor_left(case: ThermalCase) -> Floats:
    """What embolisation has left of the perfusion of each cell (m,)."""
    closed = [spec.perfusion_factor for spec in case.sources if isinstance(spec, IschaemiaSpec)]
    return closed[0] if closed else np.ones(len(case.domain.cells))


def territories(geometry: StageGeometry) -> dict[str, NDArray[np.generic]]:
    """Share of what is around the middle of each cell (m,) that every infusion of a plan reaches, to be looked at."""
    domain = geometry.domain
    middles = domain.points_in_space_mm[domain.cells].mean(axis=1)
    return {
        f"territory_{one.name}": Reached(one.territory.grid, one.territory.share, 0.0).at(middles)
        for one in geometry.delivered
    }
