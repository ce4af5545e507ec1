# SPDX-License-Identifier: LGPL-3.0-or-later
"""The command line of imagio-sim: one command per file, thin above the library."""
