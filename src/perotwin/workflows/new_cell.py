"""A stack file of one's own from a few names: what `perotwin new` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from perotwin import measurement
from perotwin.errors import InputError
from perotwin.stack import Cell, Pair, Single, from_toml, new_text

__all__ = ["new"]

Names = str | Sequence[str] | None


def new(
    file: str | Path,
    *,
    structure: Literal["p-i-n", "n-i-p", "tandem"] = "p-i-n",
    absorber: str | None = None,
    htl: Names = None,
    etl: Names = None,
    electrodes: Names = None,
    substrate: Names = None,
    sam: str | None = None,
    top: str | None = None,
    bottom: str | None = None,
    junction: str | None = None,
) -> Cell:
    """Write a short, commented stack file that runs as it stands, and give its cell.

    Layers are names of the library of layers (`perotwin.stack.library_layers()`), several separated by commas, in the
    order in which light meets them. What is not given is usual for the structure.

    Args:
        file: where to write; ends in .toml and does not exist yet.
        structure: "p-i-n", "n-i-p" or "tandem".
        absorber: a bandgap ("1.63 eV") or a name ("mapbi3"). top, bottom: the same, of a tandem.
        htl, etl: transport layers; of a tandem those of its top. sam: a monolayer on the front electrode or on `htl`.
        electrodes: the front one, then what lies at the back. substrate: before the front electrode.
        junction: between the junctions of a tandem, a name of `perotwin.stack.joints()`.

    Raises:
        UnknownNameError: no such layer; the nearest names are offered.
        InputError: the file exists, layers that cannot work in that order, an option of another structure.
    """
    path = Path(file)
    if path.suffix != ".toml":
        raise InputError(f'"{file}" is no name of a cell\'s file.', "Let it end in .toml.", key="file")
    if path.exists():
        raise InputError(
            "there is a file of that name already.", "Give another name, or remove it.", file=str(file)
        )
    both = {
        "htl": _listed(htl), "etl": _listed(etl), "electrodes": _listed(electrodes), "substrate": _listed(substrate),
        "sam": sam,
    }  # fmt: skip
    tandem = {"top": top, "bottom": bottom, "junction": junction}
    single = {"absorber": absorber}
    is_tandem = structure == "tandem"
    for key, value in (single if is_tandem else tandem).items():
        if value is not None:
            raise InputError(
                f'a cell of structure "{structure}" has no {key}.',
                "A tandem has --top and --bottom."
                if is_tandem
                else "Choose --structure tandem, or leave it out.",
                key=key,
            )
    given: dict[str, Any] = {
        key: value for key, value in (both | (tandem if is_tandem else single)).items() if value is not None
    }
    how = " ".join(["perotwin new", path.name, f"--structure {structure}", *_options(given)])
    cell = Pair(**given) if structure == "tandem" else Single(structure=structure, **given)
    text = new_text(path.stem, cell, how)
    made = from_toml(text, file=str(file))
    measurement.write_text(path, text)
    return made


def _listed(given: Names) -> tuple[str, ...] | None:
    if given is None:
        return None
    parts = given.split(",") if isinstance(given, str) else list(given)
    return tuple(part.strip() for part in parts if part.strip())


def _options(given: dict[str, Any]) -> list[str]:
    """What was asked for, as it is written on the command line."""
    words = []
    for key, value in given.items():
        text = value if isinstance(value, str) else ",".join(value)
        words.append(f'--{key} "{text}"' if " " in text or not text else f"--{key} {text}")
    return words
