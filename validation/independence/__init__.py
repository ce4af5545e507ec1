# SPDX-License-Identifier: LGPL-3.0-or-later
"""Whether the result depends on what a planner did not choose: the mesh, the region, the time step."""
