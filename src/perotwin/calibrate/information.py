"""What data tell, and what they cannot: identified numbers, groups of which only a combination is known, in words.

    told = told_by(fit)
    told.groups[0].words        # "niox|perovskite.velocity and perovskite|c60.velocity: only their sum ..."

All follows from the covariance on the scales. A direction in which its standard deviation is more than a quarter (of a
logarithm, or of a quarter of the bounds' distance) is one that the data do not tell; the numbers that take part in such
a direction form a group, and what the group's other directions are is what is known of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perotwin.calibrate.least_squares import Fit
from perotwin.calibrate.parameters import Log, Parameter

__all__ = ["Group", "Told", "identified", "sizes", "told_by", "weak_groups"]

F64 = NDArray[np.float64]

#: standard deviation on the scale (in units of a parameter's size) below which a number is identified
KNOWN = 0.25
#: bounds must lie so many standard deviations away
_INSIDE = 2.0
#: part of a weak direction from which on a number takes part in it
_PART = 0.25
#: correlation from which on a number is said to go with another that is not known
_GOES = 0.5
#: how well weights must agree for a sum, a product or a ratio, and how far apart they may be in a weighted sum
_ALIKE, _WEIGHTED = 0.25, 20.0


@dataclass(frozen=True)
class Group:
    """Numbers of which the data tell fewer combinations than there are numbers.

    Attributes:
        members: indices of the parameters. weak: directions among them that are not told.
        kind: "alone", "sum", "weighted sum", "product", "ratio", "difference" or "combination": what is known of them.
        direction: (P,) the weakest direction on the scales, of unit length in units of the sizes.
        sd: along it, in units of the sizes; infinite where nothing tells it.
        words: as a sentence.
    """

    members: tuple[int, ...]
    weak: int
    kind: str
    direction: F64
    sd: float
    words: str


@dataclass(frozen=True)
class Told:
    """What data tell of parameters.

    Attributes:
        identified: (P,) whether each is. sd: (P,) on the scales. groups: what is not.
        prior_only: (P,) whether what is known of a number comes from its prior and not from the data.
    """

    identified: NDArray[np.bool_]
    sd: F64
    groups: tuple[Group, ...]
    prior_only: NDArray[np.bool_]


def sizes(parameters: Sequence[Parameter]) -> F64:
    """(P,) what counts as one on each scale: a factor e, or a quarter of the distance of the bounds."""
    return np.array([1.0 if isinstance(one.scale, Log) else 0.25 * one.span for one in parameters])


def identified(parameters: Sequence[Parameter], coordinates: F64, sd: F64) -> NDArray[np.bool_]:
    """(P,) whether numbers are known: to a quarter of their size, with both bounds two standard deviations away."""
    size = sizes(parameters)
    found = []
    for one, at, width, unit in zip(parameters, coordinates, sd, size, strict=True):
        low, high = one.ends
        inside = math.isfinite(width) and at - _INSIDE * width > low and at + _INSIDE * width < high
        found.append(bool(inside and width < KNOWN * unit))
    return np.array(found, dtype=bool)


def told_by(fit: Fit) -> Told:
    """What a fit's data tell."""
    parameters = fit.parameters
    known = identified(parameters, fit.coordinates, fit.sd)
    prior = np.array([math.inf if one.prior is None else one.prior.sd for one in parameters])
    of_data = np.sqrt(np.maximum(np.diag(_without_priors(fit)), 0.0))
    with np.errstate(invalid="ignore"):
        alone = np.isfinite(prior) & ~(of_data < 2.0 * prior)
    free = [i for i, one in enumerate(parameters) if one.prior is None]
    return Told(known, fit.sd, weak_groups(parameters, fit.values, fit.covariance, free), alone)


def _without_priors(fit: Fit) -> F64:
    """(P, P) covariance of the coordinates as the data alone would have it, other numbers' priors kept."""
    from perotwin.calibrate.least_squares import covariance_of

    information = fit.jacobian.T @ fit.jacobian
    widths = np.array([0.0 if one.prior is None else one.prior.sd**-2.0 for one in fit.parameters])
    found = np.zeros_like(information)
    for index in range(len(fit.parameters)):
        others = widths.copy()
        others[index] = 0.0
        found[index, index] = covariance_of(information + np.diag(others))[index, index]
    return found


def weak_groups(
    parameters: Sequence[Parameter], values: F64, covariance: F64, among: Sequence[int]
) -> tuple[Group, ...]:
    """The groups of numbers of which only combinations are known.

    Args:
        values: (P,) SI. covariance: (P, P) on the scales. among: indices of the parameters that are looked at.
    """
    among = list(among)
    if not among:
        return ()
    size = sizes(parameters)[among]
    scaled = covariance[np.ix_(among, among)] / np.outer(size, size)
    lost = ~np.isfinite(np.diag(scaled))
    # what nothing tells has a variance far beyond all others
    scaled = np.where(np.isfinite(scaled), scaled, 0.0)
    scaled[lost, lost] = 1e12
    weights, axes = np.linalg.eigh(0.5 * (scaled + scaled.T))
    spans = np.array([parameters[i].span for i in among]) / size
    # nothing is less known than that it lies between its bounds
    weak = np.sqrt(np.maximum(weights, 0.0)) > KNOWN
    if not weak.any():
        return ()
    projector = axes[:, weak] @ axes[:, weak].T
    linked = np.abs(projector) > _PART * np.sqrt(np.outer(np.diag(projector), np.diag(projector)))
    linked &= np.minimum.outer(np.diag(projector), np.diag(projector)) > _PART**2
    left = [i for i in range(len(among)) if projector[i, i] > _PART**2]
    left += _along(scaled, left, linked)
    groups: list[Group] = []
    while left:
        members, queue = [], [left.pop(0)]
        while queue:
            here = queue.pop()
            members.append(here)
            more = [other for other in left if linked[here, other]]
            left = [other for other in left if other not in more]
            queue += more
        members.sort()
        part = scaled[np.ix_(members, members)]
        inner, inner_axes = np.linalg.eigh(part)
        directions = int((np.sqrt(np.maximum(inner, 0.0)) > KNOWN).sum())
        if directions == 0:
            continue
        strongest = inner_axes[:, -1]
        spread = min(math.sqrt(max(float(inner[-1]), 0.0)), float(spans[members].max()))
        kind = _kind([parameters[among[i]] for i in members], values[[among[i] for i in members]], strongest,
                     size[members], directions)  # fmt: skip
        slopes = [parameters[among[i]].scale.slope(float(values[among[i]])) for i in members]
        weights_of = np.abs(strongest * size[members] * np.array(slopes))
        direction = np.zeros(len(parameters))
        direction[[among[i] for i in members]] = strongest
        names = [parameters[among[i]].name for i in members]
        groups.append(
            Group(
                tuple(among[i] for i in members), directions, kind, direction,
                math.inf if inner[-1] > 1e9 else spread, _words(names, kind, directions, weights_of),
            )
        )  # fmt: skip
    return tuple(groups)


def _along(scaled: F64, left: Sequence[int], linked: NDArray[np.bool_]) -> list[int]:
    """What is not known for the sole reason that another number is not, by a covariance in units of the sizes: too
    small a part of a weak direction to be seen in it. Linked to the number that it goes with."""
    sd = np.sqrt(np.diag(scaled))
    found = [i for i in range(sd.size) if sd[i] > KNOWN and i not in left]
    for i in found:
        goes = np.abs(scaled[i] / (sd[i] * np.where(sd > 0.0, sd, np.inf)))
        with_it = max(left, key=lambda j: float(goes[j]), default=None)
        if with_it is not None and goes[with_it] > _GOES:
            linked[i, with_it] = linked[with_it, i] = True
    return found


def _kind(members: Sequence[Parameter], values: F64, direction: F64, size: F64, directions: int) -> str:
    """What is known of some numbers, by the direction in which they are not."""
    if len(members) == 1:
        return "alone"
    if len(members) > 2 or directions > 1:
        return "combination"
    along = direction * size
    logs = all(isinstance(one.scale, Log) for one in members)
    slopes = np.array([one.scale.slope(float(v)) for one, v in zip(members, values, strict=True)])
    moved = along * slopes

    def alike(a: float, b: float) -> bool:
        return abs(a - b) < _ALIKE * max(abs(a), abs(b))

    same_kind = members[0].dimension == members[1].dimension
    # what a weak direction leaves as it is, is known
    if same_kind and alike(moved[0], -moved[1]):
        return "sum"
    if same_kind and moved[0] * moved[1] < 0.0 and 1.0 / _WEIGHTED < abs(moved[0] / moved[1]) < _WEIGHTED:
        return "weighted sum"
    if logs and alike(along[0], -along[1]):
        return "product"
    if logs and alike(along[0], along[1]):
        return "ratio"
    if same_kind and alike(moved[0], moved[1]):
        return "difference"
    return "combination"


def _words(names: Sequence[str], kind: str, weak: int, moved: F64) -> str:
    """As a sentence; `moved`: by how much each moves (SI) in the direction that is not told."""
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    if kind == "alone":
        return listed
    if kind in ("sum", "product", "ratio", "difference"):
        return f"{listed}: only their {kind}"
    if kind == "weighted sum":
        # what moves less in that direction weighs more in the sum that does not move
        low, high = (0, 1) if moved[0] < moved[1] else (1, 0)
        return f"{listed}: only a weighted sum, {moved[high] / moved[low]:.2g} of {names[low]} to 1 of {names[high]}"
    known = len(names) - weak
    if known == 0:
        return f"{listed}: none of them"
    number = "one combination" if known == 1 else f"{known} combinations"
    return f"{listed}: only {number} of the {len(names)}"
