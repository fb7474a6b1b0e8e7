"""Luminescence decays as photon counters store them: PicoQuant (.ptu), Becker & Hickl (.sdt)."""

from __future__ import annotations

import contextlib
import io
import logging
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError, shown
from perotwin.files.format import Format, Found, dataset_of
from perotwin.files.source import Source

__all__ = ["FORMATS"]

F64 = NDArray[np.float64]

#: number of a marker of lines and frames
_MOST_MARKER = 32
#: bins of a histogram, bytes of the packed blocks of a file
_MOST_BINS, _MOST_UNPACKED = 4_000_000, 300_000_000


def _decay(source: Source, time: F64, counts: F64, name: str, notes: list[str], **about: Any) -> Found:
    dataset = dataset_of(
        "trpl",
        source,
        {"counts": ("time", counts)},
        {"time": ("time", time, {"units": "s"})},
        name=name,
        notes=notes,
        **about,
    )
    return Found(dataset)


@contextlib.contextmanager
def _quiet(library: str) -> Iterator[None]:
    """Without what a library logs: what matters of it is told as a note."""
    log = logging.getLogger(library)
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def _missing(source: Source, maker: str) -> InputError:
    return InputError(
        f"files of {maker} are read by another package, which is not here.",
        'pip install "perotwin[files]", or export the histogram as text.',
        file=source.file,
    )


def _damaged(source: Source, fault: BaseException) -> InputError:
    return InputError(
        f"the file cannot be decoded ({shown(str(fault), 100) or type(fault).__name__}).",
        "It is not whole, or of a kind that is not known: export the histogram as text.",
        file=source.file,
    )


def _read_ptu(source: Source) -> list[Found]:
    try:
        import ptufile
    except ImportError:
        raise _missing(source, "PicoQuant") from None
    try:
        with _quiet("ptufile"), ptufile.PtuFile(io.BytesIO(source.content)) as ptu:
            for name in ("ImgHdr_LineStart", "ImgHdr_LineStop", "ImgHdr_Frame"):
                # the library takes 2 to the power of these markers
                if not 0 <= int(ptu.tags.get(name) or 0) <= _MOST_MARKER:
                    raise InputError(
                        "a marker of an image is none.", "The file is damaged.", file=source.file
                    )
            if not ptu.is_t3:
                raise InputError(
                    "the photons are recorded without their time after the pulse (T2).",
                    "Record in T3 mode, or export a histogram.",
                    file=source.file,
                )
            step, period = float(ptu.tcspc_resolution), float(ptu.number_bins_in_period)
            if not step > 0.0 or not 1.0 < period <= _MOST_BINS:
                raise InputError(
                    f"bins of {step:g} s and {period:g} of them a period are none.",
                    "The file is damaged.",
                    file=source.file,
                )
            records, announced = ptu.read_records(), int(ptu.number_records)
            histogram = np.asarray(ptu.decode_histogram(records=records, dtime=0), float)
            repetition = float(ptu.frequency)
            image = bool(ptu.is_image)
    except InputError:
        raise
    except Exception as fault:  # a damaged file fails in the library's own ways
        raise _damaged(source, fault) from None
    found = []
    channels = [at for at in range(histogram.shape[0]) if histogram[at].any()]
    for channel in channels:
        notes = [f"photons of channel {channel + 1} in bins of {step * 1e12:.4g} ps."]
        if len(records) != announced:
            notes.append(
                f"{announced} records are announced and {len(records)} are there: the file ends early."
            )
        if image:
            notes.append("an image: the photons of all its pixels together.")
        found.append(
            _decay(
                source,
                np.asarray(step * np.arange(histogram.shape[1]), np.float64),
                np.asarray(histogram[channel], np.float64),
                source.path.stem if len(channels) == 1 else f"{source.path.stem} channel {channel + 1}",
                notes,
                period=1.0 / repetition if repetition > 0.0 else None,
            )
        )
    if not found:
        raise InputError(
            "the file holds no photons.", "Look whether the measurement was complete.", file=source.file
        )
    return found


def _read_sdt(source: Source) -> list[Found]:
    try:
        import sdtfile
    except ImportError:
        raise _missing(source, "Becker & Hickl") from None
    _refuse_bombs(source)
    try:
        with sdtfile.SdtFile(source.path) as sdt:
            blocks = list(zip(sdt.times, sdt.data, strict=True))
    except Exception as fault:  # a damaged file fails in the library's own ways
        raise _damaged(source, fault) from None
    found = []
    for number, (time, data) in enumerate(blocks, 1):
        counts = np.asarray(data, float)
        if counts.ndim == 0 or counts.shape[-1] != np.size(time) or not 1 < np.size(time) <= _MOST_BINS:
            raise InputError(
                f"block {number} holds no histogram.", "Export the decay as text.", file=source.file
            )
        if not np.all(np.diff(time) > 0.0) or float(time[-1]) > 1.0:
            raise InputError(
                f"block {number} has no scale of time.", "Export the decay as text.", file=source.file
            )
        several = counts.reshape(-1, counts.shape[-1])
        notes = []
        # pixels of an image are one decay; the curves of a sequence are too, and are said to be
        if several.shape[0] > 1:
            notes.append(f"the sum of {several.shape[0]} curves or pixels.")
        found.append(
            _decay(
                source,
                np.asarray(time, float),
                np.asarray(several.sum(axis=0), float),
                source.path.stem if len(blocks) == 1 else f"{source.path.stem} {number}",
                notes,
            )
        )
    if not found:
        raise InputError(
            "the file holds no data.", "Look whether the measurement was complete.", file=source.file
        )
    return found


def _refuse_bombs(source: Source) -> None:
    """Blocks may be packed as zip archives within the file; what they say to unpack to is bounded."""
    total, at = 0, source.content.find(b"PK\x01\x02")
    while at >= 0 and at + 28 <= len(source.content):
        total += struct.unpack_from("<I", source.content, at + 24)[0]
        at = source.content.find(b"PK\x01\x02", at + 4)
    if total > _MOST_UNPACKED:
        raise InputError(
            f"its blocks unpack to {total / 1e6:.0f} MB, more than any decay.",
            "Export the decay as text.",
            file=source.file,
        )


def _sniff_ptu(source: Source) -> float:
    return 0.99 if source.content.startswith(b"PQTTTR") else 0.0


def _sniff_sdt(source: Source) -> float:
    known = b"SPC Setup & Data File" in source.content[:4000] or b"SPC DLL Data File" in source.content[:4000]
    return 0.97 if known else 0.0


FORMATS = (
    Format("picoquant", "photon records of PicoQuant (.ptu)", ("trpl",), (".ptu",), _sniff_ptu, _read_ptu),
    Format(
        "becker_hickl", "histograms of Becker & Hickl (.sdt)", ("trpl",), (".sdt",), _sniff_sdt, _read_sdt
    ),
)
