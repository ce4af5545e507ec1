# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a plan to what acts on the tissue, one file per modality; a new one joins the table below."""

from collections.abc import Callable, Mapping

from imagio_sim.campaign.modalities import (
    chemoembolisation,
    cryo,
    electroporation,
    embolisation,
    laser,
    liposomes,
    microwave,
    radioembolisation,
    radiofrequency,
    ultrasound,
)
from imagio_sim.campaign.modalities.setting import StageSetting
from imagio_sim.solve.sources import SourceSpec

BUILDERS: Mapping[str, Callable[[StageSetting], tuple[SourceSpec, ...]]] = {
    "cryo": cryo.sources,
    "laser": laser.sources,
    "electroporation": electroporation.sources,
    "microwave": microwave.sources,
    "radiofrequency": radiofrequency.sources,
    "ultrasound": ultrasound.sources,
}
"""What makes the sources of each modality in a stage."""

INFUSION_BUILDERS: tuple[Callable[[StageSetting], tuple[SourceSpec, ...]], ...] = (
    embolisation.sources,
    chemoembolisation.sources,
    radioembolisation.sources,
    liposomes.sources,
)
"""What makes the sources of the infusions up to a stage; each looks for those it knows."""


def sources(setting: StageSetting) -> tuple[SourceSpec, ...]:
    """Everything that acts on the tissue in a stage."""
    driven = [build for modality, build in BUILDERS.items() if setting.assignments(modality)]
    given = INFUSION_BUILDERS if setting.infusions() else ()
    return tuple(spec for build in (*driven, *given) for spec in build(setting))


__all__ = ["BUILDERS", "StageSetting", "sources"]
