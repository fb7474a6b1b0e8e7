"""What each recombination channel takes of the current at maximum power."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Metrics

__all__ = ["carriers"]


def carriers(jv: xr.Dataset, metrics: Metrics | None = None) -> dict[str, float]:
    """Current density (A m^-2) that each recombination channel takes at maximum power, by the channel's name.

    Args:
        jv: an illuminated curve with `channel_current` (channel, voltage). metrics: of it, where known already.

    Returns:
        Nothing where the curve does not tell its channels, or has no maximum power.
    """
    if "channel_current" not in jv:
        return {}
    if metrics is None:
        from perotwin.lab import jv as instrument

        metrics = instrument.analyse(jv)
    if "vmp" not in metrics or not np.isfinite(metrics["vmp"].value):
        return {}
    voltage = jv["voltage"].values
    order = np.argsort(voltage)
    lost = jv["channel_current"].transpose("channel", "voltage").values[:, order]
    return {
        str(name): float(np.interp(metrics["vmp"].value, voltage[order], row))
        for name, row in zip(jv["channel"].values, lost, strict=True)
    }
