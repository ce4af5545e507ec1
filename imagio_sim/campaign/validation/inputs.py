# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a result was computed from, so that one that is out of date can be told from one that is not."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from imagio_sim.campaign.validation.case import BookCase
from imagio_sim.campaign.validation.verdict import CaseResult

OURS = ("imagio_sim", "validation", "tests")
OUTPUT = ("imagio_sim.view", "imagio_sim.export")
"""Packages that show results and decide none."""
DATA = (".yaml", ".json", ".csv")
LENGTH = 16


class SourceTree:
    """The code of a source tree as it is when it is first looked at; each module is read once."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._files: dict[str, Path | None] = {}
        self._trees: dict[str, ast.Module] = {}
        self._imports: dict[str, tuple[str, ...]] = {}
        self._logics: dict[str, str] = {}

    def code_digest(self, entry: BookCase) -> str:
        """Digest of the unknown inputs of a case and of its study or tests with all that they import of the tree.

        Comments and docstrings do not count.
        """
        digest = hashlib.sha256(repr([one.model_dump() for one in entry.case.unknown]).encode())
        for name in sorted(self.closure(_first_modules(entry))):
            digest.update(f"{name}\n{self._logic(name)}\n".encode())
        return digest.hexdigest()

    def inputs_digest(self, entry: BookCase, code: str, data_files: Sequence[str]) -> str:
        """Digest of what decides the verdicts of a case: its code by :meth:`code_digest` and data.

        Parameters
        ----------
        data_files
            Those that its study has read, relative to the tree; none: all those of the packages that it imports.
        """
        files = [self.root / one for one in data_files] or self._data_beside(self.closure(_first_modules(entry)))
        digest = hashlib.sha256(code.encode())
        for file in sorted(files):
            digest.update(file.read_bytes() if file.is_file() else b"")
        return digest.hexdigest()[:LENGTH]

    def is_current(self, entry: BookCase, result: CaseResult | None) -> bool:
        """Whether a result is there that was computed from what lies there now."""
        if result is None or result.broken:
            return False
        return result.inputs == self.inputs_digest(entry, self.code_digest(entry), result.data_files)

    def closure(self, first: Iterable[str]) -> set[str]:
        """Modules of the tree that some of them import, wherever in the file, and those that these import."""
        found: set[str] = set()
        waiting = list(first)
        while waiting:
            name = waiting.pop()
            if name in found or name.startswith(OUTPUT) or self._file(name) is None:
                continue
            found.add(name)
            waiting += [name.rpartition(".")[0], *self._imported(name)]
        return found

    def _file(self, name: str) -> Path | None:
        if name not in self._files:
            self._files[name] = self._found(name)
        return self._files[name]

    def _found(self, name: str) -> Path | None:
        if not name or name.partition(".")[0] not in OURS:
            return None
        place = self.root.joinpath(*name.split("."))
        files = (place.with_suffix(".py"), place / "__init__.py")
        return next((file for file in files if file.is_file()), None)

    def _tree(self, name: str) -> ast.Module:
        if name not in self._trees:
            file = self._file(name)
            assert file is not None
            self._trees[name] = ast.parse(file.read_text(encoding="utf-8"))
        return self._trees[name]

    def _imported(self, name: str) -> tuple[str, ...]:
        if name not in self._imports:
            self._imports[name] = tuple(_names_imported(self._tree(name)))
        return self._imports[name]

    def _logic(self, name: str) -> str:
        if name not in self._logics:
            self._logics[name] = _without_texts(self._tree(name))
        return self._logics[name]

    def _data_beside(self, code: Iterable[str]) -> list[Path]:
        packages = {tuple(name.split(".")[:2]) for name in code if name.startswith("imagio_sim.")}
        places = [self.root.joinpath(*package) for package in sorted(packages)]
        return [file for place in places if place.is_dir() for file in place.rglob("*") if file.suffix in DATA]


def _first_modules(entry: BookCase) -> list[str]:
    if entry.case.study and entry.folder is not None:
        return [f"validation.{entry.folder.parent.name}.{entry.folder.name}.{entry.case.study}"]
    files = (one.partition("::")[0] for one in entry.case.tests)
    return [file.removesuffix(".py").replace("/", ".") for file in files]


def _names_imported(tree: ast.Module) -> Iterator[str]:
    """Names of modules, and of what is taken from them, which may be modules; those named as text included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{one.name}" for one in node.names))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("imagio_sim."):
            yield node.value.partition(":")[0]


def _without_texts(tree: ast.Module) -> str:
    """The code of a module without comments and docstrings."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_text(one)] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
