# SPDX-License-Identifier: LGPL-3.0-or-later
"""From an antenna's data to the recipe of its half plane."""

from __future__ import annotations

import numpy as np

from imagio_sim.devices.applicator import Rod
from imagio_sim.devices.modalities.microwave import AntennaInside, BareArm, Layer
from imagio_sim.meshing.antenna import METAL, AntennaPart, AntennaRecipe, AntennaSizes, FeedPort, Outline
from imagio_sim.meshing.recipe import RodShape

# Points on the outline of a round tip.
_TIP_POINTS = 9
# The shaft goes on by so much beyond the half disc.
_BEYOND_MM = 20.0


def antenna_recipe(
    rod: Rod, inside: AntennaInside, *, radius_mm: float, reach_mm: float, sizes: AntennaSizes | None = None
) -> AntennaRecipe:
    """The recipe of an antenna in a half disc of tissue about the middle of its slots.

    Parameters
    ----------
    rod
        Its outside.
    reach_mm
        Distance from the shaft up to which tissue is hot.
    """
    low, high = inside.radiating_mm
    centre = 0.5 * (low + high)
    hub = centre + radius_mm + _BEYOND_MM
    surface = (*_profile(rod, inside.arm), (rod.radius_mm, hub), (0.0, hub))
    line, port = inside.line, inside.line.port.value
    filled = (AntennaPart(inside.layers[0].material, surface), *(_part(layer, hub) for layer in inside.layers[1:]))
    closed = _cylinder(METAL, 0.0, line.outer_radius.value, port, hub)
    return AntennaRecipe(
        surface_mm=surface,
        parts=(*filled, closed),
        port=FeedPort(
            height_mm=port,
            inner_mm=line.inner_radius.value,
            outer_mm=line.outer_radius.value,
            permittivity=inside.materials[line.material].permittivity.value,
        ),
        centre_mm=centre,
        radius_mm=radius_mm,
        edges_mm=inside.rims_mm,
        reach_mm=reach_mm,
        sizes=sizes or AntennaSizes(),
    )


def _profile(rod: Rod, arm: BareArm | None) -> Outline:
    """Outline (r, z) of the outside from the axis at the tip to the full radius."""
    if arm is not None:
        wire, shoulder = arm.radius.value, arm.length.value
        return (0.0, 0.0), (wire, 0.0), (wire, shoulder), (rod.radius_mm, shoulder)
    shape = RodShape.of("", rod)
    if shape.pointed_mm == 0.0:
        return (0.0, 0.0), (rod.radius_mm, 0.0)
    points = 2 if rod.tip == "cone" else _TIP_POINTS
    # Close together where a round tip turns away from the axis.
    heights = shape.pointed_mm * np.linspace(0.0, 1.0, points) ** 2
    return tuple(
        (float(radius), float(height)) for radius, height in zip(shape.radius_at_mm(heights), heights, strict=True)
    )


def _part(layer: Layer, hub: float) -> AntennaPart:
    start, end = layer.heights_mm
    return _cylinder(layer.material, *layer.radii_mm, start, hub if end is None else end)


def _cylinder(material: str, inner: float, outer: float, start: float, end: float) -> AntennaPart:
    return AntennaPart(material, ((inner, start), (outer, start), (outer, end), (inner, end)))
