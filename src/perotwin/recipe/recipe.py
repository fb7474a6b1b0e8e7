"""The recipe: what was deposited, rinsed, coated, annealed and washed, in order.

    recipe = load("target")                                  # a library recipe, or a TOML file of one's own
    recipe.with_values({"additive.dose": "0.5 mol%"})

A path names a step by its kind (`coat.grain_size`, `rinse.duration`; the second one of a kind is `rinse.2.duration`),
the additive of the coating (`additive.dose`), or a parameter of the models (`monolayer.cohesion`; see
`parameters.py`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from perotwin.errors import InputError, UnknownNameError, suggestion
from perotwin.recipe.parameters import Parameters, library_parameters
from perotwin.stack.paths import plain, walk
from perotwin.stack.quantity_fields import (
    BARE_NUMBERS,
    Dim,
    Model,
    Name,
    Roughness,
    Temperature,
    Thickness,
    Time,
    explain,
    shorthand,
    unknown_key,
)
from perotwin.units import Quantity

__all__ = ["Additive", "Anneal", "Coat", "Recipe", "Rinse", "Sam", "Wash", "load", "names"]

_FOLDER = Path(__file__).parent / "library" / "recipes"

Dose = Annotated[Quantity, Dim("fraction", least=0, most=1)]
Concentration = Annotated[Quantity, Dim("concentration", above=0)]
Share = Annotated[Quantity, Dim("fraction", least=0, most=1)]


class Sam(Model):
    """A self-assembled monolayer on the oxide. molecule : its name in the library of molecules."""

    kind: Literal["sam"] = "sam"
    molecule: str


class Rinse(Model):
    """The monolayer under a solvent before anything lies on it. solvent : name; duration : s."""

    kind: Literal["rinse"] = "rinse"
    solvent: str
    duration: Time


class Additive(Model):
    """A molecule in the ink. molecule : name; dose : per lead (mol/mol), 0 for none."""

    molecule: str
    dose: Dose


class Coat(Model):
    """The perovskite, coated from an ink.

    solvent : of the ink, by name. lead : concentration of Pb in the ink (mol m^-3; people write mol/L).
    thickness : of the dry film, m. dwell : how long the ink lies on the monolayer before it begins to dry, s.
    grain_size, roughness : of the film as it was seen, m. bromide, caesium : shares of the halide and of the A site,
        the rest being iodide and formamidinium. lead_iodide : share of the lead left as PbI2. Diffraction shows them.
    additive : a molecule in the ink.
    """

    kind: Literal["coat"] = "coat"
    solvent: str
    lead: Concentration
    thickness: Thickness
    dwell: Time
    grain_size: Thickness
    roughness: Roughness | None = None
    bromide: Share | None = None
    caesium: Share | None = None
    lead_iodide: Share | None = None
    additive: Additive | None = None


class Anneal(Model):
    """The film on a hot plate, where the additive settles at grain boundaries. temperature : K; duration : s."""

    kind: Literal["anneal"] = "anneal"
    temperature: Temperature
    duration: Time


class Wash(Model):
    """The film dissolved again, which leaves what holds on to the oxide. solvent : name; duration : s."""

    kind: Literal["wash"] = "wash"
    solvent: str
    duration: Time


#: how a film is dissolved where a recipe does not say it
_WASH = {
    "kind": "wash",
    "solvent": "DMF",
    "duration": {
        "value": "10 s",
        "assumed": ["5 s", "60 s"],
        "note": "fu-5avai washed the film off with DMF; the time is not stated",
    },
}

_STEPS: dict[str, type[Model]] = {"sam": Sam, "rinse": Rinse, "coat": Coat, "anneal": Anneal, "wash": Wash}
Step = Annotated[
    Sam | Rinse | Coat | Anneal | Wash,
    Field(discriminator="kind"),
    BeforeValidator(lambda value: shorthand(value, _STEPS, "step")),
]


class Recipe(Model):
    """How a sample was made.

    name, description : for people. source : where numbers come from that do not say so themselves.
    seed : of the places where molecules land.
    step : what was done, in order. parameters : of the models; those of the library unless stated.
    """

    name: Name
    description: str = ""
    source: str | None = None
    seed: int = Field(default=1, ge=0)
    step: tuple[Step, ...]
    parameters: Parameters = Field(default_factory=library_parameters)

    @model_validator(mode="before")
    @classmethod
    def _over_the_library(cls, data: Any) -> Any:
        """Parameters that a recipe states stand over those of the library."""
        if isinstance(data, Mapping) and isinstance(data.get("parameters"), Mapping):
            data = {**data, "parameters": _over(plain(library_parameters()), data["parameters"])}
        return data

    @model_validator(mode="after")
    def _possible(self) -> Recipe:
        kinds = [step.kind for step in self.step]
        if not kinds or kinds[0] != "sam" or kinds.count("sam") > 1:
            raise InputError(
                "a recipe starts with its monolayer.",
                'Let the first [[step]], and no other, be of kind = "sam" with its molecule.',
                subkey="step",
            )
        if kinds.count("coat") > 1:
            raise InputError("the film is coated twice.", 'Keep one step of kind = "coat".', subkey="step")
        for kind in ("anneal", "wash"):
            if kind in kinds and ("coat" not in kinds or kinds.index(kind) < kinds.index("coat")):
                raise InputError(
                    f"there is no film yet to {kind}.",
                    f'Move the step "{kind}" behind the coat.',
                    subkey=kind,
                )
        if "wash" in kinds and any(
            kind in kinds[kinds.index("wash") :] for kind in ("coat", "anneal", "rinse")
        ):
            raise InputError(
                "something follows the wash, which ends a recipe: the film is gone.",
                "Let the wash be last.",
                subkey="wash",
            )
        for step in self.step:
            solvent = getattr(step, "solvent", None)
            if solvent is not None and solvent not in self.parameters.solvents:
                known = self.parameters.solvents
                raise InputError(
                    f'the solvent "{solvent}" is not known.',
                    f"{suggestion(solvent, known)} Another one needs its strength: "
                    f'parameters.solvents."{solvent}".strength.',
                    subkey=f"{step.kind}.solvent",
                )
        self._check_molecules()
        return self

    def _check_molecules(self) -> None:
        from perotwin.recipe import molecules

        wanted = {"sam.molecule": self.sam.molecule}
        if self.additive is not None:
            wanted["additive.molecule"] = self.additive.molecule
        for key, name in wanted.items():
            try:
                molecules.load(name).require_anchor()
            except InputError as error:
                raise InputError(error.message, error.advice, subkey=key) from None

    # --- what others ask ----------------------------------------------------------------------------------------------

    @property
    def sam(self) -> Sam:
        """The monolayer."""
        first = self.step[0]
        assert isinstance(first, Sam)
        return first

    @property
    def coat(self) -> Coat | None:
        """The coating, if there is one."""
        return next((step for step in self.step if isinstance(step, Coat)), None)

    @property
    def additive(self) -> Additive | None:
        """What the ink holds besides, if anything."""
        return None if self.coat is None else self.coat.additive

    def washed(self) -> Recipe:
        """The recipe with its film dissolved again, so that the oxide with what holds on to it lies open; itself where
        no film lies on it."""
        if self.coat is None or any(isinstance(step, Wash) for step in self.step):
            return self
        data = plain(self)
        data["step"] = [*data["step"], _WASH]
        return type(self).model_validate(data | {"name": f"{self.name}-washed"})

    # --- reading and writing ------------------------------------------------------------------------------------------

    @classmethod
    def from_toml(cls, text: str, file: str | None = None) -> Recipe:
        """A recipe from TOML text; `file` names it in messages.

        Raises:
            InputError: anything that cannot be used, with file, key, cause and cure.
        """
        from perotwin.stack.toml import read

        data = read(text, file)
        if "layer" in data:
            raise InputError(
                "this is a stack file (it has layers), not a recipe.", "Give the recipe first.", file=file
            )
        try:
            return cls.model_validate(data, context={BARE_NUMBERS: False})
        except ValidationError as error:
            raise explain(error, file=file, data=data) from None

    def to_toml(self) -> str:
        """The recipe as TOML, every number as it was written; `from_toml` gives the same recipe bit for bit."""
        from perotwin.stack.toml import write

        return write(self)

    # --- field paths --------------------------------------------------------------------------------------------------

    def get(self, path: str) -> Any:
        """The value at a path such as "additive.dose"; InputError where there is none."""
        node: Any = self
        for step in self._resolve(path):
            node = node[step] if isinstance(step, int) or isinstance(node, dict) else getattr(node, step)
            if node is None:
                raise InputError(
                    f'"{path}" is not set in "{self.name}".', "State it in the recipe.", key=path
                )
        return node

    def with_values(self, values: Mapping[str, Any]) -> Recipe:
        """A copy with the values at some paths replaced, validated as a whole.

        Raises:
            InputError: an unknown path, or an impossible value.
        """
        data = plain(self)
        for path, value in values.items():
            node: Any = data
            steps = self._resolve(path)
            if steps[0] == "parameters" and "parameters" not in data:
                data["parameters"] = plain(self.parameters)
            for step in steps[:-1]:
                node = node[step]
            node[steps[-1]] = plain(value) if isinstance(value, Model) else value
        try:
            return type(self).model_validate(data, context={BARE_NUMBERS: True})
        except ValidationError as error:
            raise explain(error, file=f'recipe "{self.name}"', data=data) from None

    def quantities(self) -> dict[str, Quantity]:
        """Every number that the recipe states, by path; not those of the models (`parameters.quantities`)."""
        found: dict[str, Quantity] = {}
        for number, step in enumerate(self.step):
            same = [other for other in self.step[:number] if other.kind == step.kind]
            head = step.kind if not same else f"{step.kind}.{len(same) + 1}"
            found.update(
                (path.replace("coat.additive", "additive"), value) for path, value in walk(step, head)
            )
        return found

    def _resolve(self, path: str) -> tuple[str | int, ...]:
        """The path as steps from the root, checked to exist."""
        head, *rest = path.split(".")
        kinds = [step.kind for step in self.step]
        steps: list[str | int]
        node: Any
        if head in ("name", "description", "seed") and not rest:
            return (head,)
        if head == "additive":
            head, rest = "coat", ["additive", *rest]
        if head in kinds:
            index = kinds.index(head)
            if rest and rest[0].isdigit():
                same = [number for number, kind in enumerate(kinds) if kind == head]
                if not 1 <= int(rest[0]) <= len(same):
                    raise InputError(
                        f'"{path}": "{self.name}" has {len(same)} of that step.', "Count from 1.", key=path
                    )
                index, rest = same[int(rest[0]) - 1], rest[1:]
            steps, node = ["step", index], self.step[index]
        elif head == "parameters" or head in Parameters.model_fields:
            rest = rest if head == "parameters" else [head, *rest]
            steps, node = ["parameters"], self.parameters
        else:
            known = ["additive", *kinds, *Parameters.model_fields, "seed"]
            raise UnknownNameError("step or parameter", head, known, file=f'recipe "{self.name}"', key=path)
        for part in rest:
            if node is None:
                raise InputError(
                    f'"{path}" goes into "{steps[-1]}", which "{self.name}" does not have.',
                    "State it in the recipe first.",
                    key=path,
                )
            fields = node if isinstance(node, dict) else getattr(type(node), "model_fields", {})
            if part not in fields:
                error = unknown_key(part, tuple(fields), f'in "{path.rpartition("." + part)[0] or path}"')
                raise InputError(error.message, error.advice, file=f'recipe "{self.name}"', key=path)
            steps.append(part)
            node = node[part] if isinstance(node, dict) else getattr(node, part)
        return tuple(steps)


def _over(below: Any, above: Any) -> Any:
    """Nested mappings, what is stated above replacing what is below."""
    if (
        isinstance(below, Mapping)
        and isinstance(above, Mapping)
        and "value" not in above
        and "kind" not in above
    ):
        return {**below, **{key: _over(below.get(key), value) for key, value in above.items()}}
    return above


def names() -> tuple[str, ...]:
    """Names of the library recipes, sorted."""
    return tuple(sorted(entry.stem for entry in _FOLDER.glob("*.toml")))


def load(name_or_path: str | Path) -> Recipe:
    """A recipe by its library name ("target") or from a TOML file ("my-recipe.toml").

    Raises:
        UnknownNameError: no library recipe of that name.
        InputError: no such file, or one that cannot be used (file, key, cause, cure).
    """
    from perotwin.stack.library import read_file
    from perotwin.stack.toml import expanded

    text = str(name_or_path)
    file = expanded(text)
    if not os.path.isfile(file) and "/" not in text and file.stem in names():
        # "target.toml" is the library's where no file of that name lies about
        file = _FOLDER / f"{file.stem}.toml"
    elif file.suffix != ".toml":
        raise UnknownNameError("recipe in the library", text, names())
    return Recipe.from_toml(read_file(file, names(), "recipe file"), file=str(file))
