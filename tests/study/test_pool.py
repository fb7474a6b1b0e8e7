"""Jobs in one process and in two: the same outcomes, failures in words, and what is done when it is stopped."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

import judges
import perotwin as pt
from fresh import environment, python
from perotwin import progress
from perotwin.errors import InputError
from perotwin.study import Merit, Pool
from perotwin.study.pool import at_most

THICK = [300, 380, 430, 480, 560]


@pytest.fixture(scope="module")
def cells() -> list[pt.Stack]:
    return [pt.load("cell-a").with_values({"perovskite.thickness": f"{nm} nm"}) for nm in THICK]


@pytest.mark.parametrize("processes", [1, 2])
def test_outcomes_are_in_the_order_of_the_items(cells: list[pt.Stack], processes: int) -> None:
    with Pool(judges.late, processes) as pool:
        done = pool.all(cells, "late")
        single = pool.one(cells[2])
        begun = [finish() for finish in pool.begun(cells)]
    assert [one.result for one in done] == [judges.hill(cell) for cell in cells]
    assert begun == done
    assert single.result == judges.hill(cells[2])


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_job_that_fails_is_recorded_in_words(cells: list[pt.Stack], processes: int) -> None:
    with Pool(judges.patchy, processes) as pool:
        done = pool.all(cells, "patchy")
    assert [one.result is None for one in done] == [True, False, False, False, True]
    assert done[4].failure == "no solution. Take less."
    assert done[0].failure is not None
    assert "fault of its own (ZeroDivisionError: a fault)" in done[0].failure


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_what_is_done_when_it_is_stopped_is_kept(cells: list[pt.Stack], processes: int) -> None:
    done: dict[int, Merit | None] = {}

    def work() -> None:
        with progress.listening(judges.Stopping(after=2)), Pool(judges.hill, processes) as pool:
            for index, outcome in pool.each(cells, "hill"):
                done[index] = outcome.result

    with pytest.raises(KeyboardInterrupt):
        work()
    assert len(done) == 2
    assert all(value == judges.hill(cells[index]) for index, value in done.items())


@pytest.mark.slow
def test_a_worker_that_dies_is_told(cells: list[pt.Stack]) -> None:
    with Pool(judges.dying, 2) as pool:
        done = pool.all(cells, "dying")
    assert all(one.failure is not None and "a worker process ended" in one.failure for one in done)


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_what_to_do(tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import perotwin as pt, judges\n"
        "from perotwin.study import Pool\n"
        "with Pool(judges.hill, 2) as pool:\n"
        "    print(pool.all([pt.load('cell-a')], 'x')[0].failure)\n"
    )
    done = python(str(script))
    assert '__name__ == "__main__"' in done.stdout


@pytest.mark.slow
def test_jobs_of_many_seconds_are_not_waited_for_when_the_block_is_left_by_ctrl_c() -> None:
    def work() -> None:
        with Pool(time.sleep, 2, patient=False) as pool:
            first, *_ = pool.begun([0.01, 120.0, 120.0])
            assert first().failure is None
            raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        work()
    assert time.monotonic() - start < 60.0


def test_fewer_than_one_process_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1"):
        Pool(judges.hill, 0)
    assert at_most(None) >= 1
    assert at_most(3) == 3


ORPHANED = """
import sys, time, os
from pathlib import Path
from perotwin.study import Pool
import judges

if __name__ == "__main__":
    with Pool(judges.waiting, 2) as pool:
        pool.all([Path(sys.argv[1])] * 2, "waiting")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_workers_end_when_their_parent_is_killed(tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(ORPHANED)
    told = tmp_path / "told"
    told.mkdir()
    with subprocess.Popen([sys.executable, str(script), str(told)], env=environment()) as parent:
        within(60, lambda: len(list(told.iterdir())) == 2)
        workers = [int(path.name) for path in told.iterdir()]
        parent.kill()
    within(10, lambda: not any(runs(worker) for worker in workers))


def within(seconds: float, holds) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def runs(process: int) -> bool:
    """Whether a process works; one that has ended and that nobody has asked for yet is a zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
