# SPDX-License-Identifier: LGPL-3.0-or-later
"""Time series of fields for ParaView: one XDMF file, one grid, every field an attribute of it.

``fields.xdmf`` is a small XML file; the numbers lie beside it in the folder ``fields/``: ``mesh.h5`` (mesh and fields
that do not change) and one ``step_NNNNNN.h5`` per time. Every file appears whole or not at all (written under
another name, then renamed), so a killed run or a full disk never spoils what was already written, and going back
in time is deleting files. ParaView: open with "Xdmf3 Reader S" or "XDMF Reader".
"""

from __future__ import annotations

import os
import re
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from imagio_sim.errors import InputError
from imagio_sim.meshing.domain import Domain

if TYPE_CHECKING:
    import h5py

_MESH_FILE = "mesh.h5"
_STEP_FILE = re.compile(r"step_(\d{6})\.h5")
_CENTRES = {"nodal": "Node", "cell": "Cell"}


@dataclass(frozen=True, eq=False)
class FieldSeries:
    """A time series that is being written; made by :meth:`create` or :meth:`resume`.

    Fields are stored as 32-bit floats, nodal ones (n,) or (n, 3), cell ones (m,) or (m, 3).
    """

    path: Path
    node_count: int
    cell_count: int
    _described: dict[Path, _Step] = field(default_factory=dict)

    @classmethod
    def create(cls, path: Path, domain: Domain, static_cell_fields: Mapping[str, NDArray[np.generic]]) -> Self:
        """Start a series; an older one of the same name is replaced.

        Parameters
        ----------
        path
            The ``.xdmf`` file.
        domain
            The mesh; coordinates are written in LPS mm, an axisymmetric one in the plane (r, 0, z).
        static_cell_fields
            Fields (m,) that hold at every time, such as labels; integers stay integers.
        """
        series = cls(path, len(domain.points_mm), len(domain.cells))
        shutil.rmtree(series.folder, ignore_errors=True)
        series.folder.mkdir(parents=True)
        with _new_file(series.folder / _MESH_FILE) as file:
            file["points"] = domain.points_in_space_mm
            file.create_dataset("cells", data=domain.cells.astype(np.int32), compression="gzip", compression_opts=1)
            for name, values in static_cell_fields.items():
                _write_field(file, f"cell/{name}", values, series.cell_count)
        series._write_xml()
        return series

    @classmethod
    def resume(cls, path: Path, last_time_s: float) -> Self:
        """Continue a series after a restart: steps later than ``last_time_s`` are dropped.

        Raises
        ------
        InputError
            If there is no series to continue.
        """
        folder = path.with_suffix("")
        if not (folder / _MESH_FILE).is_file():
            raise InputError(
                str(path),
                found="no field series",
                allowed=f"a series with its {folder.name}/{_MESH_FILE}",
                remedy="start the run over with --restart",
            )
        with _open(folder / _MESH_FILE) as file:
            series = cls(path, file["points"].shape[0], file["cells"].shape[0])
        for step in series._steps():
            # Times come from a checkpoint that stores them exactly; the slack is for text round trips.
            if step.time_s > last_time_s * (1.0 + 1e-12) + 1e-9:
                series._described.pop(step.path).path.unlink()
        series._write_xml()
        return series

    def append(
        self, time_s: float, nodal: Mapping[str, NDArray[np.generic]], cell: Mapping[str, NDArray[np.generic]]
    ) -> None:
        """Add the fields of a time later than all others.

        Raises
        ------
        ValueError
            If the time does not come after the last, or a field does not fit the mesh.
        """
        steps = self._steps()
        if steps and time_s <= steps[-1].time_s:
            raise ValueError(f"time {time_s} s does not come after {steps[-1].time_s} s")
        number = steps[-1].number + 1 if steps else 0
        with _new_file(self.folder / f"step_{number:06d}.h5") as file:
            file.attrs["time_s"] = time_s
            for name, values in nodal.items():
                _write_field(file, f"nodal/{name}", values, self.node_count)
            for name, values in cell.items():
                _write_field(file, f"cell/{name}", values, self.cell_count)
        self._write_xml()

    @property
    def folder(self) -> Path:
        """Where the numbers lie."""
        return self.path.with_suffix("")

    @property
    def times_s(self) -> tuple[float, ...]:
        """Times written so far."""
        return tuple(step.time_s for step in self._steps())

    def _steps(self) -> list[_Step]:
        paths = sorted(path for path in self.folder.iterdir() if _STEP_FILE.fullmatch(path.name))
        for path in paths:
            if path not in self._described:
                self._described[path] = _step(path)
        return [self._described[path] for path in paths]

    def _write_xml(self) -> None:
        root = ElementTree.Element("Xdmf", Version="3.0")
        domain = ElementTree.SubElement(root, "Domain")
        collection = ElementTree.SubElement(
            domain, "Grid", Name="fields", GridType="Collection", CollectionType="Temporal"
        )
        mesh = _read_mesh(self.folder / _MESH_FILE)
        for step in self._steps() or [_Step(0, self.folder / _MESH_FILE, 0.0, ())]:
            self._add_grid(collection, mesh, step)
        ElementTree.indent(root)
        partial = self.path.with_name(f".{self.path.name}.partial")
        try:
            ElementTree.ElementTree(root).write(partial, encoding="utf-8", xml_declaration=True)
            os.replace(partial, self.path)
        finally:
            partial.unlink(missing_ok=True)

    def _add_grid(self, collection: ElementTree.Element, mesh: _Mesh, step: _Step) -> None:
        grid = ElementTree.SubElement(collection, "Grid", Name="patient", GridType="Uniform")
        ElementTree.SubElement(grid, "Time", Value=f"{step.time_s!r}")
        kind = "Tetrahedron" if mesh.cells.shape[1] == 4 else "Triangle"
        topology = ElementTree.SubElement(grid, "Topology", TopologyType=kind, NumberOfElements=f"{self.cell_count}")
        self._add_item(topology, mesh.path, mesh.cells)
        geometry = ElementTree.SubElement(grid, "Geometry", GeometryType="XYZ")
        self._add_item(geometry, mesh.path, mesh.points)
        for path, datasets in ((mesh.path, mesh.static), (step.path, step.datasets)):
            for dataset in datasets:
                self._add_attribute(grid, path, dataset)

    def _add_attribute(self, grid: ElementTree.Element, path: Path, dataset: _Dataset) -> None:
        place, name = dataset.name.split("/", 1)
        kind = "Scalar" if len(dataset.shape) == 1 else "Vector"
        attribute = ElementTree.SubElement(grid, "Attribute", Name=name, AttributeType=kind, Center=_CENTRES[place])
        self._add_item(attribute, path, dataset)

    def _add_item(self, parent: ElementTree.Element, path: Path, dataset: _Dataset) -> None:
        item = ElementTree.SubElement(
            parent,
            "DataItem",
            Dimensions=" ".join(map(str, dataset.shape)),
            NumberType=dataset.number_type,
            Precision=f"{dataset.precision}",
            Format="HDF",
        )
        item.text = f"{self.folder.name}/{path.name}:/{dataset.name}"


@dataclass(frozen=True)
class _Dataset:
    name: str
    shape: tuple[int, ...]
    number_type: str
    precision: int


@dataclass(frozen=True)
class _Step:
    number: int
    path: Path
    time_s: float
    datasets: tuple[_Dataset, ...]


@dataclass(frozen=True)
class _Mesh:
    path: Path
    points: _Dataset
    cells: _Dataset
    static: tuple[_Dataset, ...]


def _open(path: Path) -> h5py.File:
    import h5py

    return h5py.File(path, "r")


@contextmanager
def _new_file(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file that takes its name only once it is complete and on the disk.

    It is made in memory: where the disk is full, HDF5 itself fails in ways that leave a file open for ever.
    """
    import h5py

    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        yield file
        file.flush()
        image = file.id.get_file_image()
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as stream:
            stream.write(image)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _write_field(file: h5py.File, name: str, values: NDArray[np.generic], count: int) -> None:
    if values.shape not in ((count,), (count, 3)):
        raise ValueError(f"field {name} has shape {values.shape}, expected ({count},) or ({count}, 3)")
    kind = np.int32 if np.issubdtype(values.dtype, np.integer) else np.float32
    file.create_dataset(name, data=values.astype(kind), compression="gzip", compression_opts=1, shuffle=True)


def _describe(file: h5py.File, name: str) -> _Dataset:
    dataset = file[name]
    kind = "Int" if np.issubdtype(dataset.dtype, np.integer) else "Float"
    return _Dataset(name, tuple(dataset.shape), kind, dataset.dtype.itemsize)


def _fields(file: h5py.File) -> tuple[_Dataset, ...]:
    return tuple(_describe(file, f"{place}/{name}") for place in _CENTRES if place in file for name in file[place])


def _step(path: Path) -> _Step:
    status = path.stat()
    return _read_step(path, (status.st_ino, status.st_mtime_ns))


@lru_cache(maxsize=4096)
def _read_step(path: Path, written: tuple[int, int]) -> _Step:
    """What a step's file holds; ``written`` says which file of that name it is, for files only appear whole."""
    with _open(path) as file:
        return _Step(int(path.stem.removeprefix("step_")), path, float(file.attrs["time_s"]), _fields(file))


def _read_mesh(path: Path) -> _Mesh:
    with _open(path) as file:
        return _Mesh(path, _describe(file, "points"), _describe(file, "cells"), _fields(file))
