"""The command line: Hydra composes the configuration, `run` does the work, `sweep` reports it."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from splice_exp.configuration import CONFIG_DIRECTORY, register, resolve

log = logging.getLogger(__name__)


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIRECTORY), config_name="config")
def job(config: DictConfig) -> None:
    """Do one point; a failure is recorded in its directory, so that the other points of a sweep go on."""
    from splice_exp.core.errors import SpliceError
    from splice_exp.core.io import write_json
    from splice_exp.report.records import ERROR
    from splice_exp.run import run

    directory = Path(HydraConfig.get().runtime.output_dir)
    try:
        run(resolve(config), directory)
    except SpliceError as error:
        write_json(directory / ERROR, {"error": str(error)})
    except Exception as error:
        log.exception("unexpected: this is a mistake of splice_exp, not yours")
        where = f"traceback in {directory / 'run.log'}"
        write_json(directory / ERROR, {"error": f"{type(error).__name__}: {error} ({where})"})


def main() -> None:
    """Run the command; exit code 1 if any point failed. The last line says where the results are."""
    register()
    job()
    # Hydra imports the callback when there is something to run; --help and the like stay without torch.
    sweep = sys.modules.get("splice_exp.sweep")
    if sweep is None:
        return
    for failure in sweep.OUTCOME.failures:
        print(f"error: {failure}", file=sys.stderr)
    if sweep.OUTCOME.directory is not None:
        print(f"results: {os.path.relpath(sweep.OUTCOME.directory)}")
    if sweep.OUTCOME.failures:
        sys.exit(1)
