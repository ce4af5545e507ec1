# SPDX-License-Identifier: LGPL-3.0-or-later
"""Dose at the scale of cells in liver between clusters of resin spheres."""
