"""All that a cell's equations are made of as one row of numbers: how answers follow them, and how they follow a field.

row = numbers_of(device, net, generation, held)
numbers_in(device, net, row).layer[m, dv.MU_N]
places_of(device, net).layer[m, dv.MU_N]    # its place in the row
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.compiled import compiled
from perotwin.transport.device import Device
from perotwin.transport.kernels.circuit import Net

F64 = NDArray[np.float64]

#: fields of `Numbers` that are the device's own, and those of the circuit
_OF_DEVICE = (
    "layer", "trap", "face_trap", "barrier", "contact", "ion", "motion", "volume", "spacing", "fixed_charge",
)  # fmt: skip
_OF_NET = ("leak", "area", "resistance", "width", "share", "profile")


class Numbers(NamedTuple):
    """Views into one row; shapes as in `device.Device` and `kernels.circuit.Net`."""

    layer: F64
    trap: F64
    face_trap: F64
    barrier: F64
    contact: F64
    ion: F64
    motion: F64
    volume: F64  # (S,)
    spacing: F64  # (S,)
    fixed_charge: F64  # (S,)
    held: F64  # (S,) charge of ions that do not move, m^-3
    generation: F64  # (S,) pairs per area and time of each site, m^-2 s^-1
    leak: F64  # (D,)
    area: F64  # (D,)
    resistance: F64  # (R,)
    width: F64  # (R,)
    share: F64  # (L,)
    profile: F64  # (P,)
    vt: F64  # (1,)


def numbers_of(device: Device, net: Net, generation: F64, held: F64) -> F64:
    """The row of a cell."""
    parts = [np.ravel(getattr(device, name)) for name in _OF_DEVICE]
    parts += [held, generation]
    parts += [np.ravel(getattr(net, name)) for name in _OF_NET]
    return np.concatenate([*parts, [device.vt]])


def width_of(device: Device, net: Net) -> int:
    """How many numbers there are."""
    own = sum(getattr(device, name).size for name in _OF_DEVICE)
    return own + 2 * device.volume.size + sum(getattr(net, name).size for name in _OF_NET) + 1


@compiled
def numbers_in(dev, net, row):
    """The numbers that a row holds."""
    sites = dev.volume.size
    a = 0
    b = a + dev.layer.size
    layer = row[a:b].reshape(dev.layer.shape)
    a, b = b, b + dev.trap.size
    trap = row[a:b].reshape(dev.trap.shape)
    a, b = b, b + dev.face_trap.size
    face_trap = row[a:b].reshape(dev.face_trap.shape)
    a, b = b, b + dev.barrier.size
    barrier = row[a:b].reshape(dev.barrier.shape)
    a, b = b, b + dev.contact.size
    contact = row[a:b].reshape(dev.contact.shape)
    a, b = b, b + dev.ion.size
    ion = row[a:b].reshape(dev.ion.shape)
    a, b = b, b + dev.motion.size
    motion = row[a:b].reshape(dev.motion.shape)
    five = b
    b += 5 * sites
    leak = row[b : b + net.leak.size]
    b += net.leak.size
    area = row[b : b + net.area.size]
    b += net.area.size
    resistance = row[b : b + net.resistance.size]
    b += net.resistance.size
    width = row[b : b + net.width.size]
    b += net.width.size
    share = row[b : b + net.share.size]
    b += net.share.size
    profile = row[b : b + net.profile.size]
    b += net.profile.size
    return Numbers(
        layer,
        trap,
        face_trap,
        barrier,
        contact,
        ion,
        motion,
        row[five : five + sites],
        row[five + sites : five + 2 * sites],
        row[five + 2 * sites : five + 3 * sites],
        row[five + 3 * sites : five + 4 * sites],
        row[five + 4 * sites : five + 5 * sites],
        leak,
        area,
        resistance,
        width,
        share,
        profile,
        row[b : b + 1],
    )


def numbers_at(device: Device, net: Net, row: NDArray[Any]) -> Numbers:
    """`numbers_in` as Python: the compiled form would unpack the whole device."""
    found: Numbers = getattr(numbers_in, "py_func", numbers_in)(device, net, row)
    return found


def places_of(device: Device, net: Net) -> Numbers:
    """The place of each number in the row, in the shapes of the numbers themselves."""
    return numbers_at(device, net, np.arange(width_of(device, net)))
