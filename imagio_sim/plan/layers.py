# SPDX-License-Identifier: LGPL-3.0-or-later
"""The layers of a phantom: slabs one above the other, or coaxial cylinders about the z axis."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Protocol

from pydantic import Discriminator, Field, Tag

from imagio_sim.plan.model import Fault, PlanModel, TissueName, fault, one_key_of
from imagio_sim.units import LENGTH_MM, SIGNED_LENGTH_MM

Height = Annotated[float, SIGNED_LENGTH_MM.within(-3000.0, 3000.0, "-20 mm")]
Radius = Annotated[float, LENGTH_MM.within(0.1, 3000.0, "15 mm")]


class Slab(PlanModel):
    """All that lies below this height z, but not below that of the slab before; the last slab is open."""

    below: Height | None = None
    tissue: TissueName

    @property
    def end(self) -> float | None:
        """Where it ends [mm]."""
        return self.below


class Shell(PlanModel):
    """All that lies within this distance of the z axis, but not within that of the shell before; the last is open."""

    within: Radius | None = None
    tissue: TissueName

    @property
    def end(self) -> float | None:
        """Where it ends [mm]."""
        return self.within


class Stack(PlanModel):
    """Layers that follow each other without gap or overlap."""

    @property
    @abstractmethod
    def stacked(self) -> Sequence[Slab | Shell]:
        """The layers in order."""

    @property
    def tissues(self) -> tuple[str, ...]:
        """Tissue of each layer."""
        return tuple(layer.tissue for layer in self.stacked)

    @property
    def limits(self) -> tuple[float, ...]:
        """Where each layer but the last ends [mm]."""
        return tuple(layer.end for layer in self.stacked if layer.end is not None)


class Slabs(Stack):
    """Layers at right angles to the z axis, from the lowest up."""

    by_height: tuple[Slab, ...] = Field(min_length=1)

    @property
    def stacked(self) -> Sequence[Slab | Shell]:
        """The layers in order."""
        return self.by_height

    def faults(self) -> Iterable[Fault]:
        """Heights rise and only the last slab is open."""
        found = _limit_faults(self.by_height, "below", "from the lowest to the highest")
        yield from (one.below("by_height") for one in found)


class Shells(Stack):
    """Layers about the z axis, from the innermost outwards."""

    by_radius: tuple[Shell, ...] = Field(min_length=1)

    @property
    def stacked(self) -> Sequence[Slab | Shell]:
        """The layers in order."""
        return self.by_radius

    def faults(self) -> Iterable[Fault]:
        """Radii rise and only the last shell is open."""
        found = _limit_faults(self.by_radius, "within", "from the inside to the outside")
        yield from (one.below("by_radius") for one in found)


def _limit_faults(layers: Sequence[Slab | Shell], key: str, order: str) -> Iterator[Fault]:
    """Gaps (a layer in the middle without an end, no open last one) and overlaps (an end before the one before)."""
    limits, last = [layer.end for layer in layers], len(layers) - 1
    if limits[last] is not None:
        yield fault(
            last,
            key,
            found=f"{limits[last]:g} mm in the last layer, and nothing beyond",
            allowed="no limit",
            remedy="end with a layer for all the rest, or the phantom has a gap",
        )
    for index, limit in enumerate(limits[:-1]):
        before = limits[index - 1] if index else None
        if limit is None:
            remedy = f"say where it ends; only the last layer is open, order them {order}"
            yield fault(index, key, found="nothing", allowed="a limit", remedy=remedy)
        elif before is not None and limit <= before:
            found, allowed = f"{limit:g} mm, which overlaps the layer before", f"more than {before:g} mm"
            yield fault(index, key, found=found, allowed=allowed, remedy=f"order the layers {order}")


Layers = Annotated[
    Annotated[Slabs, Tag("by_height")] | Annotated[Shells, Tag("by_radius")],
    Discriminator(one_key_of("by_height", "by_radius")),
]


class Layered(Protocol):
    """What a patient says beside its layers."""

    @property
    def is_phantom(self) -> bool:
        """Whether there is nothing that was imaged or injected."""

    @property
    def unlabelled(self) -> Any:
        """What has no label."""

    @property
    def outside(self) -> Any:
        """What lies beyond the image."""


def layer_faults(layers: Stack, patient: Layered) -> Iterator[Fault]:
    """Layers are the whole patient."""
    if not patient.is_phantom:
        yield fault(
            "layers",
            found="layers beside an image, labels or fluids",
            allowed="layers alone",
            remedy="leave out the layers, or what is in their place",
        )
    for key, rule in (("unlabelled", patient.unlabelled), ("outside", patient.outside)):
        if rule != layers.tissues[-1]:
            remedy = f"leave {key} out: the layers are everywhere"
            yield fault(key, found=f"{rule!r} beside layers", allowed="the tissue of the last layer", remedy=remedy)


def with_layers_everywhere(patient: Any) -> Any:
    """The keys of a patient that consists of layers, with what is unlabelled or outside as the last layer's tissue."""
    layers = patient.get("layers") if isinstance(patient, Mapping) else None
    if not isinstance(layers, Mapping):
        return patient
    stacks = [stack for stack in layers.values() if isinstance(stack, list | tuple) and stack]
    last = stacks[0][-1] if stacks else None
    tissue = last.get("tissue") if isinstance(last, Mapping) else None
    return patient if tissue is None else {"unlabelled": tissue, "outside": tissue, **patient}
