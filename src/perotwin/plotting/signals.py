"""Figures of small signals: impedance (Nyquist, Bode, capacitance) and capacitance against voltage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.plotting import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["cv", "impedance", "steps"]

_OHM_CM2, _NF_CM2 = 1e4, 1e5
_FREQUENCY = "Frequency $f$ (Hz)"
_BEHIND = "$C$ less $R_\\mathrm{s}$ (nF cm$^{−2}$)"


#: a spectrum that a circuit gives: Hz and ohm m^2 (or ohm), both (W,)
Line = tuple["np.ndarray", "np.ndarray"]


def impedance(
    datasets: xr.Dataset | Sequence[xr.Dataset],
    series: Sequence[float],
    ax: Axes | None = None,
    circuits: Sequence[Line | None] = (),
) -> Figure:
    """Impedance of one or several cells: Nyquist plot with equal axes, |Z| and phase, capacitance.

    ``series`` holds the resistance of each (ohm m^2) that its capacitance lies behind; ``circuits`` the spectrum of
    the circuit that was fitted to each, None where none was. What has one is drawn as points, those that the analysis
    leaves out empty, and the circuit as a line. Solid: all ions follow; dashed: ions held, where the measurement has
    that. Into a given ``ax`` goes the Nyquist plot alone.
    """
    items = style.as_list(datasets)
    lines = list(circuits) or [None] * len(items)
    colours = style.colour_of_cells(items)
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _nyquist(axes, items, colours, lines)
            return made
        made = style.figure(style.PAGE, 4.6)
        panels = made.subplots(2, 2)
        _nyquist(panels[0, 0], items, colours, lines)
        _against_frequency(panels[0, 1], items, colours, "capacitance", series, lines)
        _against_frequency(panels[1, 0], items, colours, "modulus", series, lines)
        _against_frequency(panels[1, 1], items, colours, "phase", series, lines)
        _key(panels[1, 1], items, colours)
        style.apart(made)
        return made


def _scale(item: xr.Dataset) -> tuple[float, str]:
    """Factor and words of the unit of a spectrum: of an area, or of the whole device."""
    if str(item["impedance_real"].attrs.get("units", "")) == "ohm":
        return 1.0, "Ω"
    return _OHM_CM2, "Ω cm$^{2}$"


def _spectra(item: xr.Dataset) -> list[tuple[np.ndarray, np.ndarray, str]]:
    """Frequency, impedance (ohm cm^2, or ohm of a whole device) and line style of each spectrum in a measurement."""
    frequency = np.asarray(item["frequency"].values, float)
    order = np.argsort(frequency)
    order = order[frequency[order] > 0.0]
    found = []
    for suffix, line in (("", "-"), ("_held", "--")):
        if f"impedance_real{suffix}" in item:
            z = item[f"impedance_real{suffix}"].values + 1j * item[f"impedance_imag{suffix}"].values
            found.append((frequency[order], z[order] * _scale(item)[0], line))
    return found


def _nyquist(
    ax: Axes, items: Sequence[xr.Dataset], colours: dict[str, str], lines: Sequence[Line | None]
) -> None:
    right, top, bottom = 0.0, 0.0, 0.0
    named: list[complex] = []
    for item, fitted in zip(items, lines, strict=True):
        colour = colours[str(item.attrs.get("stack", ""))]
        for frequency, z, line in _spectra(item):
            if fitted is None:
                ax.plot(z.real, -z.imag, color=colour, linestyle=line)
            else:
                read = z.imag <= 0.0
                ax.plot(z.real[read], -z.imag[read], "o", color=colour, markersize=2.4)
                ax.plot(z.real[~read], -z.imag[~read], "o", color=colour, markersize=2.4, markerfacecolor="w")
                course = fitted[1] * _scale(item)[0]
                ax.plot(course.real, -course.imag, color=style.INK, linewidth=0.8, zorder=3)
            if line == "-" and fitted is None:
                _decades(ax, frequency, z, colour, named)
            elif line == "-" and fitted is not None:
                _decades(ax, fitted[0], fitted[1] * _scale(item)[0], style.INK, named, above=8.0)
            right, top = max(right, float(z.real.max())), max(top, float((-z.imag).max()))
            bottom = min(bottom, float((-z.imag).min()))
    ax.axhline(0, color=style.MUTED, linewidth=0.5, zorder=0)
    span = 1.06 * right
    high = max(1.3 * top, 0.25 * span)
    ax.set_xlim(-0.02 * right, span)
    ax.set_ylim(1.15 * bottom - 0.03 * high, high)
    ax.set_aspect("equal", adjustable="box")
    unit = _scale(items[0])[1]
    ax.set_xlabel(f"$Z$′ ({unit})")
    ax.set_ylabel(f"−$Z$″ ({unit})")


def _decades(
    ax: Axes, frequency: np.ndarray, z: np.ndarray, colour: str, named: list[complex], above: float = 4.0
) -> None:
    """Dots at whole decades of frequency; those high up and far from others (``named``) are named, so many points
    above.
    """
    from matplotlib.patheffects import withStroke

    scale, top = float(np.abs(z).max()), float((-z.imag).max())
    low, high = np.ceil(np.log10(frequency[0]) - 1e-9), np.floor(np.log10(frequency[-1]) + 1e-9)
    for power in np.arange(low, high + 1):
        place = np.log10(frequency)
        at = complex(np.interp(power, place, z.real), np.interp(power, place, z.imag))
        ax.plot(at.real, -at.imag, "o", color=colour, markersize=2.6, zorder=4)
        # text beside an axis or over a small arc would hide it
        if (
            -at.imag > 0.35 * top
            and at.real > 0.1 * scale
            and all(abs(at - other) > 0.2 * scale for other in named)
        ):
            named.append(at)
            ax.annotate(
                _hertz(int(power)), (at.real, -at.imag), xytext=(0, above), textcoords="offset points", fontsize=6,
                color=colour, ha="center", path_effects=[withStroke(linewidth=2, foreground="w")], zorder=6,
            )  # fmt: skip


def _readable(ax: Axes) -> None:
    """A logarithmic axis that spans little becomes linear from zero; one that spans two decades gets plain numbers."""
    from matplotlib.ticker import FuncFormatter

    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in ax.lines])
    values = values[values > 0.0]
    if values.size == 0:
        return
    low, high = float(values.min()), float(values.max())
    if high < 8.0 * low:
        ax.set_yscale("linear")
        ax.set_ylim(0.0, 1.15 * high)
    elif high < 200.0 * low:

        def plain(value: float, _: object) -> str:
            return f"{value:g}" if round(value / 10.0 ** np.floor(np.log10(value))) in (1, 2, 5) else ""

        ax.yaxis.set_major_formatter(FuncFormatter(plain))
        ax.yaxis.set_minor_formatter(FuncFormatter(plain))


def _hertz(power: int) -> str:
    """10**power Hz in words, "100 kHz"."""
    for step, unit in ((6, "MHz"), (3, "kHz"), (0, "Hz"), (-3, "mHz")):
        if power >= step:
            return f"{10 ** (power - step)} {unit}"
    return f"10$^{{{power}}}$ Hz"


def _against_frequency(
    ax: Axes,
    items: Sequence[xr.Dataset],
    colours: dict[str, str],
    what: str,
    series: Sequence[float],
    lines: Sequence[Line | None],
) -> None:
    negative = False
    for item, resistance, fitted in zip(items, series, lines, strict=True):
        colour = colours[str(item.attrs.get("stack", ""))]
        scale, _ = _scale(item)
        drawn: list[tuple[np.ndarray, np.ndarray, dict[str, Any]]] = [
            (frequency, z, {"color": colour, "linestyle": line}) for frequency, z, line in _spectra(item)
        ]
        if fitted is not None:
            points: dict[str, Any] = {"color": colour, "linestyle": "", "marker": "o", "markersize": 2.4}
            drawn = [(frequency, z, points) for frequency, z, _ in drawn]
            drawn.append((fitted[0], fitted[1] * scale, {"color": style.INK, "linewidth": 0.8, "zorder": 3}))
        for frequency, z, how in drawn:
            if what == "modulus":
                ax.loglog(frequency, np.abs(z), **how)
            elif what == "phase":
                ax.semilogx(frequency, np.degrees(np.angle(z)), **how)
            else:
                c = (1.0 / (z - resistance * scale)).imag / (2.0 * np.pi * frequency) * 1e9
                ax.loglog(frequency, np.where(c > 0.0, c, np.nan), **how)
                if np.any(c < 0.0) and fitted is None:
                    negative = True
                    ax.loglog(frequency, np.where(c < 0.0, -c, np.nan), **{**how, "linestyle": ":"})
    of_device = _scale(items[0])[0] == 1.0
    ax.set_xlabel(_FREQUENCY)
    if what == "modulus":
        ax.set_ylabel(f"$|Z|$ ({_scale(items[0])[1]})")
        _readable(ax)
    elif what == "phase":
        ax.set_ylabel("Phase of $Z$ (°)")
        low, high = ax.get_ylim()
        if low > -20.0:
            ax.set_ylim(low - 0.1 * (high - low), high)
        else:
            ax.set_yticks([tick for tick in range(-180, 181, 30) if low - 30.0 <= tick <= max(high, 5.0)])
            ax.set_ylim(min(low, -32.0), max(high, 5.0))
    else:
        ax.set_ylabel("$C$ less $R_\\mathrm{s}$ (nF)" if of_device else _BEHIND)
        _readable(ax)
        if negative:
            ax.text(
                0.97,
                0.97,
                "dotted: negative",
                transform=ax.transAxes,
                ha="right",
                va="top",
                color=style.MUTED,
            )


def _key(ax: Axes, items: Sequence[xr.Dataset], colours: dict[str, str]) -> None:
    """Names and bias points, below the curves' usual place, and what the line styles mean."""
    entries = [(_entry(item), colours[str(item.attrs.get("stack", ""))]) for item in items]
    if any(len(_spectra(item)) > 1 for item in items):
        entries.append(("dashed: ions held", style.MUTED))
    low, high = ax.get_ylim()
    # room above the curves: a line of text takes a tenth of the height
    ax.set_ylim(low, high + (high - low) * 0.1 * len(entries) / (1.0 - 0.1 * len(entries)))
    style.text_key(ax, entries, 0.03, 0.99)


def _entry(item: xr.Dataset) -> str:
    words = str(item.attrs.get("stack", "")) or "measured"
    if "voltage" in item.attrs:
        words += f", {float(item.attrs['voltage']):.3f} V"
    light = item.attrs.get("light")
    if light is not None:
        words += ", dark" if float(light) == 0.0 else f", {float(light):g} sun"
    return words


#: slope (F^-2 m^4 V^-1), intercept (V) and ends (V) of a Mott-Schottky line
Straight = tuple[float, float, float, float]


def _per_area(item: xr.Dataset) -> tuple[float, str]:
    """Factor and words of the unit that capacitances are drawn in: of an area, or of the whole device."""
    if str(item["capacitance"].attrs.get("units", "")) == "F":
        return 1e9, "nF"
    return _NF_CM2, "nF cm$^{−2}$"


def steps(
    datasets: Sequence[xr.Dataset],
    derivatives: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    ax: Axes | None = None,
) -> Figure:
    """Capacitance against frequency, and below it -f dC/df, whose maxima are its steps.

    ``derivatives`` holds frequency (Hz), -f dC/df and its standard error of each. Into a given ``ax`` goes the
    derivative alone.
    """
    items = style.as_list(datasets)
    colours = style.colour_of_cells(items)
    with style.context():
        if ax is not None:
            made, lower = style.new_axes(ax)
            upper = None
        else:
            made = style.figure(style.COLUMN, 3.6)
            upper, lower = made.subplots(2, 1, sharex=True)
        top = 0.0
        for item, (frequency, slope, error) in zip(items, derivatives, strict=True):
            colour = colours[str(item.attrs.get("stack", ""))]
            scale, unit = _per_area(item)
            if upper is not None:
                order = np.argsort(item["frequency"].values)
                upper.semilogx(
                    item["frequency"].values[order], item["capacitance"].values[order] * scale, "o", color=colour,
                    markersize=2.0,
                )  # fmt: skip
                upper.set_ylabel(f"$C$ ({unit})")
                top = max(top, float(np.nanmax(item["capacitance"].values)) * scale)
            lower.semilogx(frequency, slope * scale, color=colour)
            low, high = (slope - error) * scale, (slope + error) * scale
            lower.fill_between(frequency, low, high, color=colour, alpha=0.25, linewidth=0)
            lower.set_ylabel(f"−$f$ d$C$/d$f$ ({unit})")
        lower.set_xlabel(_FREQUENCY)
        lower.axhline(0, color=style.MUTED, linewidth=0.5, zorder=0)
        if upper is not None:
            upper.set_ylim(0.0, 1.15 * top)
            entries = [(_temperature(item), colours[str(item.attrs.get("stack", ""))]) for item in items]
            style.text_key(upper, entries, 0.04, 0.08 + 0.09 * len(entries))
        return made


def _temperature(item: xr.Dataset) -> str:
    words = str(item.attrs.get("stack", "")) or "measured"
    return words + (f", {float(item.attrs['temperature']):.4g} K" if "temperature" in item.attrs else "")


def cv(
    datasets: xr.Dataset | Sequence[xr.Dataset],
    lines: Sequence[Straight] = (),
    ax: Axes | None = None,
) -> Figure:
    """Capacitance against voltage, and its inverse square with the lines of a Mott-Schottky analysis.

    ``lines`` holds slope (F^-2 m^4 V^-1), intercept (V) and the ends of the window (V) for each measurement, NaN where
    there is none. Into a given ``ax`` goes the inverse square alone.
    """
    items = style.as_list(datasets)
    colours = style.colour_of_cells(items)
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _mott_schottky(axes, items, lines, colours)
            return made
        made = style.figure(style.PAGE, 2.7)
        left, right = made.subplots(1, 2)
        for item in items:
            colour = colours[str(item.attrs.get("stack", ""))]
            left.semilogy(
                item["voltage"].values,
                _positive(item["capacitance"].values * _per_area(item)[0]),
                color=colour,
            )
            if "geometric_capacitance" in item.attrs:
                level = float(item.attrs["geometric_capacitance"]) * _NF_CM2
                left.axhline(level, color=colour, linewidth=0.8, linestyle=":")
        left.set_xlabel(style.axis_label("voltage"))
        left.set_ylabel(f"Capacitance $C$ ({_per_area(items[0])[1]})")
        _readable(left)
        entries = [(_words(item), colours[str(item.attrs.get("stack", ""))]) for item in items]
        if any("geometric_capacitance" in item.attrs for item in items):
            entries.append(("dotted: layers in series", style.MUTED))
        style.text_key(left, entries, 0.04, 0.97)
        _mott_schottky(right, items, lines, colours)
        style.apart(made)
        return made


def _words(item: xr.Dataset) -> str:
    words = str(item.attrs.get("stack", "")) or "measured"
    if "frequency" in item.attrs:
        words += f", {_compact(float(item.attrs['frequency']))}"
    return words


def _compact(hertz: float) -> str:
    for step, unit in ((1e6, "MHz"), (1e3, "kHz"), (1.0, "Hz")):
        if hertz >= step:
            return f"{hertz / step:g} {unit}"
    return f"{hertz * 1e3:g} mHz"


def _positive(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0.0, values, np.nan)


def _mott_schottky(
    ax: Axes, items: Sequence[xr.Dataset], lines: Sequence[Straight], colours: dict[str, str]
) -> None:
    factor, unit = _per_area(items[0])
    scale = (factor * 1e-3) ** 2
    top, left, right = 0.0, np.inf, -np.inf
    tops: list[float] = []
    for item in items:
        voltage = np.asarray(item["voltage"].values, float)
        c = _positive(np.asarray(item["capacitance"].values, float))
        inverse = 1.0 / c**2 / scale
        ax.plot(voltage, inverse, color=colours[str(item.attrs.get("stack", ""))])
        # past its maximum the capacitance of a cell that conducts may fall to nothing
        before = inverse[voltage <= voltage[int(np.nanargmax(c))]]
        top, left = max(top, float(np.nanmax(before))), min(left, float(voltage.min()))
        tops.append(float(np.nanmax(before)))
        right = max(right, float(voltage.max()))
    for item, height, (slope, intercept, low, high) in zip(items, tops, lines, strict=False):
        if np.isfinite(intercept):
            colour = colours[str(item.attrs.get("stack", ""))]
            ends = np.array([max(left, intercept + 1.05 * height * scale / slope), intercept])
            ax.plot(
                ends,
                slope / scale * (ends - intercept),
                color=colour,
                linewidth=0.8,
                linestyle="--",
                zorder=1,
            )
            inside = np.array([low, high])
            course = slope / scale * (inside - intercept)
            ax.plot(
                inside, course, color=style.INK, linewidth=2.6, alpha=0.35, zorder=4, solid_capstyle="butt"
            )
            ax.plot(intercept, 0.0, "o", color=colour, markersize=3.0, clip_on=False, zorder=5)
            right = max(right, intercept)
    ax.set_ylim(0.0, 1.12 * top)
    ax.set_xlim(left, right + 0.03 * (right - left))
    ax.set_xlabel(style.axis_label("voltage"))
    ax.set_ylabel("$C^{−2}$ (µF$^{−2}$)" if unit == "nF" else "$C^{−2}$ (µF$^{−2}$ cm$^{4}$)")
