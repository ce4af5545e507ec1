# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a scenario says of the patient beside labels: injected fluids, and perfusion from an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.ellipsoid import Ellipsoid
from imagio_sim.anatomy.fluid import Shell
from imagio_sim.anatomy.model import Anatomy
from imagio_sim.anatomy.patient import FluidRequest, LabelRequest
from imagio_sim.anatomy.read import read_image
from imagio_sim.anatomy.volume import Image
from imagio_sim.errors import InputError
from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.meshing.sample import sample_image
from imagio_sim.plan import Scenario, to_lps
from imagio_sim.plan.patient import Fluid, FluidShell, LabelFile, PerfusionImage
from imagio_sim.plan.placement import as_triple
from imagio_sim.tissue.library import Tissue
from imagio_sim.tissue.properties import PROPERTIES

Floats = NDArray[np.float64]
Triple = tuple[float, float, float]

WATER_DENSITY = 1000.0
"""Density [kg/m3] by which the range of a perfusion image per mass is judged."""


def label_request(entry: LabelFile, path: Path) -> LabelRequest:
    """A label file of the scenario as anatomy reads it."""
    return LabelRequest(
        path=path,
        name=entry.name,
        names=dict(entry.names),
        structures=entry.structures,
        largest_component=entry.largest_component,
    )


def fluid_requests(scenario: Scenario, files: Mapping[str, Path]) -> list[FluidRequest]:
    """The injected fluids, in LPS mm; ``files`` by their place in the scenario."""
    return [
        FluidRequest(fluid.name, fluid.tissue, _shape(fluid, scenario, files, f"patient.fluids[{index}]"))
        for index, fluid in enumerate(scenario.patient.fluids)
    ]


def _shape(fluid: Fluid, scenario: Scenario, files: Mapping[str, Path], place: str) -> Ellipsoid | Shell | LabelRequest:
    if fluid.sphere is not None:
        return _ball(fluid.sphere.centre, fluid.sphere.diameter / 2.0, scenario)
    if fluid.ellipsoid is not None:
        return Ellipsoid(_lps(fluid.ellipsoid.centre, scenario), fluid.ellipsoid.semi_axes)
    if fluid.shell is not None:
        return Shell(fluid.shell.around, fluid.shell.thickness, _part(fluid.shell, scenario))
    assert fluid.labels is not None
    return label_request(fluid.labels, files[f"{place}.labels.file"])


def _part(shell: FluidShell, scenario: Scenario) -> Ellipsoid | None:
    if shell.centre is None or shell.radius is None:
        return None
    return _ball(shell.centre, shell.radius, scenario)


def _ball(centre: Triple, radius: float, scenario: Scenario) -> Ellipsoid:
    return Ellipsoid(_lps(centre, scenario), (radius, radius, radius))


def _lps(point: Triple, scenario: Scenario) -> Triple:
    return as_triple(to_lps(point, scenario.frame))


def perfusion_image(scenario: Scenario, files: Mapping[str, Path]) -> Image | None:
    """The perfusion image in 1/s (in m3/(kg s) where its unit is per mass); values that cannot be are refused."""
    asked = scenario.patient.perfusion
    if asked is None:
        return None
    image = read_image(files["patient.perfusion.image"])
    scaled = replace(image, values=(image.values * asked.scale).astype(np.float32))
    _refuse_impossible(scaled.values, asked, f"{scenario.origin}: patient.perfusion.image")
    return scaled


def _refuse_impossible(values: NDArray[np.float32], asked: PerfusionImage, where: str) -> None:
    rates = values * (WATER_DENSITY if asked.per_mass else 1.0)
    highest = PROPERTIES["perfusion_rate"].high
    impossible = ~np.isfinite(rates) | (rates < 0.0) | (rates > highest)
    if impossible.any():
        found = rates[impossible]
        finite = found[np.isfinite(found)]
        span = f"from {finite.min():.3g} to {finite.max():.3g} 1/s" if finite.size else "not a number"
        raise InputError(
            where,
            found=f"{found.size} voxels {span} when read in {asked.unit}",
            allowed=f"perfusion from 0 to {highest:g} 1/s in every voxel",
            remedy="check the unit, and set voxels without a value to 0",
        )


def sampled_perfusion(domain: Domain, anatomy: Anatomy) -> Floats | None:
    """Mean of the perfusion image in each cell (m,), nan beyond the image; None without one."""
    return None if anatomy.perfusion is None else sample_image(domain, anatomy.perfusion)


def perfusion_rate(scenario: Scenario, sampled: Sampled, measured: Floats | None, tissues: list[Tissue]) -> Floats:
    """Perfusion rate [1/s] per cell (m,): of the image for the tissues that follow it, else of the tissues.

    ``tissues`` are those of ``sampled``, in its order. Tissues that are not perfused stay so.
    """
    rates = np.array([tissue.value("perfusion_rate") for tissue in tissues])
    asked = scenario.patient.perfusion
    if measured is None or asked is None:
        return np.asarray(sampled.fractions @ rates)
    follows = (rates > 0.0) & np.array([not asked.tissues or name in asked.tissues for name in sampled.tissues])
    weights = np.array([tissue.value("density") if asked.per_mass else 1.0 for tissue in tissues])
    followed = measured * (sampled.fractions @ np.where(follows, weights, 0.0))
    followed = np.where(np.isnan(measured), sampled.fractions @ np.where(follows, rates, 0.0), followed)
    return np.asarray(followed + sampled.fractions @ np.where(follows, 0.0, rates))
