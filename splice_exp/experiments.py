"""Files of experiments, read as text: what they sweep, and what they say of themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from splice_exp.commands import ON_PICTURES
from splice_exp.configuration import CONFIG_DIRECTORY, ROOT

FOLDER = CONFIG_DIRECTORY / "experiment"
CONFIG_DIR = ("--config-dir", "-cd")
ROOT_FILE = f"{ROOT}.yaml"


def own_folders(words: Sequence[str]) -> list[Path]:
    """Return the folders of configuration that a command line adds: `--config-dir FOLDER`."""
    pairs = [(word, after) for word, after in pairwise([*words, ""]) if word in CONFIG_DIR]
    joined = [word.partition("=")[2] for word in words if word.startswith(f"{CONFIG_DIR[0]}=")]
    return [Path(name).expanduser() for name in (*(after for _, after in pairs), *joined) if name]


def chosen(words: Sequence[str]) -> Path | None:
    """Return the file of the experiment that a command line chooses, here or outside; None if there is none such."""
    names = [word.partition("=")[2] for word in words if word.startswith("experiment=")]
    folders = [FOLDER, *(folder / FOLDER.name for folder in own_folders(words))]
    paths = [folder / f"{names[-1]}.yaml" for folder in folders] if names else []
    return next((path for path in paths if path.is_file()), None)


def sweeps_of(words: Sequence[str]) -> dict[str, str]:
    """Return what the chosen experiment sweeps by itself: key → values, as they are written."""
    path = chosen(words)
    return {} if path is None else {key: str(value) for key, value in (_sweeper(path).get("params") or {}).items()}


def swept_by_file(words: Sequence[str]) -> list[str]:
    """Return the keys that the chosen experiment sweeps by itself."""
    return list(sweeps_of(words))


def _sweeper(path: Path) -> dict[str, Any]:
    described = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return (described.get("hydra") or {}).get("sweeper") or {}


HELP = ("--help", "-h")
WORTH_CHANGING = ("data", "vocabulary", "dictionary", "solver", "method", "evaluation")  # groups whose keys are listed
KEY = re.compile(r"(?P<name>\w+):\s*(?P<value>[^#]*?)\s*(#\s*(?P<about>.*))?")


def help_of(words: Sequence[str]) -> str | None:
    """Return what an experiment, a command on images, or the whole says of itself; None if that is not asked for.

    Args:
        words: The command line: `experiment=NAME --help`, `decompose --help`, or `--help` alone. Choices given with
            it, as `solver=path`, are those whose keys are listed. With other words alone, such as `--config-dir`, Hydra
            answers.
    """
    if not any(word in HELP for word in words):
        return None
    if set(words) <= set(HELP):
        return _overview()
    on_images = next((word for word in words if word in ON_PICTURES), None)
    path = FOLDER / f"{on_images}.yaml" if on_images else chosen(words)
    if path is None:
        return None
    lines = path.read_text(encoding="utf-8").split("\n")
    about = [line.removeprefix("#").removeprefix(" ") for line in lines[1:] if line.startswith("#")]
    described = _with_bases(yaml.safe_load("\n".join(lines)) or {})
    report = {**_chosen_report(described), **(described.get("report") or {})}
    name = path.relative_to(_folder_of(path)).with_suffix("").as_posix()
    parts = [on_images or f"experiment={name}"]
    if "${" not in report.get("title", "${"):  # else that of the run
        parts[0] += f": {report['title']}"
    if report.get("question"):
        parts.append(f"Question: {' '.join(report['question'].split())}")
    parts.append("\n".join(about).strip("\n"))
    if claims := [claim["claim"] for claim in report.get("comparisons") or () if "claim" in claim]:
        parts.append("\n".join(["Claims:", *(f"  {claim}" for claim in claims)]))
    if swept := ((described.get("hydra") or {}).get("sweeper") or {}).get("params"):
        parts.append(
            "\n".join(["Rows, one for each combination:", *(f"  {key}={value}" for key, value in swept.items())])
        )
    parts.append("\n".join(["Keys worth changing, with their defaults:", *_keys(described, words)]))
    parts.append("--cfg job prints all keys; python -m splice_exp --help lists all groups and their choices.")
    return "\n\n".join(parts)


def _with_bases(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return an experiment with what it takes from others, and from published settings, by its defaults."""
    merged: dict[str, Any] = {}
    choices = []
    for one in described.get("defaults") or ():
        base = _base(one)
        if base is None:
            choices.append(one)
            continue
        with base.open(encoding="utf-8") as file:
            found = _with_bases(yaml.safe_load(file) or {})
        choices += found.pop("defaults")
        merged = _over(merged, found)
    own = {key: value for key, value in described.items() if key != "defaults"}
    return _over(merged, own) | {"defaults": choices}


def _base(default: str | Mapping[str, Any]) -> Path | None:
    """Return the file that an entry of defaults takes over as a whole; None for the choice of a component."""
    name = default if isinstance(default, str) else f"/published/{default.get('/published')}"
    path = CONFIG_DIRECTORY / f"{name.removeprefix('/')}.yaml"
    return path if name.startswith(("/experiment/", "/published/")) and path.is_file() else None


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return two configurations as one; where both have a value, it is that of the second."""
    both = {
        key: _over(below[key], above[key]) for key in below.keys() & above.keys() if _are_parts(below[key], above[key])
    }
    return {**below, **above, **both}


def _are_parts(*values: object) -> bool:
    return all(isinstance(value, Mapping) for value in values)


def _folder_of(path: Path) -> Path:
    return next(folder for folder in path.parents if folder.name == FOLDER.name)


def _chosen_report(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the chosen file of `conf/report` says, for an experiment that shares its report with others."""
    names = [one.get("override /report") for one in described.get("defaults") or () if isinstance(one, dict)]
    path = CONFIG_DIRECTORY / "report" / f"{next(filter(None, names), '')}.yaml"
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}


def _overview() -> str:
    """Fill in the help of Hydra, whose own listing of groups takes it seconds."""
    with (CONFIG_DIRECTORY / ROOT_FILE).open(encoding="utf-8") as file:
        described = yaml.safe_load(file)["hydra"]["help"]
    choices: dict[str, list[str]] = {}
    for path in sorted(CONFIG_DIRECTORY.rglob("*.yaml")):
        group = path.parent.relative_to(CONFIG_DIRECTORY).as_posix()
        if group.partition("/")[0] not in (".", "hydra"):
            choices.setdefault(group, []).append(path.stem)
    groups = "".join(f"{group}: {', '.join(sorted(names))}\n" for group, names in sorted(choices.items()))
    text: str = described["template"].replace("${hydra.help.header}", described["header"])
    return text.replace("$APP_CONFIG_GROUPS", groups).rstrip("\n")


def _keys(described: Mapping[str, Any], words: Sequence[str]) -> list[str]:
    """List the choices of an experiment, or of the command line, and what can be set in them."""
    with (CONFIG_DIRECTORY / ROOT_FILE).open(encoding="utf-8") as file:
        defaults = yaml.safe_load(file)["defaults"]
    choices = {
        key.removeprefix("override /"): value for one in defaults if isinstance(one, dict) for key, value in one.items()
    }
    for one in described.get("defaults") or ():
        if isinstance(one, dict):
            choices |= {key.removeprefix("override ").removeprefix("/"): value for key, value in one.items()}
    given = dict(word.split("=", 1) for word in words if "=" in word)
    choices |= {group: given[group] for group in choices if group in given}
    lines = [f"  backbone={choices['backbone']}"]
    for group in WORTH_CHANGING:
        path = CONFIG_DIRECTORY / group / f"{choices[group]}.yaml"
        if group == "method" and group not in given and "method" not in str(described.get("defaults")):
            continue
        if not path.is_file():
            lines.append(
                f"  {group}={choices[group]}   # none of this package: python -m splice_exp --help lists these"
            )
            continue
        lines.append(f"  {group}={choices[group]}")
        set_here = described.get(group) or {}
        for line in path.read_text(encoding="utf-8").split("\n"):
            found = KEY.fullmatch(line)
            if found and found["name"] not in ("_target_", "defaults") and "${" not in found["value"]:
                value = json.dumps(set_here[found["name"]]) if found["name"] in set_here else found["value"]
                about = f"   # {found['about']}" if found["about"] else ""
                lines.append(f"    {group}.{found['name']}={value}{about}")
    return lines
