"""Cells fitted to measurements, with their files; what planned measurements would tell."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin import measurement, progress
from perotwin.calibrate.fields import NO_LINKS, RECIPE, Links, recipe_parameter
from perotwin.calibrate.fit import Calibration, calibrate, usual_nuisances
from perotwin.calibrate.identify import Candidate, Expected, candidates_for, identify, kinds_beside
from perotwin.calibrate.information import identified, weak_groups
from perotwin.calibrate.leaning import leaning
from perotwin.calibrate.least_squares import SQUARES, Loss
from perotwin.calibrate.parameters import Parameter, known, parameter_of
from perotwin.calibrate.profile import RISE, Profile, profile
from perotwin.calibrate.reading import NOTHING, Told, of_evidence, of_files
from perotwin.calibrate.ties import ties_of
from perotwin.errors import InputError, PerotwinError
from perotwin.report import calibration as shown
from perotwin.report import machine, plans
from perotwin.workflows.run import unique_names
from perotwin.workflows.samples import recipe_of

if TYPE_CHECKING:
    from perotwin.calibrate.data import Data
    from perotwin.recipe import Recipe
    from perotwin.stack import Cell

__all__ = ["Asked", "Fitted", "fit", "parameters_for", "plan"]

#: where a fit keeps the best so far
_PROGRESS = "fit-progress.json"
#: the kinds of data of which what a person says besides tells anything, by what is said
_SAID_OF = {
    "rate": ("jv",), "dwell": ("jv",), "preconditioning": ("jv",), "steady": ("jv",), "bias": ("impedance",),
    "bias_light": ("impedance",), "sample": ("trpl",), "wavelength": ("trpl",), "fluence": ("trpl",),
    "area": ("jv", "suns_voc", "impedance"), "sd": ("jv", "suns_voc", "eqe", "impedance"),
}  # fmt: skip
#: s that a fit tries further measurements for; `identify` has no end
_TRYING = 120.0


@dataclass(frozen=True)
class Asked:
    """What is asked of a fit.

    Attributes:
        vary: field paths with or without ranges, for each cell its own; "recipe.PATH" is a number of the recipe that
            made it. share: the same, one value for all cells. recipes: files of recipes that are not in the library.
        nuisance: paths that are known within their ranges. optics: whether the usual ones of the optics are added.
        files: kind and path of measured files, of the first cell. evidence: a TOML file of more. told: see `Told`.
        loss: how residuals count. starts, seed: of searches. profiles: whether profiles are computed.
        further: whether measurements that would tell more are tried. resume: whether a fit in the folder goes on.
    """

    vary: tuple[str, ...] = ()
    share: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()
    nuisance: tuple[str, ...] = ()
    optics: bool = True
    files: tuple[tuple[str, str], ...] = ()
    evidence: str | None = None
    told: Told = NOTHING
    loss: Loss = SQUARES
    starts: int = 1
    seed: int = 0
    profiles: bool = False
    further: bool = True
    resume: bool = False
    posterior: int = 0
    processes: int | None = 1


@dataclass(frozen=True)
class Fitted:
    """A fit and what was made of it: `candidates` for further measurements, `profiles` by name, files `written`."""

    calibration: Calibration
    candidates: tuple[Candidate, ...] = ()
    profiles: dict[str, Profile] | None = None
    posterior: dict[str, Any] | None = None
    written: tuple[Path, ...] = ()
    complete: bool = True

    @property
    def words(self) -> list[str]:
        """What stands against the fit and what it cannot tell."""
        return shown.fit_words(self.calibration, self.candidates)


def parameters_for(
    cells: Sequence[Cell], asked: Asked, data: Sequence[Data], links: Links = NO_LINKS
) -> list[Parameter]:
    """What a fit varies.

    Raises:
        InputError: nothing, or what no cell has.
    """
    if not asked.vary and not asked.share:
        raise InputError(
            "nothing is varied.", "Name what the data are to tell: --vary perovskite.lifetime.", key="vary"
        )

    def made_of(cell: Cell, wanted: str, name: str | None = None, cells: tuple[str, ...] = ()) -> Parameter:
        if wanted.startswith(RECIPE):
            return recipe_parameter(links.recipe(cell.name), wanted, name=name, cells=cells)
        return parameter_of(cell, wanted, name=name, cells=cells)

    made: list[Parameter] = []
    several = len(cells) > 1
    for wanted in _split(asked.share):
        made.append(made_of(cells[0], wanted))
    shared = {path for one in made for path in one.paths}
    for wanted in _split(asked.vary):
        path = wanted.partition("=")[0].strip()
        owner, _, rest = wanted.partition(": ")
        if several and rest and owner in [cell.name for cell in cells]:
            # "control: perovskite.lifetime" is of one of the cells
            cell = next(cell for cell in cells if cell.name == owner)
            made.append(made_of(cell, rest, path, (owner,)))
            continue
        if path in shared:
            raise InputError(f'"{path}" is shared and varied.', "Name it once.", key=path)
        for cell in cells:
            name = f"{cell.name}: {path}" if several else None
            made.append(made_of(cell, wanted, name, (cell.name,) if several else ()))
    for wanted in asked.nuisance:
        path, _, sd = (part.strip() for part in wanted.partition("="))
        for cell in cells:
            name = f"{cell.name}: {path}" if several else None
            made.append(known(cell, path, sd or None, name=name, cells=(cell.name,) if several else ()))
    if asked.optics:
        for cell in cells:
            for one in usual_nuisances(cell, data, made):
                # the electrode and the roughness of cells on one substrate are still two of each
                made.append(
                    replace(one, name=f"{cell.name}: {one.name}") if several else replace(one, cells=())
                )
    return made


def _split(given: Sequence[str]) -> list[str]:
    return [path.strip() for text in given for path in text.split(",") if path.strip()]


def recipes_of(cells: Sequence[Cell], asked: Asked) -> dict[str, Recipe]:
    """The recipes that made cells, by the cells' names, where numbers of recipes are asked for.

    Raises:
        InputError: a cell that names no recipe, or one that is neither given nor in the library.
    """
    if not any(RECIPE in path for path in _split((*asked.vary, *asked.share))):
        return {}
    from perotwin import recipe

    given = {one.name: one for one in map(recipe.load, asked.recipes)}
    found = {}
    for cell in cells:
        named = next((stack.recipe for stack in cell.stacks.values() if stack.recipe in given), None)
        if named is not None:
            found[cell.name] = given[named]
        elif any(stack.recipe is not None for stack in cell.stacks.values()):
            found[cell.name] = recipe_of(cell)
    return found


def fit(cells: Sequence[Cell], asked: Asked, out: str | Path | None = None) -> Fitted:
    """Fit cells to measurements; with `out` it leaves the fitted cells (TOML), `fit.json`, data beside the fit (CSV),
    figures, the report as text and a page there. Also when it was interrupted.

    Raises:
        InputError: data that cannot be of the cells, more parameters than data, nothing varied.
        PerotwinError: the cell cannot be solved where the search begins.
    """
    folder = None if out is None else measurement.make_folder(out)
    gap = any("bandgap" in text for text in (*asked.vary, *asked.share))
    data, notes = _data(cells, asked, gap)
    links = Links(recipes=recipes_of(cells, asked))
    parameters = parameters_for(cells, asked, data, links)
    if asked.evidence is not None:
        ties, factors = ties_of(asked.evidence, cells)
        links, parameters = replace(links, ties=ties), [*parameters, *factors]
    begin = _begun(folder, asked) if asked.resume else None
    keep = None if folder is None else _Keep(folder / _PROGRESS)
    found = calibrate(
        cells, data, parameters, loss=asked.loss, starts=asked.starts, seed=asked.seed, kept=keep, begin=begin,
        links=links,
    )  # fmt: skip
    found = replace(found, notes=(*notes, *found.notes))
    complete = found.complete
    candidates: tuple[Candidate, ...] = ()
    profiles: dict[str, Profile] | None = None
    posterior: dict[str, Any] | None = None
    written: list[Path] = []
    if folder is not None:
        # what is known is kept before anything that may be interrupted
        written = write(found, folder)
    if complete:
        try:
            found = replace(
                found, leans=leaning(found.objective, found.fit, _TRYING if asked.further else 0.0)
            )
            if asked.profiles:
                profiles = {}
                for one in found.fit.parameters[: found.objective.count]:
                    if one.prior is None:
                        profiles[one.name] = profile(found.objective, found.fit, one.name)
                found = replace(found, notes=(*found.notes, *_better(profiles)))
            if asked.posterior:
                from perotwin.calibrate.posterior import posterior_of

                drawn = posterior_of(found, asked.posterior, seed=asked.seed, processes=asked.processes,
                                     path=None if folder is None else folder / "posterior.nc",
                                     resume=asked.resume)  # fmt: skip
                posterior, complete = drawn.summary, drawn.complete
                found = replace(found, notes=(*found.notes, *(f"posterior: {one}" for one in drawn.words)))
            if complete and asked.further and len(cells) == 1 and found.told.groups:
                candidates, complete = _further(found)
        except KeyboardInterrupt:
            complete = False
    if folder is not None:
        written = write(found, folder, candidates, profiles, posterior)
        (folder / _PROGRESS).unlink(missing_ok=True)
        if posterior is not None:
            written.append(folder / "posterior.nc")
    return Fitted(found, candidates, profiles, posterior, tuple(written), complete)


def _better(profiles: dict[str, Profile]) -> list[str]:
    """What is to be said of profiles that came upon a better fit than the best."""
    fallen = {name: -float(one.rise.min()) for name, one in profiles.items() if one.rise.min() < -RISE}
    if not fallen:
        return []
    name = max(fallen, key=lambda one: fallen[one])
    return [
        f"the profile of {name} came upon values that fit better by {fallen[name]:.3g} of chi-square: the search had "
        "ended beside the best. Fit again with --starts 4"
    ]


def _data(cells: Sequence[Cell], asked: Asked, gap: bool) -> tuple[list[Data], list[str]]:
    data: list[Data] = []
    notes: list[str] = []
    if asked.files:
        if len(cells) > 1:
            raise InputError(
                "files are given and several cells, and nothing says which are of which.",
                "List them in a file, --data evidence.toml, with the cell of each.",
                key="data",
            )
        data, notes = of_files(asked.files, cells[0], asked.told, gap)
    if asked.evidence is not None:
        more, said = of_evidence(asked.evidence, cells, gap)
        data, notes = [*data, *more], [*notes, *said]
    if not data:
        raise InputError(
            "there are no data to fit.", "Give measured files: --jv rev.txt --eqe cell.eqe.", key="data"
        )
    _refuse_unheard(asked)
    return data, notes


def _refuse_unheard(asked: Asked) -> None:
    """Refuse what is said of measurements that are not among the files: it would change nothing."""
    given = {kind for kind, _ in asked.files}
    for name, kinds in _SAID_OF.items():
        if getattr(asked.told, name) != getattr(NOTHING, name) and not given.intersection(kinds):
            option = f"--{name.replace('_', '-')}"
            files = ", ".join(f"--{kind.replace('_', '-')}" for kind in kinds)
            raise InputError(
                f"{option} is said of what {files} gives, and there is no such file.",
                "Leave it out, or give the file. Of files that --data lists it is said there, file by file.",
                key=name,
            )


class _Keep:
    """Writes the best of all searches so far, so that a killed fit goes on from there."""

    def __init__(self, path: Path) -> None:
        self.path, self.least = path, math.inf

    def __call__(self, values: dict[str, float], chi2: float) -> None:
        if chi2 > self.least:
            return
        self.least = chi2
        text = json.dumps({"values": values, "chi2": float(chi2)})
        measurement.write_text(self.path, text)


def _begun(folder: Path | None, asked: Asked) -> dict[str, float] | None:
    """Values by name where an earlier fit in the folder stood; None where there is none that can be read."""
    if folder is None:
        raise InputError("--resume goes on from a folder, and none is named.", "Add -o FOLDER.", key="resume")
    for name in (_PROGRESS, "fit.json"):
        if not (folder / name).is_file():
            continue
        try:
            content = json.loads((folder / name).read_text(encoding="utf-8"))
            if name == _PROGRESS:
                return {key: float(value) for key, value in content["values"].items()}
            return {one["name"]: float(one["value_si"]) for one in content["results"][0]["numbers"]}
        except (ValueError, TypeError, LookupError, AttributeError):
            progress.note(f"{folder / name} cannot be read as an earlier fit.")
    progress.note(f"There is no earlier fit in {folder}: it begins anew.")
    return None


def _further(found: Calibration) -> tuple[tuple[Candidate, ...], bool]:
    """What further measurements would add, tried on the fitted cell."""
    count = found.objective.count
    fit = found.fit
    cell = found.fitted[0]
    here = [
        replace(one, start=float(value))
        for one, value in zip(fit.parameters[:count], fit.values[:count], strict=True)
    ]
    from perotwin.calibrate.least_squares import covariance_of

    covariance = fit.covariance[:count, :count]
    # the inverse of the cells' part: what is unknown of the measurements is eliminated
    information = covariance_of(covariance) if np.isfinite(covariance).all() else _inner(found)
    information = np.where(np.isfinite(information), information, 0.0)
    free = [i for i, one in enumerate(here) if one.prior is None]
    groups = weak_groups(here, fit.values[:count], covariance, free)
    sd = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    told = identified(here, fit.coordinates[:count], sd)
    taken = [
        "trpl" if one.kind.startswith("trpl") and one.name == "trpl" else one.kind
        for one in found.objective.data
    ]
    links = found.objective.links.at(fit.parameters, fit.values)
    return candidates_for(cell, here, information, groups, told, kinds_beside(cell, taken), links, _TRYING)


def _inner(found: Calibration) -> Any:
    """(C, C) information of the cells' parameters where their covariance has no end."""
    count = found.objective.count
    fit = found.fit
    whole = fit.jacobian.T @ fit.jacobian
    whole += np.diag([0.0 if one.prior is None else one.prior.sd**-2.0 for one in fit.parameters])
    if len(fit.parameters) == count:
        return whole
    own, mixed = whole[count:, count:], whole[count:, :count]
    return whole[:count, :count] - mixed.T @ np.linalg.solve(own, mixed)


def write(
    found: Calibration,
    folder: Path,
    candidates: Sequence[Candidate] = (),
    profiles: dict[str, Profile] | None = None,
    posterior: dict[str, Any] | None = None,
) -> list[Path]:
    """The files of a fit."""
    from perotwin.plotting import style

    progress.note("drawing and writing")
    written = []
    for name, cell in zip(unique_names(found.objective.cells), found.fitted, strict=True):
        written.append(measurement.write_text(folder / f"{name}.toml", cell.to_toml()))
        recipe = found.objective.links.at(found.fit.parameters, found.fit.values).recipes.get(cell.name)
        if recipe is not None:
            written.append(measurement.write_text(folder / f"{name}-recipe.toml", recipe.to_toml()))
    result = shown.fit_result(found, candidates, profiles, posterior)
    written.append(measurement.write_text(folder / "fit.json", machine.to_text(machine.document([result]))))
    written.append(measurement.write_text(folder / "report.txt", found.report() + "\n"))
    written.append(shown.write_data(found, folder / "data.csv"))
    figures: dict[str, tuple[Path, str]] = {}
    drawn = shown.fit_figure(found)
    if drawn is not None:
        paths = style.save(drawn, folder / "fit")
        written += paths
        figures["fit"] = (
            paths[0],
            "Data (circles) and fit (lines), and below what is left over in standard deviations; the band holds two.",
        )
    if len(found.fit.parameters) > 1:
        paths = style.save(shown.correlation_figure(found), folder / "correlations")
        written += paths
        figures["correlations"] = (
            paths[0],
            "Correlations of what was found: near +1 or −1 only a combination is known.",
        )
    words = shown.fit_words(found, candidates)
    page = shown.render_fit(found, figures, candidates, profiles, words)
    written.append(measurement.write_text(folder / "index.html", page))
    return written


def plan(
    cell: Cell, kinds: Sequence[str], asked: Asked, out: str | Path | None = None
) -> tuple[Expected, list[Path]]:
    """What planned measurements would tell of a cell; with `out` it leaves numbers (JSON), a figure and a page there.

    Raises:
        InputError: no such measurement, nothing to be found.
    """
    folder = None if out is None else measurement.make_folder(out)
    if not asked.vary:
        asked = replace(asked, vary=usual_questions(cell))
    links = Links(recipes=recipes_of([cell], asked))
    parameters = parameters_for([cell], replace(asked, optics=False), (), links)
    if asked.optics:
        parameters += usual_nuisances(cell, _Of(cell.name).all, parameters)
    found = identify(cell, kinds, parameters, links=links)
    if folder is None:
        return found, []
    from perotwin.plotting import style

    progress.note("drawing and writing")
    text = machine.to_text(machine.document([plans.plan_result(found)]))
    figures = style.save(plans.plan_figure(found), folder / "identify")
    return found, [
        measurement.write_text(folder / "identify.json", text),
        *figures,
        measurement.write_text(folder / "index.html", plans.render_plan(found, figures[0])),
    ]


@dataclass(frozen=True)
class _Of:
    """Stands for data of a cell."""

    cell: str

    @property
    def all(self) -> tuple[Any, ...]:
        return (self,)


def usual_questions(cell: Cell) -> tuple[str, ...]:
    """What people ask of a cell, as far as it has it: lifetime, mobility and ions of the absorber, its faces,
    resistances.
    """
    from perotwin.stack import Stack

    if not isinstance(cell, Stack):
        raise InputError(
            f'"{cell.name}" is more than one stack, and nothing says what is asked.',
            "Name numbers of it: --vary top.perovskite.lifetime.",
            key="vary",
        )
    wanted = []
    absorbers = [layer.name for layer in cell.absorbers]
    for name in absorbers:
        wanted += [f"{name}.lifetime", f"{name}.mobility", f"{name}.ions.density"]
    wanted += [f"{face}.velocity" for face in cell.interface]
    wanted += ["circuit.series_resistance", "circuit.shunt_resistance"]
    found = []
    for path in wanted:
        try:
            parameter_of(cell, path)
        except PerotwinError:
            continue
        found.append(path)
    return tuple(found)
