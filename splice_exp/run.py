"""One run: instantiate everything, go through the house once, write the record."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from splice_exp.build import build
from splice_exp.core.errors import SpliceError, require_integer
from splice_exp.core.measures import Measures
from splice_exp.core.names import as_distinct
from splice_exp.core.runs.provenance import SCIENCE
from splice_exp.core.text.places import without_places
from splice_exp.core.text.progress import DISPLAY, PROGRESS
from splice_exp.core.types import Embeddings
from splice_exp.data.base import DataSource, EncodableSource, damaged_in
from splice_exp.decomposition.fused import embed_and_solve
from splice_exp.decomposition.study import Setup, Study
from splice_exp.dictionaries.base import Ingredients
from splice_exp.distributed.batches import Share
from splice_exp.distributed.cache import Cache, ShareDone
from splice_exp.distributed.preemption import leave_if_asked, preemptible
from splice_exp.distributed.trainer import Machine, is_main
from splice_exp.embeddings.extract import embedding_shards
from splice_exp.evaluation.base import Evaluation
from splice_exp.evaluation.splice.stability_report import StabilityReport
from splice_exp.inputs import needs_concepts
from splice_exp.record.tracking import NoTracker, TrackedRun, Tracker
from splice_exp.record.write_record import write_record

log = logging.getLogger(__name__)

WITHOUT_FILES = ("solver", "stability", "trainer", "logger")
LARGEST_SEED = 2**32 - 1  # that NumPy and scikit-learn take
EVALUATION = "evaluation"


@dataclass(frozen=True, eq=False)
class Components(Setup):
    """Everything a run is made of, instantiated before any work.

    Attributes:
        evaluation: The question.
        stability: What of the codes could as well be otherwise.
        trainer: Where rows are computed, and how many at a time.
        logger: Where the run is mirrored.
    """

    evaluation: Evaluation
    stability: StabilityReport
    trainer: Machine
    logger: Tracker


def instantiate_components(config: Mapping[str, Any]) -> Components:
    """Instantiate all components of a resolved configuration, once, those that need no files first: models take long.

    Returns:
        Ready for a run; nothing is computed yet.

    Raises:
        SpliceError: as the component words it that refuses its arguments.
    """
    names = sorted(Components.__dataclass_fields__, key=lambda name: name not in WITHOUT_FILES)
    return Components(**{name: build(config[name], name, config, config["trust"]) for name in names})


class Timings(dict[str, float]):
    """Seconds of each stage; they go to the environment, because metrics must repeat to the last digit."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage, without those inside it, and say that it began; after a SIGTERM it does not begin."""
        leave_if_asked()
        if name != EVALUATION:  # which begins before the stages inside it, and says nothing until they are done
            log.info("%s …", name, extra=PROGRESS)
        DISPLAY.stage(name)
        start, before = time.perf_counter(), sum(self.values())
        try:
            yield
        finally:
            DISPLAY.stage_ends()
        inside = sum(self.values()) - before
        self[name] = round(self.get(name, 0.0) + time.perf_counter() - start - inside, 3)


def run(config: Mapping[str, Any], directory: Path) -> None:
    """Compute one point.

    Args:
        config: The resolved configuration.
        directory: Its run directory.

    Raises:
        SpliceError: for anything a user can put right; earlier results stay as they are.
    """
    require_integer("seed", config["seed"], 0)
    if config["seed"] > LARGEST_SEED:
        raise SpliceError(f"seed is {config['seed']}, but must be at most {LARGEST_SEED}.")
    components = instantiate_components(config)
    components.stability.require(components.solver)
    if not components.alignment.is_estimated(
        components.backbone.encoder
    ):  # a mean that does not fit is found before any work
        components.alignment.known_mean(components.backbone.dim, components.backbone.encoder)
    if needs_concepts(config):  # and so is a list of concepts that cannot be read
        components.vocabulary.load(components.backbone)
    components.evaluation.require(components.data)
    _require_shown(config["report"], components.data)
    science = {key: config[key] for key in SCIENCE}
    tracker = components.logger if is_main() else NoTracker()
    with preemptible(), tracker.run(directory.name, config["name"], without_places(science)) as tracked:
        try:
            _compute(config, components, directory, tracked)
        except ShareDone as done:
            log.info("%s", done)


def _require_shown(report: Mapping[str, Any] | None, data: DataSource) -> None:
    """Refuse a figure of classes that the data do not have: it would be refused after all the work.

    Raises:
        SpliceError: naming the first of them.
    """
    figure = (report or {}).get("figure") or {}
    for name in figure.get("classes") or ():
        data.class_named(name, "report.figure.classes")


def _compute(config: Mapping[str, Any], components: Components, directory: Path, tracked: TrackedRun) -> None:
    torch.manual_seed(config["seed"])
    damaged = damaged_in(components.data, components.dictionary, components.evaluation)
    machine = components.trainer
    cache = Cache(
        _writable("paths.cache", config["paths"]["cache"]), machine, Share(**config["shard"]), config["repair"]
    )
    timings = Timings()
    if config["fused"]:
        with timings.stage("embeddings and codes in one pass"):
            _fill_in_one_pass(components, cache)
    study = Study(components, cache, timings.stage)
    with timings.stage(EVALUATION):  # by every process: what the study computes, they compute together
        findings = components.evaluation.evaluate(study)
        stability = components.stability.report(study)
    if not is_main():
        return
    measures = Measures((*components.evaluation.measures, *components.stability.measures))
    write_record(directory, config, study, findings, stability, measures, timings, tracked, damaged)
    if not config["keep_embeddings"] and isinstance(components.data, EncodableSource):
        embedding_shards(cache, components.data, components.backbone).remove()


def _writable(key: str, path: str) -> Path:
    """Make a folder, before any work.

    Raises:
        SpliceError: if that cannot be done.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpliceError(f"{key} is {path!r}, which cannot be made ({error.strerror}): set another folder.") from error
    return folder


def _fill_in_one_pass(components: Components, cache: Cache) -> None:
    """Embed and decompose before anything else, so that the stages find all of it in the cache.

    Raises:
        SpliceError: if what must be known before is known only after.
    """
    data, backbone, alignment, solver = components.data, components.backbone, components.alignment, components.solver
    if not isinstance(data, EncodableSource):
        raise SpliceError("fused=true embeds and decomposes in one pass, but data are embeddings: set fused=false.")
    if alignment.is_estimated(backbone.encoder):
        raise SpliceError(
            "fused=true needs the image mean before the embeddings: set alignment.image_mean to official, a file or "
            "zero, or fused=false."
        )
    if not solver.row_by_row:
        raise SpliceError("fused=true solves row by row, but this solver needs all rows: set fused=false.")
    mean = alignment.known_mean(backbone.dim, backbone.encoder)
    classes = tuple(name for name in as_distinct(data.classes)[0] if backbone.knows_class(name))
    nothing = Embeddings(torch.zeros(0, backbone.dim), None, (), classes, "image", backbone.backbone_id)
    ingredients = Ingredients(backbone, components.vocabulary, nothing, alignment, mean, cache)
    dictionary = components.dictionary.build(ingredients)
    embed_and_solve(cache, data, backbone, dictionary, solver, mean if alignment.image else torch.zeros_like(mean))
