"""Which measurement a table is, by the quantities of its columns: what a table of no known program is read by."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perotwin.errors import InputError, shown
from perotwin.files import cell_tables, eqe_tables, jv_tables, light_tables, trace_tables
from perotwin.files.blocks import Block, blocks
from perotwin.files.format import Found
from perotwin.files.header import Header, header_of
from perotwin.files.headings import heading_of
from perotwin.files.jv_curves import legs
from perotwin.files.kinds import quantity_of
from perotwin.files.source import Source
from perotwin.files.written_units import written_unit

__all__ = [
    "SHAPES",
    "Shape",
    "device_table",
    "gone_on",
    "header_for",
    "read_tables",
    "shape_of",
    "with_columns",
]


#: potentials against a reference electrode are those of no cell
_REFERRED = re.compile(r"(?i)\bvs\.?\s*(ref|rhe|nhe|she|sce|ag|hg|li|fc)\b")


@dataclass(frozen=True)
class Shape:
    """A kind of table.

    instrument : whose measurement it is. fits : whether a table with these quantities can be one. read : what is in it.
    """

    instrument: str
    fits: Callable[[Block, Sequence[str]], bool]
    read: Callable[[Source, Sequence[Block], Header], list[Found]]


def _is_jv(block: Block, kinds: Sequence[str]) -> bool:
    if "voltage" not in kinds or not {"current", "current_density", "jsc"} & set(kinds):
        return False
    if any(_REFERRED.search(heading) for heading in block.headings):
        return False
    return "time" not in kinds or _sweeps(block, kinds.index("voltage"))


def _sweeps(block: Block, at: int) -> bool:
    """Whether a voltage goes along, as in a sweep, and does not stand about one value, as a tracker's."""
    voltage = block.column(at)
    if voltage.size < 8 or np.unique(voltage).size < 8:
        return False
    steps = np.sign(np.diff(voltage))
    moving = steps[steps != 0.0]
    if moving.size < 0.5 * steps.size:
        # a tracker stays where it is for many points
        return False
    parts = legs(voltage)
    turns = int((np.diff(moving) != 0.0).sum())
    return len(parts) <= min(max(voltage.size // 8, 1), 12) and turns <= 2 * len(parts) + voltage.size // 20


def _is_trace(block: Block, kinds: Sequence[str]) -> bool:
    timed = "time" in kinds or bool(block.beside)
    power = "power_density" in kinds or "pce" in kinds or ("voltage" in kinds and "current_density" in kinds)
    power = power or ("voltage" in kinds and "current" in kinds)
    return timed and power and "time" in [*kinds, *(_timed(block))]


def _timed(block: Block) -> list[str]:
    return ["time"] if any(re.search(r"(?i)time|date", block.headings[at]) for at in block.beside) else []


def _is_eqe(block: Block, kinds: Sequence[str]) -> bool:
    return bool({"wavelength", "photon_energy"} & set(kinds)) and bool({"eqe", "responsivity"} & set(kinds))


def _is_pl(block: Block, kinds: Sequence[str]) -> bool:
    return (
        "wavelength" in kinds and bool({"counts", "photon_flux"} & set(kinds)) and not _is_eqe(block, kinds)
    )


def _is_trpl(block: Block, kinds: Sequence[str]) -> bool:
    united = [one for one in block.columns if one.kind == "time"]
    short = bool(united) and united[0].unit is not None and united[0].unit.factor < 1e-5
    return short and "counts" in kinds and "voltage" not in kinds


def _is_suns_voc(block: Block, kinds: Sequence[str]) -> bool:
    return "voc" in kinds and bool({"jsc", "intensity"} & set(kinds)) and not {"ff", "pce"} & set(kinds)


def _is_statistics(block: Block, kinds: Sequence[str]) -> bool:
    return {"voc", "jsc", "ff", "pce"} <= set(kinds) and "voltage" not in kinds


def _jv(source: Source, found: Sequence[Block], header: Header) -> list[Found]:
    return [one for block in found for one in jv_tables.jv_of_block(source, block, header)]


def _trace(source: Source, found: Sequence[Block], header: Header) -> list[Found]:
    return [trace_tables.mppt_of_blocks(source, found, header)]


def _eqe(source: Source, found: Sequence[Block], header: Header) -> list[Found]:
    return [one for block in found for one in eqe_tables.eqe_of_block(source, block, header)]


def _pl(source: Source, found: Sequence[Block], header: Header) -> list[Found]:
    return [one for block in found for one in light_tables.pl_of_block(source, block)]


def _trpl(source: Source, found: Sequence[Block], header: Header) -> list[Found]:
    return [one for block in found for one in light_tables.trpl_of_block(source, block)]


def _suns_voc(source: Source, found: Sequence[Block], header: Header) -> list[Found]:
    return [cell_tables.suns_voc_of_block(source, block, header) for block in found]


def _statistics(source: Source, found: Sequence[Block], header: Header) -> list[Found]:
    return [cell_tables.statistics_of_block(source, block) for block in found]


#: in the order in which they are tried
SHAPES = (
    Shape("statistics", _is_statistics, _statistics),
    Shape("suns_voc", _is_suns_voc, _suns_voc),
    Shape("jv", _is_jv, _jv),
    Shape("mppt", _is_trace, _trace),
    Shape("eqe", _is_eqe, _eqe),
    Shape("pl", _is_pl, _pl),
    Shape("trpl", _is_trpl, _trpl),
)


def shape_of(block: Block, instrument: str | None = None) -> Shape | None:
    """The kind of a table; only of one instrument, if asked. None where its quantities make none."""
    kinds = [quantity_of(one) for one in block.columns]
    return next(
        (one for one in SHAPES if instrument in (None, one.instrument) and one.fits(block, kinds)), None
    )


def read_tables(
    source: Source, found: Sequence[Block] | None = None, header: Header | None = None
) -> list[Found]:
    """All measurements in the tables of a text.

    Raises
    ------
    InputError : none of the tables is one.
    """
    every = gone_on(blocks(source) if found is None else found)
    said = header if header is not None else header_for(source, every)
    groups: list[tuple[Shape, list[Block]]] = []
    for block in every:
        shape = shape_of(block, source.asked.instrument)
        if shape is None:
            continue
        if groups and groups[-1][0] is shape and shape.instrument == "mppt":
            groups[-1][1].append(block)
        else:
            groups.append((shape, [block]))
    made = [one for shape, members in groups for one in shape.read(source, members, said)]
    if not made and source.asked.instrument in (None, "statistics"):
        table = device_table(source)
        made = [] if table is None else [cell_tables.statistics_of_block(source, table)]
    if not made:
        heads = [shown(head, 30) for block in every for head in block.headings if head][:8]
        seen = ", ".join(f'"{head}"' for head in heads) or "no headings"
        raise InputError(
            f"nothing tells which measurement its columns are ({seen}).",
            'Say what they are: --columns "V=1, J=3 (mA/cm^2)".',
            file=source.file,
        )
    return made


def device_table(source: Source) -> Block | None:
    """A table of figures of merit whose rows start with names of devices; None where there is none."""
    for number, line in enumerate(source.lines[:200]):
        cells = source.cells(line)
        kinds = [quantity_of(heading_of(cell)) for cell in cells]
        if not {"voc", "jsc", "ff", "pce"} <= set(kinds):
            continue
        rows, lines = [], []
        for at, below in enumerate(source.lines[number + 1 :], start=number + 2):
            found = source.cells(below)[: len(cells)]
            found += [""] * (len(cells) - len(found))
            values = [source.number(cell) if cell else None for cell in found]
            if values[kinds.index("voc")] is None:
                break
            rows.append((found, values))
            lines.append(at)
        if not rows:
            continue
        beside = {
            column: tuple(found[column] for found, _ in rows)
            for column in range(len(cells))
            if any(found[column] and values[column] is None for found, values in rows)
        }
        numbers = np.array([[np.nan if one is None else one for one in values] for _, values in rows])
        return Block(numbers, tuple(cells), tuple(lines), (), beside)
    return None


def gone_on(found: Sequence[Block]) -> list[Block]:
    """The tables with those joined that a line of words interrupts while their time goes on."""
    groups: list[list[Block]] = []
    for block in found:
        before = groups[-1] if groups else []
        if before and not any(block.headings) and block.values.shape[1] == before[0].values.shape[1]:
            kinds = [quantity_of(one) for one in before[0].columns]
            at = kinds.index("time") if "time" in kinds else None
            if at is not None and block.values[0, at] > before[-1].values[-1, at]:
                before.append(block)
                continue
        groups.append([block])
    return [
        one[0]
        if len(one) == 1
        else replace(
            one[0],
            values=np.concatenate([block.values for block in one]),
            lines=tuple(line for block in one for line in block.lines),
            beside={
                at: tuple(c for block in one for c in block.beside.get(at, ("",) * len(block.lines)))
                for at in one[0].beside
            },
        )
        for one in groups
    ]


def header_for(source: Source, found: Sequence[Block]) -> Header:
    """What a text says outside its tables, and in the columns of words beside them."""
    inside = {line for block in found for line in block.lines}
    lines = [("" if number in inside else line) for number, line in enumerate(source.lines, start=1)]
    beside = [line for block in found for line in _beside(block)]
    made = header_of(source, [*lines, *beside])
    # the line of headings is none of the header
    heads = {
        heading_of(part).text for block in found for part in re.split(r" \| | \[", block.headings[0])[:1]
    }
    return replace(made, entries=tuple(one for one in made.entries if one.key.text not in heads))


def _beside(block: Block) -> list[str]:
    """Names and values that stand in columns beside the numbers, as lines of a header."""
    made = []
    columns = sorted(block.beside)
    for at in columns:
        words = block.beside[at]
        for value_at in (at + 1, at - 1):
            if not 0 <= value_at < block.values.shape[1]:
                continue
            other = block.beside.get(value_at)
            named = [word for word in words if any(letter.isalpha() for letter in word)]
            if len(named) * 2 < sum(bool(word) for word in words):
                continue
            pairs = [
                (word, other[row] if other is not None else f"{block.values[row, value_at]:.12g}")
                for row, word in enumerate(words)
                if word and (other is not None or np.isfinite(block.values[row, value_at]))
            ]
            if (
                other is not None
                and sum(any(c.isalpha() for c in value) for _, value in pairs) > len(pairs) / 2
            ):
                continue
            made += [f"{name}\t{value}" for name, value in pairs if value]
            break
    return made


_CHOICE = re.compile(r"\s*([A-Za-z_][A-Za-z_ ]*?)\s*=\s*(\"[^\"]*\"|[^,(]+?)\s*(?:\(([^)]*)\))?\s*(?:,|$)")
_CALLED = {
    "v": "Voltage", "voltage": "Voltage", "u": "Voltage", "j": "Current density", "current density": "Current density",
    "current_density": "Current density", "i": "Current", "current": "Current", "t": "Time", "time": "Time",
    "p": "Power density", "power": "Power density", "power_density": "Power density", "wavelength": "Wavelength",
    "lambda": "Wavelength", "energy": "Photon energy", "eqe": "EQE", "counts": "Counts", "pl": "PL intensity",
    "voc": "Voc", "jsc": "Jsc", "ff": "FF", "pce": "PCE", "temperature": "Temperature", "suns": "Intensity",
}  # fmt: skip
_USUAL = {
    "Voltage": "V", "Current density": "mA/cm^2", "Current": "A", "Time": "s", "Power density": "mW/cm^2",
    "Wavelength": "nm", "Photon energy": "eV", "EQE": "", "Counts": "", "PL intensity": "", "Voc": "V",
    "Jsc": "mA/cm^2", "FF": "%", "PCE": "%", "Temperature": "K", "Intensity": "suns",
}  # fmt: skip


def with_columns(source: Source, found: Sequence[Block], said: str) -> list[Block]:
    """The tables with the columns that a person named, and no others.

    said : "V=1, J=3 (mA/cm^2)": quantities, each with the number of its column from 1 or its heading, and a unit.

    Raises
    ------
    InputError : it is not written so, or there is no such column.
    """
    place, chosen = 0, []
    while place < len(said):
        match = _CHOICE.match(said, place)
        if match is None or match.end() == place:
            raise InputError(
                f'"{shown(said)}" does not say what columns hold.',
                'Write it as "V=1, J=3 (mA/cm^2)": quantities with the number of a column, or its heading in quotes.',
                key="columns",
            )
        place = match.end()
        chosen.append((match[1].strip(), match[2].strip().strip('"'), match[3]))
    names = []
    for name, _, unit in chosen:
        called = _CALLED.get(name.lower())
        if called is None:
            raise InputError(
                f'"{shown(name)}" is no quantity of a column.',
                f"There are {', '.join(sorted(_CALLED))}.",
                key="columns",
            )
        if unit and written_unit(unit) is None:
            raise InputError(
                f'"{shown(unit)}" is no unit that is known.', "For example mA/cm^2.", key="columns"
            )
        names.append(f"{called} [{unit or _USUAL[called]}]" if unit or _USUAL[called] else called)
    made = []
    missing = ""
    for block in found:
        places = []
        for _, which, _ in chosen:
            at = int(which) - 1 if which.isdigit() else _called(block, which)
            if at is None or not 0 <= at < block.values.shape[1]:
                missing = f'there is no column "{shown(which)}" among {block.values.shape[1]}'
                break
            places.append(at)
        else:
            beside = {new: block.beside[old] for new, old in enumerate(places) if old in block.beside}
            made.append(replace(block, values=block.values[:, places], headings=tuple(names), beside=beside))
    if not made:
        raise InputError(
            f"{missing or 'it has no rows of numbers'}.",
            "Count its columns from 1.",
            file=source.file,
            key="columns",
        )
    return made


def _called(block: Block, name: str) -> int | None:
    low = name.lower()
    exact = [at for at, head in enumerate(block.headings) if head.lower() == low]
    part = exact or [at for at, head in enumerate(block.headings) if low in head.lower()]
    return part[0] if len(part) == 1 or exact else None
