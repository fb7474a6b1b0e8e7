"""Images of scanning electron microscopes with their scale: TIFF of Zeiss (tag 34118), of FEI or Thermo Fisher (tags
34682, 34680) and of Tescan (tag 50431)."""

from __future__ import annotations

import io
import re
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.files.format import Format, Found, dataset_of
from perotwin.files.source import Source

__all__ = ["FORMATS", "scale_of"]

F64 = NDArray[np.float64]

_ZEISS, _FEI, _TESCAN = 34118, (34682, 34680), 50431
_MOST_PIXELS = 60_000_000
_UNITS = {"m": 1.0, "mm": 1e-3, "um": 1e-6, "µm": 1e-6, "μm": 1e-6, "nm": 1e-9, "pm": 1e-12}
_ZEISS_SIZE = re.compile(
    r"AP_(?:IMAGE_)?PIXEL_SIZE\s+(?:Image )?Pixel Size\s*=\s*([0-9.eE+-]+)\s*(\S+)", re.IGNORECASE
)


def scale_of(tags: dict[int, str]) -> tuple[float, float, str] | None:
    """Width and height of a pixel (m) and whose tag said so; None where no tag does.

    Args:
        tags: numbers of TIFF tags and their texts.
    """
    zeiss = _ZEISS_SIZE.search(tags.get(_ZEISS, ""))
    if zeiss is not None:
        size = float(zeiss[1]) * _UNITS.get(zeiss[2], float("nan"))
        if size > 0.0:
            return size, size, "Zeiss"
    for number in _FEI:
        text = tags.get(number, "")
        width, height = (
            re.search(rf"(?m)^{name}\s*=\s*([0-9.eE+-]+)\s*$", text) for name in ("PixelWidth", "PixelHeight")
        )
        if width is not None and float(width[1]) > 0.0:
            return float(width[1]), float((height or width)[1]), "FEI"
    tescan = [re.search(rf"PixelSize{axis}\s*=\s*([0-9.eE+-]+)", tags.get(_TESCAN, "")) for axis in "XY"]
    if tescan[0] is not None and float(tescan[0][1]) > 0.0:
        return float(tescan[0][1]), float((tescan[1] or tescan[0])[1]), "Tescan"
    return None


def _opened(source: Source) -> tuple[F64, dict[int, str]]:
    """Shades (N, M) and the texts of the tags."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(source.content), formats=["TIFF"]) as opened:
                if opened.width * opened.height > _MOST_PIXELS:
                    raise InputError(
                        f"the image has {opened.width} x {opened.height} pixels.",
                        "Give a part of it.",
                        file=source.file,
                    )
                held: Any = getattr(opened, "tag_v2", {})
                tags = {number: _text(held.get(number, "")) for number in (_ZEISS, *_FEI, _TESCAN)}
                coloured = opened.mode in ("P", "RGB", "RGBA", "1", "LA", "CMYK")
                shades = np.asarray(opened.convert("L") if coloured else opened, float)
    except (
        OSError,
        ValueError,
        SyntaxError,
        TypeError,
        KeyError,
        EOFError,
        Image.DecompressionBombError,
    ) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            "the image cannot be decoded: the file is damaged, or packed in a way that is not known.",
            "Save it again as an ordinary TIFF.",
            file=source.file,
        ) from None
    if shades.ndim != 2 or min(shades.shape) < 2:
        raise InputError("the file holds no image of one shade a pixel.", "Give one image.", file=source.file)
    return shades, tags


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("cp1252", "replace")
    if isinstance(value, tuple):
        value = value[0] if value else ""
        return _text(value)
    return str(value)


def _read(source: Source) -> list[Found]:
    shades, tags = _opened(source)
    scale = scale_of(tags)
    notes = []
    coordinates: dict[str, Any] = {}
    if scale is None:
        if source.asked.instrument != "sem":
            raise InputError(
                "the image holds no scale of a microscope (tags of Zeiss, FEI or Tescan).",
                "If it is one of an electron microscope, say so (--as sem): lengths are then in pixels.",
                file=source.file,
            )
        notes.append("the image holds no scale: lengths are in pixels.")
    else:
        width, height, maker = scale
        rows, columns = shades.shape
        coordinates = {
            "x": ("x", (np.arange(columns) + 0.5) * width, {"units": "m"}),
            "y": ("y", (np.arange(rows) + 0.5) * height, {"units": "m"}),
        }
        notes.append(f"{width * 1e9:.4g} nm a pixel, by the tag of {maker}.")
    fei = next((tags[number] for number in _FEI if tags.get(number)), "")
    bar = re.search(r"(?m)^DatabarHeight\s*=\s*(\d+)", fei)
    banner = min(int(bar[1]), shades.shape[0] - 2) if bar else None
    if banner is not None:
        notes.append(f"the lowest {banner} rows are the legend, as the tag says.")
    zeiss = tags.get(_ZEISS, "")
    dataset = dataset_of(
        "sem",
        source,
        {"brightness": (("y", "x"), shades)},
        coordinates,
        notes=notes,
        banner=banner,
        pixel=scale[0] if scale else None,
        magnification=_entry(zeiss, "AP_MAG"),
        detector=_entry(zeiss, "DP_DETECTOR_CHANNEL") or _entry(zeiss, "DP_DETECTOR_TYPE"),
        acceleration=_entry(zeiss, "AP_ACTUALKV") or _entry(zeiss, "AP_MANUALKV"),
    )
    return [Found(dataset)]


def _entry(text: str, key: str) -> str | None:
    """What a tag of Zeiss says of something: "20.00 K X"."""
    found = re.search(rf"{key}\s+[^=\r\n]*=\s*([^\r\n]*)", text)
    return " ".join(found[1].split())[:60] if found else None


def _sniff(source: Source) -> float:
    if source.content[:4] not in (b"II*\0", b"MM\0*"):
        return 0.0
    known = any(
        mark in source.content
        for mark in (b"AP_PIXEL_SIZE", b"AP_IMAGE_PIXEL_SIZE", b"PixelWidth=", b"PixelSizeX=")
    )
    return 0.97 if known else 0.4


FORMATS = (
    Format(
        "sem_tif",
        "images of electron microscopes (TIFF of Zeiss, FEI, Tescan)",
        ("sem",),
        (".tif", ".tiff"),
        _sniff,
        _read,
    ),
)
