"""Bands of courses: what is drawn, what is kept, and what a killed job leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
from perotwin.ageing import rates as of_rates
from perotwin.ageing.protocols import plan_of
from perotwin.errors import InputError
from perotwin.workflows import ageing_draws
from perotwin.workflows.ageing_draws import Bands, bands, drawn

HOUR = 3600.0
RATES = of_rates.library()


def test_draws_repeat_and_more_of_them_leave_the_first_ones() -> None:
    few, many = drawn(RATES, 3, seed=5), drawn(RATES, 5, seed=5)
    assert many[:3] == few and drawn(RATES, 3, seed=6) != few
    for one in many:
        assert 0.0 <= one.order <= 1.0 and 0.35 <= one.bound <= 0.5 and 0.0 <= one.tin <= 3.06e-3 / HOUR
        assert one.domains and all(3e-9 <= length <= 20e-9 for _, length, _ in one.domains)
    with pytest.raises(InputError, match="draws"):
        drawn(RATES, 0)


def fake(job: object, draw: object) -> dict:
    """A draw that takes a while and no solver."""
    time.sleep(0.15)
    base = np.linspace(1.0, 0.8 + 0.01 * draw.number, ageing_draws._MOMENTS)
    return {
        "number": draw.number, "rejected": 0, "trap_growth": 1e-4, "bare_patches": 1e-6,
        "retained": base.tolist(), "tin": None,
    }  # fmt: skip


def test_what_was_done_is_not_done_again_and_a_cut_line_is_none(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(ageing_draws._Job, "__call__", fake)
    cell = pt.load("wbg-target")
    plan = plan_of("ISOS-L-1", cell, 10 * HOUR)
    file = tmp_path / "draws.jsonl"
    first = bands(cell, plan, RATES, 4, file=file, processes=1)
    lines = file.read_text().splitlines()
    assert len(lines) == 4 and first.retained.shape == (4, ageing_draws._MOMENTS)
    # as a kill in the middle of a line leaves it
    file.write_text("\n".join(lines[:2]) + "\n" + lines[2][:40])
    asked: list[int] = []

    def counted(job: object, draw: object) -> dict:
        asked.append(draw.number)
        return fake(job, draw)

    monkeypatch.setattr(ageing_draws._Job, "__call__", counted)
    second = bands(cell, plan, RATES, 4, file=file, processes=1)
    assert sorted(asked) == [2, 3]
    assert np.array_equal(second.retained, first.retained)
    with pytest.raises(InputError, match="another job"):
        bands(cell, plan, RATES, 4, seed=2, file=file, processes=1)


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
import test_ageing_draws as t
from perotwin.workflows import ageing_draws
import perotwin as pt
from perotwin.ageing.protocols import plan_of
ageing_draws._Job.__call__ = t.fake
cell = pt.load("wbg-target")
ageing_draws.bands(cell, plan_of("ISOS-L-1", cell, 36000.0), t.RATES, 20, file=Path({file!r}), processes=1)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="it kills as POSIX does")
def test_a_killed_job_goes_on_with_nothing_lost(tmp_path: Path) -> None:
    file = tmp_path / "draws.jsonl"
    code = SCRIPT.format(folder=str(Path(__file__).parent), file=str(file))
    running = subprocess.Popen([sys.executable, "-c", code], env={**os.environ})
    until = time.time() + 60.0
    while time.time() < until and (not file.is_file() or file.read_text().count("\n") < 4):
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    done = [json.loads(line)["number"] for line in file.read_text().splitlines() if line.endswith("}")]
    assert 4 <= len(done) < 20
    before = file.read_text().splitlines()[: len(done)]
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})
    after = file.read_text().splitlines()
    assert after[: len(done)] == before
    assert sorted(json.loads(line)["number"] for line in after) == list(range(20))


def test_a_draw_that_fails_is_counted_and_not_lost(monkeypatch) -> None:
    def one_fails(job: object, draw: object) -> dict:
        if draw.number == 1:
            raise InputError("it cannot be.", "Nothing.")
        return fake(job, draw)

    monkeypatch.setattr(ageing_draws._Job, "__call__", one_fails)
    cell = pt.load("wbg-target")
    found = bands(cell, plan_of("ISOS-L-1", cell, 10 * HOUR), RATES, 3, processes=1)
    assert isinstance(found, Bands) and found.retained.shape[0] == 2 and len(found.failures) == 1
    assert any("left out" in sentence for sentence in found.words())
    assert found.to_json()["failed"] == 1


@pytest.mark.long
def test_every_draw_meets_the_data() -> None:
    from contextlib import ExitStack

    from perotwin.ageing.operating_point import Devices
    from perotwin.errors import ConvergenceError
    from perotwin.workflows.ageing_draws import _Job, _loaded, _sample

    cell = pt.load("wbg-target")
    job = _Job(cell, plan_of("ISOS-L-1", cell, 600 * HOUR), RATES)
    met = 0
    for draw in drawn(RATES, 6):
        try:
            made = job(draw)
        except ConvergenceError:
            continue
        met += 1
        # the target's datum is at the end of this very course
        assert made["retained"][-1] == pytest.approx(0.864, abs=4e-3)
    assert met >= 1
    assert callable(_loaded) and callable(_sample) and ExitStack is not None and Devices is not None
