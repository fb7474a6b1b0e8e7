"""Files in forms that no reader with a permissive licence exists for: they are known, and refused with what to do."""

from __future__ import annotations

from perotwin.errors import InputError
from perotwin.files.format import Format, Found
from perotwin.files.source import Source

__all__ = ["FORMATS"]


def _sniff_mpr(source: Source) -> float:
    return 1.0 if source.content.startswith(b"BIO-LOGIC MODULAR FILE") else 0.0


def _read_mpr(source: Source) -> list[Found]:
    raise InputError(
        "this is EC-Lab's own binary file (.mpr), which is not read.",
        "In EC-Lab: Experiment, Export as Text, and give the .mpt file.",
        file=source.file,
    )


FORMATS = (
    Format(
        "mpr",
        "EC-Lab binary (.mpr): refused, export as .mpt",
        ("impedance",),
        (".mpr",),
        _sniff_mpr,
        _read_mpr,
    ),
)
