# SPDX-License-Identifier: LGPL-3.0-or-later
"""Microspheres that carry a radionuclide into the arterioles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from imagio_sim.plan.infusions.infusion import ArterialInfusion, LungShunt
from imagio_sim.plan.infusions.names import MicrosphereName
from imagio_sim.plan.infusions.territory import RELATIVE, ImageTerritory
from imagio_sim.plan.model import Fault, fault
from imagio_sim.units import ABSORBED_DOSE, WAIT, Activity

if TYPE_CHECKING:
    from imagio_sim.pharmacy.library import Pharmacy

ImageTime = Annotated[float, WAIT.within(0.0, 14 * 86400.0, "20 h")]
Aim = Annotated[float, ABSORBED_DOSE.within(1.0, 2000.0, "190 Gy")]


class Radioembolisation(ArterialInfusion):
    """Radio-embolisation.

    Attributes
    ----------
    microspheres
        Name in the pharmacy; it says which radionuclide they carry.
    activity
        Of all microspheres when they are given [GBq].
    lung_shunt
        Share of them that passes the organ and stays in the lungs; measured before every treatment, so that there is no
        default.
    aim
        Mean dose [Gy] that is wanted; the result says which activity planners' models ask for it.
    imaged_after
        Time [s] from the infusion to that of an image in Bq/ml, in which the activity has decayed; default: none.
    """

    MODALITY: ClassVar[str] = "radioembolisation"
    AGENTS: ClassVar[tuple[str, ...]] = ("radiation",)

    kind: Literal["radioembolisation"]
    microspheres: MicrosphereName
    activity: Activity
    lung_shunt: LungShunt
    aim: Aim | None = None
    imaged_after: ImageTime | None = None

    def particle_count(self, pharmacy: Pharmacy) -> float:
        """Microspheres that carry the activity."""
        return pharmacy.microspheres(self.microspheres).number(self.activity * 1e9)

    def faults(self) -> Iterable[Fault]:
        """Only an image of activities has a time."""
        yield from super().faults()
        seen = self.territory
        if self.imaged_after is not None and (not isinstance(seen, ImageTerritory) or seen.unit == RELATIVE):
            yield fault(
                "imaged_after",
                found="a time without an image in Bq/ml, kBq/ml or MBq/ml",
                allowed="the time of an image of activities",
                remedy="leave it out: nothing decays before the infusion",
            )

    def library_entries(self, pharmacy: Pharmacy) -> Mapping[str, Any]:
        """Its microspheres."""
        return {"microspheres": pharmacy.microspheres(self.microspheres)}
