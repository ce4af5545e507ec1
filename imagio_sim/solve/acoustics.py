# SPDX-License-Identifier: LGPL-3.0-or-later
"""A beam of ultrasound through labelled tissue: the hybrid angular spectrum method on a voxel grid.

The grid's first axis is the direction of the beam. Layer by layer the wave passes the interfaces into the layer's
tissues, is turned and damped by what they differ from the layer's main tissue (in space), and is carried through the
main tissue exactly (in its angular spectrum). What interfaces send back is followed to the start once. All power is
booked: what tissues absorb, what interfaces reflect, what leaves. SI units; runs on one rank before a stage.

Source: Vyas and Christensen 2012, IEEE Trans Ultrason Ferroelectr Freq Control 59:1093. Unlike there, the wave is
normalised by its flux, so that its squared amplitude is the intensity along the beam and turning it in space conserves
power, and interfaces and differences count by the local direction of the wave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from imagio_sim.physics.ultrasound import reflection, wave_number

Floats = NDArray[np.float64]
Field = NDArray[np.complex64]
Where = tuple[NDArray[np.intp], ...]

# Waves are damped away over this many cells at the sides, so that none comes back in at the other side.
_SPONGE_CELLS, _SPONGE_STRENGTH = 10, 0.5
# Directions are averaged over a square of this many wavelengths: finer, they have no meaning.
_DIRECTION_WAVELENGTHS = 1.5
# Sides of labels are staircases of voxels, which would scatter; they are smoothed by this share of a wavelength.
_SMOOTHED_WAVELENGTHS = 0.25
# Reflected waves are followed where they carry more than this share of the incident power.
_FOLLOWED_SHARE = 1e-4
# Smallest cosine of an angle to the beam that is told apart: a wave across the beam has no flux along it.
_LEAST_COSINE = 0.1


@dataclass(frozen=True, eq=False)
class AcousticTissues:
    """Tissues at one frequency [Hz]: sound speed [m/s], density [kg/m3] and attenuation [Np/m], each (t,)."""

    frequency: float
    sound_speed: Floats
    density: Floats
    attenuation: Floats

    @property
    def wave_numbers(self) -> NDArray[np.complex128]:
        """Complex wave number of each tissue (t,) [1/m]."""
        return wave_number(self.sound_speed, self.attenuation, frequency=self.frequency)

    @property
    def impedance(self) -> Floats:
        """Characteristic impedance of each tissue (t,) [Pa s/m]."""
        return self.density * self.sound_speed


@dataclass(frozen=True, eq=False)
class TissueBlock:
    """Tissue numbers (layers, rows, columns) in voxels of ``thickness`` along the beam and ``spacing`` across [m].

    ``coupling`` is the tissue number of the medium in front of the first layer.
    """

    tissue: NDArray[np.uint8]
    thickness: float
    spacing: float
    coupling: int


@dataclass(frozen=True, eq=False)
class PowerBook:
    """Where the power went [W]: ``incident`` on the first layer and its parts.

    Attributes
    ----------
    absorbed
        By each tissue (t,).
    reflected
        At the faces of each tissue (t,), booked to the one the wave was about to enter; part of it is absorbed on its
        way back.
    returned
        What leaves through the first face.
    transmitted
        What leaves through the last face.
    sideways
        What leaves at the sides, or is scattered across the beam.
    unfollowed
        Reflected a second time, or too little to be followed.
    """

    incident: float
    absorbed: Floats
    reflected: Floats
    returned: float
    transmitted: float
    sideways: float
    unfollowed: float

    @property
    def imbalance(self) -> float:
        """Share of the incident power that is not accounted for."""
        found = float(self.absorbed.sum()) + self.returned + self.transmitted + self.sideways + self.unfollowed
        return (found - self.incident) / self.incident if self.incident else 0.0


@dataclass(frozen=True, eq=False)
class BeamField:
    """Amplitude of the forward wave [Pa] and heat of both waves [W/m3], (layers, rows, columns), and the powers."""

    pressure: NDArray[np.float32]
    heat: NDArray[np.float32]
    powers: PowerBook


class _Wave:
    """A wave at a face (rows, columns), in the tissues of one layer.

    Attributes
    ----------
    flux
        Complex; its squared amplitude is twice the intensity along the beam [W/m2].
    square
        Squared pressure over impedance: twice the intensity in its own direction [W/m2].
    """

    def __init__(self, beam: Beam, flux: Field, square: Floats, layer: NDArray[np.uint8]) -> None:
        self._beam, self.flux, self.square, self.layer = beam, flux, square, layer

    @cached_property
    def main(self) -> int:
        """The tissue that most of the wave is in."""
        return self._beam.main_tissue(self.layer, self.flux)

    @property
    def power(self) -> float:
        """Power [W] carried through the face."""
        return 0.5 * self._beam.cell_area * float(_square(self.flux).sum())

    @cached_property
    def across_squared(self) -> Floats:
        """Squared wave number across the beam of the local direction (rows, columns), kept by a plane interface."""
        weight = self._beam.smooth(self.square)
        floor = 1e-12 * float(weight.max(initial=0.0)) + np.finfo(float).tiny
        cosine = np.clip(self._beam.smooth(_square(self.flux)) / np.maximum(weight, floor), 0.0, 1.0)
        return np.asarray(self._beam.wave_numbers[self.main].real ** 2 * (1.0 - cosine**2))


class Beam:
    """Propagation through one block of tissue; made once, used for every field that enters it."""

    def __init__(self, block: TissueBlock, tissues: AcousticTissues) -> None:
        self.block, self.tissues = block, tissues
        self.wave_numbers = tissues.wave_numbers
        self.cell_area = block.spacing**2
        rows, columns = block.tissue.shape[1:]
        kx, ky = (2.0 * np.pi * fft.fftfreq(count, block.spacing) for count in (columns, rows))
        self._across_squared = ky[:, None] ** 2 + kx[None, :] ** 2
        self._window = np.multiply.outer(_side_window(rows), _side_window(columns)).astype(np.float32)
        self.wavelength_cells = tissues.sound_speed[block.coupling] / tissues.frequency / block.spacing
        self._coupling_layer = np.full((rows, columns), block.coupling, dtype=np.uint8)
        self._roots: dict[int, NDArray[np.float32]] = {}
        self._carriers: dict[int, Field] = {}

    def incident_power(self, entering: Field) -> float:
        """Power [W] that a field (rows, columns) [Pa] in the coupling medium brings to the first face."""
        return self._entering(entering).power

    def propagate(self, entering: Field) -> BeamField:
        """Carry a field (rows, columns) [Pa] that arrives at the first face through the block."""
        passage = _Passage(self)
        wave = self._entering(entering)
        incident = wave.power
        sent_back: dict[int, Field] = {}
        for number, layer in enumerate(self.block.tissue):
            entered, back = passage.enter(wave, layer, passage.reflected)
            if back is not None:
                sent_back[number] = back
            wave = passage.cross(entered, number, forward=True)
        first_order = float(passage.reflected.sum())
        again = np.zeros(len(self.wave_numbers))
        followed = first_order > _FOLLOWED_SHARE * incident
        returned = self._follow_back(passage, sent_back, again) if followed else 0.0
        powers = PowerBook(
            incident=incident,
            absorbed=passage.absorbed,
            reflected=passage.reflected,
            returned=returned,
            transmitted=wave.power,
            sideways=passage.sideways,
            unfollowed=float(again.sum()) if followed else first_order,
        )
        return BeamField(passage.pressure, passage.heat, powers)

    def _follow_back(self, passage: _Passage, sent_back: Mapping[int, Field], again: Floats) -> float:
        """Carry what interfaces reflected to the first face and give the power [W] that leaves there.

        Waves of different interfaces are added by their power: how layers finer than a voxel interfere is not known.
        """
        tissue, wave = self.block.tissue, None
        for number in range(max(sent_back), -1, -1):
            before = tissue[number - 1] if number else self._coupling_layer
            if wave is not None:
                wave, _ = passage.enter(passage.cross(wave, number, forward=False), before, again)
            if number in sent_back:
                back = sent_back[number]
                wave = self._wave(back if wave is None else _added(wave.flux, back), before)
        return 0.0 if wave is None else wave.power

    def _entering(self, field: Field) -> _Wave:
        amplitude = field / np.sqrt(self.tissues.impedance[self.block.coupling])
        flux = fft.ifft2(fft.fft2(amplitude.astype(np.complex64)) * self.root_cosines(self.block.coupling))
        return self._wave(np.asarray(flux), self._coupling_layer)

    def _wave(self, flux: Field, layer: NDArray[np.uint8]) -> _Wave:
        """The wave of this flux."""
        return _Wave(self, flux, self.square(fft.fft2(flux), self.main_tissue(layer, flux)), layer)

    def square(self, spectrum: Field, tissue: int) -> Floats:
        """Squared pressure over impedance (rows, columns) of a wave given by the spectrum of its flux."""
        return _square(fft.ifft2(spectrum / np.maximum(self.root_cosines(tissue), np.float32(_LEAST_COSINE**0.5))))

    def main_tissue(self, layer: NDArray[np.uint8], flux: Field) -> int:
        """The tissue that most of a wave is in."""
        if layer.min() == layer.max():
            return int(layer.flat[0])
        return int(np.bincount(layer.ravel(), _square(flux).ravel()).argmax())

    def root_cosines(self, tissue: int) -> NDArray[np.float32]:
        """Root of the cosine of the angle to the beam of each component of the spectrum; 0 where none travels."""
        if tissue not in self._roots:
            squares = 1.0 - self._across_squared / self.wave_numbers[tissue].real ** 2
            self._roots[tissue] = (np.maximum(squares, 0.0) ** 0.25).astype(np.float32)
        return self._roots[tissue]

    def carrier(self, tissue: int) -> Field:
        """What a layer of this tissue does to each component of the spectrum; 0 where none travels."""
        if tissue not in self._carriers:
            along = _root(self.wave_numbers[tissue] ** 2 - self._across_squared)
            carrier = np.exp(1j * along * self.block.thickness)
            self._carriers[tissue] = np.where(self.root_cosines(tissue) > 0.0, carrier, 0.0).astype(np.complex64)
        return self._carriers[tissue]

    def standing(self, spectrum: Field, tissue: int) -> float:
        """Power [W] in components of a spectrum that do not travel along the beam."""
        lost = _square(spectrum[self.root_cosines(tissue) == 0.0]).sum() / spectrum.size
        return 0.5 * self.cell_area * float(lost)

    def smooth(self, values: Floats) -> Floats:
        """Mean over a square of the width over which directions are taken."""
        width = max(1, round(_DIRECTION_WAVELENGTHS * self.wavelength_cells))
        return np.asarray(ndimage.uniform_filter(values, width, mode="wrap"))

    def rounded(self, values: Floats) -> Floats:
        """The same without the steps of voxels at the sides of labels."""
        width = _SMOOTHED_WAVELENGTHS * self.wavelength_cells
        return np.asarray(ndimage.gaussian_filter(values, width, mode="wrap", truncate=3.0))

    def damped(self, flux: Field) -> tuple[Field, float]:
        """The wave without what leaves at the sides, and the power [W] of that."""
        lost = _square(flux) * (1.0 - self._window.astype(float) ** 2)
        return flux * self._window, 0.5 * self.cell_area * float(lost.sum())


class _Passage:
    """What one field leaves behind on its way there and back."""

    def __init__(self, beam: Beam) -> None:
        self._beam = beam
        self.pressure = np.zeros(beam.block.tissue.shape, dtype=np.float32)
        self.heat = np.zeros_like(self.pressure)
        self.absorbed, self.reflected = np.zeros(len(beam.wave_numbers)), np.zeros(len(beam.wave_numbers))
        self.sideways = 0.0

    def enter(self, wave: _Wave, layer: NDArray[np.uint8], reflected: Floats) -> tuple[_Wave, Field | None]:
        """Pass the interfaces into a layer; the wave in it, what is sent back (None: nothing), powers booked."""
        changed = np.nonzero(layer != wave.layer)
        if not len(changed[0]):
            return wave, None
        share, gain = self._interface(wave, changed, layer[changed])
        back = np.zeros_like(wave.flux)
        back[changed] = wave.flux[changed] * share
        booked = np.bincount(layer[changed], _square(back[changed]), len(reflected))
        reflected += 0.5 * self._beam.cell_area * booked
        flux, square = wave.flux.copy(), wave.square.copy()
        flux[changed] *= np.sqrt(np.maximum(1.0 - np.abs(share) ** 2, 0.0)).astype(np.float32)
        square[changed] *= gain
        entered = _Wave(self._beam, flux, square, layer)
        entered.across_squared = wave.across_squared
        return entered, back

    def _interface(self, wave: _Wave, where: Where, after: NDArray[np.uint8]) -> tuple[NDArray[np.complex128], Floats]:
        """At voxels where the tissue changes: reflected share of the pressure, passed share of its :attr:`square`."""
        tissues, across, before = self._beam.tissues, wave.across_squared[where], wave.layer[where]
        sides = [
            _root(self._beam.wave_numbers[tissue] ** 2 - across) / tissues.density[tissue] for tissue in (before, after)
        ]
        share = reflection(*sides)
        gain = _square(1.0 + share) * tissues.impedance[before] / tissues.impedance[after]
        return share, gain

    def cross(self, wave: _Wave, number: int, *, forward: bool) -> _Wave:
        """Carry a wave to the other face of its layer."""
        beam, main = self._beam, wave.main
        turned, damping = self._screen(wave)
        spectrum = np.asarray(fft.fft2(turned))
        self.sideways += beam.standing(spectrum, main)
        spectrum = spectrum * beam.carrier(main)
        flux, lost = beam.damped(np.asarray(fft.ifft2(spectrum)))
        self.sideways += lost
        arrived = _Wave(beam, flux, beam.square(spectrum, main), wave.layer)
        self._deposit(number, wave, arrived, damping, forward=forward)
        return arrived

    def _screen(self, wave: _Wave) -> tuple[Field, Floats | None]:
        """The wave after what other tissues than the main one do beyond it; how they damp it (None: none is there)."""
        beam, other = self._beam, np.nonzero(wave.layer != wave.main)
        if not len(other[0]):
            return wave.flux, None
        across, thickness = wave.across_squared[other], beam.block.thickness
        own, main = (_along(beam.wave_numbers[tissue], across) for tissue in (wave.layer[other], np.array(wave.main)))
        phase, damping = np.zeros(wave.layer.shape), np.ones(wave.layer.shape)
        phase[other] = (own.real - main.real) * thickness
        damping[other] = np.exp((main.imag - own.imag) * thickness)
        return np.asarray(wave.flux * (damping * np.exp(1j * beam.rounded(phase))), np.complex64), damping

    def _deposit(self, number: int, start: _Wave, end: _Wave, damping: Floats | None, *, forward: bool) -> None:
        """Book the heat of a layer: alpha |p|^2 / (rho c) of its main tissue, and what the others take beyond that."""
        beam, layer, thickness = self._beam, start.layer, self._beam.block.thickness
        square = 0.5 * (start.square + end.square)
        heat = square * beam.tissues.attenuation[start.main]
        if damping is not None:
            heat = np.maximum(heat + 0.5 * _square(start.flux) * (1.0 - damping**2) / thickness, 0.0)
        self.heat[number] += heat
        volume = beam.cell_area * thickness
        self.absorbed += volume * np.bincount(layer.ravel(), heat.ravel(), len(self.absorbed))
        if forward:
            self.pressure[number] = np.sqrt(square * beam.tissues.impedance[layer])


def _square(amplitude: NDArray[np.complexfloating]) -> Floats:
    """Squared amplitude."""
    return np.asarray(amplitude.real**2 + amplitude.imag**2, dtype=float)


def _added(first: Field, second: Field) -> Field:
    """The sum of two waves, with the sum of their powers at each place."""
    total = first + second
    size = np.sqrt(_square(total))
    wanted = np.sqrt(_square(first) + _square(second))
    return np.asarray(np.where(size > 0.0, total * (wanted / np.where(size > 0.0, size, 1.0)), wanted), np.complex64)


def _root(squares: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Square root that decays in the direction of the wave: its imaginary part is never negative."""
    root = np.sqrt(np.asarray(squares, dtype=complex))
    return np.where(root.imag < 0.0, -root, root)


def _along(wave_number_at: NDArray[np.complex128], across_squared: Floats) -> NDArray[np.complex128]:
    """Wave number along the beam of a wave with this squared wave number across it; its damping is that of its path."""
    size = wave_number_at.real
    cosine = np.sqrt(np.maximum(1.0 - across_squared / size**2, 0.0))
    return np.asarray(size * cosine + 1j * wave_number_at.imag / np.maximum(cosine, _LEAST_COSINE))


def _side_window(count: int) -> Floats:
    """1 but for a smooth fall towards both ends."""
    depth = np.maximum(_SPONGE_CELLS - np.minimum(np.arange(count), np.arange(count)[::-1]), 0) / _SPONGE_CELLS
    return np.asarray(np.exp(-_SPONGE_STRENGTH * depth**2))
