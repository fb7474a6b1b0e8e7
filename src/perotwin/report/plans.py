"""Plans of measurements as people and programs read them: tables, sentences, JSON, a figure, one page."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin.calibrate.identify import title_of
from perotwin.calibrate.information import KNOWN, sizes
from perotwin.report import tables
from perotwin.report.calibration import candidate_result, cannot_tell, interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

    from perotwin.calibrate.identify import Candidate, Expected
    from perotwin.calibrate.parameters import Parameter

__all__ = ["plan_figure", "plan_result", "plan_tables", "plan_words", "render_plan"]

#: nats below which a measurement adds nothing worth its time
_LITTLE = 0.05


def plan_tables(found: Expected) -> list[Table]:
    """What planned measurements would tell of each number, and what a further one would add."""
    planned = ", ".join(found.kinds) or "nothing"
    made = tables.plain(
        "number", "as it is", "expected 95 % interval", "sd", "identified",
        title=f"{tables.literal(found.cell.name)}: {planned}, about {found.hours:g} h",
    )  # fmt: skip
    for index, one in enumerate(found.parameters):
        low, high = found.interval(index)
        sd = float(found.sd[index])
        made.add_row(
            tables.literal(one.name), one.text(float(found.values[index])), interval(one, low, high),
            _spread(one, sd), "yes" if found.identified[index] else "no",
        )  # fmt: skip
    second = tables.plain(
        "one more measurement",
        "hours (assumed)",
        "adds (nats)",
        "nats an hour",
        "makes known",
        title="What would add most",
    )
    second.columns[-1].justify = "left"
    for each in found.candidates:
        makes = each.failure or ", ".join(each.newly) or "–"
        second.add_row(
            each.title, f"{each.hours:g}", f"{each.nats:.2f}", f"{each.per_hour:.2f}", tables.literal(makes)
        )
    return [made, second]


def _spread(one: Parameter, sd: float) -> str:
    if not math.isfinite(sd):
        return "not told"
    if type(one.scale).__name__ == "Log":
        return f"{100.0 * sd:.2g} %" if sd < 1.0 else f"a factor of {math.exp(sd):.2g}"
    return one.text(sd, 2)


def plan_words(found: Expected) -> list[str]:
    """What would not be told, and what adds most, as sentences."""
    said = [
        f"what these measurements would not tell: {words}"
        for words in cannot_tell(found.groups, found.candidates)
    ]
    useful = _useful(found)
    if useful:
        said.append(
            f"most per hour of laboratory time (assumed hours): {useful[0].title}, {useful[0].per_hour:.2g} nats "
            "an hour."
        )
    if not found.complete:
        said.append("interrupted: not all further measurements were tried.")
    return said


def plan_result(found: Expected) -> dict[str, Any]:
    """A plan for machines."""
    numbers = []
    for index, one in enumerate(found.parameters):
        low, high = found.interval(index)
        numbers.append(
            {
                "name": one.name, "value": one.shown(float(found.values[index])), "unit": one.unit,
                "sd_on_scale": float(found.sd[index]), "scale": type(one.scale).__name__.lower(),
                "interval_95": {"low": one.shown(low), "high": one.shown(high), "unit": one.unit},
                "identified": bool(found.identified[index]),
            }
        )  # fmt: skip
    return {
        "stack": found.cell.name,
        "measurements": list(found.kinds),
        "hours": found.hours,
        "numbers": numbers,
        "cannot_tell": cannot_tell(found.groups, found.candidates),
        "further_measurements": [candidate_result(one) for one in found.candidates],
        "complete": found.complete,
    }


def _useful(found: Expected) -> list[Candidate]:
    """Further measurements that were tried and add something, the one that adds most per hour first."""
    return [one for one in found.candidates if not one.failure and one.nats > _LITTLE]


def plan_figure(found: Expected) -> Figure:
    """See `plotting.plans.expected`."""
    from perotwin.plotting import plans as drawing

    size = sizes(found.parameters)
    useful = _useful(found)
    best = useful[0] if useful else None
    told = [
        drawing.Told(
            one.name, float(found.sd[i] / size[i]), None if best is None else float(best.sd[i] / size[i])
        )
        for i, one in enumerate(found.parameters)
    ]
    return drawing.expected(
        told, [(one.title, one.per_hour) for one in useful], KNOWN, "" if best is None else best.title
    )


def render_plan(found: Expected, svg: Path) -> str:
    """The page of a plan as HTML text. svg: file of the figure."""
    from perotwin import __version__
    from perotwin.report.page import inline, template

    rows = []
    for index, one in enumerate(found.parameters):
        low, high = found.interval(index)
        rows.append(
            {
                "name": one.name, "value": one.text(float(found.values[index])), "interval": interval(one, low, high),
                "spread": _spread(one, float(found.sd[index])), "known": bool(found.identified[index]),
            }
        )  # fmt: skip
    useful = _useful(found)
    drawn, width = inline(svg, "plan")
    return template("plan.html.j2").render(
        title=f"{found.cell.name}: what measurements would tell",
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        version=__version__,
        planned=[title_of(kind) for kind in found.kinds],
        hours=f"{found.hours:g}",
        rows=rows,
        best=useful[0] if useful else None,
        cannot=cannot_tell(found.groups, found.candidates),
        candidates=[one for one in found.candidates if not one.failure],
        failed=[one for one in found.candidates if one.failure],
        complete=found.complete,
        figure={"svg": drawn, "width": width},
    )
