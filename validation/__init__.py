# SPDX-License-Identifier: LGPL-3.0-or-later
"""Evidence: verification against closed forms, independence of mesh, region and step, and performance."""
