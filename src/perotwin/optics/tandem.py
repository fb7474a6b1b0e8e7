"""temporary"""
from __future__ import annotations
from dataclasses import dataclass, replace
import numpy as np
from perotwin.optics.generation import Absorption, absorb
from perotwin.optics.emission import Emission, emit

@dataclass(frozen=True)
class Coupling:
    source: str
    into: str
    share: float
    profile: object

@dataclass(frozen=True)
class Parts:
    whole: object
    emission: object
    absorption: tuple
    emissions: tuple
    coupling: tuple

def parts(tandem, faces_top, faces_bottom, *, light=True):
    depth = faces_top[-1]
    faces = np.concatenate((faces_top, depth + faces_bottom[1:]))
    whole = absorb(tandem, faces) if light else None
    emission = emit(tandem)
    n = len(faces_top) - 1
    found = []
    for which, rows, f in (("top", slice(0, n), faces_top), ("bottom", slice(n, None), faces_bottom)):
        if whole is None:
            found.append(None); continue
        fac = float(getattr(tandem, which).light.intensity)
        found.append(replace(whole, faces=f, generation=fac*whole.generation[rows], spectral=whole.spectral[:, rows], notes=(), checks={}))
    ems = []
    for which in ("top", "bottom"):
        pre = which + " "
        ems.append(Emission(emission.temperature, {k[len(pre):]: v for k, v in emission.absorbers.items() if k.startswith(pre)}, {}, ()))
    e = emission["top perovskite"]
    share = e.taken.get("bottom perovskite", 0.0) / e.net
    prof = whole.generation[n:] / whole.generation[n:].sum() if light else np.zeros(len(faces_bottom) - 1)
    return Parts(whole, emission, tuple(found), tuple(ems), (Coupling("perovskite", "perovskite", share, prof),))
