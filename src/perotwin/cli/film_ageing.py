"""perotwin film-ageing: films in warm toluene, and the iodine that they give off."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from perotwin.cli import files, options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def film_ageing(
    recipes: Annotated[list[str], typer.Argument(metavar="RECIPE...", help="Library names or TOML files.")],
    temperature: Annotated[str, typer.Option(help="Of the toluene.")] = "85 degC",
    duration: Annotated[str, typer.Option(help="In it.")] = "24 h",
    light: Annotated[str, typer.Option(help="On it, of AM1.5G.")] = "1 sun",
    path: Annotated[
        str,
        typer.Option(
            metavar="KIND", help="What sets the rate: transport (vacancies times their diffusion), number."
        ),
    ] = "transport",
    changes: options.Set = None,
    output: options.Folder = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Age films in toluene under light: spectra of the iodine that leaves, and which film gives off more."""
    with command(json) as out:
        files.prepare(files.Place(output, csv))
        loaded = options.load_recipes(recipes, changes)
        from perotwin.ageing.film_in_solvent import Protocol
        from perotwin.errors import InputError
        from perotwin.workflows import film_ageing as job

        if path not in ("transport", "number"):
            raise InputError(f'there is no path "{path}".', "Choose transport or number.", key="path")
        given: dict[str, Any] = {
            "temperature": temperature, "duration": duration, "light": light, "path": {"kind": path},
        }  # fmt: skip
        found = job.film_ageing(loaded, Protocol(**given))
        for one in found:
            out.result(job.result(one))
        out.table(job.table(found))
        for sentence in job.words(found):
            out.say(sentence)
        if output is not None:
            out.say(f"written: {', '.join(map(str, job.write_films(found, output, csv=csv)))}")


COMMANDS = (Entry(96, film_ageing, name="film-ageing"),)
