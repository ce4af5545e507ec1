# SPDX-License-Identifier: LGPL-3.0-or-later
"""Names of what the pharmacy holds, checked against it; the nearest is offered for an unknown one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated

from pydantic import AfterValidator

from imagio_sim.plan.model import nearest
from imagio_sim.units import Misfit


def _known(names: Callable[[], Iterable[str]]) -> AfterValidator:
    """A validator that refuses names which are not in a library."""

    def check(name: str) -> str:
        known = tuple(names())
        if name not in known:
            remedy = nearest(name, known, "see docs/guide/through-the-artery.md for the template of a new one")
            raise Misfit(repr(name), f"one of {', '.join(known)}", remedy).raised_in_validation()
        return name

    return AfterValidator(check)


def _drugs() -> Iterable[str]:
    from imagio_sim.pharmacy.drugs import drug_names

    return drug_names()


def _particles() -> Iterable[str]:
    from imagio_sim.pharmacy.particles import particle_names

    return particle_names()


def _oils() -> Iterable[str]:
    from imagio_sim.pharmacy.oils import oil_names

    return oil_names()


def _microspheres() -> Iterable[str]:
    from imagio_sim.pharmacy.microspheres import microsphere_names

    return microsphere_names()


def _liposomes() -> Iterable[str]:
    from imagio_sim.pharmacy.liposomes import liposome_names

    return liposome_names()


DrugName = Annotated[str, _known(_drugs)]
ParticleName = Annotated[str, _known(_particles)]
OilName = Annotated[str, _known(_oils)]
MicrosphereName = Annotated[str, _known(_microspheres)]
LiposomeName = Annotated[str, _known(_liposomes)]
