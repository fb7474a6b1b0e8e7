"""What the twin says of tandems: the best one, means of batches, and what the target has more.

The top cells stand for the best of their batches, and so does the tandem that is made with them. A mean lies below it
by as much as the mean of a virtual batch lies below its most efficient device (by steady curves). Tandems are scanned
as single junctions are: in the reverse direction, at the same rate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perotwin.paper.found import Found, Rows
from perotwin.paper.rows_of_cells import champion, of_group

if TYPE_CHECKING:
    from perotwin.paper.bench import Bench

__all__ = ["ROWS"]

ROWS = Rows()
_COMMAND = "perotwin jv tandem-control tandem-target --scan reverse --rate '100 mV/s'"
_BATCH = "perotwin statistics tandem-control tandem-target"
#: how many of what people read make one in SI
_SHOWN = {"pce": (100.0, "%"), "ff": (100.0, "%"), "voc": (1.0, "V"), "jsc": (0.1, "mA/cm^2")}


@ROWS.answers("tandem.narrow_bandgap", "tandem", "perotwin eqe tandem-target")
def narrow_bandgap(bench: Bench) -> float:
    """Stated gap of the bottom cell, which is fixed by literature."""
    return float(bench.tandems["target"].absorbers[-1].gap)


@ROWS.answers("tandem.champion.pce", "tandem", _COMMAND)
def best_efficiency(bench: Bench) -> float:
    """Simulated reverse scan of the target tandem."""
    return float(bench.tandem("target")["pce"])


@ROWS.answers("tandem.champion.voc", "tandem", _COMMAND)
def best_voltage(bench: Bench) -> float:
    """Simulated reverse scan of the target tandem."""
    return float(bench.tandem("target")["voc"])


def _mean(bench: Bench, condition: str, name: str) -> Found:
    """The tandem's own figure, less what the best of a virtual batch has over its mean."""
    over = champion(bench, "tandems", condition, name) - float(
        of_group(bench, "tandems", condition, name).mean()
    )
    own = float(bench.tandem(condition)[name])
    size, unit = _SHOWN[name]
    return Found(
        own - over,
        f"{size * own:.4g} {unit} of the tandem, less {size * over:.2g} that the best of a batch is above its mean",
    )


def _declare(condition: str, name: str, row: str) -> None:
    def answer(bench: Bench) -> Found:
        return _mean(bench, condition, name)

    answer.__doc__ = (
        f"Reverse scan of the {condition} tandem, less what the most efficient of a batch has over the mean."
    )
    ROWS.answers(row, "tandem", _BATCH)(answer)


for _condition in ("control", "target"):
    for _name in ("pce", "voc", "ff"):
        _declare(_condition, _name, f"tandem.mean_{_condition}.{_name}")
    _declare(_condition, "jsc", f"tandem.derived.jsc_mean_{_condition}")


def _gain(bench: Bench, name: str) -> float:
    return _mean(bench, "target", name).value - _mean(bench, "control", name).value


@ROWS.answers("tandem.gain.voc", "tandem", _BATCH)
def gain_of_voltage(bench: Bench) -> float:
    """Means, target less reference."""
    return _gain(bench, "voc")


@ROWS.answers("tandem.gain.ff", "tandem", _BATCH)
def gain_of_fill_factor(bench: Bench) -> float:
    """Means, target less reference."""
    return _gain(bench, "ff")


@ROWS.answers("tandem.gain.pce", "tandem", _BATCH)
def gain_of_efficiency(bench: Bench) -> float:
    """Means, target less reference."""
    return _gain(bench, "pce")
