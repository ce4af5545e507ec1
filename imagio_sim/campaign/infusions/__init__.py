# SPDX-License-Identifier: LGPL-3.0-or-later
"""What goes through the artery: where it stays, the dose it gives, and what a result says of it."""
