# SPDX-License-Identifier: LGPL-3.0-or-later
"""Outcome of a run: ablation zones, margins, structures, trajectories, constraints and the result file."""
