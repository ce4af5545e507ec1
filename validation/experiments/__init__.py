# SPDX-License-Identifier: LGPL-3.0-or-later
"""Whether the model says what was measured: one folder per experiment."""
