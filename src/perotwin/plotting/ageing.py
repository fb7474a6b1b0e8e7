"""Figures of what the hours do: films that segregate in light, cells that lose power, films that give off iodine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.plotting import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["operation", "soaking", "solutions", "time_axis", "trace"]

F64 = NDArray[np.float64]

_NM, _UM = 1e9, 1e6
#: from the first moment to the last
_FIRST, _LAST = "#2D6A8E", "#B5301F"
#: share of the light that a second line is seen from
_VISIBLE = 0.05
#: of the longest time, where a logarithmic axis begins
_EARLIEST = 1e-3


def time_axis(longest: float) -> tuple[float, str]:
    """Factor and unit for times up to a longest one (s)."""
    if longest < 180.0:
        return 1.0, "s"
    return (1.0 / 60.0, "min") if longest < 10800.0 else (1.0 / 3600.0, "h")


def _words(seconds: float) -> str:
    factor, unit = time_axis(max(seconds, 180.0) if seconds >= 60.0 else seconds)
    return f"{seconds * factor:.3g} {unit}"


def _percent(part: float) -> str:
    return f"{100.0 * part:.2g} %" if part < 0.1 else f"{100.0 * part:.0f} %"


def soaking(courses: Sequence[xr.Dataset]) -> Figure:
    """Films in light, a row each: spectra against time, maps of the red share; below the red share of all."""
    from matplotlib.colors import LinearSegmentedColormap

    colours = style.colour_of_cells(courses)
    with style.context():
        rows = len(courses)
        made = style.figure(style.PAGE, 1.9 * rows + 2.2)
        grid = made.add_gridspec(
            rows + 1, 3, height_ratios=[1.0] * rows + [1.05], width_ratios=(1.5, 1.0, 1.0)
        )
        ramp = LinearSegmentedColormap.from_list("soak", [_FIRST, _LAST])
        for row, course in enumerate(courses):
            _spectra(made.add_subplot(grid[row, 0]), course, ramp, colours)
            if "red_share_map" in course:
                for place, which in ((1, 0), (2, -1)):
                    panel = made.add_subplot(grid[row, place])
                    image = _map(panel, course, which)
                    if place == 2:
                        bar = made.colorbar(image, ax=panel, shrink=0.95, aspect=14, pad=0.02)
                        bar.set_label("Red share of the light")
                        bar.outline.set_visible(False)
        _shares(made.add_subplot(grid[rows, :]), courses, colours)
        style.apart(made)
        return made


def _spectra(axes: Axes, course: xr.Dataset, ramp: Any, colours: dict[str, str]) -> None:
    wavelength, spectra = course["wavelength"].values * _NM, course["emission"].values
    name = str(course.attrs["stack"])
    count = spectra.shape[0]
    entries = []
    top = spectra.max()
    for number, (moment, spectrum) in enumerate(zip(course["map_time"].values, spectra, strict=True)):
        colour = ramp(number / max(count - 1, 1))
        axes.plot(wavelength, spectrum / top, color=colour, linewidth=1.1)
        entries.append((_words(float(moment)) if moment > 0.0 else "0 min", colour))
    axes.axvline(
        _NM * float(course.attrs["red_peak"]), color=style.MUTED, linewidth=0.5, linestyle=(0, (2, 2))
    )
    axes.set_xlim(wavelength[0], wavelength[-1])
    axes.set_ylim(0.0, 1.12)
    axes.set_xlabel("Wavelength (nm)")
    axes.set_ylabel("Luminescence (a. u.)")
    axes.set_title(name, color=colours[name], fontweight="bold")
    for place, (words, colour) in enumerate(entries):
        axes.text(
            0.985, 0.96 - 0.105 * place, words, transform=axes.transAxes, ha="right", va="top", color=colour,
            fontsize=7,
        )  # fmt: skip
    peak = f"{_NM * float(course.attrs['red_peak']):.0f} nm"
    axes.text(
        _NM * float(course.attrs["red_peak"]) + 3.0, 1.06, peak, color=style.MUTED, fontsize=6.5, va="center"
    )


def _map(axes: Axes, course: xr.Dataset, which: int) -> Any:
    values = course["red_share_map"].values[which]
    x, y = course["x"].values * _UM, course["y"].values * _UM
    image = axes.imshow(
        values, origin="lower", extent=(0.0, x[-1] + x[0], 0.0, y[-1] + y[0]), cmap="inferno", vmin=0.0, vmax=1.0,
        interpolation="nearest",
    )  # fmt: skip
    moment = float(course["map_time"].values[which])
    axes.set_title(f"map at {_words(moment) if moment > 0.0 else '0 min'}: {_percent(float(values.mean()))}")
    axes.set_xlabel("µm")
    axes.set_xticks([0, int(x[-1]), int(np.ceil(x[-1]))] if x[-1] < 2.0 else np.arange(0.0, x[-1] + 0.1, 1.0))
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    return image


def _shares(axes: Axes, courses: Sequence[xr.Dataset], colours: dict[str, str]) -> None:
    longest = max(float(course.attrs["duration"]) for course in courses)
    factor, unit = time_axis(longest)
    ends, lowest = [], 1.0
    for course in courses:
        time, share = course["time"].values * factor, course["red_share"].values
        good = (share > 1e-7) & (time <= longest * factor * 1.0001)
        colour = colours[str(course.attrs["stack"])]
        if not good.any():
            continue
        axes.semilogy(time[good], share[good], color=colour)
        good &= time >= _EARLIEST * longest * factor
        ends.append((str(course.attrs["stack"]), colour, float(share[good][-1])))
        lowest = min(lowest, float(share[good][0]))
    axes.axhline(_VISIBLE, color=style.MUTED, linewidth=0.6, linestyle=(0, (4, 2)))
    axes.text(
        0.995, _VISIBLE * 0.8, "from here on a second line is seen", color=style.MUTED, fontsize=6.5, va="top",
        ha="right", transform=axes.get_yaxis_transform(),
    )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(longest * factor * _EARLIEST, longest * factor)
    axes.set_ylim(max(1e-6, 0.3 * lowest), 1.3)
    axes.set_xlabel(f"Time in the light ({unit})")
    axes.set_ylabel("Red share of the light")
    low, high = np.log10(np.array(axes.get_ylim()))
    places = style.spread([np.log10(end) for _, _, end in ends], 0.09 * (high - low), low, high)
    for (name, colour, _), place in zip(ends, places, strict=True):
        axes.text(
            longest * factor * 1.03, 10.0**place, name, color=colour, fontsize=7, va="center", clip_on=False
        )


#: mechanisms by kind: colour and words
_MECHANISMS = {
    "segregation": ("#C6362F", "iodide-rich domains"),
    "trap-growth": ("#7A4B3A", "traps in the film"),
    "bare-patches": ("#0B62A4", "bare patches"),
    "tin-oxidation": ("#8E9AA6", "oxidised tin"),
    "transport-layer": ("#D98A5B", "transport layer"),
    "electrode": ("#4D4D4D", "electrode"),
}


def operation(items: Sequence[xr.Dataset]) -> Figure:
    """Cells through the hours: retained power of all above, below for each what is lost to which mechanism.

    Where draws were made their middle half and nine tenths are shaded.
    """
    colours = style.colour_of_cells(items)
    longest = max(float(item["time"].values[-1]) for item in items)
    factor, unit = time_axis(longest)
    with style.context():
        count = len(items)
        made = style.figure(style.PAGE, 2.7 + 1.9 * ((count + 1) // 2))
        rows = (count + 1) // 2
        grid = made.add_gridspec(1 + rows, 2, height_ratios=[1.35] + [1.0] * rows)
        top = made.add_subplot(grid[0, :])
        _retained(top, items, colours, factor, unit, longest)
        highest = max(0.02, *(float(np.nanmax(_stack(item)[-1], initial=0.0)) for item in items))
        for number, item in enumerate(items):
            place = slice(None) if count == 1 else number % 2
            panel = made.add_subplot(grid[1 + number // 2, place])
            _lost(panel, item, colours, factor, unit, 1.12 * highest)
        _kinds(made, items)
        style.apart(made)
        return made


def _retained(
    axes: Axes, items: Sequence[xr.Dataset], colours: dict[str, str], factor: float, unit: str, longest: float
) -> None:
    ends = []
    for item in items:
        name = str(item.attrs["stack"])
        colour = colours[name]
        if "retained_draws" in item:
            draws, grid = item["retained_draws"].values, item["draw_time"].values * factor
            for low, high, alpha in ((0.05, 0.95, 0.15), (0.25, 0.75, 0.25)):
                axes.fill_between(
                    grid, *np.nanquantile(draws, [low, high], axis=0), color=colour, alpha=alpha, linewidth=0
                )
        time, values = item["time"].values * factor, item["retained"].values
        good = np.isfinite(values)
        axes.plot(time[good], values[good], color=colour)
        ends.append((name, colour, float(values[good][-1]) if good.any() else 0.0))
    if any("retained_draws" in item for item in items):
        words = "shaded: half and nine tenths of the draws"
        axes.text(0.015, 0.05, words, color=style.MUTED, fontsize=6.5, transform=axes.transAxes)
    axes.axhline(0.8, color=style.MUTED, linewidth=0.6, linestyle=(0, (4, 2)))
    axes.text(
        0.6, 0.795, "80 %", color=style.MUTED, fontsize=6.5, ha="center", va="top",
        transform=axes.get_yaxis_transform(),
    )  # fmt: skip
    axes.set_xlim(0.0, longest * factor)
    lowest = min(end for _, _, end in ends)
    axes.set_ylim(max(0.0, min(0.7, 0.85 * lowest)), 1.03)
    axes.set_xlabel(f"Time ({unit})")
    axes.set_ylabel("Power over the first")
    low, high = axes.get_ylim()
    places = style.spread([end for _, _, end in ends], 0.075 * (high - low), low, high)
    for (name, colour, end), place in zip(ends, places, strict=True):
        axes.annotate(
            f"{name} {end:.0%}", (1.01, place), xycoords=axes.get_yaxis_transform(), color=colour, fontsize=7,
            va="center", annotation_clip=False,
        )  # fmt: skip


def _stack(item: xr.Dataset) -> F64:
    """(mechanisms + 1, K) edges of the stacked losses, from zero."""
    lost = np.maximum(item["lost"].values, 0.0)
    return np.vstack([np.zeros(lost.shape[1]), np.cumsum(lost, axis=0)])


def _lost(
    axes: Axes, item: xr.Dataset, colours: dict[str, str], factor: float, unit: str, highest: float
) -> None:
    name = str(item.attrs["stack"])
    edges, time = 100.0 * _stack(item), item["share_time"].values * factor
    for number, mechanism in enumerate(str(one) for one in item["mechanism"].values):
        kind = mechanism.rpartition(" ")[2]
        axes.fill_between(
            time, edges[number], edges[number + 1], color=_MECHANISMS.get(kind, (style.MUTED, kind))[0], linewidth=0.4,
            edgecolor="white",
        )  # fmt: skip
    axes.set_xlim(0.0, time[-1] if time.size else 1.0)
    axes.set_ylim(0.0, 100.0 * highest)
    axes.set_title(name, color=colours[name], fontweight="bold")
    axes.set_ylabel("Lost (% of the first)")
    axes.set_xlabel(f"Time ({unit})")


def _kinds(made: Figure, items: Sequence[xr.Dataset]) -> None:
    """Names of the mechanisms in their colours, below all panels."""
    from matplotlib.patches import Patch

    kinds = dict.fromkeys(str(one).rpartition(" ")[2] for item in items for one in item["mechanism"].values)
    handles = [
        Patch(color=_MECHANISMS[kind][0], label=_MECHANISMS[kind][1]) for kind in kinds if kind in _MECHANISMS
    ]
    made.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4) or 1)


def solutions(courses: Sequence[xr.Dataset]) -> Figure:
    """Films in toluene: spectra of the solutions at the moments shown, and the band of triiodide against time."""
    colours = style.colour_of_cells(courses)
    with style.context():
        made = style.figure(style.PAGE, 2.6)
        left, right = made.subplots(1, 2)
        lines = ((0, (1, 1.5)), (0, (4, 2)), "-")
        for course in courses:
            colour = colours[str(course.attrs["stack"])]
            moments = course["shown_time"].values
            for number, spectrum in enumerate(course["absorbance"].values):
                if moments[number] > 0.0:
                    style_of = lines[max(len(lines) - (len(moments) - number), 0)]
                    left.plot(
                        course["wavelength"].values * _NM,
                        spectrum,
                        color=colour,
                        linestyle=style_of,
                        linewidth=1.1,
                    )
            factor, unit = time_axis(float(course["time"].values[-1]))
            right.plot(course["time"].values * factor, course["absorbance_near"].values, color=colour)
            right.set_xlabel(f"Time ({unit})")
            right.set_xlim(0.0, float(course["time"].values[-1]) * factor)
            right.set_yscale("log")
        left.set_xlabel("Wavelength (nm)")
        left.set_xlim(280.0, 620.0)
        moments = courses[0]["shown_time"].values[1:]
        words = ", ".join(_words(float(one)) for one in moments)
        left.set_ylabel("Absorbance (free scale)")
        left.set_ylim(0.0, 1.15 * left.get_ylim()[1])
        right.set_ylabel("Absorbance at 360 nm (free scale)")
        low, high = right.get_ylim()
        right.set_ylim(low, high * 3.0)
        entries = [(name, colour) for name, colour in colours.items()]
        style.text_key(
            left, [*entries, (f"after {words}; the last one solid", style.MUTED)], 0.98, 0.97, ha="right"
        )
        style.text_key(right, entries, 0.05, 0.97)
        style.apart(made)
        return made


def trace(readings: tuple[F64, F64], envelope: Any, curves: dict[str, F64]) -> Figure:
    """A measured trace, its envelope, and curves through it.

    Args:
        readings: time (T,) s and power (T,). envelope: of them (`lab.degradation.Envelope`). curves: (B,) by name.
    """
    time, power = readings
    factor, unit = time_axis(float(time[-1]))
    with style.context():
        made, axes = style.new_axes(None, style.PAGE, 2.8)
        grid = (envelope.time - envelope.time[0]) * factor
        axes.plot(
            time * factor, 0.1 * power, ".", color=style.MUTED, markersize=1.2, alpha=0.35, rasterized=True
        )
        axes.plot(grid, 0.1 * envelope.value, ".", color=style.INK, markersize=3.0)
        entries = [("upper envelope", style.INK)]
        for number, (name, values) in enumerate(curves.items()):
            colour = style.CELLS[number % len(style.CELLS)]
            axes.plot(
                grid, 0.1 * values, color=colour, linewidth=1.1, linestyle="-" if number == 0 else (0, (4, 2))
            )
            entries.append((name, colour))
        axes.set_xlabel(f"Time ({unit})")
        axes.set_ylabel(style.axis_label("power_density"))
        axes.set_xlim(0.0, float(time[-1]) * factor)
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.25 * (high - low))
        style.text_key(axes, entries, 0.7, 0.98)
        return made
