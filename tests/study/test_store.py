"""A batch in a store: nothing is lost and nothing is there twice, whenever a run is stopped or killed."""

import importlib
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import formula_devices
import fresh
import perotwin as pt
from perotwin.errors import InputError, PerotwinError
from perotwin.study import Row, Store, Worker, batch, tasks
from perotwin.study.merit import NAMES
from perotwin.study.spread import _spread

pytest.importorskip("pyarrow")

SPREAD = 'devices_per_substrate = 5\nperovskite.thickness = { relative = "12 %" }'


def cell() -> pt.Stack:
    return pt.load("cell-a")


def stored(folder: Path, devices: int = 120, **more: object) -> object:
    options = {"spread": _spread(SPREAD, "spread"), "judge": formula_devices.judge, **more}
    return batch([cell()], devices, store=folder, **options)  # type: ignore[arg-type]  # options of a test


def rows_of(folder: Path) -> list[Row]:
    about = json.loads((folder / "batch.json").read_text(encoding="utf-8"))
    about.pop("schema")
    with Store(folder, about) as kept:
        return kept.rows()


def told(rows: list[Row]) -> list[tuple]:
    """Rows without the time that they took."""
    return [
        (row.cell, row.device, row.substrate, tuple(row.values.items()), row.failure,
         tuple(None if np.isnan(row.figures[name]) else row.figures[name] for name in NAMES))
        for row in rows
    ]  # fmt: skip


def test_a_stored_batch_is_the_batch(tmp_path: Path) -> None:
    plain = batch([cell()], 120, _spread(SPREAD, "spread"), judge=formula_devices.judge)
    kept = stored(tmp_path / "store")
    for name in ("pce", "voc", "jsc", "device", "substrate", "failure"):
        np.testing.assert_array_equal(plain[name].values, kept[name].values)  # type: ignore[index]  # a dataset
    values = json.loads(plain.attrs["drawn"])
    assert [dict(row.values) for row in rows_of(tmp_path / "store")] == values
    # any reader of Parquet finds names, units and numbers
    from pyarrow import parquet

    table = parquet.read_table(tmp_path / "store" / "batch.parquet")
    assert table.num_rows == 120 and "perovskite.thickness (nm)" in table.column_names
    assert table.schema.field("jsc").metadata[b"unit"] == b"A m-2"


def test_a_failed_device_is_kept_with_its_reason_and_not_made_again(tmp_path: Path) -> None:
    stored(tmp_path)
    failed = [row for row in rows_of(tmp_path) if row.failure]
    assert 1 <= len(failed) < 20 and all("too thick" in row.failure for row in failed)
    assert all(np.isnan(row.figures["pce"]) for row in failed)
    again = stored(tmp_path, judge=never)
    assert "120 devices were in the store already" in again.attrs["notes"]  # type: ignore[attr-defined]  # a dataset


def never(cell: object) -> object:
    raise AssertionError("nothing was missing")


def test_a_batch_grows_and_a_smaller_one_is_part_of_it(tmp_path: Path) -> None:
    stored(tmp_path, 40)
    first = told(rows_of(tmp_path))
    stored(tmp_path, 100)
    assert told(rows_of(tmp_path))[:40] == first
    made = stored(tmp_path, 30, judge=never)
    assert made.sizes["device"] == 30  # type: ignore[attr-defined]  # a dataset


def test_interrupted_it_keeps_what_is_done_and_goes_on(tmp_path: Path) -> None:
    count = 0

    def stopping(one: pt.Stack) -> object:
        nonlocal count
        count += 1
        if count > 47:
            raise KeyboardInterrupt
        return formula_devices.judge(one)

    made = stored(tmp_path / "a", judge=stopping)
    # whole pieces of twenty
    assert made.sizes["device"] == 40 and not made.attrs["complete"]  # type: ignore[attr-defined]  # a dataset
    assert not (tmp_path / "a" / "batch.parquet").exists()
    stored(tmp_path / "a")
    stored(tmp_path / "b")
    assert told(rows_of(tmp_path / "a")) == told(rows_of(tmp_path / "b"))


def test_another_batch_is_refused_and_not_mixed_in(tmp_path: Path) -> None:
    stored(tmp_path, 20)
    for other in (
        {"seed": 5},
        {"spread": _spread('perovskite.thickness = { relative = "11 %" }', "spread")},
    ):
        with pytest.raises(InputError, match="another batch") as caught:
            stored(tmp_path, 20, **other)
        assert caught.value.advice
    with pytest.raises(InputError, match="numbers of the cells"):
        batch(
            [cell().with_values({"circuit.series_resistance": "3 ohm cm^2"})], 20, _spread(SPREAD, "spread"),
            store=tmp_path, judge=formula_devices.judge,
        )  # fmt: skip
    (tmp_path / "batch.json").unlink()
    with pytest.raises(InputError, match="says of which"):
        stored(tmp_path, 20)


def test_two_runs_do_not_write_into_one_folder(tmp_path: Path) -> None:
    about = {"seed": "1"}
    with Store(tmp_path, about), pytest.raises(InputError, match="another run"), Store(tmp_path, about):
        pass
    with Store(tmp_path, about):
        pass


def test_a_device_is_never_there_twice(tmp_path: Path) -> None:
    row = Row("a", 0, 1, {"x": "1 nm"}, dict.fromkeys(NAMES, 0.1))
    with Store(tmp_path, {}) as kept:
        part = kept.add([row])
        assert part is not None and kept.add([]) is None
        with pytest.raises(PerotwinError, match="twice"):
            kept.add([row])
        with pytest.raises(PerotwinError, match="twice"):
            kept.add([Row("a", 1, 1, {}, row.figures)] * 2)
    (tmp_path / "parts" / "part-000001-copy.parquet").write_bytes(part.read_bytes())
    with pytest.raises(PerotwinError, match="twice"), Store(tmp_path, {}):
        pass


def test_a_part_that_cannot_be_read_is_made_again(tmp_path: Path) -> None:
    stored(tmp_path)
    (part, *_) = sorted((tmp_path / "parts").glob("*.parquet"))
    whole = told(rows_of(tmp_path))
    part.write_bytes(part.read_bytes()[:100])
    made = stored(tmp_path)
    assert "put aside" in made.attrs["notes"]  # type: ignore[attr-defined]  # a dataset
    assert told(rows_of(tmp_path)) == whole


def test_what_a_killed_run_left_half_written_is_no_part(tmp_path: Path) -> None:
    stored(tmp_path, 20)
    half = tmp_path / "parts" / ".perotwin-00000000-1-00000000-x.parquet"
    half.write_bytes(b"PAR1")
    assert len(rows_of(tmp_path)) == 20


def test_another_scheduler_can_run_it(tmp_path: Path) -> None:
    """Tasks and worker as bytes, in any order, on another machine: rows come back, and the store takes them."""
    worker = Worker((cell(),), formula_devices.judge, _spread(SPREAD, "spread"))
    sent = pickle.dumps(worker)
    with Store(tmp_path / "there", {}) as kept:
        for task in reversed(tasks([cell()], 60, kept, at_once=7)):
            kept.add(pickle.loads(pickle.dumps(pickle.loads(sent)(pickle.loads(pickle.dumps(task))))))
        there = told(kept.rows())
        assert not tasks([cell()], 60, kept)
    stored(tmp_path / "here", 60)
    assert there == told(rows_of(tmp_path / "here"))


def test_a_posterior_is_drawn_from(tmp_path: Path) -> None:
    import xarray as xr

    samples = np.column_stack([np.linspace(3.5e-7, 4.4e-7, 50)])
    file = tmp_path / "posterior.nc"
    dataset = xr.Dataset(
        {"samples": (("draw", "parameter"), samples)}, {"parameter": ["perovskite.thickness"]}
    )
    dataset.to_netcdf(file, engine="h5netcdf")
    made = batch([cell()], 50, posterior=file, judge=formula_devices.judge, store=tmp_path / "store")
    drawn = sorted(
        float(row.values["perovskite.thickness"].split()[0]) for row in rows_of(tmp_path / "store")
    )
    np.testing.assert_allclose(drawn, 1e9 * samples[:, 0], rtol=1e-8)
    assert "posterior.nc" in made.attrs["spread"]
    # more draws leave the first ones as they are
    first = told(rows_of(tmp_path / "store"))
    batch([cell()], 70, posterior=file, judge=formula_devices.judge, store=tmp_path / "store")
    assert told(rows_of(tmp_path / "store"))[:50] == first


def test_a_worker_that_dies_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool that broke gives no rows: what it had is not taken for done, and the next run makes it."""
    from perotwin.study import pool

    plain, count = pool._done, 0

    def dying(job, item):
        nonlocal count
        count += 1
        if count > 3:
            return pool.Outcome(failure="a worker process ended")
        return plain(job, item)

    monkeypatch.setattr(pool, "_done", dying)
    with pytest.raises(PerotwinError, match="worker process ended") as caught:
        stored(tmp_path)
    assert "same command again" in caught.value.advice
    assert len(rows_of(tmp_path)) == 60
    monkeypatch.setattr(pool, "_done", plain)
    assert stored(tmp_path).sizes["device"] == 120  # type: ignore[attr-defined]  # a dataset


# --- killed -----------------------------------------------------------------------------------------------------------

RUN = """
import importlib, sys
import perotwin as pt
import formula_devices
from perotwin.study.spread import _spread
module = importlib.import_module("perotwin.study.batch")
module._ROWS = 40
if __name__ == "__main__":
    made = module.batch([pt.load("cell-a")], {devices}, _spread({spread!r}, "spread"), store={folder!r},
                        judge=formula_devices.slow, processes={processes})
    print("DONE", made.sizes["device"])
"""


def kill_until_done(folder: Path, devices: int, kills: int, processes: int, seed: int) -> int:
    """Start a run, kill it (-9) at a random moment, look at the store, again; how many were killed at work."""
    script = folder.parent / "run.py"
    script.write_text(
        RUN.format(devices=devices, spread=SPREAD, folder=str(folder), processes=processes), encoding="utf-8"
    )
    environment = fresh.environment()
    chance, killed, before = random.Random(seed), 0, 0
    while killed < kills:
        process = subprocess.Popen(
            [sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True
        )
        # when the first part of this run is written, a while longer
        begun = time.monotonic()
        while process.poll() is None and time.monotonic() - begun < 60.0:
            if len(list((folder / "parts").glob("part-*.parquet"))) > before:
                break
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.15))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed += 1
        keys = [(row.cell, row.device) for row in rows_of(folder)]
        assert len(keys) == len(set(keys)), "a device is there twice"
        parts = len(list((folder / "parts").glob("part-*.parquet")))
        assert parts >= before, "a part is gone"
        before = parts
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert f"DONE {devices}" in done.stdout, done.stderr[-2000:]
    return killed


def is_whole(folder: Path, devices: int) -> None:
    rows = rows_of(folder)
    assert [row.device for row in rows] == list(range(devices))
    stored(folder.parent / "never-killed", devices)
    assert told(rows) == told(rows_of(folder.parent / "never-killed"))


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_run_that_is_killed_goes_on(tmp_path: Path) -> None:
    killed = kill_until_done(tmp_path / "store", 1500, 2, 1, seed=1)
    assert killed == 2
    is_whole(tmp_path / "store", 1500)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_run_of_several_processes_that_is_killed_goes_on(tmp_path: Path) -> None:
    killed = kill_until_done(tmp_path / "store", 4000, 3, 2, seed=2)
    assert killed == 3
    is_whole(tmp_path / "store", 4000)


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_run_that_is_killed_twenty_times_goes_on(tmp_path: Path) -> None:
    killed = kill_until_done(tmp_path / "store", 20_000, 20, 2, seed=3)
    assert killed == 20
    is_whole(tmp_path / "store", 20_000)


def test_the_module_of_a_batch_can_be_named() -> None:
    """The package's function has the name of its module: workers and scripts find both."""
    assert importlib.import_module("perotwin.study.batch").batch is batch
