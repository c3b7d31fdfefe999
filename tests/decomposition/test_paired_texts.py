"""Questions about pairs, asked of embeddings alone: images and captions whose words nobody knows."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError
from splice_exp.core.tensors import read_tensors, write_tensors
from splice_exp.data.embeddings_file import EmbeddingsFile
from splice_exp.evaluation.splice.modality_gap import ModalityGap
from splice_exp.evaluation.splice.retrieval import Retrieval
from splice_exp.evaluation.splice.semantic_relevance import SemanticRelevance
from splice_exp.evaluation.splice.text_decomposition import TextDecomposition
from tests.evaluation.studies import study_of

NUM, DIM = 40, 24


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Pairs that share six of their twelve concepts' directions, and texts of all the concepts."""
    folder = tmp_path_factory.mktemp("pairs")
    random = np.random.default_rng(0)
    concepts = random.normal(size=(12, DIM))
    used = random.random((NUM, 12)) * (random.random((NUM, 12)) < 0.3) + 1e-3
    images = used @ concepts + 0.2 * random.normal(size=(NUM, DIM)) + 2 * np.eye(DIM)[0]
    captions = used @ concepts + 0.2 * random.normal(size=(NUM, DIM)) + 2 * np.eye(DIM)[1]
    tensors = {"embeddings": torch.from_numpy(images).float(), "captions": torch.from_numpy(captions).float()}
    write_tensors(folder / "pairs.safetensors", tensors)
    np.savez(folder / "texts.npz", embeddings=concepts + 2 * np.eye(DIM)[1], texts=[f"concept{i}" for i in range(12)])
    (folder / "vocabulary.txt").write_text("\n".join(f"concept{i}" for i in range(12)))
    return folder


@pytest.fixture(scope="module")
def study(files):
    return study_of(
        "data=embeddings_file",
        f"data.path={files / 'pairs.safetensors'}",
        "backbone=precomputed",
        f"backbone.texts={files / 'texts.npz'}",
        "vocabulary=file",
        f"vocabulary.path={files / 'vocabulary.txt'}",
        "solver.l1_penalty=0.1",
    )


def test_captions_are_unit_rows_in_the_order_of_the_images(files, study):
    stored = read_tensors(files / "pairs.safetensors")["captions"]
    torch.testing.assert_close(study.paired.embed(study.paired.first), normalize(stored, dim=1))
    assert study.captions is None  # there are no words
    assert len(EmbeddingsFile(str(files / "pairs.safetensors"), limit=7).caption_features()) == 7


def test_own_captions_are_found_by_their_embeddings(study):
    found = Retrieval(bootstrap_resamples=5).evaluate(study).metrics
    images, texts = study.embeddings.features, study.paired.embed(study.paired.first)
    best = (images.double() @ texts.double().T).argmax(dim=1)
    right = float((best == torch.arange(NUM)).double().mean())
    assert found["retrieval/image_to_text_at_1_dense"] == pytest.approx(right)
    assert found["retrieval/image_to_text_at_1_dense"] > 0.5
    assert found["retrieval/num_texts"] == NUM


def test_the_gap_is_that_between_the_means(study):
    found = ModalityGap(bootstrap_resamples=5).evaluate(study).metrics
    images, texts = study.embeddings.features.double(), study.paired.embed(study.paired.first).double()
    assert found["modality_gap/distance"] == pytest.approx(float((images.mean(dim=0) - texts.mean(dim=0)).norm()))


def test_captions_are_decomposed_over_the_same_concepts(study):
    found = TextDecomposition(bootstrap_resamples=5).evaluate(study).metrics
    assert found["text/nearer"] > 0.8  # the own caption's code is nearer than that of another
    assert found["text/gap_max"] <= 1e-6
    assert found["text/l0"] > 1


def test_what_needs_words_says_so(study):
    with pytest.raises(SpliceError, match="evaluation=semantic_relevance needs captions"):
        SemanticRelevance().evaluate(study)


def test_captions_must_be_one_for_each_image(files, tmp_path):
    stored = read_tensors(files / "pairs.safetensors")
    write_tensors(tmp_path / "fewer.safetensors", stored | {"captions": stored["captions"][:-1]})
    with pytest.raises(SpliceError, match=r"`captions` of .* are \(39, 24\), but must be \(40, 24\)"):
        EmbeddingsFile(str(tmp_path / "fewer.safetensors"))


def test_real_pairs_give_what_was_published_of_them(real_data):
    """ViT-B/16 on 300 images and captions of COCO: figures of who collected them, computed without this package."""
    study = study_of(
        "data=embeddings_file",
        f"data.path={real_data / 'embeddings' / 'coco_val_pairs300_vitb16.safetensors'}",
        "backbone=precomputed",
        f"backbone.texts={real_data / 'text' / 'coco133_vitb16.safetensors'}",
        "vocabulary=bank",
    )
    found = Retrieval(bootstrap_resamples=5).evaluate(study).metrics
    assert found["retrieval/image_to_text_at_1_dense"] == pytest.approx(0.617, abs=5e-4)
    assert found["retrieval/text_to_image_at_1_dense"] == pytest.approx(0.587, abs=5e-4)
    assert ModalityGap(bootstrap_resamples=5).evaluate(study).metrics["modality_gap/distance"] == pytest.approx(
        0.845, abs=5e-4
    )
