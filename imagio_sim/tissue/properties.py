# SPDX-License-Identifier: LGPL-3.0-or-later
"""The properties a tissue may have: unit, plausible limits and meaning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from imagio_sim.errors import InputError
from imagio_sim.tissue.value import Value


@dataclass(frozen=True)
class Property:
    """Unit, what any tissue, gas or fluid can plausibly have (``low`` to ``high``), and the meaning in words.

    ``modalities`` are those that use it; empty for what every run uses.
    """

    unit: str
    low: float
    high: float
    meaning: str
    modalities: tuple[str, ...] = ()


CURRENT = ("radiofrequency", "electroporation")
PULSES = ("electroporation",)
MICROWAVES = ("microwave",)
SOUND = ("ultrasound",)
LIGHT = ("laser",)
CLOSED_ARTERIES = ("embolisation", "chemoembolisation")
DRUGS = ("chemoembolisation", "liposomes")
INTERSTITIAL_FLOW = ("chemoembolisation",)


LASER_WAVELENGTHS_NM = (980, 1064)
"""Wavelengths of which tissues have optical properties."""


def optical_property(name: str, *, wavelength_nm: int, coagulated: bool) -> str:
    """Full name of ``optical_absorption`` or ``reduced_scattering`` at a wavelength."""
    return f"{'coagulated_' if coagulated else ''}{name}_{wavelength_nm}_nm"


def _optical(wavelength_nm: int) -> Iterator[tuple[str, Property]]:
    """The optical properties at a wavelength: of native and of coagulated tissue."""
    for coagulated in (False, True):
        state = f"{'of coagulated tissue ' if coagulated else ''}at {wavelength_nm} nm"
        for name, limits, meaning in (
            ("optical_absorption", (0.01, 1e4), "absorption coefficient of light"),
            ("reduced_scattering", (1.0, 1e5), "reduced scattering coefficient of light, mu_s (1 - g),"),
        ):
            key = optical_property(name, wavelength_nm=wavelength_nm, coagulated=coagulated)
            yield key, Property("1/m", *limits, f"{meaning} {state}", LIGHT)


PROPERTIES: Mapping[str, Property] = MappingProxyType(
    {
        "density": Property("kg/m3", 0.5, 3000.0, "mass density at 37 degC"),
        "specific_heat_capacity": Property("J/(kg K)", 500.0, 5000.0, "specific heat at 37 degC"),
        "thermal_conductivity": Property("W/(m K)", 0.01, 3.0, "thermal conductivity at 37 degC"),
        "thermal_conductivity_slope": Property(
            "W/(m K2)", -0.005, 0.01, "rise of the thermal conductivity per kelvin, 37 to 100 degC"
        ),
        "perfusion_rate": Property("1/s", 0.0, 0.2, "volume of blood per volume of tissue and second, untreated"),
        "electrical_conductivity": Property("S/m", 0.0, 5.0, "electrical conductivity at 500 kHz and 37 degC", CURRENT),
        "electrical_conductivity_slope": Property(
            "1/K", -0.01, 0.05, "relative rise of the electrical conductivity per kelvin, 37 to 100 degC", CURRENT
        ),
        "intact_conductivity": Property(
            "S/m",
            0.0,
            5.0,
            "electrical conductivity of intact tissue for pulses of some ten microseconds, 37 degC",
            PULSES,
        ),
        "electroporated_conductivity": Property(
            "S/m",
            0.0,
            5.0,
            "electrical conductivity for such pulses when all cells are electroporated, 37 degC",
            PULSES,
        ),
        "electroporation_onset_field": Property(
            "V/m", 1e3, 2e5, "field at which the conductivity begins to rise", PULSES
        ),
        "electroporation_saturation_field": Property("V/m", 1e3, 3e5, "field beyond which it rises no further", PULSES),
        "water_content": Property("1", 0.0, 1.0, "volume fraction of water that can vaporise"),
        "metabolic_heat": Property("W/m3", 0.0, 2.0e5, "metabolic heat beyond what the resting state contains"),
        "relative_permittivity_915_mhz": Property("1", 1.0, 100.0, "relative permittivity at 915 MHz", MICROWAVES),
        "electrical_conductivity_915_mhz": Property("S/m", 0.0, 10.0, "electrical conductivity at 915 MHz", MICROWAVES),
        "relative_permittivity_2450_mhz": Property("1", 1.0, 100.0, "relative permittivity at 2.45 GHz", MICROWAVES),
        "electrical_conductivity_2450_mhz": Property(
            "S/m", 0.0, 10.0, "electrical conductivity at 2.45 GHz", MICROWAVES
        ),
        "sound_speed": Property("m/s", 300.0, 5000.0, "speed of sound", SOUND),
        "acoustic_attenuation_500_khz": Property(
            "1/m", 0.0, 500.0, "amplitude attenuation at 500 kHz (neper per metre)", SOUND
        ),
        "acoustic_attenuation_exponent": Property(
            "1", 0.0, 3.0, "exponent of the frequency in the acoustic attenuation: (f / 500 kHz) to this power", SOUND
        ),
        "nonlinearity_parameter": Property("1", 0.0, 20.0, "acoustic nonlinearity B/A", SOUND),
        "arterial_share": Property(
            "1", 0.0, 1.0, "share of its blood that arteries bring, not the portal vein", CLOSED_ARTERIES
        ),
        "plasma_fraction": Property("1", 0.0, 0.6, "volume fraction of plasma in vessels that exchange", DRUGS),
        "interstitial_fraction": Property("1", 0.01, 0.9, "volume fraction of the fluid between the cells", DRUGS),
        "vessel_surface_density": Property(
            "1/m", 100.0, 2e5, "surface of capillaries and sinusoids per volume of tissue", DRUGS
        ),
        "cell_density": Property("1/m3", 1e12, 5e15, "number of cells per volume of tissue", DRUGS),
        "vessel_permeability_ratio": Property(
            "1", 0.001, 1e3, "permeability of capillary walls to small drugs, relative to that of tumours", DRUGS
        ),
        "interstitial_diffusivity_ratio": Property(
            "1", 0.01, 10.0, "diffusivity of small drugs between the cells, relative to that in tumours", DRUGS
        ),
        "hydraulic_conductivity": Property(
            "m2/(Pa s)",
            1e-18,
            1e-10,
            "Darcy velocity of the interstitial fluid per pressure gradient",
            INTERSTITIAL_FLOW,
        ),
        "filtration_conductance": Property(
            "1/(Pa s)",
            0.0,
            1e-4,
            "hydraulic permeability of capillary walls times their surface per volume",
            INTERSTITIAL_FLOW,
        ),
        "filtration_pressure": Property(
            "Pa", -3000.0, 1e4, "interstitial pressure at which capillaries lose no fluid", INTERSTITIAL_FLOW
        ),
        "lymphatic_conductance": Property(
            "1/(Pa s)", 0.0, 1e-4, "lymph per volume of tissue and pressure above that of lymph", INTERSTITIAL_FLOW
        ),
        **{name: definition for wavelength in LASER_WAVELENGTHS_NM for name, definition in _optical(wavelength)},
    }
)


def properties_used_by(modalities: Iterable[str]) -> frozenset[str]:
    """Properties that a run with these modalities uses."""
    acting = set(modalities)
    return frozenset(
        name
        for name, definition in PROPERTIES.items()
        if not definition.modalities or acting & set(definition.modalities)
    )


def refuse_unknown_property(name: str, *, where: str) -> None:
    """Raise with the nearest known name unless ``name`` is a property."""
    if name in PROPERTIES:
        return
    nearest = get_close_matches(name, PROPERTIES, n=1, cutoff=0.0)
    raise InputError(
        where,
        found=f"property '{name}'",
        allowed=f"one of {', '.join(PROPERTIES)}",
        remedy=f"did you mean '{nearest[0]}'?",
    )


def refuse_implausible(name: str, value: Value, *, where: str) -> None:
    """Raise when a value has another unit than its property, or lies where no tissue does."""
    refuse_unknown_property(name, where=where)
    definition = PROPERTIES[name]
    if value.unit != definition.unit or not definition.low <= value.value <= definition.high:
        raise InputError(
            f"{where}: {name}",
            found=f"{value.value:g} {value.unit}",
            allowed=f"{definition.low:g} to {definition.high:g} {definition.unit}",
            remedy="give the value in this unit and range",
        )
