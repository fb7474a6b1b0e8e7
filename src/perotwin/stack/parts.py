"""The parts of a cell: light, layers with their traps and ions, faces, contacts, circuit.

All are frozen pydantic models whose numbers are `units.Quantity` (SI floats, energies in eV).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import ValidationInfo, field_validator, model_validator

from perotwin.errors import InputError
from perotwin.materials import BANDGAPS, HALIDE, URBACH_ENERGY
from perotwin.stack.choices import (
    ContinuousTransport,
    FaceTransport,
    FermiDirac,
    FrozenIons,
    Generation,
    IonResponse,
    Level,
    Material,
    Midgap,
    OpticalGeneration,
    Radiative,
    Spectrum,
    StandardSpectrum,
    Statistics,
    WorkFunction,
)
from perotwin.stack.places import Patches, Pinholes
from perotwin.stack.quantity_fields import (
    ArealDensity,
    AreaResistance,
    AugerRate,
    Bandgap,
    Charge,
    Density,
    Depth,
    Diffusion,
    Doping,
    Energy,
    EnergySlope,
    Incidence,
    Intensity,
    Mobility,
    Model,
    Name,
    NonNegativeEnergy,
    Permittivity,
    PositiveEnergy,
    Roughness,
    Shunt,
    Temperature,
    Thickness,
    Time,
    TrapDensity,
    Velocity,
    VolumeRate,
)
from perotwin.stack.use import FromLibrary
from perotwin.units import Quantity

Role = Literal["substrate", "coating", "electrode", "htl", "absorber", "etl", "buffer"]
TrapCharge = Literal["neutral", "donor", "acceptor"]

#: Roles that conduct no current in the model: optics only.
OPTICAL_ROLES = ("substrate", "coating", "electrode")

ROOM_TEMPERATURE = Quantity(298.15, "298.15 K", dimension="temperature")


def _zero(text: str, dimension: str) -> Quantity:
    return Quantity(0.0, text, dimension=dimension)


class Light(Model):
    """What shines on the cell.

    side : the side that the light enters, "front" (before the first layer) or "back".
    spectrum : AM1.5G, AM1.5D, AM0, a black body, a file, or one wavelength.
    intensity : in suns, a factor on the stored spectrum and on prescribed generation; "dark" is 0. In W/m^2, mW/cm^2 or
        lux it is turned into suns of the spectrum. It is that of the beam, measured across it.
    angle : of incidence, from the normal of the cell, which gets the cosine of it of the beam.
    other_side : intensity of the same spectrum from the other side at the same time, as of a bifacial cell.
    generation : how generation in the absorbers is found.
    """

    side: Literal["front", "back"] = "front"
    spectrum: Spectrum = StandardSpectrum()
    intensity: Intensity = Quantity(1.0, "1 sun", dimension="intensity")
    angle: Incidence = Quantity(0.0, "0 deg", dimension="angle")
    other_side: Intensity = Quantity(0.0, "0 sun", dimension="intensity")
    generation: Generation = OpticalGeneration()

    @field_validator("intensity", "other_side", mode="before")
    @classmethod
    def _in_suns(cls, value: Any, info: ValidationInfo) -> Any:
        """W per area and lux become suns of the spectrum; anew where the same text meets another spectrum."""
        from perotwin.spectra.intensity import is_of_power, suns

        text = value.get("value") if isinstance(value, Mapping) else value
        written = text.written if isinstance(text, Quantity) else text
        if not is_of_power(written) or "spectrum" not in info.data:
            return value
        found = suns(str(written), info.data["spectrum"])
        if isinstance(value, Quantity):
            return found.with_origin(value.source, value.assumed, value.note)
        return {**value, "value": found} if isinstance(value, Mapping) else found

    def at_one_sun(self) -> dict[str, Any]:
        """What `with_light` takes to make this light one sun; that of the other side keeps its share.

        Raises
        ------
        InputError : there is light on the other side alone.
        """
        own, other = float(self.intensity), float(self.other_side)
        if other == 0.0:
            return {"intensity": 1.0}
        if own == 0.0:
            raise InputError(
                f"the lit side is dark, but light of {self.other_side} comes from the other side.",
                f'Write side = "{"back" if self.side == "front" else "front"}" and the intensity there, without '
                "other_side.",
                key="light.other_side",
            )
        return {"intensity": 1.0, "other_side": other / own}


class Electronic(Model):
    """Band edges, densities of states and transport of a layer.

    The numbers hold at `reference_temperature` (K); absent, at the temperature that the stack states. A copy of a
    stack at another temperature (`with_values`, `--temperature`) keeps that reference, and the laws apply.

    electron_affinity, bandgap : eV; the bandgap may be left out where the layer states its own.
    conduction_dos, valence_dos : effective densities of states (m^-3), as T^1.5.
    electron_mobility, hole_mobility : m^2/(V s), with `mobility_activation_energy` (eV) where they are
    activated.
    permittivity : relative, static.
    donor_density, acceptor_density : ionised dopants (m^-3).
    bandgap_temperature_coefficient : dEg/dT (eV/K), about the reference temperature; the valence band moves.
    """

    hints: ClassVar[Mapping[str, str]] = {
        key: "Band edges are given as electron_affinity and bandgap, both positive and in eV."
        for key in ("ec", "ev", "e_c", "e_v", "conduction_band", "valence_band", "cbm", "vbm", "homo", "lumo")
    } | {
        key: f"Write {name}."
        for name, keys in {
            "electron_affinity": ("chi", "affinity", "ea"),
            "bandgap": ("eg", "gap", "band_gap"),
            "conduction_dos": ("nc", "n_c", "dos_c"),
            "valence_dos": ("nv", "n_v", "dos_v"),
            "electron_mobility": ("mu_n", "mun", "mobility_n"),
            "hole_mobility": ("mu_p", "mup", "mobility_p"),
            "electron_mobility and hole_mobility": ("mobility", "mu"),
            "permittivity": ("eps", "eps_r", "epsilon", "epsilon_r"),
            "donor_density": ("nd", "n_d", "donors"),
            "acceptor_density": ("na", "n_a", "acceptors"),
            "donor_density (n) or acceptor_density (p)": ("doping",),
        }.items()
        for key in keys
    }

    electron_affinity: Depth
    bandgap: Bandgap | None = None
    conduction_dos: Density
    valence_dos: Density
    electron_mobility: Mobility
    hole_mobility: Mobility
    permittivity: Permittivity
    donor_density: Doping = _zero("0 m^-3", "number density")
    acceptor_density: Doping = _zero("0 m^-3", "number density")
    statistics: Statistics = FermiDirac()
    bandgap_temperature_coefficient: EnergySlope = _zero("0 eV/K", "energy per temperature")
    mobility_activation_energy: NonNegativeEnergy = _zero("0 eV", "energy")
    reference_temperature: Temperature | None = None


class Auger(Model):
    """Auger coefficients (m^6/s): R = (electron n + hole p) (n p - n0 p0)."""

    inline: ClassVar[bool] = True
    #: what its recombination channels are called
    channel: ClassVar[str] = "Auger"

    electron: AugerRate
    hole: AugerRate


class Recombination(Model):
    """Band-to-band recombination of a layer; `radiative` absent means the default (see `Stack.radiative`)."""

    radiative: Radiative | None = None
    auger: Auger | None = None


class Trap(Model):
    """One trap level in a layer (Shockley-Read-Hall).

    Either `density` (m^-3), `electron_capture` and `hole_capture` (m^3/s), with a charge; or the two
    lifetimes (s), and then the trap is neutral, because lifetimes do not say how many there are. A "donor"
    is positive when empty, an "acceptor" negative when occupied by an electron, a "neutral" one never
    counts.

    Reference: W. Shockley and W. T. Read, Phys. Rev. 87, 835 (1952), doi:10.1103/PhysRev.87.835.
    """

    level: Level = Midgap()
    density: TrapDensity | None = None
    electron_capture: VolumeRate | None = None
    hole_capture: VolumeRate | None = None
    electron_lifetime: Time | None = None
    hole_lifetime: Time | None = None
    charge: TrapCharge = "neutral"

    @model_validator(mode="after")
    def _one_description(self) -> Trap:
        counted = {
            "density": self.density,
            "electron_capture": self.electron_capture,
            "hole_capture": self.hole_capture,
        }
        timed = {"electron_lifetime": self.electron_lifetime, "hole_lifetime": self.hole_lifetime}
        _either(counted, timed, "trap")
        if self.electron_lifetime is not None and self.charge != "neutral":
            raise InputError(
                f"the trap is a {self.charge} but has lifetimes, which do not say how much charge it holds.",
                'Give density, electron_capture and hole_capture instead, or charge = "neutral".',
                subkey="charge",
            )
        return self

    @property
    def tau_n(self) -> float:
        """Electron lifetime (s): as given, or 1/(electron_capture density); infinite without traps."""
        return _lifetime(self.electron_lifetime, self.electron_capture, self.density)

    @property
    def tau_p(self) -> float:
        """Hole lifetime (s): as given, or 1/(hole_capture density); infinite without traps."""
        return _lifetime(self.hole_lifetime, self.hole_capture, self.density)


class FaceTrap(Model):
    """One trap level at a face, seeing the carriers of both sides together.

    Either `electron_velocity` and `hole_velocity` (m/s; S = C N, neutral), or `density` (m^-2),
    `electron_capture` and `hole_capture` (m^3/s), with a charge. The level stands on the absorber side's
    scale (see `Stack.face_layer`).
    """

    level: Level = Midgap()
    electron_velocity: Velocity | None = None
    hole_velocity: Velocity | None = None
    density: ArealDensity | None = None
    electron_capture: VolumeRate | None = None
    hole_capture: VolumeRate | None = None
    charge: TrapCharge = "neutral"

    @model_validator(mode="after")
    def _one_description(self) -> FaceTrap:
        counted = {
            "density": self.density,
            "electron_capture": self.electron_capture,
            "hole_capture": self.hole_capture,
        }
        rated = {"electron_velocity": self.electron_velocity, "hole_velocity": self.hole_velocity}
        _either(counted, rated, "face trap")
        if self.electron_velocity is not None and self.charge != "neutral":
            raise InputError(
                f"the face trap is a {self.charge} but has velocities, which do not say how much it holds.",
                'Give density, electron_capture and hole_capture instead, or charge = "neutral".',
                subkey="charge",
            )
        return self

    @property
    def s_n(self) -> float:
        """Electron recombination velocity (m/s): as given, or electron_capture times density."""
        return _velocity(self.electron_velocity, self.electron_capture, self.density)

    @property
    def s_p(self) -> float:
        """Hole recombination velocity (m/s): as given, or hole_capture times density."""
        return _velocity(self.hole_velocity, self.hole_capture, self.density)


def _either(first: dict[str, Any], second: dict[str, Any], what: str) -> None:
    """Refuse a trap unless exactly one of its two descriptions is complete."""
    given_first = [name for name, value in first.items() if value is not None]
    given_second = [name for name, value in second.items() if value is not None]
    ways = f"{', '.join(first)}; or {' and '.join(second)}"
    if given_first and given_second:
        raise InputError(
            f"the {what} has both {given_first[0]} and {given_second[0]}, which may contradict each other.",
            f"Keep one: {ways}.",
            subkey=given_second[0],
        )
    chosen, given = (second, given_second) if given_second else (first, given_first)
    if not given:
        raise InputError(f"the {what} says nothing about its strength.", f"Give {ways}.")
    absent = [name for name in chosen if name not in given]
    if absent:
        raise InputError(f"the {what} lacks {' and '.join(absent)}.", f"Give {', '.join(chosen)} together.")


def _lifetime(given: float | None, capture: float | None, density: float | None) -> float:
    if given is not None:
        return float(given)
    rate = float(capture or 0.0) * float(density or 0.0)
    return 1.0 / rate if rate > 0.0 else math.inf


def _velocity(given: float | None, capture: float | None, density: float | None) -> float:
    return float(given) if given is not None else float(capture or 0.0) * float(density or 0.0)


class IonSpecies(Model):
    """One mobile ionic species with its immobile counter charge.

    density : mean number density (m^-3). charge : in elementary charges, not zero.
    site_density : the most that fits (m^-3); absent means no steric limit.
    diffusion_coefficient : m^2/s at 298.15 K, activated with `activation_energy` (eV) if given.
    """

    density: Doping
    charge: Charge = Quantity(1.0, "1", dimension="dimensionless")
    site_density: Density | None = None
    diffusion_coefficient: Diffusion
    activation_energy: NonNegativeEnergy | None = None

    @model_validator(mode="after")
    def _possible(self) -> IonSpecies:
        if self.charge == 0.0 or float(self.charge) != round(float(self.charge)):
            raise InputError(
                f"an ionic charge of {self.charge} is zero or not a whole number of elementary charges.",
                "Give 1 for a halide vacancy, -1 for a cation vacancy.",
                subkey="charge",
            )
        if self.site_density is not None and self.density >= self.site_density:
            raise InputError(
                f"{self.density} ions do not fit on {self.site_density} sites.",
                "Give a site_density above the density, or leave it out.",
                subkey="site_density",
            )
        return self


class Ions(IonSpecies):
    """The mobile ions of a layer: one species, optionally a second one, and how they respond."""

    second: IonSpecies | None = None
    response: IonResponse = FrozenIons()


class Layer(FromLibrary):
    """One layer of the stack.

    use : an entry of the library of layers, which gives whatever is not stated, its name and role included.
    material : a name of the material library, a table of the user, or absent (no optics).
    coherent : whether its reflections interfere; absent means False for a substrate, True otherwise.
    bandgap : of an absorber, the inflection of the cell's EQE (eV); required for "halide-perovskite".
    extrapolate : allow optical constants outside their table's range; said in every result.
    electronic : absent for layers that only shape the light.
    pinholes : of an absorber, places that it does not cover, with all absorbers that adjoin it.
    """

    part: ClassVar[str] = "layer"

    hints: ClassVar[Mapping[str, str]] = {
        "d": "Write thickness.",
        "eg": "Write bandgap.",
        "gap": "Write bandgap.",
        "traps": "Each trap is a table [[layer.trap]].",
        "ion": "Write [layer.ions].",
        **dict.fromkeys(
            ("lifetime", "tau", "electron_lifetime", "hole_lifetime"),
            "A lifetime belongs to a trap: [[layer.trap]] with electron_lifetime and hole_lifetime.",
        ),
    }

    name: Name
    role: Role
    material: Material | None = None
    thickness: Thickness
    coherent: bool | None = None
    bandgap: Bandgap | None = None
    urbach_energy: PositiveEnergy = Quantity(URBACH_ENERGY, "15 meV", dimension="energy")
    extrapolate: bool = False
    electronic: Electronic | None = None
    recombination: Recombination = Recombination()
    trap: tuple[Trap, ...] = ()
    ions: Ions | None = None
    pinholes: Pinholes | None = None

    @field_validator("name")
    @classmethod
    def _usable_name(cls, name: str) -> str:
        if name != name.strip() or not name or any(character in name for character in '.|="\n'):
            raise InputError(
                f'"{name}" cannot name a layer, because names are part of field paths.',
                "Use letters, digits and hyphens.",
            )
        if name in (
            "name",
            "description",
            "temperature",
            "light",
            "layer",
            "interface",
            "contact",
            "circuit",
        ):
            raise InputError(
                f'"{name}" cannot name a layer, because it is a key of the stack.', "Choose another name."
            )
        return name

    @model_validator(mode="after")
    def _consistent(self) -> Layer:
        if self.electronic is None:
            for key, given in (("trap", self.trap), ("ions", self.ions), ("pinholes", self.pinholes)):
                if given:
                    raise InputError(
                        f"the layer has {key} but no electronic parameters.",
                        "Add [layer.electronic], or remove it.",
                        subkey=key,
                    )
        else:
            if self.role in OPTICAL_ROLES:
                raise InputError(
                    f'the role "{self.role}" is optical only, but the layer has electronic parameters.',
                    "Change its role to htl, absorber, etl or buffer, or remove [layer.electronic].",
                    subkey="electronic",
                )
            if self.electronic.bandgap is None and self.bandgap is None:
                raise InputError(
                    "the electronic parameters have no bandgap, and the layer has none to follow.",
                    'Add bandgap = "... eV" to [layer.electronic] or to the layer.',
                    subkey="electronic.bandgap",
                )
        if (
            self.material == HALIDE
            and self.bandgap is not None
            and not BANDGAPS[0] <= self.bandgap <= BANDGAPS[1]
        ):
            raise InputError(
                f'the material "{HALIDE}" covers bandgaps from {BANDGAPS[0]} to {BANDGAPS[1]} eV, not {self.bandgap}.',
                "Choose a bandgap in that range, or give the layer a table of your own.",
                subkey="bandgap",
            )
        if self.material == HALIDE and self.bandgap is None:
            raise InputError(
                f'the material "{HALIDE}" needs a bandgap ({BANDGAPS[0]} to {BANDGAPS[1]} eV), but none is stated.',
                'Add bandgap = "1.6 eV", say: the inflection of the cell\'s EQE.',
                subkey="bandgap",
            )
        return self

    @property
    def is_coherent(self) -> bool:
        """Whether reflections interfere: as stated, or everything but a substrate."""
        return self.role != "substrate" if self.coherent is None else self.coherent

    @property
    def gap(self) -> float:
        """The electronic bandgap (eV): its own, or the layer's."""
        if self.electronic is not None and self.electronic.bandgap is not None:
            return float(self.electronic.bandgap)
        if self.bandgap is None:
            raise InputError(
                f'the layer "{self.name}" states no bandgap.', 'Add bandgap = "... eV".', key=self.name
            )
        return float(self.bandgap)


class Interface(FromLibrary):
    """What happens at the face of two adjacent layers.

    use : an entry of the library of layers, one of the two or a monolayer between them.
    dipole : vacuum level on the side farther from the light minus the nearer (eV).
    dipole_spread : its standard deviation (eV) over areas wider than carriers reach along the film; normally
        distributed.
    patches : places without what covers the rest; all else here is that of the rest.
    roughness : root mean square (m), conformal.
    transport : continuous quasi-Fermi levels, or thermionic emission.
    trap : levels at the face.
    """

    part: ClassVar[str] = "face"

    hints: ClassVar[Mapping[str, str]] = {
        "spread": "Write dipole_spread.",
        "pinholes": "Write patches.",
    } | dict.fromkeys(
        ("electron_velocity", "hole_velocity", "velocity", "srv", "surface_recombination_velocity"),
        'Velocities belong to a trap of the face: [[interface."a|b".trap]] with electron_velocity and hole_velocity.',
    )

    dipole: Energy = _zero("0 eV", "energy")
    dipole_spread: NonNegativeEnergy = _zero("0 eV", "energy")
    patches: Patches | None = None
    roughness: Roughness = _zero("0 m", "length")
    transport: FaceTransport = ContinuousTransport()
    trap: tuple[FaceTrap, ...] = ()


class Faces(dict[str, Interface]):
    """Interfaces by "a|b"; read only, so that a stack can be compared, hashed and cached."""

    def __hash__(self) -> int:  # type: ignore[override]  # a dict has none; this one is read only
        return hash(frozenset(self.items()))

    def __reduce__(self) -> Any:
        return Faces, (dict(self),)

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a stack is frozen; use stack.with_values to make another one")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


class Contact(FromLibrary):
    """An outer contact of the electrical layers.

    use : an entry of the library of layers: the layer that the electrode ends at, a monolayer on it, or a metal.
    work_function : eV, or "flat-band": the Fermi level of the neutral neighbouring layer.
    electron_velocity, hole_velocity : surface recombination velocities (m/s); absent means infinite.
    """

    part: ClassVar[str] = "contact"

    hints: ClassVar[Mapping[str, str]] = dict.fromkeys(("wf", "phi"), "Write work_function.")

    work_function: WorkFunction
    electron_velocity: Velocity | None = None
    hole_velocity: Velocity | None = None


class Contacts(Model):
    """The two contacts; front is the one nearer to the first layer of the stack."""

    front: Contact
    back: Contact


class Circuit(Model):
    """What sits outside the layers: area resistances (ohm m^2); what is absent conducts nothing.

    shunt_resistance : of what leaks by accident: edges, dust, scratches. Pinholes belong to the film that has them.
    """

    hints: ClassVar[Mapping[str, str]] = {
        "pinhole_resistance": "Pinholes are solved as contacts of the layers that touch in them: give the absorber "
        'pinholes = { share = "0.01 %", velocity = "1e5 cm/s" }.'
    }

    series_resistance: AreaResistance = _zero("0 ohm m^2", "area resistance")
    shunt_resistance: Shunt | None = None

    @property
    def shunt(self) -> float | None:
        """Between both contacts, ohm m^2; None where there is none."""
        return None if self.shunt_resistance is None else float(self.shunt_resistance)
