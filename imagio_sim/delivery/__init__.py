# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a catheter brings, on voxels: where it goes, what stays where, in which clusters. No plan, no mesh."""
