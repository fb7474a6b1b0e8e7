"""The bench of the reproduction: the twin's samples, cells and tandems, and each measurement of them, taken once.

    bench = library_bench()
    bench.scan("target")["reverse"]["voc"]

Everything comes from recipes, cells and instruments. Nothing here knows what the paper measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from perotwin import progress

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Metrics
    from perotwin.recipe import Sample
    from perotwin.stack import Cell, Stack

__all__ = ["CONDITIONS", "Bench", "calibrated_bench", "library_bench"]

T = TypeVar("T")

#: the two films of the paper
CONDITIONS = ("control", "target")
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
    """

    singles: Mapping[str, Stack]
    tandems: Mapping[str, Cell]
    scan_rate: float = 0.1
    directions: tuple[str, ...] = ("reverse", "forward")
    devices: int = 30
    seed: int = 1
    processes: int | None = 1
    recipes: Mapping[str, Any] = field(default_factory=dict)
    _kept: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False)

    def _once(self, key: tuple[str, ...], label: str, work: Callable[[], T]) -> T:
        if key not in self._kept:
            with progress.task(label):
                self._kept[key] = work()
        found: T = self._kept[key]
        return found

    def datasets(self) -> dict[str, xr.Dataset]:
        """All measurements that were taken, by names that files can have."""
        made: dict[str, Any] = {}
        for key, kept in self._kept.items():
            if key[0] not in ("data", "batch"):
                continue
            name = "-".join(key[1:] if key[0] == "data" else key).replace("_", "-")
            parts = {"": kept} if hasattr(kept, "data_vars") else dict(kept)
            made |= {f"{name}-{which}" if which else name: one for which, one in parts.items()}
        return made

    # --- samples ------------------------------------------------------------

    def sample(self, name: str) -> Sample:
        """What a recipe leaves: "control", "target-washed", "sam-niox"."""
        from perotwin import recipe

        return self._once(
            ("sample", name),
            f"recipe {name}",
            lambda: recipe.prepare(self.recipes.get(name) or recipe.load(name)),
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
        """A measurement of a single junction by its own default protocol: `bench.data("eqe", "target")`."""
        from perotwin import lab

        module = getattr(lab, instrument)
        return self._once(
            ("data", instrument, condition),
            f"{instrument} of {condition}",
            lambda: module.measure(self.singles[condition]),
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

        return self._once(("film ageing", condition), f"{condition} in toluene", run)

    def retained(self, kind: str, condition: str, hours: float) -> float:
        """Power after hours at maximum power in one sun (ISOS-L-1), over the first, of "singles" or "tandems" of the
        library, on which the rates were fitted."""
        from perotwin import recipe, stack
        from perotwin.ageing import protocols, rates
        from perotwin.ageing.degradation import Run

        cell = stack.load((_SINGLE if kind == "singles" else _TANDEM) + condition)
        seconds = 3600.0 * hours

        def run() -> float:
            sample = recipe.prepare(recipe.load(condition))
            mechanisms, _ = rates.usual(cell, rates.library(), sample)
            plan = protocols.plan_of("ISOS-L-1", cell, seconds)
            return Run(cell, mechanisms, plan.stretches, plan.rounds, sample=sample).to_end().at(seconds)

        return self._once(("retained", kind, condition, f"{hours:g}"), f"{hours:g} h of {cell.name}", run)

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
        from perotwin.study.batch import batch

        cells = self.singles if kind == "singles" else self.tandems

        def draw() -> xr.Dataset:
            made = batch(
                [cells[condition] for condition in CONDITIONS],
                self.devices,
                seed=self.seed,
                processes=self.processes,
            )
            if not made.attrs.get("complete", 1):
                # a batch that was interrupted is no batch of so many devices
                raise KeyboardInterrupt
            return made

        return self._once(("batch", kind), f"batches of {kind}", draw)


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


def calibrated_bench(**options: Any) -> Bench:
    """A bench of the calibrated set; options as of `Bench`."""
    from perotwin.paper import calibrated
    from perotwin.paper.split import scan_rate

    options.setdefault("scan_rate", calibrated.scan_rate() or scan_rate())
    singles = calibrated.singles()
    return Bench(
        singles=singles, tandems=calibrated.tandems(singles), recipes=calibrated.recipes(), **options
    )


def _stack(name: str) -> Stack:
    from perotwin import stack

    cell = stack.load(name)
    assert isinstance(cell, stack.Stack)
    return cell
