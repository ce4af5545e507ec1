# SPDX-License-Identifier: LGPL-3.0-or-later
"""The validation book: what a case is, how it is judged and run, and the page that tells all of it."""

from imagio_sim.campaign.validation.case import Unknown, ValidationCase, find_book, read_cases
from imagio_sim.campaign.validation.verdict import CaseResult, Judgement, Verdict, judged, not_judged

__all__ = [
    "CaseResult",
    "Judgement",
    "Unknown",
    "ValidationCase",
    "Verdict",
    "find_book",
    "judged",
    "not_judged",
    "read_cases",
]
