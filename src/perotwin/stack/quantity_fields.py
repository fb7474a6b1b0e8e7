"""What every stack model shares: quantity fields, strict keys, refusals as sentences.

A field is annotated with one of the types below (`Length`, `PositiveEnergy`, ...). It accepts a string with
a unit, a bare float in SI (from Python only), or the sourced form `{value, source}` / `{value, assumed =
[low, high], note}`, and holds a `units.Quantity`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import core_schema

from perotwin.errors import InputError, PerotwinError, nearest, quoted, shown
from perotwin.units import Quantity, parse, si_unit

#: Key of the validation context that says whether bare numbers may stand for SI values (False for TOML).
BARE_NUMBERS = "bare_numbers"
#: most characters of a name
_LONGEST_NAME = 500


class Dim:
    """Annotation that makes a field a `Quantity` of one dimension within bounds."""

    def __init__(
        self,
        dimension: str,
        *,
        above: float | None = None,
        least: float | None = None,
        most: float | None = None,
        because: str = "",
    ) -> None:
        self.dimension = dimension
        self.above = above
        self.least = least
        self.most = most
        self.because = because

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return core_schema.with_info_plain_validator_function(self._validate)

    def _validate(self, value: Any, info: Any) -> Quantity:
        bare = bool((info.context or {}).get(BARE_NUMBERS, True))
        if isinstance(value, Mapping):
            return self._sourced(value, bare)
        return self._bounded(parse(value, self.dimension, bare=bare))

    def _sourced(self, entry: Mapping[str, Any], bare: bool) -> Quantity:
        allowed = ("value", "source", "assumed", "note")
        for key in entry:
            if key not in allowed:
                raise unknown_key(str(key), allowed, "in a sourced number")
        if "value" not in entry:
            raise InputError(
                "a sourced number needs its value.", 'Write { value = "...", source = "..." } with the value.'
            )
        number = self._bounded(parse(entry["value"], self.dimension, bare=bare))
        for key in ("source", "note"):
            if key in entry and not (isinstance(entry[key], str) and entry[key].strip()):
                raise InputError(f"{key} must be text.", f'Write {key} = "..." or leave it out.')
        limits = None
        if "assumed" in entry:
            pair = entry["assumed"]
            if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                raise InputError(
                    "assumed must be a range of two values.", 'Write assumed = ["low", "high"], with units.'
                )
            low, high = (parse(end, self.dimension, bare=bare) for end in pair)
            if not low <= number <= high:
                raise InputError(
                    f"the value {number} lies outside its own assumed range {low} to {high}.",
                    "Widen the range or move the value.",
                )
            limits = (low, high)
        return number.with_origin(entry.get("source"), limits, entry.get("note"))

    def _bounded(self, number: Quantity) -> Quantity:
        if self.above is not None and not number > self.above:
            what = "positive" if self.above == 0 else f"above {self.above:g}"
            raise InputError(
                f"{number} is not {what}, as it must be{self.because}.",
                f"Give a value {_more(self.above)}.",
            )
        if self.least is not None and not number >= self.least:
            what = "negative" if self.least == 0 else f"below {self.least:g}"
            raise InputError(
                f"{number} is {what}, which it cannot be.", f"Give a value of at least {self.least:g}."
            )
        if self.most is not None and not number <= self.most:
            bound = f"{self.most:g} {si_unit(self.dimension)}"
            if self.dimension == "angle":
                bound = f"{math.degrees(self.most):g} deg"
            elif self.dimension == "fraction":
                bound = f"{100.0 * self.most:g} %"
            raise InputError(f"{number} is above {bound}{self.because}.", f"Give a value of at most {bound}.")
        return number


def _more(bound: float) -> str:
    return "greater than zero" if bound == 0 else f"greater than {bound:g}"


def _nameable(name: str) -> str:
    """Names stand in tables, figures and files: what no terminal and no file can show is refused."""
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise InputError(
            f'"{shown(name)}" cannot be a name: it holds control characters.',
            "Use letters, digits, spaces and hyphens.",
        )
    if len(name) > _LONGEST_NAME:
        raise InputError(
            f"a name of {len(name)} characters fits into no table.", f"Use {_LONGEST_NAME} at most."
        )
    return name


#: what a person calls a cell, a layer, a recipe
Name = Annotated[str, AfterValidator(_nameable)]

Length = Annotated[Quantity, Dim("length", above=0)]
Thickness = Annotated[Quantity, Dim("length", above=0, most=0.1)]
Roughness = Annotated[Quantity, Dim("length", least=0)]
Temperature = Annotated[Quantity, Dim("temperature", above=0)]
Energy = Annotated[Quantity, Dim("energy")]
PositiveEnergy = Annotated[Quantity, Dim("energy", above=0)]
Bandgap = Annotated[
    Quantity, Dim("energy", above=0, because=": the valence band would not lie below the conduction band")
]
NonNegativeEnergy = Annotated[Quantity, Dim("energy", least=0)]
#: An energy counted downwards from the vacuum level, as affinities and work functions are.
Depth = Annotated[Quantity, Dim("energy", above=0, because=": it counts downwards from the vacuum level")]
EnergySlope = Annotated[Quantity, Dim("energy per temperature")]
Voltage = Annotated[Quantity, Dim("voltage")]
CurrentDensity = Annotated[Quantity, Dim("current density", above=0)]
Time = Annotated[Quantity, Dim("time", above=0)]
Frequency = Annotated[Quantity, Dim("frequency", above=0)]
Velocity = Annotated[Quantity, Dim("velocity", least=0)]
Mobility = Annotated[Quantity, Dim("mobility", above=0)]
Diffusion = Annotated[Quantity, Dim("diffusion coefficient", above=0)]
Density = Annotated[Quantity, Dim("number density", above=0)]
Doping = Annotated[Quantity, Dim("number density", least=0)]
ArealDensity = Annotated[Quantity, Dim("areal density", least=0)]
TrapDensity = Annotated[Quantity, Dim("number density", least=0)]
VolumeRate = Annotated[Quantity, Dim("volume rate", least=0)]
AugerRate = Annotated[Quantity, Dim("auger coefficient", least=0)]
GenerationRate = Annotated[Quantity, Dim("rate per volume", least=0)]
PhotonFlux = Annotated[Quantity, Dim("rate per area", least=0)]
AbsorptionCoefficient = Annotated[Quantity, Dim("absorption coefficient", above=0)]
Intensity = Annotated[Quantity, Dim("intensity", least=0)]
Irradiance = Annotated[Quantity, Dim("power density", above=0)]
#: of incidence, from the normal
Incidence = Annotated[
    Quantity,
    Dim("angle", least=0, most=math.radians(89.0), because=" (89 deg): light along a surface does not enter"),
]
AreaResistance = Annotated[Quantity, Dim("area resistance", least=0)]
Shunt = Annotated[Quantity, Dim("area resistance", above=0)]
Permittivity = Annotated[Quantity, Dim("dimensionless", least=1)]
Charge = Annotated[Quantity, Dim("dimensionless")]
AreaFraction = Annotated[Quantity, Dim("fraction", above=0, most=1)]
#: of an area, from nothing to all but all of it
Share = Annotated[Quantity, Dim("fraction", least=0, most=0.99)]
#: of an area, of what is an exception there
LesserShare = Annotated[Quantity, Dim("fraction", least=0, most=0.3)]


if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class _Metaclass(ModelMetaclass):
    """Turns pydantic's ValidationError into an InputError where a person builds a model in Python.

    Done here and not in `__init__`, which pydantic would call for every nested model and lose the place of
    the fault.
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except ValidationError as error:
            raise explain(error) from None


class Model(BaseModel, metaclass=_Metaclass):
    """Base of the stack models: frozen, no unknown keys, defaults checked."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, validate_default=True
    )

    #: True for models that TOML shows on one line, `{ kind = "uniform", rate = "..." }`.
    inline: ClassVar[bool] = False
    #: Cures for keys that people write but that go by another name here, in lower case.
    hints: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            fields = cls.model_fields
            for key in data:
                if key not in fields:
                    raise unknown_key(str(key), tuple(fields), f"in {cls._called()}", cls.hints)
        return data

    def __dir__(self) -> list[str]:
        """What is this model's own; pydantic's names would bury it."""
        return [name for name in super().__dir__() if name.startswith("__") or not hasattr(BaseModel, name)]

    @classmethod
    def _called(cls) -> str:
        """What a person calls this model."""
        words = re.sub(r"(?<!^)(?=[A-Z])", " ", cls.__name__).lower()
        return f"the {words} table"

    def as_stated(self) -> Self:
        """The model as its file states it: the same, but for what takes numbers from a library (`use`)."""
        return self

    def all_stated(self) -> Self:
        """The model with every number in place: the same, but for what takes numbers from a library (`use`)."""
        return self


def model_of(model: type[Model], field: str) -> type[Model] | None:
    """The model class in a field's annotation, for tables that nobody wrote; None for leaves and unions."""
    annotation = model.model_fields[field].annotation
    candidates = [annotation, *getattr(annotation, "__args__", ())]
    models = [entry for entry in candidates if isinstance(entry, type) and issubclass(entry, Model)]
    return models[0] if len(models) == 1 else None


def unknown_key(
    key: str, options: tuple[str, ...], where: str, hints: Mapping[str, str] | None = None
) -> InputError:
    """The refusal of a key that a model does not have; the nearest ones, or a hint, are offered."""
    close = nearest(key, options)
    offered = close or options
    listed = ", ".join(f'"{shown(name)}"' for name in offered)
    advice = f"Did you mean {listed}?" if close else f"The keys here are {listed}."
    advice = (hints or {}).get(key.lower(), advice)
    return InputError(f'the key "{shown(key)}" does not exist {where}.', advice, subkey=key)


def names_a_table(word: str) -> bool:
    """Whether a word is the name of a text file with a table, and nothing else that a key takes."""
    return re.search(r"[^\s]\.(csv|txt|dat|asc|tsv|prn|xy|spc|sp|spectrum)$", word, re.IGNORECASE) is not None


def shorthand(value: Any, kinds: Mapping[str, type[Model]], what: str) -> Any:
    """Let a bare string name a kind; refuse unknown kinds with the nearest ones.

    Parameters
    ----------
    value : what stands in the file: a string, a mapping with `kind`, or a model already.
    kinds : the members of the union by kind.
    what : the name of the choice for the message.
    """
    if isinstance(value, str):
        value = {"kind": value}
    if not isinstance(value, Mapping):
        if isinstance(value, Model):
            return value
        raise InputError(
            f"{quoted(value)} is no choice of {what}.",
            f"Write {what} = {{ kind = ... }} with one of {_listed(kinds)}.",
        )
    kind = value.get("kind")
    if kind is None:
        raise InputError(f"the {what} has no kind.", f"Add kind = one of {_listed(kinds)}.")
    if not isinstance(kind, str):
        raise InputError(
            f"the kind of a {what} is a word, not {shown(kind)}.",
            f"Choose from {_listed(kinds)}.",
            subkey="kind",
        )
    if kind not in kinds:
        close = nearest(kind, kinds)
        raise InputError(
            f'there is no {what} of kind "{shown(kind)}".',
            f'Did you mean "{close[0]}"?' if close else f"Choose from {_listed(kinds)}.",
        )
    return value


def _listed(kinds: Mapping[str, Any]) -> str:
    return ", ".join(f'"{kind}"' for kind in kinds)


def explain(error: ValidationError, *, file: str | None = None, data: Any = None) -> InputError:
    """One InputError for all that pydantic found; each problem is a sentence with its key.

    Parameters
    ----------
    error : what pydantic raised.
    file : the file that was read.
    data : the raw input, to name layers instead of counting them.
    """
    problems = [_problem(entry, file, data) for entry in error.errors(include_url=False)]
    first = problems[0]
    if len(problems) > 1:
        rest = "; ".join(f"{problem.key}: {problem.message}" for problem in problems[1:6])
        count = len(problems) - 1
        more = "is 1 more problem" if count == 1 else f"are {count} more problems"
        advice = f"{first.advice} There {more}: {shown(rest, 500)}".strip()
        first = InputError(first.message, advice, file=first.file, key=first.key, problems=tuple(problems))
    return first


#: pydantic's word for a wrong type -> what is needed, and how to write it
_WORDS = {
    "string_type": ("a text", 'some words in quotes, "..."'),
    "bool_type": ("true or false", "true or false, without quotes"),
    "bool_parsing": ("true or false", "true or false, without quotes"),
    "int_type": ("a whole number", "digits without quotes"),
    "int_parsing": ("a whole number", "digits without quotes"),
    "int_from_float": ("a whole number", "digits without quotes"),
    "float_type": ("a number", "digits without quotes"),
    "float_parsing": ("a number", "digits without quotes"),
    "finite_number": ("a finite number", "digits without quotes"),
}


def _problem(entry: Any, file: str | None, data: Any) -> InputError:
    location = tuple(entry["loc"])
    original = (entry.get("ctx") or {}).get("error")
    if isinstance(original, PerotwinError):
        subkey = original.context.get("subkey")
        place = key_path(location, data)
        key = original.context.get("key") or ".".join(part for part in (place, subkey) if part) or None
        return InputError(original.message, original.advice, file=file, key=key)
    key = key_path(location, data)
    kind = entry["type"]
    if kind == "missing":
        name = location[-1]
        return InputError(
            f'the required key "{name}" is missing.', f"Add {name} = ... there.", file=file, key=key or None
        )
    message, now = str(entry["msg"]), quoted(entry["input"])
    advice = f"It reads {now} now; the documentation of this table says what each of its keys takes."
    if kind.startswith(("less_than", "greater_than")):
        advice = f"Give a number within that bound instead of {now}."
    if kind == "literal_error":
        message, advice = f"{now} is not one of {entry['ctx']['expected']}.", "Choose one of them."
    elif kind in ("model_type", "model_attributes_type", "dict_type"):
        message, advice = (
            "a table of keys is needed here.",
            f"It reads {now} now: write [{shown(key)}] with its keys.",
        )
    elif kind in ("list_type", "tuple_type"):
        message = "a list of tables is needed here."
        advice = f"Write [[{shown(key)}]] in TOML, once for each entry."
    elif kind in _WORDS:
        what, example = _WORDS[kind]
        message, advice = f"{what} is needed here, not {now}.", f"Write {shown(location[-1])} = {example}."
    return InputError(message if message.endswith(".") else message + ".", advice, file=file, key=key or None)


def key_path(location: tuple[Any, ...], data: Any) -> str:
    """The field path of a pydantic location: layers and columns by name, traps counted from 1, union tags left out."""
    parts: list[str] = []
    node = data
    tagged = False  # whether the tag of the union at `node` was already seen
    for step in location:
        if isinstance(node, Mapping) and not tagged and node.get("kind") == step:
            tagged = True
            continue
        if isinstance(node, str) or str(step).startswith("tag:"):
            continue  # below a shorthand, or the tag of a union that tells its members by their keys
        tagged = False
        if isinstance(step, int):
            node = node[step] if isinstance(node, (list, tuple)) and step < len(node) else None
            name = (
                node.get("name") or node.get("use")
                if isinstance(node, Mapping)
                else getattr(node, "name", None)
            )
            if parts and parts[-1] in ("layer", "column", "between", "lower_between"):
                parts[-1] = str(name) if name else f"{parts[-1]} {step + 1}"
            else:
                parts.append(str(step + 1))
            continue
        node = node.get(step) if isinstance(node, Mapping) else getattr(node, str(step), None)
        parts.append(str(step))
    # a field path of a tandem names the junction first, one of a column leaves out "column" and "stack"
    taken = [step for step in location if not str(step).startswith("tag:")]
    first = int(taken[:1] in (["top"], ["middle"], ["bottom"]))
    column = taken[first : first + 1] == ["column"] and parts[first + 1 : first + 2] == ["stack"]
    prefix, rest = (parts[: first + 1], parts[first + 2 :]) if column else (parts[:first], parts[first:])
    if len(rest) > 1 and rest[0] == "interface":
        rest = rest[1:]
    return ".".join([*prefix, *rest])
