"""perotwin fit and identify: from measurements back to the cell, and what measurements would tell."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from perotwin.cli import files, options
from perotwin.cli.entry import Entry
from perotwin.cli.output import Output, command

_PATH = "PATH[=LOW..HIGH]"
Vary = Annotated[
    list[str] | None,
    typer.Option(
        "--vary", metavar=_PATH, help='What the data are to tell: "perovskite.lifetime=10 ns..1 us".'
    ),
]
Nuisance = Annotated[
    list[str] | None,
    typer.Option(
        "--nuisance", metavar="PATH[=SD]", help='Known within its range or SD: "perovskite.thickness=20 nm".'
    ),
]
Fixed = Annotated[
    bool, typer.Option("--fixed-optics", help="Hold electrodes' thickness and roughness as they are.")
]
Recipes = Annotated[
    list[str] | None,
    typer.Option("--recipe", metavar="FILE", help="That made a cell, where it is not in the library."),
]
_FILE = "FILE[#CURVE]"


def fit(
    cells: options.Cells,
    jv: Annotated[
        list[str] | None, typer.Option("--jv", metavar=_FILE, help="A current-voltage curve, once for each.")
    ] = None,
    suns_voc: Annotated[
        list[str] | None, typer.Option("--suns-voc", metavar=_FILE, help="Open circuit against light.")
    ] = None,
    eqe: Annotated[
        list[str] | None, typer.Option("--eqe", metavar=_FILE, help="A quantum efficiency.")
    ] = None,
    impedance: Annotated[
        list[str] | None, typer.Option("--impedance", metavar=_FILE, help="An impedance spectrum.")
    ] = None,
    trpl: Annotated[
        list[str] | None, typer.Option("--trpl", metavar=_FILE, help="A decay of luminescence.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="TOML", help="Files and numbers of one or several cells.")
    ] = None,
    vary: Vary = None,
    share: Annotated[
        list[str] | None,
        typer.Option("--share", metavar=f"{_PATH},...", help="Found as one number for all cells."),
    ] = None,
    nuisance: Nuisance = None,
    recipe: Recipes = None,
    fixed_optics: Fixed = False,
    rate: Annotated[str | None, typer.Option(help='Of the scans: "100 mV/s".', show_default="found")] = None,
    dwell: Annotated[
        str | None, typer.Option(help='At the first voltage before the scans: "10 s".', show_default="found")
    ] = None,
    preconditioning: Annotated[str | None, typer.Option(help='Before that: "1.2 V, 30 s".')] = None,
    steady: Annotated[bool, typer.Option("--steady", help="Take all curves for steady ones.")] = False,
    bias: Annotated[
        str | None,
        typer.Option(help='Of the impedance: "0.9 V", open-circuit.', show_default="of the file"),
    ] = None,
    bias_light: Annotated[
        str | None,
        typer.Option("--bias-light", help='Of the impedance: dark, "1 sun".', show_default="of the file"),
    ] = None,
    sample: Annotated[str, typer.Option(help="Of the decay: film, film/c60, film/htl ...")] = "film",
    wavelength: Annotated[str | None, typer.Option(help="Of the pulse.", show_default="470 nm")] = None,
    fluence: Annotated[str | None, typer.Option(help="Of the pulse.", show_default="found")] = None,
    area: Annotated[
        str | None, typer.Option(help='Of the cell: "0.09 cm^2".', show_default="of the file")
    ] = None,
    sd: Annotated[
        str | None,
        typer.Option(help='Of each point: "0.05 mA/cm^2", "1 %".', show_default="told by the data"),
    ] = None,
    robust: Annotated[
        bool, typer.Option("--robust", help="Let points that are far off count little.")
    ] = False,
    starts: Annotated[
        int, typer.Option(min=1, help="Searches from different places, of scans as far as needed.")
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of these places.")] = 0,
    profiles: Annotated[bool, typer.Option("--profiles", help="Intervals by profile likelihood.")] = False,
    posterior: Annotated[int, typer.Option(min=0, metavar="N", help="So many samples of the posterior.")] = 0,
    processes: Annotated[
        int | None, typer.Option(metavar="N", help="Cores of the posterior.", show_default="all")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Try no further measurements.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from what lies in -o FOLDER.")] = False,
    light: options.Light = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    output: options.Folder = None,
    json: options.Json = False,
) -> None:
    """Find numbers of cells from measured files, with their intervals and what the files cannot tell."""
    with command(json) as out:
        files.prepare(files.Place(output))
        loaded = options.load(
            cells, light=options.shining(light, None, None), temperature=temperature, changes=changes
        )
        from perotwin import units
        from perotwin.calibrate.least_squares import Cauchy, Squares
        from perotwin.calibrate.reading import Told
        from perotwin.workflows import calibration as jobs

        def number(text: str | None, dimension: str) -> float | None:
            return None if text is None else float(units.parse(text, dimension))

        named = (("jv", jv), ("suns_voc", suns_voc), ("eqe", eqe), ("impedance", impedance), ("trpl", trpl))
        asked = jobs.Asked(
            vary=tuple(vary or ()),
            share=tuple(share or ()),
            nuisance=tuple(nuisance or ()),
            recipes=tuple(recipe or ()),
            optics=not fixed_optics,
            files=tuple((kind, path) for kind, paths in named for path in paths or ()),
            evidence=data,
            told=Told(
                area=area, rate=number(rate, "scan rate"), dwell=number(dwell, "time"), preconditioning=preconditioning,
                steady=steady, bias=bias, bias_light=bias_light, sample=sample,
                wavelength=number(wavelength, "length"), fluence=number(fluence, "energy per area"), sd=sd,
            ),
            loss=Cauchy() if robust else Squares(),
            starts=starts, seed=seed, profiles=profiles, further=not quick, resume=resume,
            posterior=posterior, processes=processes,
        )  # fmt: skip
        found = jobs.fit(loaded, asked, output)
        from perotwin.report import calibration as shown

        out.result(shown.fit_result(found.calibration, found.candidates, found.profiles, found.posterior))
        for table in shown.fit_tables(found.calibration, found.profiles):
            out.table(table)
        for words in found.words:
            out.say(words)
        _close(out, found.written, found.complete)


def identify(
    cell: Annotated[str, typer.Argument(metavar="CELL", help="A library name or a TOML file.")],
    jv: Annotated[bool, typer.Option("--jv", help="A steady curve.")] = False,
    scan: Annotated[bool, typer.Option("--scan", help="Scans in both directions.")] = False,
    suns_voc: Annotated[bool, typer.Option("--suns-voc", help="Open circuit against light.")] = False,
    eqe: Annotated[bool, typer.Option("--eqe", help="A quantum efficiency.")] = False,
    impedance: Annotated[
        bool, typer.Option("--impedance", help="Impedance at open circuit, 1 Hz to 1 MHz.")
    ] = False,
    impedance_dark: Annotated[
        bool, typer.Option("--impedance-dark", help="The same in the dark at a forward bias.")
    ] = False,
    trpl: Annotated[bool, typer.Option("--trpl", help="A decay of the film's luminescence.")] = False,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", metavar="WHAT", help='Half-stacks: "trpl film/c60", "pl film/htl".'),
    ] = None,
    vary: Vary = None,
    nuisance: Nuisance = None,
    recipe: Recipes = None,
    fixed_optics: Fixed = False,
    light: options.Light = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    output: options.Folder = None,
    json: options.Json = False,
) -> None:
    """Before measuring: what measurements would tell of a cell, and which one would add most per hour."""
    with command(json) as out:
        files.prepare(files.Place(output))
        (loaded,) = options.load(
            [cell], light=options.shining(light, None, None), temperature=temperature, changes=changes
        )
        from perotwin.report import plans as shown
        from perotwin.workflows import calibration as jobs

        chosen = (
            ("jv", jv), ("scan", scan), ("suns_voc", suns_voc), ("eqe", eqe), ("impedance", impedance),
            ("impedance_dark", impedance_dark), ("trpl", trpl),
        )  # fmt: skip
        kinds = [kind for kind, wanted in chosen if wanted] + list(also or ())
        asked = jobs.Asked(
            vary=tuple(vary or ()), nuisance=tuple(nuisance or ()), recipes=tuple(recipe or ()),
            optics=not fixed_optics,
        )  # fmt: skip
        found, written = jobs.plan(loaded, kinds, asked, output)
        out.result(shown.plan_result(found))
        for table in shown.plan_tables(found):
            out.table(table)
        for words in shown.plan_words(found):
            out.say(words)
        _close(out, written, found.complete)


def _close(out: Output, written: Any, complete: bool) -> None:
    """Say where everything is; an interruption ends the command as one."""
    if written:
        out.say(f"written: {', '.join(str(path) for path in written)}")
    if not complete:
        raise KeyboardInterrupt


COMMANDS = (Entry(140, fit), Entry(141, identify))
