# SPDX-License-Identifier: LGPL-3.0-or-later
"""Whether a simulated quantity is what was measured, and what a case comes to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Judgement = Literal["agree", "disagree", "not judged"]

DECISIVE_SHARE = 2.0 / 3.0
"""Share of the sampled inputs that must be within the tolerance to agree, or beyond it to disagree."""


@dataclass(frozen=True)
class Verdict:
    """One quantity of a case.

    Attributes
    ----------
    quantity, unit
        What is compared; unit as text, empty for a ratio.
    simulated
        Median over the sampled unknown inputs, or the one value where nothing is unknown.
    low, high
        Smallest and largest over the sampled unknown inputs; None where nothing was sampled.
    model_low, model_high
        Smallest and largest over the models of cell death; None where no death model decides.
    reference, reference_spread
        Measured (or exact) value and its standard deviation, as published or of a count.
    accepted_low, accepted_high
        What the tolerance allows; None: no limit on that side.
    verdict
        By :func:`judged`.
    why
        What is missing where it is not judged; otherwise what a reader should know.
    """

    quantity: str
    unit: str
    simulated: float | None
    low: float | None
    high: float | None
    model_low: float | None
    model_high: float | None
    reference: float | None
    reference_spread: float | None
    accepted_low: float | None
    accepted_high: float | None
    verdict: Judgement
    why: str = ""


def judged(
    quantity: str,
    unit: str,
    simulated: float | Sequence[float] | NDArray[np.float64],
    *,
    within: tuple[float | None, float | None],
    reference: float | None = None,
    spread: float | None = None,
    models: Sequence[float] = (),
    unknown: str = "",
    why: str = "",
) -> Verdict:
    """Judge a quantity that was simulated once, or once for each sample of the unknown inputs.

    It agrees when at least two thirds of the samples are within the tolerance and disagrees when at most one third is;
    in between what is ``unknown`` decides, and it is not judged.

    Parameters
    ----------
    simulated
        By the death model that decides; one value, or one for each sample.
    within
        Lowest and highest accepted value; None: no limit.
    models
        The same by all models of cell death.
    """
    samples = np.atleast_1d(np.asarray(simulated, float))
    if not np.isfinite(samples).all():
        raise ValueError(f"{quantity}: not a number among {samples}")
    low, high = (-math.inf if within[0] is None else within[0]), (math.inf if within[1] is None else within[1])
    kept = float(np.mean((samples >= low) & (samples <= high)))
    verdict, reason = _of_share(kept, unknown, why)
    sampled = len(samples) > 1
    return Verdict(
        quantity,
        unit,
        float(np.median(samples)),
        float(samples.min()) if sampled else None,
        float(samples.max()) if sampled else None,
        min(models) if models else None,
        max(models) if models else None,
        reference,
        spread,
        *within,
        verdict,
        reason,
    )


def _of_share(kept: float, unknown: str, why: str) -> tuple[Judgement, str]:
    if kept >= DECISIVE_SHARE:
        return "agree", why
    if kept <= 1.0 - DECISIVE_SHARE:
        return "disagree", why
    return "not judged", f"within for {kept:.0%} of the samples: {unknown or 'what is unknown'} decides"


def not_judged(quantity: str, unit: str, why: str, *, reference: float | None = None) -> Verdict:
    """A quantity that cannot be judged, with the input that is missing."""
    return Verdict(quantity, unit, None, None, None, None, None, reference, None, None, None, "not judged", why)


@dataclass(frozen=True)
class CaseResult:
    """What a case came to.

    Attributes
    ----------
    case
        Its identifier.
    tolerance
        As the case stated it when it was run.
    verdicts
        Of its quantities.
    seconds
        How long it took.
    version
        Of imagio-sim.
    broken
        What ended the run, where it broke down.
    inputs
        Digest of what it was computed from, by :class:`~imagio_sim.campaign.validation.inputs.SourceTree`.
    data_files
        Of the repository that its study has read, relative to the source tree.
    """

    case: str
    tolerance: str
    verdicts: tuple[Verdict, ...]
    seconds: float
    version: str
    broken: str = ""
    inputs: str = ""
    data_files: tuple[str, ...] = ()

    @property
    def verdict(self) -> Judgement:
        """Disagrees with any quantity that does, agrees when all that are judged do."""
        found = {one.verdict for one in self.verdicts}
        if "disagree" in found:
            return "disagree"
        return "agree" if "agree" in found else "not judged"

    @property
    def judged_count(self) -> int:
        """Quantities that are judged."""
        return sum(one.verdict != "not judged" for one in self.verdicts)

    @property
    def agreeing_count(self) -> int:
        """Quantities that agree."""
        return sum(one.verdict == "agree" for one in self.verdicts)

    def data(self) -> dict[str, Any]:
        """For JSON; figures with five digits, which is more than any of them has."""
        return {**asdict(self), "seconds": round(self.seconds, 1), "verdicts": [_rounded(one) for one in self.verdicts]}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> CaseResult:
        """From what :meth:`data` gave."""
        verdicts = tuple(Verdict(**one) for one in data["verdicts"])
        return cls(**{**data, "verdicts": verdicts, "data_files": tuple(data.get("data_files", ()))})


def _rounded(verdict: Verdict) -> dict[str, Any]:
    return {
        name: float(f"{value:.5g}") if isinstance(value, float) else value for name, value in asdict(verdict).items()
    }
