"""Which pixels of each picture make it resemble a corpus rather than a foil? For a look at pictures of one's own.

References:
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import torch

from splice_exp.attribution.corpus import SIMILARITIES, Corpus, uniform_error
from splice_exp.attribution.explain import explain
from splice_exp.attribution.methods import Method
from splice_exp.attribution.removal import Removal
from splice_exp.attribution.represent import represent_all
from splice_exp.attribution.targets import Questions, Together, target_of
from splice_exp.core.errors import SpliceError, require_choice, require_integer
from splice_exp.data.base import EncodableSource
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import Evaluation, Findings, Metric
from splice_exp.evaluation.corpora import CorpusSource
from splice_exp.evaluation.shown_maps import MAPS, PICTURES, maps_table, pictures_table

CONFIDENCE = 0.99  # of the bound on similarities


class Explanation(Evaluation):
    """Maps of pictures, and how much each resembles corpus and foil.

    `similarity`: with the corpus minus with the foil; `similarity_corpus` and `similarity_foil`: the two of them;
    `reliability`: rank correlation of the maps from either half of the masks; `foil_error`: how far the mean similarity
    with the foil can be off at once for all masked pictures, where members of the foil are draws from a population.

    Args:
        method: Makes the maps.
        removal: What takes the place of removed pixels.
        corpus: What pictures may resemble.
        foil: What they are compared with.
        similarity: `cosine` or `dot`.
        shown: Pictures whose maps are kept for figures.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of masks and the bootstrap.
    """

    def __init__(
        self,
        method: Method,
        removal: Removal,
        corpus: CorpusSource,
        foil: CorpusSource,
        similarity: str = "cosine",
        shown: int = 24,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_choice("evaluation.similarity", similarity, SIMILARITIES)
        require_integer("evaluation.shown", shown, 1)
        self._method, self._removal, self._corpus, self._foil = method, removal, corpus, foil
        self._similarity, self._shown = similarity, shown

    def evaluate(self, study: Study) -> Findings:
        """Explain every picture.

        Raises:
            SpliceError: if data are no pictures, or corpus or foil cannot be represented.
        """
        data, backbone = study.data, study.backbone
        if not isinstance(data, EncodableSource):
            raise SpliceError("evaluation=explanation explains pixels, but data are embeddings: take images.")
        corpus, foil = (source.load(backbone, study.cache) for source in (self._corpus, self._foil))
        name = f"{corpus.name}, not {foil.name}"
        target = target_of("contrastive_corpus", self._similarity, corpus=corpus, foil=foil, name=name)
        samples = self._similarities(study, data, corpus, foil)
        found = explain(data, backbone, self._method, self._removal, Questions([target]), self._seed, study.cache)
        if not found.reliability.isnan().any():
            samples["explanation/reliability"] = found.reliability[:, 0].double().numpy()
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            "explanation/num_corpus": corpus.size,
            "explanation/num_foil": foil.size,
            "data/num_samples": len(data),
        }
        if foil.size > 1:
            metrics["explanation/foil_error"] = uniform_error(foil.size, CONFIDENCE)
        if math.isfinite(corpus.standard_error):
            metrics["explanation/corpus_spread"] = corpus.standard_error
        shown = [{name: maps[0].double().numpy()} for maps in found.maps[: self._shown]]
        side = int(found.maps.shape[-1])
        named = {"similarity_corpus": corpus.name, "similarity_foil": foil.name, "similarity": name}
        lines = [
            (sample_id, what, float(samples[f"explanation/{measure}"][row]))
            for row, sample_id in enumerate(data.sample_ids)
            for measure, what in named.items()
        ]
        tables = {
            MAPS: maps_table(shown),
            PICTURES: pictures_table(data, self._shown, side, backbone.border),
            "similarities": pd.DataFrame(lines, columns=["picture", "with", "similarity"]),
        }
        return Findings(metrics, data.sample_ids, samples, tables)

    def _similarities(self, study: Study, data: EncodableSource, corpus: Corpus, foil: Corpus) -> dict[str, np.ndarray]:
        """Return how much each picture resembles corpus and foil, and the one minus the other."""
        kinds = {"similarity_corpus": corpus, "similarity_foil": foil}
        target = Together([target_of("corpus", self._similarity, corpus=one, name=name) for name, one in kinds.items()])
        own = represent_all(data, study.backbone, study.cache)
        with_corpus, with_foil = target.scores(own, torch.arange(len(own))).double().numpy().T
        return {
            "explanation/similarity": with_corpus - with_foil,
            "explanation/similarity_corpus": with_corpus,
            "explanation/similarity_foil": with_foil,
        }
