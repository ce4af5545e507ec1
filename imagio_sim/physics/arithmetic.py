# SPDX-License-Identifier: LGPL-3.0-or-later
"""The arithmetic of tissue laws for symbolic (UFL) expressions."""

from __future__ import annotations

import ufl

from imagio_sim.tissue.arithmetic import Arithmetic, Operand


class _Ufl:
    """UFL expressions."""

    def minimum(self, first: Operand, second: Operand) -> Operand:
        return ufl.min_value(first, second)

    def maximum(self, first: Operand, second: Operand) -> Operand:
        return ufl.max_value(first, second)

    def exp(self, exponent: Operand) -> Operand:
        return ufl.exp(exponent)

    def greater(self, first: Operand, second: Operand) -> Operand:
        return ufl.gt(first, second)

    def where(self, condition: Operand, if_true: Operand, if_false: Operand) -> Operand:
        return ufl.conditional(condition, if_true, if_false)


UFL: Arithmetic = _Ufl()
