"""perotwin reproduce: the source paper, claim by claim."""

from __future__ import annotations

from typing import Annotated

import typer

from perotwin.cli import files, options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def reproduce(
    claim: Annotated[
        str | None, typer.Option("--claim", metavar="NAME", help="One claim: how it comes about, from what.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Batches of a few devices; no figures, no draws.")
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate", help="Fit the free numbers again (half an hour); with -o write them there."
        ),
    ] = False,
    picture: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of the buried face, as it was fitted or is to be; the one taken unless given.",
        ),
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="Of the calibrated numbers, for what the calibration leaves open; 12, with --quick none.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the virtual batches and the draws.")] = 1,
    processes: options.Processes = None,
    output: options.Folder = None,
    json: options.Json = False,
) -> None:
    """Reproduce the source paper: recipes, cells, tandems, instruments, hours; the table of its claims, and a page."""
    with command(json) as out:
        files.prepare(files.Place(output, False))
        from perotwin.errors import InputError
        from perotwin.paper import page
        from perotwin.workflows import reproduce as job

        if calibrate:
            from perotwin.workflows import calibrate_paper

            fitted = calibrate_paper.calibrate(picture, processes=processes or 1)
            out.result(fitted.to_json())
            out.say(fitted.report())
            if output is not None:
                out.say(f"written: {', '.join(map(str, fitted.write(output)))}")
            return
        if claim is not None:
            if output is not None:
                raise InputError(
                    "one claim writes no files.", "Leave out -o, or --claim for all of them.", key="output"
                )
            line = job.one_claim(claim, quick=quick, seed=seed, processes=processes, picture=picture)
            helped = job.known(line.claim)
            out.result(line.to_json() | {"helped_to_choose": helped})
            for words in page.in_words(line, helped):
                out.say(words)
            return
        made = job.reproduce(
            output, quick=quick, draws=draws, seed=seed, processes=processes, picture=picture
        )
        out.result(job.result(made))
        out.table(page.table(made.lines))
        for words in page.score_words(made.scores):
            out.say(words)
        if made.files:
            out.say(f"written: {made.files[0]} and {len(made.files) - 1} more beside it")
        if not made.complete:
            if output is not None:
                out.say(f"what is done is kept in {output}: the same command goes on from there")
            raise KeyboardInterrupt


COMMANDS = (Entry(16, reproduce),)
