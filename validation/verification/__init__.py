# SPDX-License-Identifier: LGPL-3.0-or-later
"""The program against closed forms and converged references."""
