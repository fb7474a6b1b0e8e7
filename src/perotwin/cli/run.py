"""perotwin run: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from perotwin.cli import files, options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


class WithExperiments(TyperCommand):
    """The command, whose help names the experiments that there are then: nothing else has to load all instruments."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options into the help page."""
        from perotwin import lab

        tools = [*lab.instruments("cell"), *lab.instruments("sample")]
        usual = ",".join(one.name for one in tools if one.usual)
        for option in self.params:
            if option.name == "experiments":
                names = ", ".join(one.name for one in tools)
                # type checkers do not know that a parameter may have a help text
                setattr(option, "help", f"Of {names}, with commas, or all.  [default: {usual}]")  # noqa: B010
        super().format_options(ctx, formatter)


def run(
    cells: options.Cells,
    recipes: Annotated[
        list[str] | None,
        typer.Option(
            "--recipe", metavar="RECIPE", help="Make the cells from this recipe; CELL is the base: wbg-base."
        ),
    ] = None,
    light: options.Light = None,
    angle: options.Angle = None,
    both_sides: options.BothSides = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    experiments: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Names of experiments, with commas.",
        ),
    ] = None,
    map: Annotated[  # the option's name; nothing here needs the built-in one
        bool,
        typer.Option(
            "--map",
            help="Map over thickness and bandgap too (of a tandem its top junction's); takes a minute or more.",
        ),
    ] = False,
    measured: Annotated[
        list[str] | None,
        typer.Option(
            "--measured", metavar="FILE", help="Show this measured file beside the cells; may be given again."
        ),
    ] = None,
    output: options.Folder = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Simulate cells with several instruments, compare them, and write data, figures and a report."""
    place = files.Place(output, csv)
    with command(json) as out:
        files.prepare(place)
        stacks = options.load_measured(
            cells, light=options.shining(light, angle, both_sides), temperature=temperature, changes=changes
        )
        from perotwin.recipe import readings
        from perotwin.report import designs, figures, junctions, machine, tables
        from perotwin.workflows import made_cells
        from perotwin.workflows import run as work
        from perotwin.workflows.run import called, chosen, of_earlier_runs

        jobs: list[Any] = list(stacks)
        if recipes:
            jobs[:] = made_cells(
                options.load_recipes(recipes), [options.one_stack(stack) for stack in stacks]
            )
        from perotwin.files import read
        from perotwin.report import beside

        files_read = [one for path in measured or () for one in read(path)]
        shown = beside.beside(files_read, [one.name for one in jobs])
        wanted = chosen(experiments)
        if map and "map" not in wanted:
            wanted = (*wanted, "map")
        done = []
        try:
            for result in work(jobs, output, wanted, processes=None, csv=csv, measured=files_read):
                done.append(result)
                if result.error is not None:
                    out.failed(result.name, result.error)
                else:
                    out.result(machine.cell_result(result))
        finally:
            # Also after an interruption: what was done is shown, and says where it was written.
            if done:
                for entry in beside.results(shown):
                    out.result(entry)
                made = {item.name: readings(item.made.sample) for item in done if item.made is not None}
                if made:
                    out.table(tables.readings(made, title="what the recipes left"))
                out.table(tables.comparison(done))
                curves = [(one.name, one.metrics) for one in shown if one.instrument == "jv"]
                if curves:
                    out.table(tables.metrics_table(curves, "measured"))
                alone = junctions.table(done)
                if alone is not None:
                    out.table(alone)
                for sentence in junctions.four_terminals(done):
                    out.say(sentence)
                for one in figures.instruments_of(done):
                    found = {item.name: item.readings[one.name] for item in done if one.name in item.readings}
                    if found and not one.own_section:
                        found |= {
                            other.name: other.metrics for other in shown if other.instrument == one.name
                        }
                        out.table(tables.readings(found, title=one.title))
                for item in done:
                    if "map" in item.measurements:
                        out.table(designs.map_table(item.measurements["map"]))
                out.checks({item.name: item.checks for item in done})
                for item in done:
                    out.look_at(item.name, item.checks, item.measurements.get("jv"))
                    for note in item.notes:
                        out.say(f"{item.name}: {note}")
                    for part, reason in item.absent.items():
                        out.say(f"{item.name}: no {called().get(part, part)}, because {reason.message}")
                if output is None:
                    out.say("nothing was written; with -o FOLDER data, figures and a report are")
                else:
                    for name in of_earlier_runs(output, [item.name for item in done]):
                        out.say(f"{Path(output) / name}: of an earlier run; the report does not show it")
                    out.say(f"report: {Path(output) / 'report.html'}")


COMMANDS = (Entry(10, run, WithExperiments),)
