"""Files of current-voltage curves whose Voc is known."""

from pathlib import Path

import numpy as np


def curve(path: Path, voc: float, jsc: float, rising: bool = True, area: str = "") -> Path:
    """A file of an ideal diode, 10 mV steps."""
    v = np.round(np.arange(-0.1, 1.25, 0.01), 6)
    j = -jsc + jsc * np.expm1(v / 0.035) / np.expm1(voc / 0.035)
    rows = np.column_stack([v, j])[:: 1 if rising else -1]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (
        f"{area}Voltage (V)\tCurrent density (mA/cm2)\n" + "\n".join(f"{a}\t{b:.8f}" for a, b in rows) + "\n"
    )
    path.write_text(text, encoding="utf-8")
    return path
