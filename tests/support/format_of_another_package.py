"""What another package brings: a format of files."""

from perotwin.files.format import Format

FORMATS = [
    Format(
        "singing",
        "songs",
        ("song",),
        (".song",),
        lambda source: float("la la" in source.head),
        lambda source: [],
    )
]
