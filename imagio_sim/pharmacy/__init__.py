# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a catheter or a vein delivers, as data with sources: drugs, beads, oils, nuclides, microspheres, liposomes."""
