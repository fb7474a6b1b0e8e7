"""What the twin says of molecules, the buried face and films."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perotwin.paper.found import Found, Rows

if TYPE_CHECKING:
    from perotwin.paper.bench import Bench

__all__ = ["ROWS"]

ROWS = Rows()
_FACE, _FILM = "buried_interface", "wide_bandgap.film"


# --- molecules ------------------------------------------------------------


def _own_dipole(molecule: str) -> Found:
    from perotwin.recipe import molecules

    listed = molecules.load(molecule).dipoles
    ours = [one for one in listed if str(one.value.source or "").startswith("computed")]
    if not ours:
        return Found(float("nan"), "no computed dipole of this molecule is in the library")
    return Found(float(ours[0].value), f"{ours[0].species}, {ours[0].conformer}, {ours[0].method}")


@ROWS.answers(f"{_FACE}.dipole_5_avai", "interface", "perotwin molecule 5-AVAI")
def dipole_of_the_additive(bench: Bench) -> Found:
    """Our own dipole (GFN2-xTB) beside the paper's, which is the one that the recipe takes."""
    return _own_dipole("5-AVAI")


@ROWS.answers(f"{_FACE}.dipole_me_4pacz", "interface", "perotwin molecule Me-4PACz")
def dipole_of_the_monolayer(bench: Bench) -> Found:
    """Our own dipole (GFN2-xTB) beside the paper's, which is the one that the recipe takes."""
    return _own_dipole("Me-4PACz")


@ROWS.answers(f"{_FACE}.horizontal_diameter_5_avai", "interface", "perotwin molecule 5-AVAI")
def diameter_of_the_additive(bench: Bench) -> Found:
    """Between nuclei of the extended conformer (RDKit), with which the recipe works too."""
    from perotwin.recipe import molecules

    return Found(
        float(molecules.load("5-AVAI").nuclear_diameter),
        "between nuclei; van der Waals spheres add 2.5 angstrom",
    )


@ROWS.answers(f"{_FACE}.binding_energy_carboxyl_on_niox", "interface", "perotwin molecule 5-AVAI")
def binding_energy(bench: Bench) -> Found:
    """The number that the library of molecules holds, which is the paper's; no model here computes it."""
    from perotwin.recipe import molecules

    bound = molecules.load("5-AVAI").binding_energy
    return Found(float("nan") if bound is None else float(bound), "as the paper computed it")


# --- what holds on to the oxide ------------------------------------------------------------


def _potential(bench: Bench, name: str, which: str = "mean_potential") -> float:
    return float(bench.on_sample("kpfm", name)[which])


@ROWS.answers(f"{_FACE}.kpfm.control", "interface", "perotwin kpfm sam-niox control-washed")
def potential_of_the_washed_reference(bench: Bench) -> float:
    """Mean of the simulated map of the washed reference less that of the monolayer before coating."""
    return _potential(bench, "control-washed") - _potential(bench, "sam-niox")


@ROWS.answers(f"{_FACE}.kpfm.target", "interface", "perotwin kpfm sam-niox target-washed")
def potential_of_the_washed_target(bench: Bench) -> float:
    """Mean of the simulated map of the washed target less that of the monolayer before coating."""
    return _potential(bench, "target-washed") - _potential(bench, "sam-niox")


@ROWS.answers(f"{_FACE}.kpfm.narrowest", "interface", "perotwin kpfm sam-niox control-washed target-washed")
def spread_of_the_washed_target(bench: Bench) -> float:
    """Standard deviation of the washed target's map less the smaller one of the two others."""
    others = (_potential(bench, name, "potential_spread") for name in ("sam-niox", "control-washed"))
    return _potential(bench, "target-washed", "potential_spread") - min(others)


@ROWS.answers(f"{_FACE}.c1s_carbonyl_target", "interface", "perotwin xps target-washed")
def carbonyl_of_the_washed_target(bench: Bench) -> float:
    """Whether C=O stands above the noise of the simulated C 1s spectrum (1) or not (0)."""
    return float(bench.on_sample("xps", "target-washed")["carbonyl_detected"])


@ROWS.answers(f"{_FACE}.c1s_carbonyl_control", "interface", "perotwin xps control-washed")
def carbonyl_of_the_washed_reference(bench: Bench) -> float:
    """Whether C=O stands above the noise of the simulated C 1s spectrum (1) or not (0)."""
    return float(bench.on_sample("xps", "control-washed")["carbonyl_detected"])


@ROWS.answers(f"{_FACE}.c1s_carbonyl_film", "interface", "perotwin tof-sims control target")
def carbonyl_of_the_film(bench: Bench) -> Found:
    """Additive at the film's free surface, target less reference; one C=O each."""
    density = {}
    for name in ("control", "target"):
        profile = bench.sample(name).depth_profile()
        density[name] = 0.0 if profile is None else float(profile[1][-1])
    return Found(
        density["target"] - density["control"], "per volume, in the outermost cell of the dried film"
    )


def _enrichment(bench: Bench, role: str) -> Found:
    return Found(
        float(bench.on_sample("tof_sims", "target")[f"enrichment {role}"]),
        "highest signal at the face over the median in the film",
    )


@ROWS.answers(f"{_FACE}.tof_sims.additive", "interface", "perotwin tof-sims target")
def additive_at_the_buried_face(bench: Bench) -> Found:
    """How much higher the additive's signal is at the buried face than in the film."""
    return _enrichment(bench, "additive")


@ROWS.answers(f"{_FACE}.tof_sims.sam", "interface", "perotwin tof-sims target")
def monolayer_at_the_buried_face(bench: Bench) -> Found:
    """How much higher the monolayer's signal is at the buried face than in the film."""
    return _enrichment(bench, "sam")


# --- films ------------------------------------------------------------


@ROWS.answers("wide_bandgap.bandgap", "film", "perotwin eqe wbg-target")
def bandgap(bench: Bench) -> Found:
    """Inflection of the target cell's simulated EQE; the paper's gap is what the film is made with."""
    return Found(float(bench.of("eqe", "target")["bandgap"]), "inflection of the EQE")


def _light(bench: Bench, condition: str) -> float:
    return float(bench.of("pl", condition)["photons, film"])


@ROWS.answers(f"{_FILM}.pl_gain", "film", "perotwin pl wbg-control wbg-target --samples film")
def gain_of_luminescence(bench: Bench) -> Found:
    """Photons that the neat films send out under the same light, target over reference."""
    return Found(_light(bench, "target") / _light(bench, "control"), "undoped films under their cells' light")


@ROWS.answers(f"{_FILM}.lifetime_gain", "film", "perotwin trpl wbg-control wbg-target --sample film")
def gain_of_lifetime(bench: Bench) -> Found:
    """Intensity-weighted mean lifetimes of the simulated decays of the neat films, target over reference."""
    long, short = (float(bench.of("trpl", one)["lifetime_intensity"]) for one in ("target", "control"))
    return Found(long / short, "intensity-weighted mean of the two exponentials that the decay supports")


def _counted(bench: Bench, condition: str) -> Found:
    film = bench.sample(condition).film
    return Found(float("nan") if film is None else film.counted, "levels that the recipe puts into the film")


@ROWS.answers(f"{_FILM}.trap_density_control", "film", "perotwin coverage control")
def traps_of_the_reference(bench: Bench) -> Found:
    """Density of the levels that space-charge-limited current is to count, as the recipe leaves them."""
    return _counted(bench, "control")


@ROWS.answers(f"{_FILM}.trap_density_target", "film", "perotwin coverage target")
def traps_of_the_target(bench: Bench) -> Found:
    """Density of the levels that space-charge-limited current is to count, as the recipe leaves them."""
    return _counted(bench, "target")


@ROWS.answers(f"{_FILM}.trap_reading", "film", "perotwin sclc wbg-control")
def traps_as_an_instrument_reads_them(bench: Bench) -> Found:
    """What the simulated dark curve of a device of one carrier with the reference film tells."""
    read = bench.of("sclc", "control")["counted_traps"]
    return Found(float(read.value), read.method)


@ROWS.answers(f"{_FILM}.roughness_control", "film", "perotwin afm control")
def roughness_of_the_reference(bench: Bench) -> float:
    """Root mean square of the simulated map."""
    return float(bench.on_sample("afm", "control")["sq"])


@ROWS.answers(f"{_FILM}.roughness_target", "film", "perotwin afm target")
def roughness_of_the_target(bench: Bench) -> float:
    """Root mean square of the simulated map."""
    return float(bench.on_sample("afm", "target")["sq"])


@ROWS.answers(f"{_FILM}.grain_size", "film", "perotwin sem control target")
def growth_of_grains(bench: Bench) -> Found:
    """Grain sizes of the recipes, target over reference."""
    sizes = {}
    for name in ("control", "target"):
        film = bench.sample(name).film
        sizes[name] = float("nan") if film is None else film.grain_size
    return Found(sizes["target"] / sizes["control"], "assumed alike")


@ROWS.answers(f"{_FILM}.pinholes_control", "film", "perotwin coverage control")
def pinholes_of_the_reference(bench: Bench) -> float:
    """Share of the area where the film of the recipe did not wet the face; no image shows it."""
    return bench.sample("control").face.pinholes


@ROWS.answers(f"{_FILM}.pinholes_target", "film", "perotwin coverage target")
def pinholes_of_the_target(bench: Bench) -> float:
    """The same of the film whose additive has filled holes."""
    return bench.sample("target").face.pinholes


def _splitting(bench: Bench, sample: str) -> float:
    high, low = (float(bench.of("pl", one)[f"qfls, {sample}"]) for one in ("target", "control"))
    return high - low


@ROWS.answers(f"{_FILM}.qfls.film", "film", "perotwin pl wbg-control wbg-target --samples film")
def splitting_of_the_film(bench: Bench) -> float:
    """From the yield of simulated luminescence of the neat film, target less reference."""
    return _splitting(bench, "film")


@ROWS.answers(f"{_FILM}.qfls.film_htl", "film", "perotwin pl wbg-control wbg-target --samples film/htl")
def splitting_on_the_hole_layer(bench: Bench) -> float:
    """From the yield of simulated luminescence of film and hole transport layer, target less reference."""
    return _splitting(bench, "film/niox")


@ROWS.answers(f"{_FILM}.qfls.film_c60", "film", "perotwin pl wbg-control wbg-target --samples film/c60")
def splitting_under_c60(bench: Bench) -> float:
    """From the yield of simulated luminescence of film and C60, target less reference."""
    return _splitting(bench, "film/c60")


@ROWS.answers(f"{_FILM}.qfls.htl_cost", "film", "perotwin pl wbg-control wbg-target --samples film,film/htl")
def what_the_hole_layer_costs(bench: Bench) -> float:
    """Splitting of the film less that with the hole transport layer, reference less target."""
    return _splitting(bench, "film/niox") - _splitting(bench, "film")


@ROWS.answers(f"{_FILM}.xrd_phases", "film", "perotwin xrd target")
def phases_of_the_target(bench: Bench) -> float:
    """Lines of the simulated diffraction that the perovskite does not explain."""
    return float(bench.on_sample("xrd", "target")["unassigned_lines"])
