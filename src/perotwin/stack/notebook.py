"""Cells as an interpreter and a notebook show them: in one line, and as a table of their layers."""

from __future__ import annotations

from html import escape
from typing import Any

__all__ = ["as_table", "in_words"]

#: height of the bars that stand for layers, as a spreadsheet's row has it, and of the thickest one
_LEAST, _MOST = 4, 40


def in_words(cell: Any) -> str:
    """One line: `<Stack "cell-a": htl 20 nm / perovskite 500 nm / etl 20 nm>`."""
    layers = [
        f"{part}.{layer.name} {layer.thickness}" if part else f"{layer.name} {layer.thickness}"
        for part, layer in _in_order(cell)
    ]
    return f'<{type(cell).__name__} "{cell.name}": {" / ".join(layers)}>'


def as_table(cell: Any) -> str:
    """HTML: the layers in the order of the light, each with a bar as high as it is thick (to a limit)."""
    from perotwin.plotting.style import layer_colour

    rows = []
    layers = _in_order(cell)
    films = [float(layer.thickness) for _, layer in layers if float(layer.thickness) < 1e-5]
    scale = _MOST / max(films, default=1e-6)
    for part, layer in layers:
        name = f"{part}.{layer.name}" if part else layer.name
        material = getattr(layer.material, "kind", layer.material) or ""
        colour = layer_colour(f"{part} {layer.name}".strip(), layer.role, str(material))
        high = min(max(_LEAST, scale * float(layer.thickness)), _MOST)
        bar = f'<div style="width:4em;height:{high:.0f}px;background:{colour}"></div>'
        cells = (name, layer.role, str(layer.thickness), str(material))
        rows.append(f"<tr><td>{bar}</td>" + "".join(f"<td>{escape(one)}</td>" for one in cells) + "</tr>")
    heads = "".join(f"<th>{head}</th>" for head in ("", "layer", "role", "thickness", "material"))
    light = escape(f"{cell.light.intensity}, from the {cell.light.side}, {cell.temperature}")
    return (
        f"<table><caption>{escape(cell.name)} ({light})</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _in_order(cell: Any) -> list[tuple[str, Any]]:
    """As `stack.in_order`, which knows all kinds of cells and so cannot be asked by what they are made of."""
    if hasattr(cell, "in_order"):
        return list(cell.in_order)
    return [(name, layer) for name, stack in cell.stacks.items() for layer in stack.layer]
