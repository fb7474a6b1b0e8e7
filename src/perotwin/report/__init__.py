"""What a person or a program reads: tables, one offline HTML page, machine output."""

from perotwin.report.result import CellResult

__all__ = ["CellResult"]
