# SPDX-License-Identifier: LGPL-3.0-or-later
"""Runs: a plan from its scenario to its result, here or on MPI ranks."""
