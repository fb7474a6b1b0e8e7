"""How long cells take through the hours, and how many points and optics: `python benchmarks/ageing.py`."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time

import perotwin as pt
from perotwin.ageing import rates as of_rates
from perotwin.ageing.degradation import Run
from perotwin.ageing.operating_point import Devices
from perotwin.ageing.protocols import plan_of
from perotwin.workflows.age import sample_of

HOUR = 3600.0


def main() -> None:
    rates = of_rates.library()
    jobs = (
        ("wbg-control", "ISOS-L-1", 1000, {}),
        ("wbg-target", "ISOS-L-1", 1000, {}),
        ("tandem-target", "ISOS-L-1", 1000, {}),
        ("wbg-target", "ISOS-L-1", 1000, {"cycle": "12 h light, 12 h dark"}),
    )
    print(f"{'cell':15}{'test':12}{'s':>7}{'cpu s':>7}{'points':>8}{'optics':>8}{'left':>8}{'ions lag':>10}")
    for name, protocol, hours, more in jobs:
        cell = pt.load(name)
        sample = sample_of(cell)
        plan = plan_of(protocol, cell, hours * HOUR, **more)
        mechanisms, _ = of_rates.usual(cell, rates, sample)
        begun, used = time.perf_counter(), time.process_time()
        with Devices(cell) as devices:
            course = Run(cell, mechanisms, plan.stretches, plan.rounds, sample=sample).to_end(devices)
        spent, used = time.perf_counter() - begun, time.process_time() - used
        kind = f"{protocol[5:]}{' cycled' if more else ''}"
        left = course.at(min(hours * HOUR, course.time[-1]) if not more else 11.9 * HOUR)
        print(
            f"{name:15}{kind:12}{spent:7.2f}{used:7.2f}{course.points:8d}{course.optics:8d}{left:8.3f}{course.lag:10.1e}"
        )


if __name__ == "__main__":
    main()
