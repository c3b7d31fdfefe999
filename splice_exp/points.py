"""The points of a sweep: which overrides compose each of them, and how they differ."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig

from splice_exp.configuration import CONFIG_DIRECTORY
from splice_exp.core.runs.provenance import SCIENCE
from splice_exp.core.text.places import distinct_names, without_places
from splice_exp.core.yaml_file import read_yaml
from splice_exp.inputs import KEYS

COMPONENTS = (*SCIENCE, "method", "removal", "report")  # whose keys depend on what is chosen
NUMBER = re.compile(r"[-+\d.eE_]+|true|false", re.IGNORECASE)
NAME_NO_FILES = {"seed", "solver", "method", "removal", "tuning", "rule", "reading", "report", "trainer", "logger"}
TEMPLATES = "class_templates"  # of a backbone: texts
WHOLE = ("variant", "experiment")  # groups that choose components of other groups


@dataclass(frozen=True)
class Point:
    """One point of a sweep: the overrides that compose it, and those of them that were swept, key → value.

    Attributes:
        overrides: As on the command line, `key=value`.
        swept: Key → value, as it is written in the override.
    """

    overrides: tuple[str, ...]
    swept: dict[str, str]


def expand(config: DictConfig) -> list[Point]:
    """Return every point of a sweep: the product of file and command line.

    A key on the command line replaces that of the file.
    """
    written = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    parsed = OverridesParser.create().parse_overrides([*written, *config.hydra.overrides.task])
    by_key = {override.get_key_element(): override for override in parsed}
    choices = [
        [(key, value) for value in override.sweep_string_iterator()] if override.is_sweep_override() else [(key, None)]
        for key, override in by_key.items()
    ]
    points = []
    for point in itertools.product(*choices):
        overrides = [str(by_key[key].input_line) if value is None else f"{key}={value}" for key, value in point]
        swept = {key: value for (key, value), among in zip(point, choices, strict=True) if value and len(among) > 1}
        points.append(Point(tuple(overrides), swept))
    return points


def one_by_files(points: Sequence[Point]) -> list[Point]:
    """Return the points without those that differ from an earlier one in numbers alone: these name no other files."""
    first: dict[tuple[tuple[str, str], ...], Point] = {}
    for point in points:
        first.setdefault(files_of(point), point)
    return list(first.values())


def files_of(point: Point) -> tuple[tuple[str, str], ...]:
    """Return what was swept and may name files: points that agree in it need the same ones.

    Example:
        >>> files_of(Point((), {"data": "cifar10", "seed": "3", "solver.l1_penalty": "1e-3", "force": "true"}))
        (('data', 'cifar10'),)
    """
    return tuple(
        (key, value) for key, value in point.swept.items() if _names_files(key) and not NUMBER.fullmatch(value)
    )


def _names_files(key: str) -> bool:
    """Say whether what is set by a key may name a file; `tuning@evaluation.tuning` is a choice of the group tuning."""
    return key.lstrip("+~/").partition("@")[0].partition(".")[0] not in NAME_NO_FILES


def changed_by(points: Sequence[Point]) -> tuple[str, ...]:
    """Return which components of a run may differ from row to row, as far as these name files: among `inputs.KEYS`.

    Example:
        >>> changed_by([Point((), {"method": "rise", "evaluation.kind": "corpus"})])
        ('evaluation',)
        >>> changed_by([Point((), {"data": "cifar10"}), Point((), {"data": "cifar100"})])
        ('data', 'evaluation')
        >>> changed_by([Point((), {"variant": "dictionary/random"})])
        ('vocabulary', 'dictionary', 'evaluation')
        >>> changed_by([Point((), {"variant": "sith/dtd"})])
        ('data', 'evaluation')
    """
    changed: set[str] = set()
    for key, value in {pair for point in points for pair in point.swept.items()}:
        if _names_files(key):
            changed |= _set_by_choice(key, value) if key in WHOLE else {_head(key)}
    changed -= NAME_NO_FILES
    if not changed <= set(KEYS):
        return KEYS
    if changed:
        changed.add("evaluation")  # which may contain any other component
    if _chosen(changed, points):
        changed.add("vocabulary")
    return tuple(key for key in KEYS if key in changed)


def _chosen(changed: Collection[str], points: Sequence[Point]) -> bool:
    """Say whether evaluations or dictionaries of other kinds are swept: not all of them need the list of concepts."""
    swept = {key for point in points for key in point.swept}
    return "dictionary" in changed or "evaluation" in swept


def _head(key: str) -> str:
    """Return the component that a key belongs to, as `evaluation` for `data@evaluation.train`."""
    return (key.partition("@")[2] or key).lstrip("+~/").partition(".")[0]


def _set_by_choice(group: str, choice: str) -> set[str]:
    """Return what a file of a group sets: components, or other names if it may set anything."""
    path = CONFIG_DIRECTORY / group / f"{choice}.yaml"
    content = (read_yaml(path) or {}) if path.is_file() else {group: None}
    harmless = {key for key, part in content.items() if isinstance(part, dict) and part.keys() <= {TEMPLATES}}
    heads = {key for key in content if key != "defaults"} - harmless
    for entry in content.get("defaults") or ():
        heads |= {_head(key.removeprefix("override ")) for key in entry} if isinstance(entry, dict) else {str(entry)}
    return heads - {"_self_"}


def set_by_row(words: Sequence[str], also: Iterable[str] = ()) -> list[str]:
    """Have values of swept components set in each row: Hydra composes the default first, with all values.

    A list of one value is set in the rows only.

    Args:
        words: The command line.
        also: Groups that a file sweeps.

    Returns:
        The command line, with such values as sweeps of one choice.

    Example:
        >>> set_by_row(["-m", "solver=omp,path", "solver.target_l0=6", "seed=1"])
        ['-m', 'solver=omp,path', 'solver.target_l0=choice(6)', 'seed=1']
        >>> set_by_row(["-m", "solver=omp", "solver.target_l0=6"])
        ['-m', 'solver=omp', 'solver.target_l0=6']
    """
    if any(word.startswith(("--cfg", "-c", "--info")) for word in words):  # shows what comes first, and runs nothing
        return list(words)
    parsed = {word: found for word in words if (found := _override(word)) is not None}
    swept = [found.get_key_element() for found in parsed.values() if found.is_sweep_override()]
    groups = [key for key in (*swept, *also) if "." not in key.partition("@")[0]]
    places = tuple(f"{key.partition('@')[2] or key}." for key in groups)
    anywhere = any(key in WHOLE for key in groups)
    made = [
        f"{parsed[word].get_key_element()}=choice({word.partition('=')[2]})"
        if word in parsed and _is_value(parsed[word]) and (anywhere or word.startswith(places))
        else word
        for word in words
    ]
    # Hydra would find out by itself that the file is a sweep, unless something else is wrong with the command line.
    several = made != list(words) and bool(also) and not {"-m", "--multirun"} & set(words)
    return [*made, "--multirun"] if several else made


def _is_value(override: Override) -> bool:
    """Say whether an override sets a key of a component to one value."""
    key = override.get_key_element()
    plain = "." in key and key.partition(".")[0] in COMPONENTS
    return plain and not override.is_sweep_override() and override.value() != ""


def one_of(word: str) -> str:
    """Return an override that sets the first of the values that are swept; others as they are."""
    override = _override(word)
    if override is None or not override.is_sweep_override():
        return word
    return f"{override.get_key_element()}={next(iter(override.sweep_string_iterator()))}"


def as_given(word: str) -> str:
    """Return what `set_by_row` made of a word as it was given."""
    found = re.fullmatch(r"([^=]+)=choice\((.*)\)", word)
    override = _override(word) if found else None
    if found is None or override is None or len(list(override.sweep_string_iterator())) > 1:
        return word
    return f"{found[1]}={found[2]}"


def _override(word: str) -> Override | None:
    try:
        return None if word.startswith("-") or "=" not in word else OverridesParser.create().parse_override(word)
    except HydraException:  # Hydra says what is wrong
        return None


def label(value: str) -> str:
    """Write a swept value as a table shows it: a file or a variant by its last part, truth in lower case.

    Example:
        >>> label("True"), label("dictionary/random")
        ('true', 'random')
    """
    last = value.rsplit("/", 1)[-1]
    return last.lower() if last in ("True", "False") else last


def labels(points: Sequence[Point]) -> list[dict[str, str]]:
    """Label the points by what was swept; values whose short forms are the same stay long."""
    keys = points[0].swept.keys()
    short = {key for key in keys if len({label(p.swept[key]) for p in points}) == len({p.swept[key] for p in points})}
    named = {key: _distinct([point.swept[key] for point in points]) for key in keys - short}
    return [
        {key.lstrip("+"): label(value) if key in short else named[key][value] for key, value in point.swept.items()}
        for point in points
    ]


def _distinct(values: Sequence[str]) -> dict[str, str]:
    """Label values whose last parts are the same: files that lie elsewhere by as many parts as tell them apart."""
    distinct = list(dict.fromkeys(values))
    named = [without_places(value) for value in distinct]
    return dict(zip(distinct, named if len(set(named)) == len(named) else distinct_names(distinct), strict=True))
