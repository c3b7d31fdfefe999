"""Errors name keys that exist: each wrong value is blamed on the key that was set, wherever its component stands."""

import ast
import importlib
import inspect
import re
import textwrap
from dataclasses import is_dataclass
from functools import cache

import pytest
from omegaconf import OmegaConf

from splice_exp.build import build
from splice_exp.configuration import CONFIG_DIRECTORY, register, resolve
from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import altered, building, key_of, set_place
from splice_exp.data.scenes.plain import Scenes
from splice_exp.distributed.cache import Cache
from splice_exp.heads.rules import Highest
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.path import LassoPath
from tests.test_configuration import composed

register()
LASSO = {"l1_penalty": -1, "tol": -1, "kkt_tol": -1, "max_iterations": 0, "batch_size": 0}
GREEDY = {"target_l0": 0, "tol": -1, "batch_size": 0}
ALL = {"bootstrap_resamples": 0, "seed": -1}  # evaluations
SCENES = {"num_samples": 0, "split": "half", "seed": -1, "missing_classes": "keep"}
FEW = {"num_samples": 0}
READING = {"tower": "left", "side": "back", "projection": "round", "vectors": 0, "layers": [1, 1]}
JUDGE = {"repeats": 0, "parallel": 0, "retries": -1, "timeout": 0}
TUNING = {"mode": "half", "epochs": 0, "batch_size": 0, "learning_rate": -1, "weight_decay": -1, "seed": -1}
AUTOENCODER = {"size": 0, "seed": -1, "epochs": 0, "batch_size": 0, "learning_rate": -1}
EXPLAIN = f"experiment=explain data.paths=[{CONFIG_DIRECTORY.parent}/results/figures] evaluation.corpus.texts=[star]"

# What is chosen → place of a component → wrong values of its arguments.
WRONG = {
    "": {
        "solver": LASSO | {"working_set": 0, "gram_mib": -1, "gram_rows": -1, "engine": "gas", "screening": "int8"},
        "data": SCENES | {"max_objects": 9, "label": "sound"},
        "vocabulary": {"size": 0, "exclude": "cat"},
        "alignment": {"recompose": "half"},
        "evaluation": ALL | {"top_k": 0},
        "backbone": {"precision": "fp8", "class_templates": ["star"]},
        "trainer": {
            "accelerator": "tpu",
            "devices": 0,
            "num_nodes": 0,
            "batch_size": 0,
            "num_workers": -1,
            "prefetch": 0,
        },
    },
    "backbone=planted data=planted vocabulary=planted": {
        "backbone": {"dim": 1, "seed": -1, "class_templates": [], "noise": -1, "gap": -1},
        "data": {"num_samples": 0, "seed": -1, "objects": "cat", "missing_classes": "keep"},
    },
    "backbone=scenes_clip_untrained": {"backbone": {"member": 9, "seed": -1}},
    "backbone=mura_r18": {
        "backbone": {"architecture": "vgg", "stem": "round", "interpolation": "any", "resize": 0, "crop": 0},
    },
    "backbone=precomputed backbone.texts=nowhere.npz data=embeddings_file data.path=nowhere.npz": {
        "backbone": {"texts": "nowhere.npz"},
        "data": {"path": "nowhere.npz", "first_label": 2, "half": "left"},
    },
    "data=cifar10": {"data": {"dataset": "cifar", "split": "half", "root": "nowhere"}},
    "data=coco_captions": {"data": {"annotations": "nowhere.json"}},
    "data=huggingface data.path=nowhere": {
        "data": {"path": "nowhere", "exif": "sideways", "damaged": "mend", "white": 0}
    },
    "data=image_folder data.root=nowhere": {"data": {"root": "nowhere"}},
    "data=mura": {"data": {"split": "half", "root": "nowhere"}},
    "data=cub200": {"data": {"split": "half", "root": "nowhere"}},
    "data=eurosat": {"data": {"split": "half", "root": "nowhere"}},
    "data=nico": {"data": {"split": "half", "root": "nowhere"}},
    "data=voc_pairs": {"data": {"split": "half", "root": "nowhere"}},
    "data=clip_retrieval data.root=nowhere": {"data": {"root": "nowhere", "first_label": 2, "limit": 0}},
    "data=webdataset data.shards=nowhere.tar": {"data": {"shards": "elsewhere.tar", "first_label": 2}},
    "data=waterbirds": {"data": {"table": "nowhere.csv", "first_label": 2}},
    "data=visu": {"data": {"table": "nowhere.csv", "columns": ["one"]}},
    "data=scenes_attributes": {
        "data": FEW | {"label": "x", "edited": "x", "label_values": ["red"], "edited_values": ["red"]},
    },
    "data=scenes_counterfactuals": {"data": FEW | {"kinds": ["x"], "max_objects": 9}},
    "data=scenes_drift": {
        "data": FEW
        | {
            "years": [2000, 1999],
            "attribute": "x",
            "value": "x",
            "scene": "x",
            "value_prevalence": [2, 1],
            "scene_prevalence": [1],
        },
    },
    "data=scenes_fine_grained": {"data": FEW},
    "data=scenes_pairs": {"data": FEW},
    "data=scenes_unsafe": {"data": FEW | {"symbol": "x"}},
    "data=scenes_spurious": {
        "data": FEW | {"label": "x", "label_values": ["star"], "scenes": ["x", "y"], "agreement": 2}
    },
    "vocabulary=laion": {"vocabulary": {"list_name": "x", "size": 0, "exclude": "cat"}},
    "vocabulary=bank": {"vocabulary": {"exclude": "cat", "size": 0}},
    "vocabulary=file vocabulary.path=x.txt": {"vocabulary": {"exclude": "cat", "size": 0}},
    "dictionary=learned": {"dictionary": {"size": 0, "l1_penalty": -1, "max_iter": 0, "seed": -1}},
    "dictionary=sae_relu": {"dictionary": AUTOENCODER | {"l1_penalty": -1}},
    "dictionary=sae_top_k": {"dictionary": AUTOENCODER | {"target_l0": 0}},
    "dictionary=sae_jump_relu": {"dictionary": {"target_l0": 999, "sparsity": -1, "width": 0}},
    "dictionary=sae_matryoshka": {"dictionary": {"shares": [2]}, "dictionary.train": FEW},
    "dictionary=sae_levels": {"dictionary": {"levels": [0]}},
    "dictionary=sae_archetypal": {"dictionary": {"num_points": 0, "relaxation": -1}},
    "dictionary=sae_pretrained dictionary.path=nowhere.pt": {"dictionary": {"path": "elsewhere.pt", "target_l0": 0}},
    "dictionary=pca": {"dictionary": {"size": 9, "seed": -1}},
    "dictionary=ica": {"dictionary": {"max_iter": 0}},
    "dictionary=dictionary_learning": {"dictionary": {"l1_penalty": -1, "max_iter": 0}},
    "dictionary=semi_nmf": {"dictionary": {"max_iter": 0}},
    "dictionary=convex_nmf": {"dictionary": {"num_points": 0}},
    "dictionary=random": {"dictionary": {"size": 0, "seed": -1}},
    "dictionary=random_concepts": {"dictionary": {"share": 2, "seed": -1}},
    "dictionary=random_like_concepts": {"dictionary": {"seed": -1}},
    "solver=admm": {"solver": LASSO | {"rho": 0, "relaxation": 3, "check_every": 0}},
    "solver=fista": {"solver": LASSO | {"check_every": 0}},
    "solver=coordinate_descent": {"solver": LASSO},
    "solver=path": {
        "solver": LASSO
        | {"target_l0": 0, "mean_l0": -1, "penalties": [-1], "working_set": 0, "gram_mib": -1, "gram_rows": -1}
        | {"engine": "gas"},
    },
    "solver=comp": {
        "solver": GREEDY | {"coherence": -1, "max_cosine": 0},
    },
    "solver=omp": {"solver": GREEDY},
    "solver=matching_pursuit": {"solver": GREEDY},
    "solver=top_k": {"solver": {"target_l0": 0, "batch_size": 0}},
    "solver=least_squares": {"solver": {"nonnegative": True, "batch_size": 0}},
    "stability=lasso": {"stability": {"epsilon": -1, "least_cosine": -1, "resamples": -1, "seed": -1}},
    "logger=wandb": {"logger": {"mode": "cloud", "tags": "x"}},
    "evaluation=amortisation": {"evaluation": {"l1_penalty": -1}},
    "evaluation=atom_names": {"evaluation": {"seed": -1}},
    "evaluation=antonyms": {"evaluation": {"pairs": [], "negation": "not"}},
    "evaluation=class_concepts": {"evaluation": {"top_k": 0}},
    "evaluation=coherent_codes": {"evaluation": {"top_k": 0}},
    "evaluation=concept_methods": {"evaluation": {"seed": -1}},
    "evaluation=concepts": {"evaluation": {"top_k": 0}},
    "evaluation=counterfactuals": {
        "evaluation": {"meaning": "x", "permutations": 0},
        "evaluation.reference": FEW,
    },
    "evaluation=drift evaluation.words=[star]": {"evaluation": {"words": "star"}},
    "evaluation=linearity": {"evaluation": {"num_pairs": 0}},
    "evaluation=mean_codes": {"evaluation": {"classes": "star", "top_k": 0}},
    "evaluation=modality_gap": {"evaluation": {"seed": -1}},
    "evaluation=retrieval": {"evaluation": {"protocol": "x", "batch_size": 1, "num_batches": 0}},
    "evaluation=semantic_relevance": {"evaluation": {"seed": -1}},
    "evaluation=text_decomposition": {"evaluation": {"seed": -1}},
    "evaluation=spurious_histogram evaluation.words=[star]": {
        "evaluation": {"words": "x", "bin_width": 0, "classes": ["a", "a"]}
    },
    "evaluation=vocabulary_draws": {"evaluation": {"share": 1, "draws": 0}},
    "experiment=probing evaluation.train.num_samples=9": {"evaluation": {"engine": "steam"}, "evaluation.train": FEW},
    "experiment=dataset_shift": {
        "evaluation": {"words": "x", "draws": 0, "own": "train"},
        "evaluation.parts.val": FEW | {"agreement": 2},
    },
    "experiment=intervention_attributes evaluation.train.num_samples=9": {
        "evaluation": {"remove": "x", "tolerance": -1, "texts": {"kept": ["a woman"]}},
        "evaluation.train": FEW | {"label": "x"},
    },
    "experiment=intervention_spurious evaluation.train.num_samples=9": {
        "evaluation": {"remove": "x"},
        "evaluation.val": FEW,
    },
    "experiment=cocoa_augmentations evaluation.train.num_samples=9": {
        "evaluation": {"view": "x", "foil_size": 0, "shown": -1, "classes": "x"},
        "evaluation.train": FEW,
        "method": {"num_masks": 1, "grid": 0, "keep_probability": 2, "chunk": 0},
        "report.figure": {"pictures": 0},
        "report.comparisons.0": {"expected": "x"},
    },
    "experiment=counterfactual_maps": {"evaluation": {"prompt": "x", "permutations": 0}},
    "experiment=sith_edit_counterfactuals": {"evaluation": {"random_edits": 0}, "evaluation.reading": READING},
    "experiment=cocoa_insertion_deletion evaluation.train.num_samples=9": {
        "evaluation": {"kind": "x", "similarity": "x", "steps": 0, "head": "x", "classes": "x"}
        | {"superpixel": 0}
        | {"per_class": 0, "corpus_size": 0, "foil_size": 0},
        "evaluation.train": FEW,
        "report.comparisons.2": {"expected": "x"},
    },
    "experiment=cocoa_localization": {
        "evaluation": {"kind": "x", "foil": "x", "prompt": "x", "shown": -1},
        "evaluation.val": FEW,
    },
    "experiment=cocoa_sanity evaluation.train.num_samples=9": {
        "evaluation": {"kind": "x", "steps": 0, "depth": -1, "similarity": "x", "statistics": "x"}
    },
    "experiment=concept_maps": {"evaluation": {"direction": "x", "judged": 0, "steps": 0, "shown": -1}},
    "experiment=concept_maps method=centre": {"method": {"spread": 0}},
    "experiment=concept_maps method=gradient_shap": {"method": {"num_samples": 0, "noise": -1, "together": 0}},
    "experiment=concept_maps method=integrated_gradients": {"method": {"steps": 0, "together": 0}},
    "experiment=concept_maps method=kernel_shap": {"method": {"num_samples": 1, "side": 0, "together": 0}},
    "experiment=concept_maps method=rise_published": {
        "method": {"num_masks": 1, "grid": 0, "keep_probability": 2, "chunk": 0}
    },
    "experiment=concept_maps method=smooth_gradient": {"method": {"num_samples": 0, "noise": -1, "together": 0}},
    "experiment=concept_maps method=smooth_integrated_gradients": {
        "method": {"num_samples": 0, "noise": -1, "steps": 0, "together": 0}
    },
    "experiment=concept_maps removal=blur": {"removal": {"sigma": 0, "kernel_size": 0}},
    "experiment=concept_maps removal=blur_scaled": {"removal": {"sigma": 0}},
    "experiment=concept_maps method=occlusion": {"method": {"side": 0, "stride": 0, "together": 0}},
    EXPLAIN: {
        "data": {"paths": []},
        "evaluation": {"similarity": "x", "bandwidth": 0, "shown": 0},
        "evaluation.corpus": {"texts": [], "exclude": "x"},
        "evaluation.foil": {"names": "x"},
    },
    f"{EXPLAIN} corpus@evaluation.foil=samples": {
        "evaluation.foil": {"classes": ["zebra"]},
        "evaluation.foil.data": FEW,
    },
    "report=dataset_shift": {
        "report": {"columns": "x", "notes": "x", "headline": "x"},
        "report.listings.0": {"lines": "x", "unit": "metres"},
    },
    "experiment=zero_shot": {"report.figure": {"panels": "x"}},
    "experiment=sith_adaptation evaluation.train.num_samples=9": {
        "evaluation": {"seed": -1},
        "evaluation.reading": READING,
        "evaluation.tuning": TUNING,
        "evaluation.train": FEW,
    },
    "experiment=sith_edit_classification": {
        "evaluation": {"class_concepts": 0, "random_edits": 0},
        "evaluation.reading": READING,
        "evaluation.rule": {"floor": -1},
    },
    "experiment=sith_edit_codes": {
        "evaluation": {"random_edits": 0},
        "evaluation.explainer": GREEDY | {"coherence": -1},
    },
    "experiment=sith_edit_codes selector@evaluation.selector=list evaluation.selector.vectors=[x]": {
        "evaluation.selector": {"vectors": "x"},
    },
    "experiment=sith_edit_spurious": {
        "evaluation": {"random_edits": 0, "texts": "x"},
        "evaluation.side": FEW,
        "evaluation.reading": READING,
        "evaluation.rule": {"share": 2},
        "evaluation.selector": {"concepts": []},
    },
    "experiment=sith_edit_spurious rule@evaluation.rule=levels": {"evaluation.rule": {"levels": [1]}},
    "experiment=paper/sith_edit_unsafe": {
        "evaluation": {"at": 0, "random_edits": 0},
        "evaluation.selector": {"listed": 0, "topic": " "},
        "evaluation.selector.judge": JUDGE,
    },
    "experiment=sith_grounding": {"evaluation": {"seed": -1}, "evaluation.reading": READING},
    "experiment=sith_heads": {
        "evaluation": {"listed": 0, "shown": -1},
        "report.figure": {"pictures": 0},
    },
    "experiment=sith_judged": {"evaluation": {"listed": 0}, "evaluation.judge": JUDGE},
    "experiment=sith_replacement": {"evaluation": {"seed": -1}},
    "experiment=sith_spans": {"evaluation": {"texts": 0}, "evaluation.reading": READING},
    "evaluation=sith_vectors": {"evaluation": {"listed": 0}},
}
CASES = [
    (chosen, f"{place}.{argument}", value)
    for chosen, places in WRONG.items()
    for place, wrong in places.items()
    for argument, value in wrong.items()
]


@cache
def config_of(chosen):
    return composed(*chosen.split(), *([] if "logger" in chosen else ["logger=none"]))


@pytest.mark.parametrize(("chosen", "key", "value"), CASES, ids=[f"{chosen}-{key}" for chosen, key, _ in CASES])
def test_a_wrong_value_is_blamed_on_the_key_that_was_set(chosen, key, value):
    config = config_of(chosen).copy()
    assert OmegaConf.select(config, key, default=KeyError) is not KeyError
    OmegaConf.update(config, key, value)
    resolved = resolve(config)
    root = "evaluation" if key.startswith(("method", "removal")) else key.partition(".")[0]
    with pytest.raises(SpliceError, match=rf"(^|\s){re.escape(key)}(:|=true| | of )") as refused:
        build(resolved[root], root, resolved)
    named = re.findall(
        r"(?<![\w./'])((?:[a-z_]+\.)+[a-z_0-9]+)(?![\w./('])", str(refused.value).partition("(nearest")[0]
    )
    for other in (name for name in named if name.partition(".")[0] in resolved):
        assert OmegaConf.select(config, other, default=KeyError) is not KeyError, f"{other} is no key: {refused.value}"


def checks(target):
    """Return what a class checks as it is made: the class that does it, and the name of the argument.

    The types of all arguments are checked before that in these tests, so booleans are left out.
    """
    module, _, name = target.rpartition(".")
    found = set()
    for base in getattr(importlib.import_module(module), name).__mro__:
        constructor = base.__dict__.get("__post_init__" if is_dataclass(base) else "__init__")
        if constructor is not None and base.__module__.startswith("splice_exp"):
            tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(constructor))))
            calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
            named = [call.func.id.startswith("require_") and call.func.id != "require_bool" for call in calls]
            first = [call.args[0] for call, kept in zip(calls, named, strict=True) if kept]
            found |= {(base.__qualname__, argument.value) for argument in first if isinstance(argument, ast.Constant)}
    return found


def test_every_check_of_a_constructor_has_a_wrong_value_here():
    tested = set()
    for chosen, places in WRONG.items():
        for place, wrong in places.items():
            target = OmegaConf.select(config_of(chosen), f"{place}._target_")
            tested |= {(base, argument) for base, argument in checks(target) if argument in wrong}
    files = [path.read_text() for path in CONFIG_DIRECTORY.rglob("*.yaml")]
    targets = {target for text in files for target in re.findall(r"(?<![\w.])_target_: (splice_exp\.[\w.]+)", text)}
    lacking = set().union(*map(checks, targets)) - tested
    # Checked when the files of the data have been found, or given in no yaml.
    assert lacking <= {
        *{(base, "root") for base in ("CocoCaptions", "ImageTable", "PairTable")},
        *{(base, "limit") for base in ("EmbeddingsFile", "PairTable", "PictureSource")},
        *{("ClassBars", "classes"), ("HeadSheets", "heads")},
    }


def test_a_component_made_in_python_names_its_argument():
    for made, message in (
        (lambda: ActiveSet(l1_penalty=-1), "^l1_penalty is -1, but must be"),
        (lambda: Highest(share=2), "^share is 2, but must lie"),
        (lambda: Scenes(num_samples=0), "^num_samples is 0"),
    ):
        with pytest.raises(SpliceError, match=message):
            made()


def test_what_is_wrong_after_a_component_was_built_is_blamed_on_its_place(tmp_path):
    config = resolve(
        composed("experiment=explain", *EXPLAIN.split()[1:], "evaluation.foil.names=[stax]", "logger=none")
    )
    foil = build(config["evaluation"], "evaluation", config)._foil
    backbone = build(config["backbone"], "backbone")
    with pytest.raises(SpliceError, match=r"^evaluation\.foil\.names has 'stax'"):
        foil.members(backbone, Cache(tmp_path))


def test_a_shared_component_is_blamed_where_it_was_set():
    wrong = {"_target_": "splice_exp.attribution.removal.Blur", "sigma": 0}
    other = {**wrong, "sigma": -1}
    for node, key in ((wrong, "removal.sigma"), (other, "evaluation.removal.sigma")):
        with pytest.raises(SpliceError, match=f"^{key} is"):
            build({"_target_": "splice_exp.solvers.omp.OMP", "removal": node}, "evaluation", {"removal": wrong})


def test_keys_outlive_the_making_of_a_component():
    rule = Highest(share=0.5)
    with building("evaluation.rule"):
        assert key_of("share") == "evaluation.rule.share"
        set_place(rule)
    assert key_of("share", rule) == "evaluation.rule.share"
    assert key_of("share") == key_of("share", Highest(share=0.5)) == "share"


def test_an_altered_copy_stands_where_its_component_does():
    path = LassoPath(l1_penalty=0.2, max_iterations=7)
    assert key_of("tol", altered(path, l1_penalty=0.1)) == "tol"
    set_place(path, "evaluation.explainer")
    copy = altered(path, l1_penalty=0.1)
    assert (copy.l1_penalty, copy.max_iterations, path.l1_penalty) == (0.1, 7, 0.2)
    assert key_of("tol", copy) == "evaluation.explainer.tol"
    with pytest.raises(SpliceError, match=r"^evaluation\.explainer\.tol is -1"):
        altered(path, tol=-1)
    for one in altered(path, l1_penalty=0.3, penalties=(0.3, 0.1)).companions():
        assert key_of("tol", one) == "evaluation.explainer.tol"
