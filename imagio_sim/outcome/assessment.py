# SPDX-License-Identifier: LGPL-3.0-or-later
"""Everything a run says about the patient, from the final fields: the outcome part of ``result.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.devices.applicator import PlacedApplicator
from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.outcome.margins import (
    Coverage,
    Margins,
    ablative_margins,
    signed_depth,
    target_coverages,
    volume_histogram,
)
from imagio_sim.outcome.patient import Patient
from imagio_sim.outcome.probe import Interpolator, Probe
from imagio_sim.outcome.result import (
    AblationZoneResult,
    ContractedZoneResult,
    Result,
    StructureResult,
    TargetResult,
    TrajectoryResult,
    ZoneResult,
)
from imagio_sim.outcome.shrinkage import ContractedZone, aerated_share, contracted_zone
from imagio_sim.outcome.structures import (
    ExtremeFields,
    StructureOutcome,
    UnknownShare,
    dead_volume_by_tissue,
    structure_outcome,
    unknown_share,
)
from imagio_sim.outcome.surface import Surface
from imagio_sim.outcome.trajectory import Trajectory, trajectory
from imagio_sim.outcome.zone import AblationZone, ablation_zone

MARGIN_THRESHOLDS_MM = (-10.0, -5.0, 0.0, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0)
ICE_SURFACES = (0.0, -20.0, -30.0, -40.0)
"""Temperatures [degC] whose surfaces are measured where tissue froze: the ice ball and customary lethal isotherms."""
_ICE_SCALE = 10.0
TEMPERATURE_THRESHOLDS = (42.0, 45.0, 50.0, 55.0, 60.0, 70.0, 80.0, 90.0, 100.0)


@dataclass(frozen=True, eq=False)
class Fields:
    """Final state of a run.

    Attributes
    ----------
    levels
        Nodal death level (n,) by model, >= 0 where dead.
    deciding_model
        The model whose zone decides.
    extremes
        What every node has lived through.
    """

    levels: Mapping[str, NDArray[np.float64]]
    deciding_model: str
    extremes: ExtremeFields


@dataclass(frozen=True, eq=False)
class Assessment:
    """The outcome of a run; ``section`` is its part of the result, the rest serves pictures and exports.

    ``margins``, ``coverage`` and ``coverage_by_model`` are None or empty without a target, ``ice`` (what was ever
    colder than each of :data:`ICE_SURFACES`) where nothing froze, ``contracted`` None where nothing contracts.
    """

    zone: AblationZone
    zones: Mapping[str, AblationZone]
    deciding_model: str
    probe: Probe
    margins: Margins | None
    margins_by_model: Mapping[str, Margins]
    coverage: Coverage | None
    coverage_by_model: Mapping[str, float]
    structures: tuple[StructureOutcome, ...]
    trajectories: tuple[Trajectory, ...]
    unknown: UnknownShare
    dead_volume_by_tissue_ml: Mapping[str, float]
    level: NDArray[np.float64]
    target: Surface | None
    histogram: Mapping[str, Mapping[str, float]]
    ice: Mapping[float, AblationZone]
    contracted: ContractedZone | None

    @property
    def warnings(self) -> list[str]:
        """Sentences for the planner."""
        clipped = ["the ablation zone reaches the outside of the region: enlarge the region"] * self.zone.clipped
        burnt = ["the ablation zone reaches the skin"] * self.zone.at_skin
        paths = [warning for path in self.trajectories for warning in path.warnings]
        return [*clipped, *burnt, *self.unknown.warnings, *paths]

    def add_to(self, result: Result) -> None:
        """Put the outcome into a result; warnings are appended."""
        result["target"] = self._target_section()
        result["ablation_zone"] = self._zone_section()
        if self.contracted is not None:
            result["contracted_zone_estimate"] = _contracted_section(self.contracted)
        if self.ice:
            result["ice"] = {f"{threshold:g}_degC": self._shape(zone) for threshold, zone in self.ice.items()}
        result["structures"] = {s.name: _structure_section(s) for s in self.structures}
        result["dead_volume_by_tissue_ml"] = dict(self.dead_volume_by_tissue_ml)
        result["trajectories"] = {t.applicator: _trajectory_section(t) for t in self.trajectories}
        result["unknown_tissue"] = {
            "region_unlabelled": self.unknown.region_unlabelled,
            "region_outside": self.unknown.region_outside,
            "zone_unlabelled": self.unknown.zone_unlabelled,
            "zone_outside": self.unknown.zone_outside,
        }
        result["warnings"].extend(self.warnings)

    def _target_section(self) -> TargetResult | None:
        if self.margins is None or self.coverage is None:
            return None
        margins, point = self.margins, self.margins.minimal_point_mm
        return {
            "volume_ml": self.coverage.volume_mm3 / 1000.0,
            "coverage": self.coverage.fraction,
            "residual_volume_ml": self.coverage.residual_mm3 / 1000.0,
            "minimal_ablative_margin_mm": margins.minimal_mm,
            "minimal_margin_with_subcapsular_mm": margins.minimal_anywhere_mm,
            "minimal_margin_point_lps_mm": None if point is None else [float(x) for x in point],
            "margin_surface_fraction": {
                "lt_0": margins.surface_fraction(-np.inf, 0.0),
                "0_5": margins.surface_fraction(0.0, 5.0),
                "ge_5": margins.surface_fraction(5.0, np.inf),
                "ge_10": margins.surface_fraction(10.0, np.inf),
            },
            "subcapsular_surface_fraction": margins.subcapsular_fraction,
            "coverage_histogram": {name: dict(shares) for name, shares in self.histogram.items()},
        }

    def _zone_section(self) -> AblationZoneResult:
        by_model = {name: self._one_zone(name) for name in self.zones}
        return {**by_model[self.deciding_model], "deciding_model": self.deciding_model, "by_model": by_model}

    def _one_zone(self, model: str) -> ZoneResult:
        section = self._shape(self.zones[model])
        if model in self.coverage_by_model:
            section["coverage"] = self.coverage_by_model[model]
            section["minimal_ablative_margin_mm"] = self.margins_by_model[model].minimal_mm
        return section

    def _shape(self, zone: AblationZone) -> ZoneResult:
        return {
            "volume_ml": zone.volume_ml,
            "tissue_volume_ml": zone.tissue_volume_ml,
            "long_axis_mm": zone.long_axis_mm,
            "short_axis_mm": zone.short_axis_mm,
            "transverse_axis_mm": zone.transverse_axis_mm,
            "sphericity": zone.sphericity,
            "components": len(zone.component_volumes_mm3),
            "centroid_lps_mm": None if zone.centroid_mm is None else [float(x) for x in zone.centroid_mm],
            "centroid_to_target_mm": _offset(zone, self.target),
            "clipped_by_region": zone.clipped,
        }


def _contracted_section(contracted: ContractedZone) -> ContractedZoneResult:
    return {
        "volume_ml": contracted.volume_ml,
        "long_axis_mm": contracted.long_axis_mm,
        "short_axis_mm": contracted.short_axis_mm,
        "transverse_axis_mm": contracted.transverse_axis_mm,
        "length_ratio": contracted.length_ratio,
        "length_ratio_range": [contracted.least_ratio, contracted.most_ratio],
        "measured_tissue": contracted.measured_tissue,
    }


def assess(
    domain: Domain,
    sampled: Sampled,
    locator: Interpolator,
    fields: Fields,
    patient: Patient,
    applicators: Sequence[PlacedApplicator],
) -> Assessment:
    """Evaluate the final fields of a run on the patient."""
    probe = Probe(domain, locator)
    axis = mean_axis(applicators)
    zones = {name: ablation_zone(domain, level, axis) for name, level in fields.levels.items()}
    level, zone = fields.levels[fields.deciding_model], zones[fields.deciding_model]
    target = patient.target
    margins = {} if target is None else ablative_margins(target, zones, fields.levels, probe, capsule=patient.capsule)
    coverages = {} if target is None else target_coverages(target, fields.levels, probe)
    return Assessment(
        zone=zone,
        zones=zones,
        deciding_model=fields.deciding_model,
        probe=probe,
        margins=margins.get(fields.deciding_model),
        margins_by_model=margins,
        coverage=coverages.get(fields.deciding_model),
        coverage_by_model={name: coverage.fraction for name, coverage in coverages.items()},
        structures=tuple(
            structure_outcome(name, surfaces, zone, level, probe, fields.extremes)
            for name, surfaces in patient.structures.items()
        ),
        trajectories=_trajectories(patient, applicators),
        unknown=unknown_share(domain, sampled, zone),
        dead_volume_by_tissue_ml=dead_volume_by_tissue(domain, sampled, zone),
        level=level,
        target=target,
        histogram=_histogram(coverages.get(fields.deciding_model), zone, level, probe, fields.extremes),
        ice=_ice(domain, fields.extremes.minimum_temperature, axis),
        contracted=contracted_zone(domain, zone, fields.extremes.peak_temperature, aerated=aerated_share(sampled)),
    )


def _ice(domain: Domain, lowest: NDArray[np.float64] | None, axis: NDArray[np.float64]) -> dict[float, AblationZone]:
    """What was ever colder than each of :data:`ICE_SURFACES`, from the lowest temperature (n,) [degC] of every node."""
    if lowest is None or lowest.min() >= max(ICE_SURFACES):
        return {}
    return {limit: ablation_zone(domain, np.asarray((limit - lowest) / _ICE_SCALE), axis) for limit in ICE_SURFACES}


def _trajectories(patient: Patient, applicators: Sequence[PlacedApplicator]) -> tuple[Trajectory, ...]:
    """Paths through the labels, if there are any."""
    if patient.labels is None:
        return ()
    return tuple(
        trajectory(one.name, np.array(one.entry_mm), np.array(one.tip_mm), patient.labels, patient.roles)
        for one in applicators
    )


def mean_axis(applicators: Sequence[PlacedApplicator]) -> NDArray[np.float64]:
    """Mean direction (3,) of the applicators from tip to entry; head to foot without any (or if they cancel)."""
    directions = [np.subtract(a.entry_mm, a.tip_mm) for a in applicators]
    total = np.sum([d / np.linalg.norm(d) for d in directions], axis=0) if directions else np.zeros(3)
    length = float(np.linalg.norm(total))
    return np.asarray(total / length) if length > 1e-6 else np.array([0.0, 0.0, 1.0])


def _histogram(
    coverage: Coverage | None,
    zone: AblationZone,
    level: NDArray[np.float64],
    probe: Probe,
    extremes: ExtremeFields,
) -> dict[str, dict[str, float]]:
    """Share of the target's volume at or above thresholds of depth in the zone and of the peak temperature."""
    if coverage is None:
        return {}
    thinned = slice(None, None, 10)
    points, weights = coverage.samples.points_mm[thinned], coverage.samples.weights[thinned]
    values = {"depth_in_zone_mm": (signed_depth(points, zone, level, probe), MARGIN_THRESHOLDS_MM)}
    if extremes.peak_temperature is not None:
        peak = probe.values(extremes.peak_temperature, points)
        values["peak_temperature_degC"] = (peak, TEMPERATURE_THRESHOLDS)
    return {
        name: {f"{threshold:g}": share for threshold, share in volume_histogram(found, weights, thresholds).items()}
        for name, (found, thresholds) in values.items()
    }


def _offset(zone: AblationZone, target: Surface | None) -> float | None:
    if zone.centroid_mm is None or target is None:
        return None
    return float(np.linalg.norm(zone.centroid_mm - target.centroid_mm))


def _structure_section(structure: StructureOutcome) -> StructureResult:
    return {
        "volume_ml": structure.volume_ml,
        "collateral_volume_ml": structure.collateral_volume_ml,
        "collateral_fraction": structure.collateral_fraction,
        "distance_mm": structure.distance_mm,
        "peak_temperature_degC": structure.peak_temperature,
        "minimum_temperature_degC": structure.minimum_temperature,
        "peak_thermal_dose_CEM43_min": structure.peak_thermal_dose,
    }


def _trajectory_section(path: Trajectory) -> TrajectoryResult:
    return {
        "length_mm": path.length_mm,
        "label_lengths_mm": dict(path.label_lengths_mm),
        "role_lengths_mm": dict(path.role_lengths_mm),
    }
