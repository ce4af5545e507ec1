# SPDX-License-Identifier: LGPL-3.0-or-later
"""How fast the solution is, and against what."""
