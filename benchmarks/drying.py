"""The drying film: time of one `dry`, of a dose series, and where a target-like film has its additive.

Run `python benchmarks/drying.py`: one thread, warm medians; `--ranges` prints instead what each number does to the
answer over its assumed range, all others as in the library.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from perotwin.recipe.drying import Adsorption, DriedFilm, Drying, dry
from perotwin.recipe.passivation import Film, GrainBoundaries, passivate

GOAL_MS = 50.0
DOSES = np.linspace(0.0, 0.03, 13)
#: illustrative: 0.2 sites in a square nanometre, filled within seconds from an ink with 1 mol%
OXIDE = Adsorption(sites=2e17, k_on=1e-25, k_off=5e-4, solvent_competition=5.0)


def milliseconds(job: Callable[[], object], repeats: int = 21) -> float:
    """Median wall time of a job that has run once before."""
    job()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return 1e3 * median(times)


def filled(film: DriedFilm, parameters: GrainBoundaries | None = None) -> Film:
    """The film with its grain boundaries passivated."""
    return passivate(film.density, parameters, widths=np.diff(film.depth_edges))


def row(words: str, first: Drying, second: GrainBoundaries) -> None:
    """One line: what 1 mol% does in a film with these parameters."""
    film = dry(0.01, OXIDE, first)
    with_it, without = filled(film, second), filled(dry(0.0, OXIDE, first), second)
    print(
        f"{words:44s} {film.theta[-1]:6.2f} {100 * film.shares['residue']:9.1f} "
        f"{100 * film.within(20e-9) / film.dosed:9.0f} {without.lifetime * 1e9:9.0f} {with_it.lifetime * 1e9:9.0f} "
        f"{100 * (1 - with_it.counted / without.counted):9.0f} {without.ions * 1e-6:9.1e} {with_it.ions * 1e-6:9.1e} "
        f"{without.ion_diffusion * 1e4:9.1e} {with_it.ion_diffusion * 1e4:9.1e}"
    )


def ranges() -> None:
    """One line for each end of each assumed range."""
    first, second = Drying.library(), GrainBoundaries.library()
    print(
        f"{'':44s} theta residue % in 20nm % life0 ns  life ns   fall %     ions0      ions"
        "        D0         D"
    )
    row("library", first, second)
    for model in (first, second):
        own = {name: float(getattr(model, name)) for name in type(model).model_fields}
        for name in own:
            for end in getattr(model, name).assumed:
                changed = type(model)(**{**own, name: float(end)})
                both = (changed, second) if model is first else (first, changed)
                row(f"{name} = {end.text}", *both)


def main() -> None:
    """Print one line a job."""
    if "--ranges" in sys.argv[1:]:
        ranges()
        return
    one = milliseconds(lambda: dry(0.01, OXIDE))
    series = milliseconds(lambda: [filled(dry(dose, OXIDE)) for dose in DOSES], 5)
    print(
        f"dry, 160 cells         {one:7.1f} ms  goal {GOAL_MS:g} ms: {'met' if one <= GOAL_MS else 'MISSED'}"
    )
    print(f"13 doses, passivated   {series:7.1f} ms")
    film = dry(0.01, OXIDE)
    print(
        f"{len(film.time)} steps; additive kept to {abs(film.balance):.0e}; solid after {film.onset:.1f} s,",
        end=" ",
    )
    print(f"dry after {film.time[-1]:.2f} s; Pe {film.peclet[0]:.4f} and {film.peclet[1]:.3f}")
    print(
        "1 mol%: " + ", ".join(f"{name} {100 * share:.1f} %" for name, share in film.shares.items()), end="; "
    )
    print(f"{100 * film.within(20e-9) / film.dosed:.0f} % of all within 20 nm of the oxide")
    print("dose mol%   lifetime ns   counted cm^-3   ions cm^-3   diffusion cm^2/s")
    for dose in (0.0, 0.001, 0.003, 0.01, 0.03):
        made = filled(dry(dose, OXIDE))
        print(
            f"{100 * dose:8.1f}   {made.lifetime * 1e9:9.0f}   {made.counted * 1e-6:13.2e}   "
            f"{made.ions * 1e-6:10.2e}   {made.ion_diffusion * 1e4:10.2e}"
        )


if __name__ == "__main__":
    main()
