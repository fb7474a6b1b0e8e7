"""What a long trace tells of mechanisms: laws of power that follow from them, fitted beside the curves that describe
it.

    found = rates_of(fits(time, power))

A mechanism leaves its shape in the power. Traps that are made at a constant rate shorten the lifetime as 1/(1 + k t),
and a voltage falls with the logarithm of that; patches that grow from their edges cover the face along a logistic
curve; domains fill along an exponential, which is over in hours, while traps go on. The law says the rate k in what
was seen, without
any cell: that is all that a power alone knows. Which law is likelier than which is told by AICc beside the descriptive
curves of `lab.degradation`, whose whitening and intervals these fits take.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perotwin.lab import degradation
from perotwin.lab.degradation import Fit, Model
from perotwin.measurement.metrics import Metric

__all__ = ["LAWS", "Law", "fits", "rates_of"]

F64 = NDArray[np.float64]


def _traps(time: F64, tau: F64) -> F64:
    return np.array([np.ones(time.size), np.log1p(time / tau[0])]).T


def _patches(time: F64, tau: F64) -> F64:
    """Logistic growth of time constant tau_0 with its middle at tau_1, less what is bare from the start."""
    grown = 1.0 / (1.0 + np.exp(np.clip((tau[1] - time) / tau[0], -500.0, 500.0)))
    fresh = 1.0 / (1.0 + np.exp(np.clip(tau[1] / tau[0], -500.0, 500.0)))
    return np.array([np.ones(time.size), (grown - fresh) / (1.0 - fresh)]).T


def _domains_and_traps(time: F64, tau: F64) -> F64:
    return np.array([np.ones(time.size), -np.expm1(-time / tau[0]), np.log1p(time / tau[1])]).T


@dataclass(frozen=True)
class Law:
    """A law of the power that a mechanism leaves.

    Attributes:
        model: as `lab.degradation` fits it. rates: names of the rates, one for each of its times, in their order; ""
            for a time that is none. words: what it says.
    """

    model: Model
    rates: tuple[str, ...]
    words: str


LAWS = (
    Law(
        Model("traps at a constant rate", 1, _traps, ((0.01,), (0.3,))),
        ("trap_growth_rate",),
        "the lifetime falls as 1/(1 + k t), a voltage with the logarithm",
    ),
    Law(
        Model("patches from their edges", 2, _patches, ((0.2, 0.5), (0.1, 1.0), (0.5, 0.2))),
        ("patch_growth_rate", ""),
        "the bare share follows db/dt = k b (1 - b)",
    ),
    Law(
        Model("domains, then traps", 2, _domains_and_traps, ((0.02, 0.3), (0.1, 1.0))),
        ("domain_rate", "trap_growth_rate"),
        "domains fill at a rate, and traps go on at a constant one",
    ),
)


def fits(time: F64, value: F64) -> list[Fit]:
    """Laws and descriptive curves fitted to an envelope, the likeliest first.

    Args:
        time: (N,) s, ascending. value: (N,) of the envelope (`lab.degradation.envelope`).

    Raises:
        InputError: too short a trace, or too few points.
    """
    # the logarithm of the descriptive curves is the law of traps by another name
    others = tuple(one for one in degradation.MODELS if one.name != "logarithm")
    return degradation.fit(time, value, (*others, *(law.model for law in LAWS)))


def rates_of(found: list[Fit]) -> dict[str, dict[str, Metric]]:
    """Rates (s^-1) by law, with the interval in words and a standard error.

    A rate whose time lies far outside the data is not told: its error has no bound then.
    """
    from scipy.stats import t as student

    known = {law.model.name: law for law in LAWS}
    made: dict[str, dict[str, Metric]] = {}
    for one in found:
        law = known.get(one.model)
        if law is None:
            continue
        rows: dict[str, Metric] = {}
        for number, name in enumerate(law.rates):
            if not name:
                continue
            rate = 1.0 / float(one.times[number])
            error = float(np.sqrt(max(one.covariance[number, number], 0.0)))
            reach = float(student.ppf(0.975, max(one.spare, 1.0))) * error
            edge = abs(np.log(float(one.times[number]) / one.length)) > _EDGE
            if edge or not np.isfinite(reach) or reach > _UNBOUNDED:
                words = f"{law.words}; not told: the trace does not bound it"
                rows[name] = Metric(float("nan"), "Hz", words)
                continue
            low, high = (3600.0 * rate * float(np.exp(sign * reach)) for sign in (-1.0, 1.0))
            rows[name] = Metric(
                rate, "Hz", f"{law.words}; 95 % interval {low:.3g} to {high:.3g} per h, noise correlated by "
                f"{one.correlation:.2f} from bin to bin", rate * error,
            )  # fmt: skip
        made[one.model] = rows
    return made


#: logarithm of a rate's half interval from which on it is not bounded, and of a time over the length of the data
_UNBOUNDED, _EDGE = 5.0, float(np.log(5e3))


def interval(one: Fit, number: int = 0, confidence: float = 0.95) -> tuple[float, float]:
    """Ends of the interval of a rate (s^-1): that of the time of that number."""
    from scipy.stats import t as student

    error = float(np.sqrt(max(one.covariance[number, number], 0.0)))
    reach = float(student.ppf(0.5 + 0.5 * confidence, max(one.spare, 1.0))) * error
    rate = 1.0 / float(one.times[number])
    return rate * float(np.exp(-reach)), rate * float(np.exp(reach))
