# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a plan to what acts on the tissue, one file per modality; a new one joins the table below."""

from collections.abc import Callable, Mapping

from imagio_sim.campaign.modalities import cryo, electroporation, laser, microwave, radiofrequency, ultrasound
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


def sources(setting: StageSetting) -> tuple[SourceSpec, ...]:
    """Everything that acts on the tissue in a stage."""
    return tuple(
        spec for modality, build in BUILDERS.items() if setting.assignments(modality) for spec in build(setting)
    )


__all__ = ["BUILDERS", "StageSetting", "sources"]
