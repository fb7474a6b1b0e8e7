"""The bench of the reproduction: the twin's samples, cells and tandems, and each measurement of them, taken once.

    bench = library_bench()
    bench.scan("target")["reverse"]["voc"]

Everything comes from recipes, cells and instruments. Nothing here knows what the paper measured.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from perotwin import progress
from perotwin.errors import PerotwinError

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Metrics
    from perotwin.paper.calibrated import Settings
    from perotwin.recipe import Recipe, Sample
    from perotwin.stack import Cell, Stack
    from perotwin.study.batch import Plan
    from perotwin.study.merit import Merit

__all__ = ["CONDITIONS", "PROTOCOLS", "Ask", "Bench", "Taker", "calibrated_bench", "library_bench"]

T = TypeVar("T")
#: the name of a method of `Bench`, and what it is told
Ask = tuple[str | int | float, ...]

#: the two films of the paper
CONDITIONS = ("control", "target")
#: what is told to an instrument besides its defaults. A tracker that perturbs every 5 s and not every second ends at
#: the same power (of the calibrated target to 3e-8 of it) in a third of the time
PROTOCOLS: Mapping[str, Mapping[str, str]] = {"mppt": {"interval": "5 s"}}
#: of single junctions and of tandems in the library
_SINGLE, _TANDEM = "wbg-", "tandem-"


@dataclass
class Bench:
    """Samples, cells and what instruments say of them; each measurement is taken when it is first asked for, and kept.

    Attributes:
        singles, tandems: cells by condition.
        scan_rate: of J-V scans, V/s.
        directions: of the scans.
        devices: of each virtual batch. seed: of its draws. processes: on which batches work.
        recipes: by name, in place of those of the library.
        picture: of the buried face, of which the cells are; None for cells of one's own.
    """

    singles: Mapping[str, Stack]
    tandems: Mapping[str, Cell]
    scan_rate: float = 0.1
    directions: tuple[str, ...] = ("reverse", "forward")
    devices: int = 30
    seed: int = 1
    processes: int | None = 1
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    picture: str | None = None
    _kept: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False)
    _drawn: dict[str, Plan] = field(default_factory=dict, repr=False)
    _asked: dict[tuple[str, ...], None] = field(default_factory=dict, repr=False)

    def _once(self, key: tuple[str, ...], label: str, work: Callable[[], T]) -> T:
        self._asked[key] = None
        if key not in self._kept:
            with progress.task(label):
                try:
                    self._kept[key] = work()
                except PerotwinError as error:
                    # what fails once fails again
                    self._kept[key] = error
        found: T | PerotwinError = self._kept[key]
        if isinstance(found, PerotwinError):
            raise found
        return found

    def take(self, ask: Ask) -> Any:
        """A measurement by the name of the method here that takes it, and what that is told: ("scan", "target")."""
        name, *told = ask
        return getattr(self, str(name))(*told)

    def knows(self, ask: Ask) -> bool:
        """Whether what `take` gives for this was measured already, or has failed."""
        name, *told = ask
        words = [f"{one:g}" if isinstance(one, float) else str(one) for one in told]
        # what an instrument reads is kept by the instrument's name
        return tuple(words if name in ("of", "on_sample") else [str(name), *words]) in self._kept

    def learnt(self, known: Container[tuple[str, ...]] = ()) -> dict[tuple[str, ...], Any]:
        """All that was measured beyond what is known: what another process adds to a bench with `learn`."""
        return {key: kept for key, kept in self._kept.items() if key not in known and key[0] != "sample"}

    def learn(self, measured: Mapping[tuple[str, ...], Any]) -> None:
        """Take what another bench of the same cells has measured."""
        self._kept.update(measured)

    @contextmanager
    def watching(self) -> Iterator[list[str]]:
        """Names of the measurements that are looked at inside the block, filled when it ends; see `datasets`."""
        before, self._asked = self._asked, {}
        names: list[str] = []
        try:
            yield names
        finally:
            asked, self._asked = self._asked, before | self._asked
            of = [key if key[0] in ("data", "batch") else ("data", *key) for key in asked]
            names += [name for key in dict.fromkeys(of) for name in self._named(key)]

    def _named(self, key: tuple[str, ...]) -> dict[str, xr.Dataset]:
        """What is kept under a key as measurements, by names that files can have."""
        kept = self._kept.get(key)
        if key[0] not in ("data", "batch") or kept is None or isinstance(kept, PerotwinError):
            return {}
        name = "-".join(key[1:] if key[0] == "data" else key).replace("_", "-")
        parts = {"": kept} if hasattr(kept, "data_vars") else dict(kept)
        return {f"{name}-{which}" if which else name: one for which, one in parts.items()}

    def datasets(self) -> dict[str, xr.Dataset]:
        """All measurements that were taken, by names that files can have."""
        return {name: one for key in self._kept for name, one in self._named(key).items()}

    # --- samples ------------------------------------------------------------

    def recipe(self, name: str) -> Recipe:
        """A recipe by its name."""
        from perotwin import recipe

        return self.recipes.get(name) or recipe.load(name)

    def sample(self, name: str) -> Sample:
        """What a recipe leaves: "control", "target-washed", "sam-niox"."""
        from perotwin import recipe

        return self._once(
            ("sample", name),
            f"recipe {name}",
            lambda: recipe.prepare(self.recipe(name)),
        )

    def on_sample(self, instrument: str, name: str) -> Metrics:
        """What an instrument reads on the sample of a recipe: `bench.on_sample("kpfm", "target-washed")`."""
        from perotwin import lab

        module = getattr(lab, instrument)
        return self._once(
            (instrument, name),
            f"{instrument} of {name}",
            lambda: module.analyse(self.data_of_sample(instrument, name)),
        )

    def data_of_sample(self, instrument: str, name: str) -> xr.Dataset:
        """The measurement itself."""
        from perotwin import lab

        module = getattr(lab, instrument)
        return self._once(
            ("data", instrument, name),
            f"{instrument} of {name}",
            lambda: module.measure(self.sample(name)),
        )

    # --- single junctions ------------------------------------------------------------

    def data(self, instrument: str, condition: str) -> Any:
        """A measurement of a single junction by the instrument's default protocol, or as `PROTOCOLS` has it:
        `bench.data("eqe", "target")`."""
        from perotwin import lab

        module = getattr(lab, instrument)
        return self._once(
            ("data", instrument, condition),
            f"{instrument} of {condition}",
            lambda: module.measure(self.singles[condition], module.Protocol(**PROTOCOLS.get(instrument, {}))),
        )

    def of(self, instrument: str, condition: str) -> Any:
        """What an instrument reads of a single junction: `bench.of("suns_voc", "control")["pseudo_ff"]`."""
        from perotwin import lab

        module = getattr(lab, instrument)
        return self._once(
            (instrument, condition),
            f"{instrument} of {condition}",
            lambda: module.analyse(self.data(instrument, condition)),
        )

    def scan_data(self, condition: str) -> dict[str, xr.Dataset]:
        """Reverse and forward J-V scans of a single junction at the bench's rate."""
        from perotwin.lab import scan

        protocol = scan.Protocol(rate=f"{self.scan_rate:.12g} V/s", directions=",".join(self.directions))
        return self._once(
            ("data", "scan", condition),
            f"scans of {condition}",
            lambda: scan.measure(self.singles[condition], protocol),
        )

    def scan(self, condition: str) -> Mapping[str, Metrics]:
        """What these scans give, by direction, and their loop."""
        from perotwin.lab import scan

        return self._once(
            ("scan", condition),
            f"scans of {condition}",
            lambda: scan.analyse(self.scan_data(condition)),
        )

    def soak(self, condition: str) -> Metrics:
        """What ten minutes of light do to the film."""
        from perotwin.ageing import soak

        return self._once(
            ("soak", condition),
            f"light soaking of {condition}",
            lambda: soak.readings(self.soak_data(condition)),
        )

    def soak_data(self, condition: str) -> xr.Dataset:
        """Spectra and maps of the film in light."""
        from perotwin.ageing import soak

        return self._once(
            ("data", "soak", condition),
            f"light soaking of {condition}",
            lambda: soak.soak(self.singles[condition], soak.Protocol(), sample=self.sample(condition)),
        )

    def film_ageing(self, condition: str) -> tuple[float, float]:
        """Absorbance of the iodine that the film has given off in warm toluene under light, after 6 h and 24 h."""
        from perotwin.ageing import film_in_solvent as model

        def run() -> tuple[float, float]:
            found = model.readings(model.age_film(self.sample(condition)))
            return float(found["absorbance_6h"]), float(found["absorbance_end"])

        return self._once(("film_ageing", condition), f"{condition} in toluene", run)

    def retained(self, kind: str, condition: str, hours: float) -> float:
        """Power after hours at maximum power in one sun (ISOS-L-1), over the first, of "singles" or "tandems" of the
        library, on which the rates were fitted."""
        from perotwin.ageing import courses

        def read() -> float:
            course = self.retained_data(kind, condition, hours)
            return courses.at(course["time"].values, course["retained"].values, 3600.0 * hours)

        return self._once(
            ("retained", kind, condition, f"{hours:g}"), f"{hours:g} h of {_name(kind, condition)}", read
        )

    def retained_data(self, kind: str, condition: str, hours: float) -> xr.Dataset:
        """The course of that cell through these hours."""
        from perotwin import recipe, stack
        from perotwin.ageing import courses, protocols, rates
        from perotwin.ageing.degradation import Run

        cell = stack.load(_name(kind, condition))

        def run() -> xr.Dataset:
            sample = recipe.prepare(recipe.load(condition))
            mechanisms, notes = rates.usual(cell, rates.library(), sample)
            plan = protocols.plan_of("ISOS-L-1", cell, 3600.0 * hours)
            course = Run(cell, mechanisms, plan.stretches, plan.rounds, sample=sample).to_end()
            return courses.dataset(course, cell, plan, notes=notes)

        return self._once(
            ("data", "retained", kind, condition, f"{hours:g}"), f"{hours:g} h of {cell.name}", run
        )

    # --- tandems and batches ------------------------------------------------------------

    def tandem_data(self, condition: str) -> dict[str, xr.Dataset]:
        """The reverse J-V scan of a tandem, at the rate of those of single junctions."""
        from perotwin.lab import scan

        protocol = scan.Protocol(rate=f"{self.scan_rate:.12g} V/s", directions="reverse")
        return self._once(
            ("data", "tandem", condition),
            f"J-V scan of the {condition} tandem",
            lambda: scan.measure(self.tandems[condition], protocol),
        )

    def tandem(self, condition: str) -> Metrics:
        """Its figures of merit."""
        from perotwin.lab import scan

        return self._once(
            ("tandem", condition),
            f"J-V scan of the {condition} tandem",
            lambda: scan.analyse(self.tandem_data(condition))["reverse"],
        )

    def batch(self, kind: str) -> xr.Dataset:
        """Virtual batches of both conditions, of kind "singles" or "tandems", drawn by the usual spread."""
        from perotwin.study.pool import Outcome, Pool, at_most

        def draw() -> xr.Dataset:
            plan = self._plan(kind)
            missing = [
                ("device", kind, n) for n in range(len(plan)) if ("device", kind, str(n)) not in self._kept
            ]
            here = at_most(self.processes) == 1
            if missing:
                with Pool(Taker(self if here else replace(self, _kept={})), self.processes) as pool:
                    for _, outcome in pool.each(missing, f"{len(missing)} devices"):
                        self.learn(outcome.result or {})
            done: dict[int, Outcome[Merit]] = {}
            for number in range(len(plan)):
                try:
                    done[number] = Outcome(self.device(kind, number))
                except PerotwinError as error:
                    done[number] = Outcome(failure=str(error))
            return plan.dataset(done)

        return self._once(("batch", kind), f"batches of {kind}", draw)

    def device(self, kind: str, number: int) -> Merit:
        """What one device of these batches is worth; they are numbered condition by condition."""
        return self._once(
            ("device", kind, str(number)), f"device {number + 1}", lambda: self._plan(kind)(number)
        )

    def _plan(self, kind: str) -> Plan:
        from perotwin.study.batch import planned

        cells = self.singles if kind == "singles" else self.tandems
        plan: Plan = self._drawn.get(kind) or planned(
            [cells[one] for one in CONDITIONS], self.devices, seed=self.seed
        )
        self._drawn[kind] = plan
        return plan


@dataclass(frozen=True)
class Taker:
    """Takes measurements of a bench in another process: what was learnt by each."""

    bench: Bench

    def __call__(self, ask: Ask) -> dict[tuple[str, ...], Any]:
        known = set(self.bench.learnt())
        with suppress(PerotwinError):  # which is kept
            self.bench.take(ask)
        return self.bench.learnt(known)


def library_bench(**options: Any) -> Bench:
    """A bench of the library's cells; options as of `Bench`."""
    from perotwin import stack
    from perotwin.paper.split import scan_rate

    options.setdefault("scan_rate", scan_rate())
    return Bench(
        singles={one: _stack(_SINGLE + one) for one in CONDITIONS},
        tandems={one: stack.load(_TANDEM + one) for one in CONDITIONS},
        **options,
    )


def calibrated_bench(*, picture: str | None = None, others: Settings | None = None, **options: Any) -> Bench:
    """A bench of the calibrated set.

    Args:
        picture: of the buried face, as it was fitted; the one that is taken unless named.
        others: numbers in place of some of it. options: as of `Bench`.
    """
    from perotwin.paper import calibrated, split

    options.setdefault("scan_rate", calibrated.scan_rate(picture) or split.scan_rate())
    singles = calibrated.singles(picture, others=others or {})
    return Bench(
        singles=singles,
        tandems=calibrated.tandems(singles),
        recipes=calibrated.recipes(picture, others=others or {}),
        picture=split.picture(picture).name,
        **options,
    )


def _name(kind: str, condition: str) -> str:
    """Of a cell of the library, of kind "singles" or "tandems"."""
    return (_SINGLE if kind == "singles" else _TANDEM) + condition


def _stack(name: str) -> Stack:
    from perotwin import stack

    cell = stack.load(name)
    assert isinstance(cell, stack.Stack)
    return cell
