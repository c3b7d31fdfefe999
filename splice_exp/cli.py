"""The command line: Hydra composes the configuration, `run` does the work, `sweep` reports it."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from splice_exp.configuration import CONFIG_DIRECTORY, register, resolve

log = logging.getLogger(__name__)

register()  # here, because launchers import this module in the processes that they start


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


def _end(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


def main() -> None:
    """Run the command; exit code 1 if any point failed. The last line says where the results are."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands its errors on, instead of printing them its own way
    try:
        job()
    except CompactHydraException as error:  # a mistyped option: its message says what there is
        reason = f"\n{error.__cause__}" if isinstance(error.__cause__, OmegaConfBaseException) else ""
        _end(f"{error}{reason}")
    except RuntimeError as error:
        if "srun" not in str(error):
            raise
        _end(f"{error} Elsewhere set hydra/launcher=joblib, or none.")
    except OSError as error:
        _end(f"{error.filename} cannot be written ({error.strerror}): set paths.results to another folder.")
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
