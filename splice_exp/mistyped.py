"""What was mistyped on the command line, said in one sentence.

Hydra hints at adding keys, which is refused here, and lists its search path. What can be set instead is read from the
defaults of the chosen experiment.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import CompactHydraException, HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException, ValidationError

from splice_exp.build import build
from splice_exp.commands import COMMANDS, ON_PICTURES
from splice_exp.configuration import CONFIG_DIRECTORY, Config
from splice_exp.core.errors import SpliceError, did_you_mean, nearest
from splice_exp.experiments import own_folders, sweeps_of
from splice_exp.points import one_of

QUOTES = "\"' "
EXPERIMENTS = CONFIG_DIRECTORY / "experiment"
TAKEN_BY_SOME = ("method", "removal")  # components of the root that only evaluations of maps take
TABLES = (".csv", ".tsv", ".json", ".jsonl", ".parquet")  # of images
OTHERS = {"backbone": "; any model of open_clip is backbone=open_clip backbone.model=ViT-B-16"}
MOVED = {  # choices of earlier versions
    "data=scenes_train": "it is data=scenes data.split=train now; dictionaries take data@dictionary.train=training/"
    "scenes_train."
}
SEVERAL_CHOICES = re.compile(r"[\w@./]+=[\w/.-]+(,[\w/.-]+)+")
OPTION = re.compile(r"\s[a-z_]\w*(\.\w+)*=")  # within a value
SWEPT = re.compile(r"hydra\.sweeper\.params\.([^=]+)=(.*,.*)")


def in_a_sentence(error: CompactHydraException, words: Sequence[str]) -> str:
    """Say what was mistyped.

    Args:
        error: Of Hydra.
        words: The command line.
    """
    text, reason = str(error), error.__cause__
    if (wrong := next((word for word in words if not parses(word)), None)) is not None:
        return _not_read(wrong, words)
    if swept := next((found for word in words if (found := SWEPT.fullmatch(word)) and found[0] in text), None):
        return f"{swept[0]} does not sweep: write -m {swept[1]}={swept[2]}, which replaces what an experiment sweeps."
    if found := re.search(r"Sweep parameters '([^']+)' requires --multirun", text):
        return f"{found[1]} is a sweep, which needs -m: -m {shlex.quote(found[1])}"
    if found := re.match(r"Ambiguous value for argument '([^=]+)=(.*)'$", text.partition("\n")[0]):
        return _several(found[1], found[2])
    if found := re.search(r"Could not find '((?:hydra/)?[^'/]+)/([^']+)'", text):
        return _no_such_choice(found[1], found[2], words)
    if found := re.match(r"Could not override '([^']+)'", text):
        return _no_such_key(found[1], words)
    if found := re.match(r"Error parsing override '([^']*)'\s*missing EQUAL", text):
        return _no_pair(found[1])
    if (found := re.match(r"Error merging override [+]*([^=\s]+)=(.*)", text)) and isinstance(reason, ValidationError):
        return _of_another_type(found[1], found[2], reason)
    lines = [line.strip() for line in text.partition("Config search path")[0].splitlines() if line.strip()]
    if isinstance(reason, OmegaConfBaseException):
        lines.append(str(reason).splitlines()[0])
    heads = [place for place, line in enumerate(lines) if line.startswith("Available options")]
    if heads:
        return f"{' '.join(lines[: heads[0]])}. {lines[heads[0]]} {', '.join(lines[heads[0] + 1 :])}"
    return " ".join(lines)


def _no_pair(word: str) -> str:
    known = [path.relative_to(EXPERIMENTS).with_suffix("").as_posix() for path in EXPERIMENTS.rglob("*.yaml")]
    key, colon, value = word.partition(":")
    if colon and (key == EXPERIMENTS.name or (CONFIG_DIRECTORY / key.partition(".")[0]).is_dir()):
        advice = f"did you mean {key}={value}?"
    elif word in known:
        advice = f"did you mean experiment={word}?"
    else:
        advice = (
            did_you_mean(word, [*COMMANDS, *ON_PICTURES])
            or did_you_mean(word, known, "experiment={}")
            or "python -m splice_exp --help lists what there is."
        )
    return f"{word!r} is no option: options are written KEY=VALUE; {advice}"


def _no_such_choice(group: str, name: str, words: Sequence[str]) -> str:
    """Say what a group has; choices in folders of it are part of their names."""
    keys = [word.rpartition("=")[0] for word in words if word.endswith(f"={name}")]
    key = next((key for key in keys if key.lstrip("+").partition("@")[0] == group), group)  # perhaps of a part
    folder = CONFIG_DIRECTORY / group
    folders = [folder, *(own / group for own in own_folders(words))]
    files = [path.relative_to(one).with_suffix("").as_posix() for one in folders for path in one.rglob("*.yaml")]
    known = sorted({*files, *_known_to_hydra(group)})
    advice = (
        MOVED.get(f"{group}={name}")
        or _your_own(group, name)
        or did_you_mean(name, known, f"{key}={{}}")
        or f"it has {', '.join(known)}{OTHERS.get(group, '')}."
    )
    return f"{group} has no choice {name!r}: {advice}"


def _known_to_hydra(group: str) -> list[str]:
    """Return what Hydra finds besides: of its plugins, and of --config-dir if it has come so far."""
    if GlobalHydra().is_initialized():
        return GlobalHydra.instance().config_loader().get_group_options(group)
    with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
        return GlobalHydra.instance().config_loader().get_group_options(group)


def _your_own(group: str, name: str) -> str | None:
    """Say how a file or folder is given, if what was chosen looks like one."""
    path = Path(name)
    if not ("/" in name or path.suffix[1:].isalpha() or path.exists()):
        return None
    folder = path.is_dir() or not path.suffix
    data = "data=image_table data.table=" if path.suffix.lower() in TABLES else "data=embeddings_file data.path="
    model = "backbone=open_clip backbone.model="
    given = {
        "vocabulary": "vocabulary=file vocabulary.path=",
        "data": "data=image_folder data.root=" if folder else data,
        "backbone": f"{model}local-dir:" if folder else f"{model}ViT-B-32 backbone.pretrained=",
    }.get(group)
    return given and f"{'a folder' if folder else 'a file'} of your own is {given}{shlex.quote(name)}."


KINDS = {int: "an integer", float: "a number", bool: "true or false", str: "a text"}


def _of_another_type(key: str, value: str, reason: ValidationError) -> str:
    """Say what a key of the typed root may be; of Hydra's own keys, what Hydra says."""
    kind: Any = Config
    for part in key.split("."):
        kind = get_type_hints(kind).get(part) if is_dataclass(kind) else None
    if kind is None:
        return f"{key} is {value!r}, which it cannot be: {str(reason).splitlines()[0].rstrip('.')}."
    if is_dataclass(kind):
        inner = " or ".join(f"{key}.{field.name}" for field in fields(kind))
        return f"{key} is {value!r}, but is not one value: set {inner}."
    allowed = KINDS.get(kind) or f"a list in brackets, like {key}=[{value.strip('[]') or 'one'}]"
    return f"{key} is {value!r}, but must be {allowed}."


def _several(key: str, value: str) -> str:
    """Say how several values are written: as a sweep, as a list, or as one text with commas."""
    sweep, listed, text = (shlex.quote(f"{key}={written}") for written in (value, f"[{value}]", _text(value)))
    return (
        f"{key} is {value!r}, which may mean three things: a sweep needs -m (-m {sweep}), a list brackets ({listed}), "
        f"and a text with commas quotes ({text})."
    )


def _not_read(word: str, words: Sequence[str]) -> str:
    """Say how a value is written that Hydra's grammar does not take: in double quotes, the whole in single ones."""
    key, _, value = word.partition("=")
    if value.startswith("="):
        once = f"{key}={value.lstrip('=')}"
        return f"{word!r} has two signs: write {shlex.quote(once)}"
    if OPTION.search(value) and value[:1] not in QUOTES + "[{":
        return f"{word!r} is several options in one pair of quotes: without them it is {word}"
    if value.endswith(",") and word is not words[-1]:
        after = words[list(words).index(word) + 1]
        return f"{word!r} ends with a comma: several values are one word, and a sweep has -m: -m {word}{after}"
    if value[:1] == "[" and value[-1:] != "]":
        return f"{word!r} has no closing bracket: {shlex.quote(f'{word}]')}"
    inside = value[1:-1] if value[:1] == "[" and value[-1:] == "]" else None
    if inside is None:
        written = _text(value)
    else:
        parts = [part.strip() for part in re.split(r",\s*", inside)]
        written = f"[{','.join(_text(part.strip(QUOTES)) for part in parts)}]"
    return (
        f"{word!r} cannot be read: text with spaces, brackets or letters beyond ASCII is written in double quotes, and "
        f"the whole in single ones: {shlex.quote(f'{key}={written}')}"
    )


def _text(value: str) -> str:
    escaped = value.replace('"', '\\"')
    return f'"{escaped}"'


def parses(word: str) -> bool:
    """Say whether Hydra can read an option; what is no option counts, too."""
    if "=" not in word or word.startswith("-"):
        return True
    try:
        OverridesParser.create().parse_override(word)
    except HydraException:
        return False
    return True


def require_parts(config: DictConfig, choices: Iterable[str]) -> None:
    """Refuse `evaluation.rule=above`, which would put a word where a component belongs.

    Args:
        config: Composed.
        choices: Groups that were chosen, as Hydra records them.

    Raises:
        SpliceError: saying how the component is chosen.
    """
    for choice in choices:
        place = choice.partition("@")[2]
        word = OmegaConf.select(config, place) if place else None
        if isinstance(word, str):
            raise SpliceError(f"{place} is {word!r}, but must be a component: write {choice}={word}.")


def require_unused(config: Mapping[str, Any], words: Sequence[str]) -> None:
    """Refuse a wrong value of a component that the command line names, although the chosen evaluation takes none.

    A run builds what it takes, and so checks it. The others are built here, and only if they are named, because to
    import them takes seconds.

    Args:
        config: Resolved.
        words: Overrides of the command line.

    Raises:
        SpliceError: as the component itself words it.
    """
    named = {re.split(r"[.=]", word.lstrip("+"))[0] for word in words}
    for name in TAKEN_BY_SOME:
        if name in named and not _contains(config["evaluation"], config[name]):
            build(config[name], name, config, config["trust"])


def _contains(node: Any, part: Mapping[str, Any]) -> bool:
    """Say whether a component is somewhere in another."""
    inside = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    return node == part or any(_contains(value, part) for value in inside)


def _no_such_key(key: str, words: Sequence[str]) -> str:
    if lacking := _lacking(key, words):
        return lacking
    config = _composed(words, key)
    group = key.partition("@")[0].partition(".")[0]
    if ("@" in key or group not in config) and (CONFIG_DIRECTORY / group).is_dir():
        return _chosen_elsewhere(key, group, words, config)
    advice = f"{_known_beside(key, config)}; python -m splice_exp --cfg job prints all keys"
    parts = [part for part in _parts(config) if key.startswith(part.partition("@")[2] + ".")]
    if parts:
        part = max(parts, key=len)
        advice += f", and {part}=CHOICE takes another kind of it (CHOICE: a file of conf/{part.partition('@')[0]})"
    return f"{key} cannot be set: {advice}."


def _lacking(key: str, words: Sequence[str]) -> str | None:
    """Say which of the choices that a sweep goes through lacks a key that others have."""
    given = {word.partition("=")[0] for word in words}
    of_file = [f"{group}={choices}" for group, choices in sweeps_of(words).items() if group not in given]
    for word in (one for one in (*words, *of_file) if SEVERAL_CHOICES.fullmatch(one)):
        group, _, choices = word.partition("=")
        others = [one for one in words if one != word]
        having = {one: _has(key, _composed([*others, f"{group}={one}"], key)) for one in choices.split(",")}
        without, having_it = (",".join(one for one, has in having.items() if has is asked) for asked in (False, True))
        if without and having_it:
            return (
                f"{group}={without} has no key {key}: set it in a sweep of {group}={having_it}, and run the rest "
                "without it."
            )
    return None


def _has(key: str, config: DictConfig) -> bool:
    place, _, name = key.rpartition(".")
    node = OmegaConf.select(config, place, throw_on_missing=False) if place else config
    return isinstance(node, DictConfig) and name in node


def _known_beside(key: str, config: DictConfig) -> str:
    """Say what can be set where a key was looked for: the names beside it, the nearest of them first."""
    place, _, name = key.rpartition(".")
    while place and not isinstance(OmegaConf.select(config, place, throw_on_missing=False), DictConfig):
        place, _, name = place.rpartition(".")
    node = OmegaConf.select(config, place) if place else config
    known = sorted(str(one) for one in node if one not in ("_target_", "hydra"))
    known += [] if place else [EXPERIMENTS.name]
    asked = did_you_mean(name, known, f"{place}.{{}}" if place else "{}")
    listed = f"{place} has {', '.join(known)}" if place else "there is no such key"
    return f"{asked} {listed} ({nearest(name, known)})".strip()


def _chosen_elsewhere(key: str, group: str, words: Sequence[str], config: DictConfig) -> str:
    """Say how a group is chosen, or a key of it set, that is not where it was looked for."""
    argument = key.partition("@")[0].removeprefix(group)
    value = next((word.partition("=")[2] for word in words if word.startswith(f"{key}=")), "CHOICE")
    whole, _, part = key.partition("@")[2].rpartition(".")
    if whole and part in {*(OmegaConf.select(config, whole) or {})}:  # there is room for it, but nothing is chosen
        return f"{key} is not chosen yet: write +{key}={value}."
    parts = _parts(config)
    written = [
        f"{part.partition('@')[2]}{argument}={value}" if argument else f"{part}={value}"
        for part in parts
        if part.partition("@")[0] == group
    ]
    if written:
        return f"{key} cannot be set here: write {' or '.join(written)}."
    files = sorted(CONFIG_DIRECTORY.glob("evaluation/*.yaml"))
    having = [file.stem for file in files if f"/{group}@" in file.read_text()]
    elsewhere = f", but evaluation={', '.join(having)} {'has' if len(having) == 1 else 'have'} one" if having else ""
    return f"{key} cannot be set here: what was chosen has no such part{elsewhere}."


def _composed(words: Sequence[str], key: str) -> DictConfig:
    """Return the chosen experiment, with Hydra's own node.

    Args:
        words: The command line; what cannot be composed is left out, and so is what `key` was set to.
        key: The one that Hydra refused.
    """
    given = [one_of(word) for word in words if "=" in word and not word.startswith((f"{key}=", "-"))]
    experiment = [word for word in given if word.startswith("experiment=")]
    GlobalHydra.instance().clear()
    own = ",".join(f"file://{folder.resolve()}" for folder in own_folders(words))
    outside = [f"hydra.searchpath=[{own}]"] if own else []
    with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
        for overrides in ([*given, *outside], [*experiment, *outside]):
            try:
                return compose("config", overrides=overrides, return_hydra_config=True)
            except CompactHydraException:  # another word is wrong, too
                continue
        return compose("config", return_hydra_config=True)


def _parts(config: DictConfig) -> list[str]:
    """Return the groups that stand inside components, as `rule@evaluation.rule`."""
    return [choice for choice in config.hydra.runtime.choices if "@" in choice]
