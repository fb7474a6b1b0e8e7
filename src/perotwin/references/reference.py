"""One citable work."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Reference"]


@dataclass(frozen=True)
class Reference:
    """One citable work.

    Attributes
    ----------
    key : what files and docstrings write.
    text : authors, title, journal, year.
    link : a DOI ("doi:..."), an arXiv number or a repository; empty where the work has none yet.
    """

    key: str
    text: str
    link: str = ""

    def __str__(self) -> str:
        return f"{self.text}. {self.link}".strip() if self.link else f"{self.text}."
