# SPDX-License-Identifier: LGPL-3.0-or-later
"""Discretisation and solution with DOLFINx and PETSc: the only place that holds their state; SI units."""
