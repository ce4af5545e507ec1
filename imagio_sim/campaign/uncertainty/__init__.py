# SPDX-License-Identifier: LGPL-3.0-or-later
"""How sure a plan is: its uncertain inputs, their propagation, and the page that shows it."""
