"""The mesh: nodes on all faces, control volumes that fill the layers, refinement that keeps the grading."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perotwin.transport.mesh import FACE_SPACING, graded


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.5e-9, 50e-6), min_size=1, max_size=6), st.sampled_from([5.0, 20.0, 40.0]))
def test_any_layers(thicknesses: list[float], density: float) -> None:
    mesh = graded(thicknesses, density)
    ends = np.cumsum([0.0, *thicknesses])
    for nodes, start, end in zip(mesh.layers, ends[:-1], ends[1:], strict=True):
        assert nodes[0] == pytest.approx(start, abs=1e-20)
        assert nodes[-1] == pytest.approx(end, rel=1e-14)
        width = np.diff(nodes)
        assert np.all(width > 0.0)
        # finest at both faces, and neighbours alike
        assert width[0] <= FACE_SPACING * 1.01 or np.ptp(width) < 1e-6 * width.max()
        assert width == pytest.approx(width[::-1], rel=1e-6)
        assert np.all(np.abs(np.diff(np.log(width))) < 0.8)
    faces = mesh.control_faces
    assert faces.size == mesh.sites.size + 1
    assert np.all(np.diff(faces) > 0.0)
    assert np.all(np.isin(np.round(ends[1:-1], 18), np.round(faces, 18)))
    assert np.diff(faces).sum() == pytest.approx(ends[-1], rel=1e-12)


def test_refined_meshes_nest() -> None:
    mesh = graded([20e-9, 500e-9, 30e-9])
    assert mesh.sites.size >= 300
    for factor in (2, 4, 8):
        fine = mesh.refined(factor)
        for coarse, nodes in zip(mesh.layers, fine.layers, strict=True):
            assert nodes[::factor] == pytest.approx(coarse, abs=0)
            assert np.all(np.diff(nodes) > 0.0)
            # each interval is cut about evenly, following the grading
            share = np.diff(nodes).reshape(-1, factor) / np.diff(coarse)[:, None]
            assert np.all((share > 0.5 / factor) & (share < 2.0 / factor))
