"""perotwin run: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perotwin.cli import options
from perotwin.cli.output import command


def run(
    cells: options.Cells,
    recipes: Annotated[
        list[str] | None,
        typer.Option(
            "--recipe", metavar="RECIPE", help="Make the cells from this recipe; CELL is the base: wbg-base."
        ),
    ] = None,
    light: options.Light = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    experiments: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Of jv, scan, eqe, el, bands, mppt, tpv, tpc, impedance, cv, with commas.",
            show_default="jv,eqe,bands",
        ),
    ] = None,
    map: Annotated[  # the option's name; nothing here needs the built-in one
        bool,
        typer.Option(
            "--map", help="Map over thickness and bandgap too (of a tandem its top junction's); takes a minute or more."
        ),
    ] = False,
    output: options.Folder = None,
    json: options.Json = False,
) -> None:
    """Simulate cells with several instruments, compare them, and write data, figures and a report."""
    with command(json) as out:
        stacks = options.load_measured(cells, light=light, temperature=temperature, changes=changes)
        from perotwin.recipe import readings
        from perotwin.report import designs, junctions, machine, tables
        from perotwin.report.result import EXPERIMENTS
        from perotwin.workflows import made_cells
        from perotwin.workflows import run as work
        from perotwin.workflows.run import chosen

        jobs: list[Any] = list(stacks)
        if recipes:
            jobs[:] = made_cells(
                options.load_recipes(recipes), [options.one_stack(stack) for stack in stacks]
            )
        wanted = chosen(experiments)
        if map and "map" not in wanted:
            wanted = (*wanted, "map")
        done = []
        try:
            for result in work(jobs, output, wanted, processes=None):
                done.append(result)
                if result.error is not None:
                    out.failed(result.name, result.error)
                else:
                    out.result(machine.cell_result(result))
        finally:
            # Also after an interruption: what was done is shown, and says where it was written.
            if done:
                made = {item.name: readings(item.made.sample) for item in done if item.made is not None}
                if made:
                    out.table(tables.readings(made, title="what the recipes left"))
                out.table(tables.comparison(done))
                alone = junctions.table(done)
                if alone is not None:
                    out.table(alone)
                for sentence in junctions.four_terminals(done):
                    out.say(sentence)
                for part in dict.fromkeys(part for item in done for part in item.readings):
                    read = {item.name: item.readings[part] for item in done if part in item.readings}
                    out.table(tables.readings(read, title=EXPERIMENTS[part]))
                for item in done:
                    if "map" in item.measurements:
                        out.table(designs.map_table(item.measurements["map"]))
                out.table(tables.checks({item.name: item.checks for item in done}))
                for item in done:
                    out.look_at(item.name, item.checks, item.measurements.get("jv"))
                    for note in item.notes:
                        out.say(f"{item.name}: {note}")
                    for part, reason in item.absent.items():
                        out.say(f"{item.name}: no {EXPERIMENTS.get(part, part)}, because {reason.message}")
                if output is not None:
                    out.say(f"report: {Path(output) / 'report.html'}")
