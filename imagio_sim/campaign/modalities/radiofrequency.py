# SPDX-License-Identifier: LGPL-3.0-or-later
"""Radio-frequency electrodes of a stage: who drives which surfaces, and where the current returns to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from imagio_sim.campaign.modalities.setting import StageSetting
from imagio_sim.devices.generator import described
from imagio_sim.errors import InputError
from imagio_sim.meshing.domain import Domain
from imagio_sim.plan import Channel, Scenario, channels
from imagio_sim.plan.placement import to_lps
from imagio_sim.plan.scenario import PadGround
from imagio_sim.solve.sources import SourceSpec
from imagio_sim.solve.sources.radiofrequency import Conductor, Generator, Ground, RadiofrequencySpec

PAD = "pad"


def sources(setting: StageSetting) -> tuple[SourceSpec, ...]:
    """All electrodes and generators together, because their fields meet."""
    outputs = channels(setting.scenario, setting.plan_name, setting.stage)
    surfaces = _electrodes(setting)
    generators = tuple(
        Generator(
            name=channel.name,
            driven=channel.name,
            returned=f"{channel.name}.return" if channel.returning else None,
            controller=described(channel.controller()),
            sensors_mm=tuple(setting.on_mesh(sensor) for sensor in channel.sensors_mm),
        )
        for channel in outputs
    )
    return (RadiofrequencySpec(tuple(_conductors(outputs, surfaces)), generators, _ground(setting, surfaces)),)


def _electrodes(setting: StageSetting) -> dict[str, list[str]]:
    """Surfaces of each conductor, ``applicator.conductor`` -> names in the mesh."""
    surfaces: dict[str, list[str]] = {}
    for applicator, surface, section in setting.sections():
        if section.conductor is not None:
            surfaces.setdefault(f"{applicator.name}.{section.conductor}", []).append(surface)
    return surfaces


def _conductors(outputs: Sequence[Channel], active: Mapping[str, list[str]]) -> list[Conductor]:
    """One conductor per side of each generator output."""
    found = []
    for channel in outputs:
        sides = [(channel.name, channel.active), (f"{channel.name}.return", channel.returning)]
        for name, parts in sides:
            if parts:
                found.append(Conductor(name, tuple(surface for part in parts for surface in active[part])))
    return found


def _ground(setting: StageSetting, surfaces: Mapping[str, Sequence[str]]) -> Ground:
    """The pad, or the far ground around the middle of the electrodes."""
    if isinstance(setting.scenario.ground, PadGround):
        return Ground(None, PAD)
    domain = setting.geometry.domain
    names = [surface for own in surfaces.values() for surface in own]
    nodes = np.unique(np.concatenate([domain.surfaces[surface].ravel() for surface in names]))
    x, y, z = domain.points_in_space_mm[nodes].mean(axis=0)
    return Ground((0.0, 0.0, float(z)) if domain.axisymmetric else (float(x), float(y), float(z)))


def with_pad(domain: Domain, scenario: Scenario) -> Domain:
    """The domain with the part of its boundary that the pad covers as the surface ``pad``."""
    if not isinstance(scenario.ground, PadGround):
        return domain
    pad = scenario.ground.pad
    centre = to_lps(pad.centre, scenario.frame)
    outside = np.concatenate([domain.surfaces[name] for name in ("boundary", "skin") if name in domain.surfaces])
    distance = np.linalg.norm(domain.points_mm[outside].mean(axis=1) - centre, axis=1)
    covered = outside[distance <= pad.radius]
    if not len(covered):
        raise InputError(
            f"{scenario.origin}: ground.pad",
            found=f"a pad whose nearest piece of boundary is {distance.min():.0f} mm away",
            allowed=f"a centre within {pad.radius:g} mm of the region's boundary",
            remedy="move the pad or enlarge it, or use ground: remote",
        )
    return replace(domain, surfaces={**domain.surfaces, PAD: covered})
