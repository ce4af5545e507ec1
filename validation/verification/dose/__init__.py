# SPDX-License-Identifier: LGPL-3.0-or-later
"""Dose kernels and voxel doses against published ones and closed forms."""
