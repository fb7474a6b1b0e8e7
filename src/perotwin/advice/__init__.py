"""Which change of a cell pays most, for the cell and for a tandem made with it.

advise(cell)     # what each attainable change gains, alone and in pairs, with intervals
changes()        # what may be changed, to what, and on what that rests
"""

from perotwin.advice.advise import Advice, Entry, Gain, Pair, advise
from perotwin.advice.changes import Applied, Change, LeftOut, changes, read_changes

__all__ = [
    "Advice",
    "Applied",
    "Change",
    "Entry",
    "Gain",
    "LeftOut",
    "Pair",
    "advise",
    "changes",
    "read_changes",
]
