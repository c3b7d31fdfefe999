"""The record of a run: what was found, of what, by which command; `metrics.json` last, because it means complete."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from matplotlib.figure import Figure as Canvas

from splice_exp.core.io import as_json, atomic, sidecar, write_json, write_text, writing
from splice_exp.core.measures import Measures, to_json
from splice_exp.core.plotting import save
from splice_exp.core.runs.provenance import code_behind, environment, trusted_code
from splice_exp.core.runs.run_directory import (
    CODES,
    CONFIG,
    DAMAGED,
    ENVIRONMENT,
    FILES,
    MEASURES,
    METRICS,
    SAMPLE_FIGURE,
    SAMPLES,
    alone,
    describe_files,
    describe_text,
    is_complete,
)
from splice_exp.core.tensors import write_tensors
from splice_exp.core.text.progress import PROGRESS
from splice_exp.core.types import Status
from splice_exp.decomposition.splice import Decomposition
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import Findings
from splice_exp.evaluation.splice.stability_report import Stability
from splice_exp.record.class_concepts import class_concepts
from splice_exp.record.pictures import decompositions
from splice_exp.record.samples import first_samples
from splice_exp.record.tracking import TrackedRun

log = logging.getLogger(__name__)

NUM_DRAWN, NUM_IN_GALLERY = 8, 32  # samples in the figure of a run, and in the table of its tracker


def write_record(
    directory: Path,
    config: Mapping[str, Any],
    study: Study,
    findings: Findings,
    stability: Stability,
    measures: Measures,
    seconds: Mapping[str, float],
    tracked: TrackedRun,
    damaged: Mapping[str, Mapping[str, str]],
) -> None:
    """Write everything, and mirror it.

    Args:
        directory: Of the run.
        config: The resolved configuration.
        study: What was looked at.
        findings: Of the evaluation.
        stability: Of the codes.
        measures: Declarations of the metrics of both.
        seconds: Of each stage; in the environment, because metrics must repeat to the last digit.
        tracked: The mirror.
        damaged: Samples that were skipped, and why, by the key of their data set.
    """
    metrics = {**findings.metrics, **stability.metrics}
    measures.require(metrics)
    tables = {
        Path(SAMPLES).stem: _samples_table(findings),
        **findings.tables,
        **stability.tables,
    }
    with alone(directory):
        if is_complete(directory) and not config["force"]:
            log.info("another process has finished this run meanwhile: its record stays")
            return
        with writing(directory / METRICS):  # from here on the record is not that of an earlier run any more
            (directory / METRICS).unlink(missing_ok=True)
        written = [directory / CONFIG, directory / MEASURES]
        write_text(directory / CONFIG, yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
        write_json(directory / MEASURES, to_json(measures))
        for name, table in tables.items():
            written.append(directory / f"{name}.parquet")
            with atomic(written[-1]) as temporary:
                table.to_parquet(temporary, index=False)
        (directory / DAMAGED).unlink(missing_ok=True)
        if damaged:
            written.append(directory / DAMAGED)
            write_json(directory / DAMAGED, damaged)
        canvases: dict[str, Canvas] = {}
        if study.is_decomposed:
            _say(study.decomposition.solution.status)
            written += _write_codes(directory / CODES, study.decomposition, study.embeddings.sample_ids)
            if config["figures"]:
                canvases = _draw(study, tracked)
        pictures = [path for name, canvas in canvases.items() for path in save(canvas, directory / "figures" / name)]
        measured = as_json(dict(sorted(metrics.items())))
        described = {
            **environment(config["seed"], str(study.cache.machine.device)),
            "code": code_behind(config),
            "trusted": trusted_code(config),
            **_described(study),
            "seconds": dict(seconds),
            "damaged": {key: len(samples) for key, samples in damaged.items()},
            FILES: describe_files(directory, *written, *pictures) | {METRICS: describe_text(measured)},
        }
        write_json(directory / ENVIRONMENT, described)
        tracked.metrics(metrics)
        known = [(name, value) for name, value in sorted(metrics.items()) if value is not None]
        tracked.table("metrics", pd.DataFrame(known, columns=["measure", "value"]).astype({"value": float}))
        tracked.figures(pictures)
        write_text(directory / METRICS, measured)


def _say(status: Status) -> None:
    expected = status in (Status.CONVERGED, Status.FINISHED)
    log.log(logging.INFO if expected else logging.WARNING, "%s", status.value, extra=PROGRESS if expected else None)


def _draw(study: Study, tracked: TrackedRun) -> dict[str, Canvas]:
    """Plot some samples with their concepts, and the concepts of the classes."""
    canvases = {}
    decomposition, embeddings = study.decomposition, study.embeddings
    shown = first_samples(study.data, decomposition.codes, embeddings.sample_ids, study.truth, NUM_IN_GALLERY)
    if shown is not None:
        # Of a few images all are plotted: someone has chosen them.
        drawn = shown.head(NUM_IN_GALLERY if len(embeddings) <= NUM_IN_GALLERY else NUM_DRAWN)
        canvases[SAMPLE_FIGURE] = decompositions(drawn.images, drawn.codes, drawn.captions, drawn.truth)
        tracked.table("gallery", shown.table())
    if embeddings.labels is not None:
        canvases["class_concepts"] = class_concepts(decomposition, embeddings)
    return canvases


def _described(study: Study) -> dict[str, Any]:
    """Say what a run has looked at."""
    found: dict[str, Any] = {
        "backbone": {"fingerprint": study.backbone.backbone_id},
        "data": {"name": study.data.name, "kind": study.data.kind, "fingerprint": study.fingerprint},
    }
    if study.source_of_mean is not None:
        found["image_mean"] = study.source_of_mean
    if study.is_decomposed:
        found["dictionary"] = study.dictionary.provenance
        found["status"] = study.decomposition.solution.status.name
    return found


def _samples_table(findings: Findings) -> pd.DataFrame:
    """Return all samples with their measures, and what each belongs to where they depend on each other."""
    clusters = {} if findings.clusters is None else {"cluster": findings.clusters}
    return pd.DataFrame({"sample_id": findings.sample_ids, **clusters, **findings.samples})


def _write_codes(path: Path, decomposition: Decomposition, sample_ids: tuple[str, ...]) -> list[Path]:
    """Write the codes and what their rows and columns are; return both files."""
    codes = decomposition.codes
    tensors = {"indptr": codes.indptr, "indices": codes.indices, "values": codes.values, "scale": decomposition.scale}
    write_tensors(path, {**tensors, "image_mean": decomposition.image_mean})
    write_json(sidecar(path), {"concepts": codes.concepts, "sample_ids": sample_ids})
    return [path, sidecar(path)]
