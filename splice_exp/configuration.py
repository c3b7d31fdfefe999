"""What Hydra composes: the typed root, the resolvers, and the way from its nodes to plain values.

Imported without torch, so that `--help` and typing errors answer at once.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import MISSING, DictConfig, OmegaConf

from splice_exp.build import build
from splice_exp.core.assets import HUB, LOCAL
from splice_exp.core.errors import SpliceError, nearest
from splice_exp.core.io import digest
from splice_exp.core.runs.file_digests import keep_digests_in
from splice_exp.core.runs.provenance import SCIENCE, run_id
from splice_exp.core.runs.trusted import KEY as TRUST
from splice_exp.core.runs.trusted import require_trusted
from splice_exp.inputs import KEYS as INPUTS

PACKAGE = Path(__file__).parent
# Inside the wheel, or beside the package in a checkout; absolute, so that the command works from any folder.
CONFIG_DIRECTORY = PACKAGE / "conf" if (PACKAGE / "conf").is_dir() else PACKAGE.parent / "conf"

ROOT = "config"  # the root of all, unless someone names another

NAMES = ("name", "table")  # of what is written
FOLDERS = ("paths.results", "paths.cache")  # where files are written
PLAIN_NAME = re.compile(r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*")
LONGEST_NAME = 200  # bytes, which leaves room for suffixes


@dataclass
class Shard:
    """The part of the rows that is for this job, one of several that fill the same cache.

    Attributes:
        index: Which of the jobs this is, from 0 on.
        count: How many there are; 1: this job computes all that is missing.
    """

    index: int = 0
    count: int = 1


@dataclass
class Config:
    """The typed root: what is not of these types is refused before anything is built.

    Attributes:
        name: Of the experiment.
        table: File name, without suffix, of its table, figure and page.
        seed: Of everything that is sampled.
        force: Whether the record of a complete run is written again.
        repair: Whether damaged shards are computed again, instead of stopping at them.
        fused: Whether samples are embedded and decomposed in one pass.
        keep_embeddings: Whether the embeddings of the run stay in the cache.
        trust: Packages whose classes may be named, besides this one.
        shard: Which part of the rows this job computes.
        figures: Whether samples and classes are plotted in each run directory.
        backbone: Embeds samples and texts.
        data: The samples.
        vocabulary: Names of concepts.
        dictionary: Makes atoms of them.
        alignment: What is centred, and the inverse map.
        solver: Finds codes.
        method: Of attribution.
        removal: What takes the place of removed pixels.
        evaluation: The question.
        stability: What of the codes could as well be otherwise.
        report: What is made of the records.
        trainer: Where rows are computed, and how many at a time.
        logger: Where the run is mirrored.
        paths: Folders of results, runs and cache.
    """

    name: str = MISSING
    table: str = "${name}"  # file name of table, figure and page under paths.results; an experiment may set another
    seed: int = 0
    force: bool = False
    repair: bool = False
    fused: bool = False
    keep_embeddings: bool = True
    trust: list[str] = field(default_factory=list)
    shard: Shard = field(default_factory=Shard)
    figures: bool = True  # of samples and classes, in each run directory
    backbone: Any = MISSING
    data: Any = MISSING
    vocabulary: Any = MISSING
    dictionary: Any = MISSING
    alignment: Any = MISSING
    solver: Any = MISSING
    method: Any = MISSING  # of attribution, for the evaluations that make maps
    removal: Any = MISSING
    evaluation: Any = MISSING
    stability: Any = MISSING
    report: Any = MISSING
    trainer: Any = MISSING
    logger: Any = MISSING
    paths: Any = MISSING


def plain(config: DictConfig, key: str) -> Any:
    """Return one node as plain containers and values: interpolations resolved.

    Args:
        config: Composed.
        key: Of a node at its root.
    """
    value = config[key]
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def inputs_of(config: DictConfig) -> dict[str, Any]:
    """Return the parts of a composed configuration that name files, as plain values."""
    return {key: plain(config, key) for key in INPUTS}


def resolve(config: DictConfig) -> dict[str, Any]:
    """Return the whole configuration as plain values, without Hydra's own node.

    Raises:
        SpliceError: naming values that have no default and were not given, or keys that do not exist.
    """
    missing = sorted(key for key in OmegaConf.missing_keys(config) if not key.startswith("hydra."))
    if missing:
        raise SpliceError(f"{', '.join(missing)} must be given: set {' '.join(f'{key}=…' for key in missing)}")
    found = {str(key): plain(config, str(key)) for key in config if key != "hydra"}
    known = {field.name for field in fields(Config)}
    for key in found.keys() - known:
        raise SpliceError(f"{key} is no key of the configuration ({nearest(key, sorted(known))}).")
    require_file_names(config)
    require_trusted(found[TRUST])
    return found


def require_file_names(config: DictConfig) -> None:
    """Refuse names and folders of results that are not what they seem: files would lie elsewhere, or nowhere.

    Raises:
        SpliceError: naming the key and the value.
    """
    for key in FOLDERS:
        if str(OmegaConf.select(config, key)).startswith("~"):
            raise SpliceError(
                f"{key} is {OmegaConf.select(config, key)!r}, but would be a folder called ~ here: the shell did not "
                "expand it. Write $HOME or the full path."
            )
    for key in NAMES:
        name = None if OmegaConf.is_missing(config, key) else config[key]
        if name is not None and not (PLAIN_NAME.fullmatch(name) and len(name.encode()) <= LONGEST_NAME):
            raise SpliceError(
                f"{key} is {name!r}, but must be a plain file name: up to {LONGEST_NAME} bytes, without /, \\ and "
                "control characters, and not beginning with a dot."
            )


def _run_id(*, _root_: DictConfig) -> str:
    keep_digests_in(Path(_root_.paths.cache))
    trust = tuple(plain(_root_, TRUST))
    science = {key: plain(_root_, key) for key in SCIENCE}
    return run_id({TRUST: trust, **science}, lambda node: samples_of(node, trust))


def samples_of(node: Mapping[str, Any], trust: tuple[str, ...] = ()) -> str | None:
    """Identify the samples of a data set: those that are used, and once in a command, however many points it has.

    Args:
        node: Of its configuration.
        trust: Packages whose classes it may be, besides this one.

    Returns:
        None where it cannot be read; the run says why.
    """
    if MISSING in node.values():  # said in a sentence, before torch is imported for the data
        return None
    # Not damaged=skip: for its name alone images are not looked into.
    return _samples_of(json.dumps({key: value for key, value in node.items() if key != "damaged"}), trust)


@cache
def _samples_of(node: str, trust: tuple[str, ...]) -> str | None:
    try:
        source = build(json.loads(node), "data", trust=trust)
        return str(source.identity()) if hasattr(source, "identity") else None
    except (SpliceError, OSError):
        return None


def forget_samples() -> None:
    """Let the next command of this process look at its files again."""
    _samples_of.cache_clear()


def _run_mode(params: DictConfig | None) -> str | None:
    """Return the mode of an experiment whose file sweeps `params`: it is a sweep without -m."""
    return RunMode.MULTIRUN.name if params else None


def _single_run() -> bool:
    """Say whether this run is no point of a sweep."""
    return not (HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN)


def _listed(names: Sequence[str] | None, otherwise: str) -> str:
    """Write names as a sentence lists them; what no names mean is given in words."""
    if not names:
        return otherwise
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else str(last)


def _named_by_images(*, _root_: DictConfig) -> str:
    """Name the table of a command on images: by the first, the run and the sweep, so that it replaces no other."""
    paths = OmegaConf.select(_root_, "data.paths", default=None) or ()
    stem = re.sub(r"[^\w-]+", "_", Path(str(paths[0])).stem).strip("_")[:40] if paths else ""
    more = f"and_{len(paths) - 1}_more" if len(paths) > 1 else ""
    typed = map(str, OmegaConf.select(_root_, "hydra.overrides.task", default=None) or ())
    swept = sorted(word for word in typed if OverridesParser.create().parse_override(word).is_sweep_override())
    of_sweep = digest(swept)[:6] if swept else ""
    return "_".join(part for part in (_root_.name, stem, more, _run_id(_root_=_root_)[:6], of_sweep) if part)


def _first_image(*, _root_: DictConfig) -> str:
    """Write the first image of a command on images, and what it was embedded and named by, for another command.

    What nobody has chosen is the model inside the package, which has seen only drawings: then a model of photographs.
    """
    paths = OmegaConf.select(_root_, "data.paths", default=None) or ("my_photo.jpg",)
    typed = OmegaConf.select(_root_, "hydra.overrides.task", default=None) or ()
    kept = [word for word in map(str, typed) if re.split("[.=]", word, maxsplit=1)[0] in ("backbone", "vocabulary")]
    return shlex.join([str(paths[0]), *(kept or ["backbone=vit_b_32_openai"])])


def _tag_of(model: str, tag: str) -> str | None:
    """Return the tag of the weights of an architecture; a hub or a folder has its own weights."""
    return None if model.startswith((HUB, LOCAL)) else tag


def register() -> None:
    """Tell Hydra the typed root and the resolvers that `conf` uses."""
    OmegaConf.register_new_resolver("run_id", _run_id, replace=True)
    OmegaConf.register_new_resolver("named_by_images", _named_by_images, replace=True)
    OmegaConf.register_new_resolver("first_image", _first_image, replace=True)
    OmegaConf.register_new_resolver("run_mode", _run_mode, replace=True)
    OmegaConf.register_new_resolver("single_run", _single_run, replace=True)
    OmegaConf.register_new_resolver("listed", _listed, replace=True)
    OmegaConf.register_new_resolver("tag_of", _tag_of, replace=True)
    OmegaConf.register_new_resolver("package_file", lambda path: str(PACKAGE / path), replace=True)
    ConfigStore.instance().store("typed_root", Config)
