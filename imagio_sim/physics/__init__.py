# SPDX-License-Identifier: LGPL-3.0-or-later
"""The physics as symbolic (UFL) terms: one phenomenon per file, no mesh, no state.

These terms are the definition that the fast path of ``solve/`` is tested against. Every function returns an
integrand; the caller multiplies by a measure and states the quadrature degree there. ``weight`` is the volume
element per unit of mesh: 1 in three dimensions, 2 pi r in the r-z half plane.
"""
