"""XML and zip archives from files that nobody vouches for: bounded, without entities, nothing unpacked to disk."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from perotwin.errors import InputError, shown

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["members", "root_of"]

#: most members of an archive, bytes of all of them, and of one XML text
_MOST_MEMBERS, _MOST_BYTES, _MOST_XML = 5000, 60_000_000, 40_000_000
#: marks of an XML text: each becomes an object of some hundred bytes
_MOST_TAGS = 1_000_000


def members(content: bytes, wanted: Callable[[str], bool], what: str) -> dict[str, bytes]:
    """The members of a zip archive whose names are wanted, by name.

    Args:
        content: of the archive. what: it is, for messages.

    Raises:
        InputError: it is no archive, is damaged, or unpacks to more than any measurement.
    """
    advice = "Copy the file again, or export the measurement as text."
    # NotImplementedError is what zipfile makes of a version or a compression that it does not know
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        listed = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError, IndexError) as error:
        raise InputError(f"this {what} is damaged: {shown(str(error), 80)}.", advice) from None
    if len(listed) > _MOST_MEMBERS:
        raise InputError(f"this {what} holds {len(listed)} parts, more than any measurement.", advice)
    kept = [one for one in listed if wanted(one.filename)]
    if sum(one.file_size for one in kept) > _MOST_BYTES:
        raise InputError(
            f"this {what} unpacks to more than {_MOST_BYTES / 1e6:g} MB, which no measurement does.", advice
        )
    found: dict[str, bytes] = {}
    for one in kept:
        try:
            with archive.open(one) as stream:
                found[one.filename] = stream.read(one.file_size + 1)
        except (
            zipfile.BadZipFile,
            zlib.error,
            ValueError,
            OSError,
            EOFError,
            RuntimeError,
            NotImplementedError,
        ) as error:
            raise InputError(f"a part of this {what} is damaged: {shown(str(error), 80)}.", advice) from None
    return found


def refuse_entities(content: bytes, what: str) -> None:
    """
    Raises:
        InputError: an XML text declares a document type or entities (no instrument does), or is too long.
    """
    if len(content) > _MOST_XML:
        raise InputError(f"this {what} holds {len(content) / 1e6:.0f} MB of XML.", "Export a part of it.")
    if content.count(b"<") > _MOST_TAGS:
        raise InputError(f"this {what} holds more than {_MOST_TAGS} marks of XML.", "Export a part of it.")
    plain = content.replace(b"\0", b"").upper()  # UTF-16 as well
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
        raise InputError(
            f"this {what} declares entities, which no instrument does and which can harm a computer.",
            "Ask where the file comes from.",
        )


def root_of(content: bytes, what: str) -> Element:
    """The root of an XML text.

    Raises:
        InputError: it is none, is damaged, or declares entities.
    """
    from xml.etree import ElementTree

    refuse_entities(content, what)
    try:
        return ElementTree.fromstring(content.lstrip(b"\r\n\t "))
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(
            f"the XML of this {what} is damaged: {shown(str(error), 80)}.",
            "The file is not whole: copy or export it again.",
        ) from None
