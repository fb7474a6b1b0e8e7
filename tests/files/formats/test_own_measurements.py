"""What perotwin wrote it reads: simulated and converted measurements go through the same door as anybody's files."""

from pathlib import Path

import h5py
import numpy as np
import pytest

import synthetic
from perotwin import lab
from perotwin.errors import InputError
from perotwin.files import read
from perotwin.measurement import save


@pytest.mark.parametrize("name", ["jv", "eqe", "impedance", "tpv", "kpfm", "xps"])
def test_a_measurement_comes_back_and_reads_the_same(name: str, tmp_path: Path) -> None:
    dataset = getattr(synthetic, name)()
    path = save(dataset, tmp_path / f"{name}.nc")
    (found,) = read(path, instrument=name)
    assert found.instrument == name and found.name == dataset.attrs["stack"]
    instrument = lab.known(name)
    again, before = instrument.analyse(found.dataset), instrument.analyse(dataset)
    assert set(again) == set(before)
    for metric, value in before.items():
        assert again[metric].value == pytest.approx(value.value, rel=1e-12, nan_ok=True), metric


def test_what_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.nc"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(3.0)
    with pytest.raises(InputError, match="no instrument that is known"):
        read(path)
    whole = save(synthetic.jv(), tmp_path / "jv.nc").read_bytes()
    for part in (0.1, 0.5, 0.9):
        path.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(InputError):
            read(path)
    less = synthetic.jv().drop_vars("current_density")
    with pytest.raises(InputError, match="not a whole measurement"):
        read(save(less, tmp_path / "less.nc"))


def test_another_instrument_is_said(tmp_path: Path) -> None:
    path = save(synthetic.jv(), tmp_path / "jv.nc")
    with pytest.raises(InputError, match="jv"):
        read(path, instrument="eqe")
