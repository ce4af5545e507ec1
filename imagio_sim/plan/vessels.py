# SPDX-License-Identifier: LGPL-3.0-or-later
"""Vessels by their centre lines: where they run, how wide they are and how much blood flows in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from imagio_sim.plan.model import Fault, Name, PlanModel, Point, Text, fault, one_key_of, repeated
from imagio_sim.units import FLOW, LENGTH_MM, TEMPERATURE, VELOCITY, Flow, Misfit, Velocity

Radius = Annotated[float, LENGTH_MM.within(0.05, 25.0, "3 mm")]
InletTemperature = Annotated[float, TEMPERATURE.within(0.0, 45.0, "37 degC")]

_GIVEN_TWICE = "drop one of them"


def _kind_of_radius(given: Any) -> str:
    return "each" if isinstance(given, list | tuple) else "one"


Radii = Annotated[
    Annotated[Radius, Tag("one")] | Annotated[tuple[Radius, ...], Tag("each")], Discriminator(_kind_of_radius)
]
"""One radius [mm] for all points, or one for each."""


class _Blood(PlanModel):
    """What flows in a vessel.

    Attributes
    ----------
    name
        Of the vessel; the lines of a file are ``name.1``, ``name.2``, ... (or by the table's own names).
    flow, velocity
        Of every line [mm3/s], or the mean over its cross-section at its beginning [mm/s].
    inlet_temperature
        Of blood that comes from no other line [degC]; default: body temperature.
    label
        A label that describes the same vessel and then does not exchange heat by itself.
    """

    name: Name
    flow: Flow | None = None
    velocity: Velocity | None = None
    inlet_temperature: InletTemperature | None = None
    label: Text | None = None

    def _flows(self) -> dict[str, object]:
        """The ways in which the flow may be given, by key."""
        return {"flow": self.flow, "velocity": self.velocity}

    def faults(self) -> Iterable[Fault]:
        """The flow is given once."""
        given = [key for key, value in self._flows().items() if value is not None]
        ways = ", ".join(self._flows())
        if not given:
            yield fault(
                found="a vessel without a flow",
                allowed=f"one of {ways}",
                remedy=f"write its flow ({FLOW.example}) or its mean velocity ({VELOCITY.example})",
            )
        elif len(given) > 1:
            yield fault(given[1], found=" and ".join(given), allowed=f"one of {ways}", remedy=_GIVEN_TWICE)


class DrawnVessel(_Blood):
    """A vessel as points in the scenario's frame, in the direction of its flow; one radius [mm], or one per point."""

    points: tuple[Point, ...] = Field(min_length=2)
    radius: Radii

    @property
    def radii(self) -> tuple[float, ...]:
        """Radius [mm] at each point."""
        return self.radius if isinstance(self.radius, tuple) else (self.radius,) * len(self.points)

    def faults(self) -> Iterable[Fault]:
        """As many radii as points, and no point twice in a row."""
        yield from super().faults()
        if len(self.radii) != len(self.points):
            yield fault(
                "radius",
                found=f"{len(self.radii)} radii for {len(self.points)} points",
                allowed="one radius, or one for each point",
                remedy="write as many as there are points",
            )
        for index, (one, other) in enumerate(zip(self.points, self.points[1:], strict=False), start=1):
            if one == other:
                yield fault(
                    "points",
                    index,
                    found="the point before it again",
                    allowed="points that differ from their neighbours",
                    remedy="drop it",
                )


class VesselFile(_Blood):
    """Vessels from a file of centre lines, in the direction of their flow.

    Attributes
    ----------
    file
        Poly lines (.vtp, .vtk) or a table (.csv); relative to the scenario, or ``data:NAME/...``.
    frame, length_unit
        Of the file's coordinates and radii.
    radius
        Name of the array with the radius at each point, or one radius for all.
    flow_array, flow_unit
        Name of the array with the flow at each point, and its unit; a line's flow is that at its beginning.
    """

    file: Text
    frame: Literal["RAS", "LPS"]
    length_unit: Literal["mm", "cm", "m"]
    radius_array: Text | None = None
    radius: Radius | None = None
    flow_array: Text | None = None
    flow_unit: Literal["mm^3/s", "ml/s", "ml/min", "l/min", "m^3/s"] | None = None

    def _flows(self) -> dict[str, object]:
        return {**super()._flows(), "flow_array": self.flow_array}

    def faults(self) -> Iterable[Fault]:
        """The radius is given once, and a flow array with its unit."""
        yield from super().faults()
        yield from self._radius_faults()
        if (self.flow_array is None) != (self.flow_unit is None):
            yield fault(
                "flow_unit",
                found="flow_array and flow_unit not both",
                allowed="both, or neither",
                remedy="write both: a file's numbers have no unit of their own",
            )

    def _radius_faults(self) -> Iterator[Fault]:
        if (self.radius is None) == (self.radius_array is None):
            found = "a vessel without a radius" if self.radius is None else "radius and radius_array"
            yield fault(
                "radius", found=found, allowed="radius_array or radius", remedy="name the file's array, or one radius"
            )


def _kind_of_vessel(given: Any) -> str | None:
    # Tags that are no keys: what is wrong inside would otherwise be said to be at that key.
    return {"points": "drawn vessel", "file": "vessel file"}.get(one_key_of("points", "file")(given) or "")


Vessel = Annotated[
    Annotated[DrawnVessel, Tag("drawn vessel")] | Annotated[VesselFile, Tag("vessel file")],
    Discriminator(_kind_of_vessel),
]
"""A vessel by its centre line, or a file of such."""


def _distinct(vessels: tuple[DrawnVessel | VesselFile, ...]) -> tuple[DrawnVessel | VesselFile, ...]:
    for _, name in repeated(vessel.name for vessel in vessels):
        raise Misfit(f"two vessels named {name!r}", "a name of its own for each", "rename one").raised_in_validation()
    return vessels


Vessels = Annotated[tuple[Vessel, ...], AfterValidator(_distinct)]
"""All vessels of a patient, with names of their own."""
