"""Results of many cells in a folder of Parquet files, which a run that was killed goes on with.

    with Store("results/batch", {"seed": "1"}) as kept:
        done = kept.keys()
        kept.add(rows)          # one part, whole or not there at all

Each call of `add` writes one file, to a name that nobody reads, and renames it: what exists is whole. A row is one
device of one cell, by the cell's name and the device's number; one that failed is a row with its reason. What the
folder holds is told by `batch.json` in it: a batch of other cells or of another spread is refused and not mixed in. One
process at a time may write there; a lock that dies with its process sees to that.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from perotwin.errors import InputError, PerotwinError
from perotwin.study.merit import NAMES

__all__ = ["Row", "Store"]

#: what is in a folder: what it is of, the parts, the lock, and all parts as one file
_TOLD, _PARTS, _LOCK, _WHOLE = "batch.json", "parts", ".lock", "batch.parquet"
#: columns that every row has, before those of what was drawn
_OWN = ("cell", "device", "substrate", *NAMES, "failure", "seconds")
_SCHEMA = 1


@dataclass(frozen=True)
class Row:
    """One device.

    Attributes:
        cell: name of the cell. device: its number, from 0. substrate: from 1.
        values: what was drawn of it, field path -> value as a stack file has it.
        figures: pce, voc, jsc, ff, vmp, jmp in SI, NaN where it failed. failure: why, or "". seconds: that it took.
    """

    cell: str
    device: int
    substrate: int
    values: Mapping[str, str]
    figures: Mapping[str, float]
    failure: str = ""
    seconds: float = math.nan


class Store:
    """A folder of results. Use it as a context manager.

    Args:
        folder: it is made if need be.
        about: what the results are of, as plain texts; a folder that is of something else is refused.
    """

    def __init__(self, folder: str | Path, about: Mapping[str, str]) -> None:
        self.folder = Path(folder)
        self.about = dict(about)
        self._locked: IO[bytes] | None = None
        self._known: dict[tuple[str, int], Row] = {}
        #: what a reader must know of the folder
        self.notes: list[str] = []

    def __enter__(self) -> Self:
        from perotwin.measurement import make_folder, write_text

        _arrow()
        make_folder(self.folder)
        make_folder(self.folder / _PARTS)
        self._lock()
        try:
            told = self.folder / _TOLD
            if told.exists():
                self._same(told)
            elif any((self.folder / _PARTS).glob("part-*.parquet")):
                raise InputError(
                    f"there are parts of a batch and no {_TOLD} that says of which.", "Give another folder.",
                    file=str(self.folder),
                )  # fmt: skip
            else:
                write_text(told, json.dumps({"schema": _SCHEMA, **self.about}, indent=1, ensure_ascii=False))
            self._read()
        except BaseException:
            self._unlock()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._unlock()

    def keys(self) -> set[tuple[str, int]]:
        """Cell and number of all devices that are done."""
        return set(self._known)

    def rows(self) -> list[Row]:
        """All devices, by cell and number."""
        return [self._known[key] for key in sorted(self._known)]

    def add(self, rows: Sequence[Row]) -> Path | None:
        """Write devices as one part; nothing where there are none.

        Raises:
            PerotwinError: one of them is there already.
        """
        twice = [f"{row.cell} {row.device}" for row in rows if (row.cell, row.device) in self._known]
        keys = {(row.cell, row.device) for row in rows}
        if twice or len(keys) < len(rows):
            raise PerotwinError(
                f"a device would be stored twice ({', '.join(twice[:3]) or 'in one part'}).",
                "Please report it.",
            )
        if not rows:
            return None
        # a name that no other run takes, in the order of writing
        number = len(list((self.folder / _PARTS).glob("part-*.parquet")))
        path = self.folder / _PARTS / f"part-{number:06d}-{uuid.uuid4().hex[:8]}.parquet"
        _write(rows, path)
        self._known |= {(row.cell, row.device): row for row in rows}
        return path

    def whole(self) -> Path:
        """Write all devices as one file beside the parts; its path."""
        path = self.folder / _WHOLE
        _write(self.rows(), path)
        return path

    # --- the folder

    def _same(self, told: Path) -> None:
        try:
            found = json.loads(told.read_text(encoding="utf-8"))
        except (OSError, ValueError) as fault:
            raise InputError(
                f"what the folder holds cannot be read ({fault}).", "Give another folder.", file=str(told)
            ) from None
        differs = [key for key, value in {"schema": _SCHEMA, **self.about}.items() if found.get(key) != value]
        if differs:
            raise InputError(
                f"the folder holds another batch: {', '.join(differs)} differ.",
                "Give another folder, or the command that the batch was begun with; only the number of devices may "
                "change.",
                file=str(self.folder),
            )

    def _read(self) -> None:
        for path in sorted((self.folder / _PARTS).glob("part-*.parquet")):
            rows = _rows(path)
            if rows is None:
                # a disk that failed: what it held is made again
                path.rename(path.with_suffix(".damaged"))
                self.notes.append(
                    f"{path.name} cannot be read; it is put aside and its devices are made again."
                )
                continue
            for row in rows:
                if (row.cell, row.device) in self._known:
                    raise PerotwinError(
                        f"the store holds device {row.device} of {row.cell} twice.",
                        "Remove one of the parts that hold it.",
                    )
                self._known[row.cell, row.device] = row

    def _lock(self) -> None:
        stream = open(self.folder / _LOCK, "ab")  # noqa: SIM115 - it is held as long as the store is open
        try:
            _take(stream)
        except OSError:
            stream.close()
            raise InputError(
                "another run is writing into this folder.", "Wait until it is done, or give another.",
                file=str(self.folder),
            ) from None  # fmt: skip
        self._locked = stream

    def _unlock(self) -> None:
        if self._locked is not None:
            # closing a file gives up its lock
            self._locked.close()
            self._locked = None


def _take(stream: IO[bytes]) -> None:
    """Lock an open file for this process; OSError where another one holds it."""
    if os.name == "nt":
        import msvcrt

        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # of another system
        return
    import fcntl

    fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


# --- Parquet ----------------------------------------------------------------------------------------------------------


def _arrow() -> Any:
    """pyarrow's tables and its Parquet.

    Raises:
        PerotwinError: it is not installed.
    """
    from perotwin.recipe.optional_packages import load

    return load("pyarrow", "store", "a store of results"), load(
        "pyarrow.parquet", "store", "a store of results"
    )


def _heads(rows: Iterable[Row]) -> dict[str, tuple[str, str]]:
    """Head of the column of each drawn path: "perovskite.thickness (nm)" -> path and unit."""
    found: dict[str, tuple[str, str]] = {}
    for row in rows:
        for path, text in row.values.items():
            unit = text.partition(" ")[2]
            found[f"{path} ({unit})" if unit else path] = (path, unit)
    return found


def _write(rows: Sequence[Row], path: Path) -> Path:
    from perotwin.measurement import write_atomically

    arrow, parquet = _arrow()
    heads = _heads(rows)
    columns: dict[str, Any] = {
        "cell": arrow.array([row.cell for row in rows], arrow.string()),
        "device": arrow.array([row.device for row in rows], arrow.int64()),
        "substrate": arrow.array([row.substrate for row in rows], arrow.int64()),
        **{name: arrow.array([float(row.figures[name]) for row in rows], arrow.float64()) for name in NAMES},
        "failure": arrow.array([row.failure for row in rows], arrow.string()),
        "seconds": arrow.array([row.seconds for row in rows], arrow.float64()),
    }
    for head, (name, unit) in heads.items():
        texts = [row.values.get(name) for row in rows]
        numbers = [None if text is None else float(text.removesuffix(unit)) for text in texts]
        columns[head] = arrow.array(numbers, arrow.float64())
    units = {name: unit for name, unit in NAMES.items()} | {"seconds": "s"}
    fields = [
        arrow.field(name, column.type, metadata={"unit": units[name]} if name in units else None)
        for name, column in columns.items()
    ]
    told = {"perotwin": json.dumps({head: list(pair) for head, pair in heads.items()})}
    table = arrow.table(list(columns.values()), schema=arrow.schema(fields, metadata=told))
    return write_atomically(path, lambda temporary: parquet.write_table(table, temporary))


def _rows(path: Path) -> list[Row] | None:
    """The devices of a part; None where it cannot be read."""
    arrow, parquet = _arrow()
    with contextlib.suppress(OSError, arrow.ArrowException, KeyError, ValueError):
        table = parquet.read_table(path)
        heads = json.loads(table.schema.metadata[b"perotwin"])
        columns = {name: table.column(name).to_pylist() for name in table.column_names}
        made = []
        for place in range(table.num_rows):
            values = {}
            for head, (name, unit) in heads.items():
                number = columns[head][place]
                if number is not None:
                    values[name] = f"{number:.9g} {unit}".strip()
            made.append(
                Row(
                    cell=columns["cell"][place],
                    device=columns["device"][place],
                    substrate=columns["substrate"][place],
                    values=values,
                    figures={name: columns[name][place] for name in NAMES},
                    failure=columns["failure"][place],
                    seconds=columns["seconds"][place],
                )
            )
        return made
    return None
