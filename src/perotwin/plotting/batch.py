"""Figures of many measured cells at once: all curves in one panel, figures of merit by group, and plain traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from perotwin.measurement import term_of
from perotwin.plotting import style
from perotwin.plotting.unit_words import unit_latex

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["Curve", "boxes", "overlay", "plain"]

#: groups that have a line in the key, and characters of their names
_MOST_GROUPS, _LONGEST = 10, 28
_MA = 0.1  # A m^-2 -> mA cm^-2


class Curve(NamedTuple):
    """A current-voltage curve, V and A m^-2 as in its file. forward, dark: how it was taken. best: of its group."""

    voltage: NDArray[np.float64]
    current: NDArray[np.float64]
    group: str
    forward: bool = False
    dark: bool = False
    best: bool = False


def overlay(curves: Sequence[Curve]) -> Figure:
    """All curves of a batch, one colour a group, the best of each in full; those in the dark in their own panel."""
    lit = [one for one in curves if not one.dark]
    dark = [one for one in curves if one.dark]
    colours = _colours([one.group for one in curves])
    with style.context():
        if lit and dark:
            made = style.figure(style.PAGE, 2.9)
            panels = list(made.subplots(1, 2))
        else:
            made = style.figure(style.COLUMN * 1.35, 2.9)
            panels = [made.add_subplot()]
        if lit:
            _lit(panels[0], lit, colours)
        if dark:
            _dark(panels[-1], dark, colours)
        if len(colours) > 1:
            _key(made, colours)
        return made


def _colours(groups: Sequence[str]) -> dict[str, str]:
    names = sorted(dict.fromkeys(groups))
    if len(names) <= len(style.CELLS):
        return dict(zip(names, style.CELLS, strict=False))
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    scale = colormaps["viridis"]
    return {name: to_hex(scale(0.92 * at / (len(names) - 1))) for at, name in enumerate(names)}


def _key(made: Figure, colours: Mapping[str, str]) -> None:
    from matplotlib.lines import Line2D

    names = list(colours)[:_MOST_GROUPS]
    lines = [Line2D([], [], color=colours[name]) for name in names]
    words = [_short(name) or "no group" for name in names]
    if len(colours) > len(names):
        lines.append(Line2D([], [], linestyle=""))
        words.append(f"and {len(colours) - len(names)} more")
    made.legend(lines, words, loc="outside right upper")


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _lit(ax: Axes, curves: Sequence[Curve], colours: Mapping[str, str]) -> None:
    many = len(curves) > 8
    ceiling, right = 0.0, 0.0
    for one in sorted(curves, key=lambda item: item.best):
        voltage, current = _delivered(one)
        strong = one.best or not many
        ax.plot(
            voltage,
            current,
            color=colours[one.group],
            linewidth=1.4 if strong else 0.6,
            alpha=1.0 if strong else max(0.15, min(0.6, 25.0 / len(curves))),
            linestyle="--" if one.forward and strong else "-",
            zorder=3 if strong else 2,
        )
        delivering = voltage[(current > 0.0) & (voltage > 0.0)]
        # by the photocurrent, as a curve that gives no power may rise without end
        order = np.argsort(voltage, kind="stable")
        ceiling = max(ceiling, float(np.interp(0.0, voltage[order], current[order])))
        right = max(right, float(delivering.max()) if delivering.size else 0.0)
    ax.axhline(0.0, color=style.MUTED, linewidth=0.5, zorder=1)
    ax.axvline(0.0, color=style.MUTED, linewidth=0.5, zorder=1)
    if right > 0.0:
        low = min(float(np.nanmin(one.voltage)) for one in curves)
        ax.set_xlim(max(low, -0.2 * right), 1.06 * right)
    if ceiling > 0.0:
        ax.set_ylim(-0.15 * ceiling, 1.2 * ceiling)
    ax.set_xlabel("Voltage $V$ (V)")
    ax.set_ylabel("Current density $J$ (mA cm$^{−2}$)")


def _dark(ax: Axes, curves: Sequence[Curve], colours: Mapping[str, str]) -> None:
    for one in curves:
        size = np.abs(one.current) * _MA
        shown = np.where(size > 0.0, size, np.nan)
        ax.plot(
            one.voltage, shown, color=colours[one.group], linewidth=0.9, alpha=0.9 if len(curves) < 9 else 0.4
        )
    ax.set_yscale("log")
    ax.set_xlabel("Voltage $V$ (V)")
    ax.set_ylabel("|$J$| in the dark (mA cm$^{−2}$)")


def _delivered(curve: Curve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A curve with its photocurrent upwards, mA cm^-2, whichever way its file counts."""
    current = curve.current * _MA
    order = np.argsort(curve.voltage, kind="stable")
    at_zero = float(np.interp(0.0, curve.voltage[order], current[order]))
    return curve.voltage, -current if at_zero < 0.0 else current


def boxes(values: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Figures of merit by group: a box from quartile to quartile, the median, and each pixel as a point.

    values : figure -> group -> its values, SI.
    """
    groups = list(dict.fromkeys(group for one in values.values() for group in one))
    colours = _colours(groups)
    with style.context():
        tall = 2.5 + (0.5 if any(len(group) > 8 for group in groups) else 0.0)
        made = style.figure(style.PAGE, tall)
        panels = np.atleast_1d(made.subplots(1, len(values)))
        for ax, (name, by_group) in zip(panels, values.items(), strict=True):
            term = term_of(name)
            factor = 1.0 if term is None else term.factor
            for at, group in enumerate(groups):
                shown = np.array([value for value in by_group.get(group, ()) if np.isfinite(value)]) * factor
                if not shown.size:
                    continue
                # the same places each time the same batch is drawn
                across = at + 0.22 * (np.random.default_rng(len(shown)).random(shown.size) - 0.5)
                ax.plot(across, shown, ".", color=colours[group], markersize=3, alpha=0.6, markeredgewidth=0)
                if shown.size >= 4:
                    ax.boxplot(
                        [shown],
                        positions=[at],
                        widths=0.5,
                        showfliers=False,
                        medianprops={"color": style.INK, "linewidth": 1.1},
                        boxprops={"color": colours[group], "linewidth": 0.8},
                        whiskerprops={"color": colours[group], "linewidth": 0.8},
                        capprops={"color": colours[group], "linewidth": 0.8},
                    )
            ax.set_xlim(-0.6, len(groups) - 0.4)
            if len(groups) > 1:
                names = [_short(group) or "no group" for group in groups]
                ax.set_xticks(range(len(groups)), names, rotation=90 if max(map(len, names)) > 4 else 0)
            else:
                ax.set_xticks([])
            if term is not None:
                ax.set_ylabel(f"{term.latex} ({unit_latex(term.field_unit)})")
        return made


def plain(dataset: xr.Dataset, most: int = 4) -> Figure:
    """The variables of a measurement that run over one axis of numbers, in panels one below the other."""
    shown = []
    for name, variable in dataset.data_vars.items():
        numeric = [str(one) for one in variable.dims if _along(dataset, str(one)) is not None]
        if numeric and variable.dtype.kind in "fi" and variable.size > 1:
            shown.append((str(name), numeric[0]))
    if len(shown) > 1:
        # what others are drawn against needs no panel of its own
        shown = [one for one in shown if one[0] != _INSTEAD or one[1] in dataset.coords]
    shown = shown[:most]
    with style.context():
        made = style.figure(style.COLUMN * 1.35, 1.1 + 1.5 * max(len(shown), 1))
        panels = np.atleast_1d(made.subplots(max(len(shown), 1), 1))
        for ax, (name, axis) in zip(panels, shown, strict=False):
            values = dataset[name]
            along = _along(dataset, axis)
            assert along is not None
            others = [str(one) for one in values.dims if one != axis]
            flat = values.transpose(axis, *others).values.reshape(values.sizes[axis], -1)
            names = _names(dataset, others, flat.shape[1])
            scale, label = _in_field_units(name, values.attrs.get("units", ""))
            for column, words in zip(flat.T[:12], names, strict=False):
                ax.plot(along[0], column * scale, along[2], markersize=2.5, linewidth=0.9, label=words)
            if len(names) > 1:
                ax.legend(loc="best")
            ax.set_xlabel(along[1])
            ax.set_ylabel(label)
            positive = along[0][along[0] > 0.0]
            if positive.size > 10 and positive.max() / positive.min() > (
                1e5 if axis in dataset.coords else 100.0
            ):
                ax.set_xscale("log")
        return made


#: what stands along an axis of bare points
_INSTEAD = "current_density"


def _along(dataset: xr.Dataset, axis: str) -> tuple[NDArray[np.float64], str, str] | None:
    """Numbers along an axis, their label and how they are marked; None for an axis of names."""
    if axis in dataset.coords:
        values = dataset[axis].values
        if values.dtype.kind not in "fi":
            return None
        scale, label = _in_field_units(axis, dataset[axis].attrs.get("units", ""))
        return values * scale, label, "-"
    if _INSTEAD in dataset and dataset[_INSTEAD].dims == (axis,):
        scale, label = _in_field_units(_INSTEAD, dataset[_INSTEAD].attrs.get("units", ""))
        return dataset[_INSTEAD].values * scale, label, "o-"
    return np.arange(dataset.sizes[axis], dtype=float), axis[:1].upper() + axis[1:], "-"


def _in_field_units(name: str, unit: str) -> tuple[float, str]:
    """The factor to the unit that people read, and the label of an axis with it."""
    term = term_of(name)
    if term is None or term.unit != unit:
        return 1.0, _label(name, unit)
    if len(term.words) > _LONGEST:
        return (
            term.factor,
            f"{term.latex} ({unit_latex(term.field_unit)})" if term.field_unit != "1" else term.latex,
        )
    return term.factor, style.axis_label(name)


def _names(dataset: xr.Dataset, others: Sequence[str], count: int) -> list[str]:
    if len(others) != 1 or others[0] not in dataset.coords:
        return [""] * count
    term = term_of(others[0])
    values = dataset[others[0]].values
    if values.dtype.kind in "fi" and term is not None:
        return [f"{value * term.factor:.4g} {term.field_unit}" for value in values]
    return [str(value) for value in values]


def _label(name: str, unit: str) -> str:
    words = name.replace("_", " ")
    words = words[:1].upper() + words[1:]
    return words if unit in ("", "1") else f"{words} ({unit_latex(unit)})"
