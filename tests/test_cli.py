"""The command as a user types it, in this process: Hydra, run, report, exit code."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra

from splice_exp import sweep
from splice_exp.cli import main
from splice_exp.core.tensors import read_tensors, write_tensors
from splice_exp.data.scenes.plain import Scenes
from tests.core.images.test_opening import png_of
from tests.offline_wandb import offline_runs, summary_of

PLANTED = ("backbone=planted", "data=planted", "vocabulary=planted")
FAST = (*PLANTED, "data.num_samples=40", "debug=fast")
ONE_SEED = "hydra.sweeper.params.seed=0"  # of an experiment that sweeps several
BARE = ("figures=false", "report.figure=null")  # drawing takes half of the time of a small run
POINT = ("experiment=zero_shot", *FAST, *BARE)


def run_here(results, *overrides):
    """Run a command in this process; return its exit code."""
    GlobalHydra.instance().clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["splice_exp", *overrides, f"paths.results={results}"])
        patch.setattr(sweep, "OUTCOME", sweep.Outcome())
        try:
            main()
        except SystemExit as stop:
            return stop.code
    return 0


@pytest.fixture
def command(capfd, tmp_path):
    """Run a command with results under tmp_path; return exit code, output and errors."""
    return lambda *overrides: (run_here(tmp_path / "results", *overrides), *capfd.readouterr())


def metrics_of(folder):
    return {path.parent.name: json.loads(path.read_text()) for path in sorted(folder.glob("**/metrics.json"))}


def test_one_point_leaves_a_record_a_table_and_a_figure(command, tmp_path):
    code, out, err = command("experiment=zero_shot", *FAST, "figures=true")
    assert code == 0, err
    results = tmp_path / "results"
    (run,) = (results / "runs" / "zero_shot").iterdir()
    written = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert written == {
        *("config.yaml", "environment.json", "run.log", "metrics.json", "measures.json", "samples.parquet"),
        *("codes.safetensors", "codes.json", "figures/class_concepts.png", "figures/class_concepts.svg"),
    }
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["zero_shot/num_samples"] == 40
    assert metrics["solver/gap_max"] <= 1e-6
    assert out.splitlines()[-1].startswith("results: ")
    assert out.splitlines()[-1].endswith(run.name)
    assert (results / "tables" / "zero_shot.md").is_file()
    assert (results / "figures" / "zero_shot.png").is_file()


def test_the_same_point_is_read_and_force_computes_it_again(command, tmp_path):
    command(*POINT)
    (path,) = (tmp_path / "results").glob("runs/**/metrics.json")
    first, written = path.read_text(), path.stat().st_mtime_ns
    code, out, _ = command(*POINT)
    assert code == 0
    assert "complete already" in out
    assert path.stat().st_mtime_ns == written
    code, out, _ = command(*POINT, "force=true")
    assert code == 0
    assert path.stat().st_mtime_ns > written
    assert path.read_text() == first  # to the last digit


def test_a_record_whose_numbers_were_changed_is_computed_again(command, tmp_path):
    command(*POINT)
    (path,) = (tmp_path / "results").glob("runs/**/metrics.json")
    first = path.read_text()
    path.write_text(first.replace('"data/num_samples": 40', '"data/num_samples": 41'))
    code, out, _ = command(*POINT)
    assert code == 0
    assert "complete already" not in out
    assert path.read_text() == first


def test_a_forced_run_that_fails_says_so_and_keeps_what_was_there(command, tmp_path):
    command(*POINT)
    before = metrics_of(tmp_path / "results")
    code, _, err = command(*POINT, "force=true", "trainer.accelerator=gpu")
    assert code == 1
    assert "error: trainer.accelerator is 'gpu', but there is no CUDA device here" in err
    assert metrics_of(tmp_path / "results") == before
    code, out, _ = command(*POINT)
    assert code == 0
    assert "complete already" in out


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["+foo=1"], "error: foo is no key of the configuration"),
        (["name=../y"], "error: name is '../y', but must be a plain file name"),
        (["name=.."], "error: name is '..', but must be a plain file name"),
        (["name=''"], "error: name is '', but must be a plain file name"),
        (["table=.."], "error: table is '..', but must be a plain file name"),
        (["table=''"], "error: table is '', but must be a plain file name"),
        (['name="a\tb"'], r"error: name is 'a\tb', but must be a plain file name: up to 200 bytes, without /, \ and"),
        (["trainer.num_workers=100000"], "error: trainer.num_workers is 100000, but must be at most "),
        (["trainer.num_workers=-1"], "error: trainer.num_workers is -1, but must be an integer of at least 0"),
        (["trainer.batch_size=0"], "error: trainer.batch_size is 0, but must be an integer of at least 1"),
        (["trainer.batch_size=-1"], "error: trainer.batch_size is -1, but must be an integer of at least 1"),
        (["solver.batch_size=0"], "error: solver.batch_size is 0, but must be an integer of at least 1"),
        (["vocabulary.size=0"], "error: vocabulary.size is 0, but must be an integer of at least 1"),
        (["shard.count=0"], "error: shard.count is 0, but must be an integer of at least 1"),
        (["shard.index=-1"], "error: shard.index is -1, but must be an integer of at least 0"),
        (["data.num_samples=10000000000000"], "error: data.num_samples is 10000000000000, but at most "),
        (["seed=-1"], "error: seed is -1, but must be an integer of at least 0"),
        (["seed=99999999999999999999999"], "error: seed is 99999999999999999999999, but must be at most 4294967295"),
        (["name=/etc/x"], "error: name is '/etc/x', but must be a plain file name"),
        (["table=a/b"], "error: table is 'a/b', but must be a plain file name"),
        (["trainer.devices=100000"], "error: trainer.devices is 100000, but must be at most "),
        (
            ["data=image_folder", "data.root=/"],
            "error: data.root is '/', where everything is: name the folder of your images.",
        ),
        (["sovler=admm"], "error: sovler cannot be set: did you mean solver? there is no such key (nearest: "),
        (["solver.tolerance=1"], "error: solver.tolerance cannot be set: solver has batch_size, engine, "),
        (
            ["experiment=sith_judged", "evaluation.listd=1"],
            "evaluation has bootstrap_resamples, judge, listed, reading, seed (nearest: 'listed')",
        ),
        (["experiment=sith_heads", "reading.layers=[1]"], "set here: write evaluation.reading.layers=[1].\n"),
        (["rule.share=1"], "rule.share cannot be set here: what was chosen has no such part, but evaluation=sith_edit"),
        (
            ["experiment=explain", "evaluation.foil.texts=[a]"],
            "and corpus@evaluation.foil=CHOICE takes another kind of it (CHOICE: a file of conf/corpus).",
        ),
        (["experiment=sith_edit_classification", "rule=above"], "set here: write rule@evaluation.rule=above.\n"),
        (["experiment=sith_judged", "judge=openai"], "judge cannot be set here: write judge@evaluation.judge=openai."),
        (
            ["experiment=explain", "corpus=samples"],
            "write corpus@evaluation.foil=samples or corpus@evaluation.corpus=samples.",
        ),
        (
            ["tuning=lora"],
            "tuning cannot be set here: what was chosen has no such part, but evaluation=sith_adaptation",
        ),
        (
            ["evaluation=sith_edit_codes", "evaluation.rule=above"],
            "evaluation.rule is 'above', but must be a component: write rule@evaluation.rule=above.",
        ),
        (["data@evaluation.train=scenes"], "data@evaluation.train cannot be set here: what was chosen has no such"),
        (
            ["evaluation=sith_edit_spurious", "data@evaluation.side=scenes_single"],
            "data@evaluation.side is not chosen yet: write +data@evaluation.side=scenes_single.",
        ),
        (
            ["evaluation=sith_edit_codes", "rule@evaluation.rule=abov"],
            "rule has no choice 'abov': did you mean rule@evaluation.rule=above?",
        ),
        (
            ["solver=amdm"],
            "error: solver has no choice 'amdm': did you mean solver=admm?",
        ),
        (["experiment=zero_shott"], "error: experiment has no choice 'zero_shott': did you mean experiment=zero_shot?"),
        (["solver=lasso"], "error: solver has no choice 'lasso': it has active_set, "),
        (["hydra/launcher=joblb"], "error: hydra/launcher has no choice 'joblb': did you mean hydra/launcher=joblib?"),
        (
            ["vocabulary=my/words.txt"],
            "error: vocabulary has no choice 'my/words.txt': a file of your own is vocabulary=file "
            "vocabulary.path=my/words.txt.",
        ),
        (["data=/of my/dogs"], "a folder of your own is data=image_folder data.root='/of my/dogs'."),
        (["data=dogs.csv"], "a file of your own is data=image_table data.table=dogs.csv."),
        (["backbone=my/clip.pt"], "is backbone=open_clip backbone.model=ViT-B-32 backbone.pretrained=my/clip.pt."),
        (["data=dogs.npy"], "a file of your own is data=embeddings_file data.path=dogs.npy."),
        (["backbone=ViT-B-16"], "; any model of open_clip is backbone=open_clip backbone.model=ViT-B-16."),
        (
            ["prepare-dta"],
            "error: 'prepare-dta' is no option: options are written KEY=VALUE; did you mean prepare-data?",
        ),
        (["solver.l1_penalty=0.1,0.2"], "a sweep needs -m (-m solver.l1_penalty=0.1,0.2), a list brackets ("),
        (["evaluation.texts=[赤い星]"], """the whole in single ones: 'evaluation.texts=["赤い星"]'"""),
        (["data.paths=[my cat (1).jpg, b.jpg]"], """'data.paths=["my cat (1).jpg","b.jpg"]'"""),
        (["--penalty"], "error: --penalty is no option: options are written KEY=VALUE"),
        (["data=scenes_train"], "it is data=scenes data.split=train now; dictionaries take data@dictionary.train="),
        (["ablation_nonneg"], "error: 'ablation_nonneg' is no option: options are written KEY=VALUE; did you mean exp"),
        (["table7"], "error: 'table7' is no option: options are written KEY=VALUE; python -m splice_exp --help lists"),
        (["dictionary=learned", "dictionary.size=1000000"], "error: dictionary.size is 1000000, and learning so many"),
        (["stability=lasso", "solver=omp"], "error: stability=lasso needs a solver of the lasso, but solver is OMP"),
        (["seed=abc"], "error: seed is 'abc', but must be an integer."),
        (["experiment=ablation_centering", ONE_SEED, "data.num_samples=-3"], "error: data.num_samples is -3"),
        (["experiment=zero_shot", "method.num_masks=0"], "error: method.num_masks is 0"),  # although it makes no maps
        (["experiment=zero_shot", "method=occlusion", "method.side=-2"], "error: method.side is -2"),
        (["experiment=zero_shot", "removal.sigma=-1"], "error: removal.sigma is -1"),
    ],
)
def test_what_is_no_option_is_refused_and_leaves_no_results(command, tmp_path, overrides, message):
    code, out, err = command(*PLANTED, "debug=fast", *overrides)
    assert code == 1
    assert message in err
    assert "Traceback" not in err
    assert "results:" not in out
    assert not metrics_of(tmp_path)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["report.columns=l0/mean"], "error: report.columns is 'l0/mean', but must be a list of names"),
        (["report.figure.panels=l0/mean"], "error: report.figure.panels is 'l0/mean', but must be a list of names"),
        (["report.title=${nope}"], "error: report.title: Interpolation key 'nope' not found"),
    ],
)
@pytest.mark.parametrize("experiment", ["zero_shot", "ablation_centering"])
def test_what_is_wrong_with_the_report_is_said_before_the_first_run(command, tmp_path, experiment, overrides, message):
    code, _, err = command(f"experiment={experiment}", *FAST, *overrides)
    assert code == 1
    assert err.startswith(message)
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_column_that_no_run_measures_is_not_left_out_silently(command):
    code, out, err = command(*POINT, "report.columns=[l0/mean,zero_shot/top2]")
    assert code == 0, err
    assert "[WARNING] not shown, because no run measures it (report.columns): zero_shot/top2" in out


def test_results_that_cannot_be_written_are_one_sentence(command, tmp_path):
    (tmp_path / "results").write_text("a file where the folder should be")
    code, _, err = command(*POINT)
    assert code == 1
    assert "cannot be written" in err
    assert "Traceback" not in err


def test_overrides_that_delete_a_group_are_reported_too(command):
    code, _, err = command("~variant", *POINT)
    assert code == 0, err


def test_a_sweep_is_a_table_in_the_order_of_its_file(command, tmp_path):
    code, out, err = command("experiment=ablation_centering", *FAST, ONE_SEED)
    assert code == 0, err
    assert len(metrics_of(tmp_path / "results")) == 4
    assert not list((tmp_path / "results" / "runs").glob("**/figures"))  # as the experiment says; its own is there
    assert (tmp_path / "results" / "figures" / "ablation_centering.png").is_file()
    table = (tmp_path / "results" / "tables" / "ablation_centering.md").read_text()
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith(("| true", "| false"))]
    assert [[cell.strip() for cell in row] for row in rows] == [
        *(["true", "true"], ["true", "false"], ["false", "true"], ["false", "false"])
    ]
    assert f"python -m splice_exp {ONE_SEED} experiment=ablation_centering backbone=planted data=planted" in table
    assert str(tmp_path) not in table
    assert "without both centrings" in " ".join(out.split())
    assert out.splitlines()[-1].endswith("runs/ablation_centering")


def test_a_sparsity_curve_is_one_pass_along_the_paths(command, tmp_path):
    penalties = "solver.l1_penalty=0.01,0.25"  # of the eight that each dictionary is solved for
    code, _, err = command("experiment=zero_shot_sparsity", *FAST, penalties, "figures=false")
    assert code == 0, err
    found = metrics_of(tmp_path / "results")
    assert len(found) == 6
    assert len(list(tmp_path.glob("results/cache/codes/*"))) == 24
    logs = "".join(path.read_text() for path in tmp_path.glob("results/runs/*/*/run.log"))
    assert logs.count("read from cache: codes") == 3  # after the first row of each dictionary nothing is solved
    assert max(metrics["solver/gap_max"] for metrics in found.values()) <= 1e-6


def test_one_pass_is_the_same_run(command, tmp_path):
    staged = (*POINT, "alignment.image_mean=zero", "trainer.batch_size=16", "solver.batch_size=16")
    command(*staged)
    before = metrics_of(tmp_path / "results")
    shutil.rmtree(tmp_path / "results")
    code, out, err = command(*staged, "fused=true")
    assert code == 0, err
    assert metrics_of(tmp_path / "results") == before
    assert out.count("read from cache") == 2
    for override, message in (
        ("alignment.image_mean=estimate", "fused=true needs the image mean before the embeddings"),
        ("dictionary=learned", "set fused=false"),
        ("solver=path", "this solver needs all rows"),
    ):
        mean_l0 = ("solver.mean_l0=3", "solver.target_l0=null") if override == "solver=path" else ()
        code, _, err = command(*staged, "fused=true", override, *mean_l0)
        assert code == 1
        assert message in err


def test_a_stability_report_lies_beside_the_codes(command, tmp_path):
    code, _, err = command(*POINT, "stability=lasso", "stability.resamples=2", "stability.epsilon=0.01")
    assert code == 0, err
    (metrics,) = metrics_of(tmp_path / "results").values()
    assert 0 <= metrics["stability/dispensable_share"] <= 1
    assert 0 < metrics["stability/frequency_mean"] <= 1
    names = sorted(path.name for path in (tmp_path / "results").glob("runs/zero_shot/*/stability/*.parquet"))
    assert names == ["exchanges.parquet", "near_duplicates.parquet", "selection.parquet"]


@pytest.mark.slow
def test_the_offline_run_of_weights_and_biases_is_metrics_json(command, tmp_path):
    code, out, err = command(
        "experiment=zero_shot", *PLANTED, "data.num_samples=40", "evaluation.bootstrap_resamples=20"
    )
    assert code == 0, err
    send = out.partition("to W&B:\n")[2].split("\n")[0]
    assert send.startswith("  wandb sync ")
    assert send.endswith("results/wandb/offline-run-*")
    runs = offline_runs(tmp_path / "results")
    ((run_id, metrics),) = metrics_of(tmp_path / "results").items()
    assert runs.keys() == {run_id, "zero_shot"}  # the point, and the table
    summary = summary_of(runs[run_id])
    assert {name: summary.get(name) for name in metrics} == metrics
    assert summary["figures/class_concepts/_type"] == "image-file"
    assert summary["metrics/_type"] == "table-file"
    assert {"table/_type", "figures/zero_shot/_type"} <= summary_of(runs["zero_shot"]).keys()
    config = {update.key: json.loads(update.value_json) for r in runs[run_id] for update in r.run.config.update}
    assert config["solver"]["l1_penalty"] == 0.25
    written = sorted((tmp_path / "results").glob("wandb/offline-run-*"))
    code, out, err = command(
        "experiment=zero_shot", *PLANTED, "data.num_samples=40", "evaluation.bootstrap_resamples=20"
    )
    assert code == 0, err
    assert "to W&B" not in out  # what was there has been mirrored
    assert sorted((tmp_path / "results").glob("wandb/offline-run-*")) == written


def test_a_sweep_of_ones_own_is_shown_with_its_flag(command, tmp_path):
    code, _, err = command("-m", "solver.l1_penalty=0.3,0.4", *POINT)
    assert code == 0, err
    table = (tmp_path / "results" / "tables" / "zero_shot.md").read_text()
    assert "    python -m splice_exp -m solver.l1_penalty=0.3,0.4 experiment=zero_shot backbone=planted" in table


def test_a_solver_that_did_not_end_warns(command):
    code, out, _ = command(*POINT, "solver.max_iterations=1")
    assert code == 0
    assert "[WARNING] the iteration limit was reached: raise solver.max_iterations" in out


def test_the_command_line_replaces_a_swept_key(command, tmp_path):
    code, _, err = command("experiment=ablation_nonneg", "solver.l1_penalty=0.3,0.4", *FAST, ONE_SEED)
    assert code == 0, err
    table = (tmp_path / "results" / "tables" / "ablation_nonneg.md").read_text()
    assert len(metrics_of(tmp_path / "results")) == 4
    assert "| 0.15 " not in table
    assert "| 0.4 " in table


def test_one_point_of_a_sweep_is_the_same_run_and_leaves_the_table_alone(command, tmp_path):
    command("experiment=ablation_centering", *FAST, ONE_SEED)
    table = (tmp_path / "results" / "tables" / "ablation_centering.md").read_text()
    before = metrics_of(tmp_path / "results")
    code, out, _ = command("experiment=ablation_centering", "hydra.mode=RUN", "alignment.image=false", *FAST, ONE_SEED)
    assert code == 0
    assert "complete already" in out
    assert metrics_of(tmp_path / "results") == before
    assert (tmp_path / "results" / "tables" / "ablation_centering.md").read_text() == table


def test_a_failed_row_is_shown_and_nothing_earlier_is_lost(command, tmp_path):
    overrides = ("experiment=ablation_centering", *FAST, ONE_SEED)
    command(*overrides)
    table = tmp_path / "results" / "tables" / "ablation_centering.md"
    before = table.read_text(), metrics_of(tmp_path / "results")
    code, out, err = command("-m", *overrides, "solver.l1_penalty=0.25,-1")
    assert code == 1
    assert "failed" in out
    assert err.count("solver.l1_penalty is -1") == 1
    assert "image false, dictionary true, l1 penalty -1" in err
    assert (table.read_text(), metrics_of(tmp_path / "results")) == before


@pytest.fixture
def own(embedding_files):
    return (
        *("experiment=zero_shot", "backbone=precomputed", f"backbone.texts={embedding_files['T']}", "logger=none"),
        *("data=embeddings_file", f"data.path={embedding_files['E']}", "vocabulary=bank", "figures=false"),
        *(f"alignment.image_mean={embedding_files['M']}", "solver.l1_penalty=0.25"),
    )


def test_ones_own_embeddings(command, own, tmp_path):
    code, _, err = command(*own)
    assert code == 0, err
    (metrics,) = metrics_of(tmp_path / "results").values()
    assert metrics["zero_shot/num_classes"] == 3
    assert metrics["zero_shot/num_missing_classes"] == 1
    assert metrics["zero_shot/num_samples"] == 9
    expected = {
        *("zero_shot/top1", "zero_shot/top1_dense", "cosine/plain", "cosine/centred", "cosine/mean_only", "l0/mean"),
        *("concept/class_in_top5", "solver/gap_max", "solver/kkt_max"),
    }
    assert expected <= metrics.keys()
    assert "data.path=E.safetensors" in (tmp_path / "results" / "tables" / "zero_shot.md").read_text()


def test_the_same_files_elsewhere_are_the_same_run(command, own, embedding_files, tmp_path):
    command(*own)
    before = metrics_of(tmp_path / "results")
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in "TEM":
        for suffix in (".safetensors", ".json"):
            source = embedding_files[name].with_suffix(suffix)
            if source.is_file():
                (moved / source.name).write_bytes(source.read_bytes())
    code, out, _ = command(*(word.replace(str(tmp_path), str(moved)) for word in own))
    assert code == 0
    assert "complete already" in out
    assert metrics_of(tmp_path / "results") == before


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["~data.path"], "error: data.path must be given: set data.path=…"),
        (["data.path=nowhere.npy"], "error: data.path is 'nowhere.npy', but there is no such file."),
        (["backbone.texts=nowhere.npz"], "error: backbone.texts is 'nowhere.npz'"),
        (["alignment.image_mean=nowhere.safetensors"], "error: alignment.image_mean is 'nowhere.safetensors'"),
        (["data.missing_classes=error"], "error: 1 of 4 classes have no text in the backbone (unicorn)"),
        (["vocabulary.exclude=[dogs]"], "error: vocabulary.exclude names 'dogs'"),
        (["vocabulary.size=0"], "error: vocabulary.size is 0"),
        (["solver.tol=-1"], "error: solver.tol is -1"),
        (["solver=omp", "~solver.l1_penalty", "solver.target_l0=99"], "error: solver.target_l0 is 99"),
        (["solver.tollerance=1"], "error: solver.tollerance cannot be set: solver has"),
        (["solver=lasso"], "solver has no choice 'lasso': it has active_set, admm"),
        (["seed=-1"], "error: seed is -1"),
        (['paths.cache="~/cache"'], "error: paths.cache is '~/cache', but would be a folder called ~ here"),
        (
            ["paths.cache=/dev/null/here"],
            "error: paths.cache is '/dev/null/here', which cannot be made (Not a directory)",
        ),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_1(command, own, overrides, message):
    words = [word for word in own if not any(word.split("=")[0] == o.split("=")[0].lstrip("~") for o in overrides)]
    code, _, err = command(*words, *(o for o in overrides if not o.startswith("~")))
    assert code == 1
    assert message in err
    assert "Traceback" not in err


def test_bad_rows_are_named_and_earlier_results_stay(command, own, embedding_files, tmp_path):
    assert command(*own)[0] == 0
    before = metrics_of(tmp_path / "results")
    tensors = read_tensors(embedding_files["E"])
    tensors["embeddings"][4, 0] = float("nan")
    write_tensors(embedding_files["E"], tensors)
    code, _, err = command(*own)
    assert code == 1
    assert "E.safetensors has NaN or infinite values in rows 4" in err
    assert metrics_of(tmp_path / "results") == before


def test_an_unexpected_error_keeps_its_traceback_in_the_log(command, monkeypatch, tmp_path):
    monkeypatch.setattr("splice_exp.decomposition.study.decompose", lambda *_: 1 / 0)
    code, _, err = command(*POINT)
    assert code == 1
    assert "ZeroDivisionError: division by zero (traceback in" in err
    (log,) = (tmp_path / "results").glob("runs/**/run.log")
    assert "Traceback" in log.read_text()
    monkeypatch.undo()


@pytest.mark.parametrize("solver", ["fista", "coordinate_descent", "omp", "top_k", "least_squares"])
def test_every_solver_runs_the_main_job(command, solver, tmp_path):
    code, _, err = command("experiment=zero_shot", *PLANTED, f"solver={solver}", "data.num_samples=40", "debug=fast")
    assert code == 0, err
    (metrics,) = metrics_of(tmp_path / "results").values()
    assert metrics["zero_shot/top1"] > 0.5
    assert (metrics["solver/gap_max"] is None) == (solver in ("omp", "top_k", "least_squares"))


def test_the_quickstart_shows_pictures_and_recovers_their_concepts(command, tmp_path):
    code, out, err = command("data.num_samples=120", "debug=fast")
    assert code == 0, err
    (run,) = (tmp_path / "results" / "runs" / "quickstart").iterdir()
    picture = tmp_path / "results" / "figures" / "quickstart_samples.png"
    assert picture.read_bytes() == (run / "figures" / "decompositions.png").read_bytes()
    assert f"wrote {picture}" in out
    assert picture.name in (tmp_path / "results" / "tables" / "quickstart.md").read_text()
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["recovery/recall_main"] > metrics["recovery/recall_main_null"] + 0.2
    assert metrics["recovery/hallucinated"] < 0.2
    assert metrics["solver/gap_max"] <= 1e-6


def test_seeds_of_a_sweep_are_one_row_and_embeddings_are_made_once_a_seed(command, tmp_path):
    sweep_of = ("-m", "experiment=zero_shot", "data.num_samples=30", "debug=fast", "figures=false")
    code, _, err = command(*sweep_of, "solver.nonnegative=true,false", "seed=0,1")
    assert code == 0, err
    assert len(metrics_of(tmp_path / "results")) == 4
    assert len(list(tmp_path.glob("results/cache/embeddings/*"))) == 2
    table = (tmp_path / "results" / "tables" / "zero_shot.md").read_text()
    assert len([line for line in table.splitlines() if line.startswith(("| true", "| false"))]) == 2
    assert "95 % Student interval over seeds" in table
    assert "Seed 0, 1" in table
    assert "60" in table.splitlines()[6]

    code, out, err = command(*sweep_of, "solver.nonnegative=true,false", "seed=0,1")
    assert code == 0, err
    assert "all 4 rows are complete already" in out
    assert "evaluation …" not in out
    assert out.splitlines()[-1].startswith("results: ")
    assert (tmp_path / "results" / "tables" / "zero_shot.md").read_text() == table
    code, out, err = command(*sweep_of, "solver.nonnegative=true,false", "seed=1,2")
    assert code == 0, err
    assert "2 of 4 rows are complete already" in out


def test_a_sweep_over_components_looks_for_files_where_its_rows_have_them(command, tmp_path):
    """Values of components that are swept are set row by row: what the sweep begins with has none."""
    (tmp_path / "texts.safetensors").touch()
    files = (f"backbone.texts={tmp_path}/texts.safetensors", f"data.path={tmp_path}/images.safetensors")
    code, _, err = command("experiment=ablation_dictionary", "backbone=precomputed", "data=embeddings_file", *files)
    assert code == 1
    assert f"data.path is '{tmp_path}/images.safetensors', but there is no such file" in err
    assert "texts" not in err


def test_a_sweep_without_weights_is_refused_before_its_first_row(command, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    code, _, err = command("-m", "experiment=zero_shot", "backbone=vit_b_32_openai", "vocabulary=laion", "seed=0,1")
    assert code == 1
    assert err.count("error: open_clip_model.safetensors of huggingface.co/timm") == 1
    assert not (tmp_path / "results").exists()
    rows = ("-m", "experiment=zero_shot", *FAST, "backbone=vit_b_32_openai,planted", "figures=false")
    code, _, err = command(*rows)
    assert code == 1
    assert "error: backbone vit b 32 openai: open_clip_model" in err
    assert len(metrics_of(tmp_path / "results")) == 1  # of the row that needs none


@pytest.mark.parametrize(
    "data",
    [
        "scenes_spurious",
        "scenes_attributes",
        "scenes_counterfactuals",
        "scenes_drift",
        "scenes_unsafe",
        "scenes_fine_grained",
    ],
)
def test_every_data_set_of_the_world_runs(command, data, tmp_path):
    few = "data.num_samples=33"  # of fewer all would be drawn
    code, _, err = command("experiment=zero_shot", f"data={data}", few, "debug=fast")
    assert code == 0, err
    (metrics,) = metrics_of(tmp_path / "results").values()
    assert metrics["recovery/recall"] > metrics["recovery/recall_null"]


@pytest.mark.slow
def test_a_run_of_pictures_is_a_gallery_and_an_agent_has_one_run(command, monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_SWEEP_ID", "a_sweep")
    code, _, err = command("data.num_samples=20", "figures=true", "debug=fast", "logger=wandb")
    assert code == 0, err
    runs = offline_runs(tmp_path / "results")
    assert runs.keys() == metrics_of(tmp_path / "results").keys()
    (records,) = runs.values()
    summary = summary_of(records)
    assert (summary["gallery/_type"], summary["gallery/nrows"], summary["gallery/ncols"]) == ("table-file", 20, 5)
    artifacts = [record.artifact for record in records if record.HasField("artifact")]
    contents = {content.path: Path(content.local_path) for one in artifacts for content in one.manifest.contents}
    table = json.loads(contents["gallery.table.json"].read_text())
    assert table["columns"] == ["sample_id", "image", "concepts", "caption", "in the image"]
    pictures = [row[1]["path"] for row in table["data"]]
    assert len(pictures) == 20
    assert set(pictures) <= contents.keys()
    assert all(path.is_relative_to(tmp_path / "results") for path in contents.values())


def test_embeddings_need_not_be_kept(command, tmp_path):
    code, _, err = command(*POINT, "keep_embeddings=false")
    assert code == 0, err
    assert not list(tmp_path.glob("results/cache/embeddings/*"))
    assert list(tmp_path.glob("results/cache/codes/*/*.safetensors"))
    before = metrics_of(tmp_path / "results")
    code, out, err = command(*POINT, "keep_embeddings=false", "force=true")
    assert code == 0, err
    assert out.count("read from cache") == 1  # codes
    assert metrics_of(tmp_path / "results") == before


def test_pictures_of_ones_own_are_listed_and_drawn(command, tmp_path):
    for number, picture in enumerate(Scenes(2).inputs(0, 2)):
        picture.save(tmp_path / f"my picture {number}.png")
    code, out, err = command("decompose", str(tmp_path / "my picture 0.png"), str(tmp_path), "logger=none")
    assert code == 0, err
    assert "my picture 0.png" in out
    assert "my picture 1.png" in out
    results = tmp_path / "results"
    (page,) = (results / "pages").glob("decompose_my_picture_0_and_1_more_*.html")
    assert "my picture 1.png" in page.read_text()
    assert (results / "figures" / f"{page.stem}_samples.png").is_file()
    assert "has seen only drawings" in (results / "tables" / f"{page.stem}.md").read_text()
    code, _, err = command("decompose", str(tmp_path / "my picture 1.png"), "logger=none")
    assert code == 0, err
    assert page.is_file()  # and that of the other image beside it
    assert len(list((results / "pages").glob("decompose_*.html"))) == 2
    assert command("decompose", str(tmp_path / "my picture 1.png"), "logger=none", "table=mine")[0] == 0
    assert (results / "tables" / "mine.md").is_file()


def test_pictures_that_are_not_there_are_refused(command, tmp_path):
    code, _, err = command("decompose", "logger=none")
    assert code == 1
    assert err.splitlines()[-1].startswith("error: decompose needs images or folders of images")
    code, _, err = command("decompose", str(tmp_path / "none.png"), "logger=none")
    assert code == 1
    assert "there is no such file or folder" in err.splitlines()[-1]


@pytest.mark.parametrize("name", ["decompose", "explain"])
def test_an_image_that_cannot_be_read_is_one_sentence_or_left_out(command, tmp_path, name):
    (scene,) = Scenes(1).inputs(0, 1)
    scene.save(tmp_path / "a.png")
    (tmp_path / "bomb.png").write_bytes(png_of(30_000, 30_000))
    asked = ["evaluation.corpus.texts=[a photo of a star]"] if name == "explain" else []
    code, _, err = command(name, str(tmp_path), *asked, "logger=none")
    assert code == 1
    assert "Traceback" not in err
    last = err.splitlines()[-1]
    assert last.startswith("error: bomb.png of pictures has 900000000 pixels, which is more than")
    assert last.endswith("or leave it out; data.damaged=skip leaves out such images.")
    code, out, err = command(name, str(tmp_path), *asked, "logger=none", "data.damaged=skip")
    assert code == 0, err
    assert "1 of the 2 images of pictures cannot be read, and 1 are left out (data.damaged=skip)" in out + err


def test_a_process_that_is_not_the_first_leaves_at_its_first_error(command, tmp_path, monkeypatch):
    """Its launcher must know: the others would wait for it."""
    monkeypatch.setenv("RANK", "1")
    code, _, _ = command("-m", *POINT, "solver.tol=-1,-2")
    assert code == 1
    (error,) = (tmp_path / "results" / "runs").glob("*/*/error_of_process_1.json")
    assert json.loads(error.read_text())["error"].startswith("process 1: solver.tol is -1")
