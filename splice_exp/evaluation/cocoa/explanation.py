"""Which pixels of each image make it resemble a corpus rather than a foil? For a look at your own images.

References:
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023.
"""

from __future__ import annotations

import logging
import math

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.attribution.corpus import SIMILARITIES, Corpus, is_unit
from splice_exp.attribution.explain import explain
from splice_exp.attribution.methods import Method
from splice_exp.attribution.removal import Removal
from splice_exp.attribution.represent import represent_all
from splice_exp.attribution.targets import Directions, GaussianKernel, Target, Together, target_of
from splice_exp.core.errors import SpliceError, require_at_least, require_choice, require_integer
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit
from splice_exp.data.base import EncodableSource
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.cocoa.corpora import CorpusSource
from splice_exp.evaluation.measures.shown_maps import MAPS, PICTURES, maps_table, pictures_table

log = logging.getLogger(__name__)

KERNEL = "gaussian"
CONFIDENCE = 0.99  # of the bound on similarities
RELIABLE = 0.8  # from which on more masks would change a map little

MEASURES = (
    Measure("explanation/similarity", "similarity", Unit.NUMBER),
    Measure("explanation/similarity_corpus", "similarity with the corpus", Unit.NUMBER),
    Measure("explanation/similarity_foil", "similarity with the foil", Unit.NUMBER),
    Measure("explanation/reliability", "reliability", Unit.COSINE, True, optional=True),
    Measure("explanation/corpus_spread", "corpus error", Unit.AMOUNT, False, optional=True),
    Measure("explanation/foil_error", "foil error", Unit.AMOUNT, False, optional=True),
    Measure("explanation/num_corpus", "corpus size", Unit.COUNT),
    Measure("explanation/num_foil", "foil size", Unit.COUNT),
    NUM_SAMPLES,
)


class Explanation(Evaluation):
    """Maps of images, and how much each resembles corpus and foil.

    `similarity`: with the corpus minus with the foil (Gaussian kernel: its share of both); `similarity_corpus` and
    `similarity_foil`: the two of them; `reliability`: rank correlation of the maps from either half of the masks;
    `foil_error`: how far the mean cosine with the foil can be off at once for all masked images, where members of the
    foil are draws from a population.

    Args:
        method: Makes the maps.
        removal: What takes the place of removed pixels.
        corpus: What images may resemble.
        foil: What they are compared with.
        similarity: `cosine`, `dot` or `gaussian`, a kernel of the distances to all members.
        bandwidth: Of the Gaussian kernel, in units of the square root of the dimension.
        shown: Images whose maps are kept for figures.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of masks and the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self,
        method: Method,
        removal: Removal,
        corpus: CorpusSource,
        foil: CorpusSource,
        similarity: str = "cosine",
        bandwidth: float = 1.0,
        shown: int = 24,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_choice("similarity", similarity, (*SIMILARITIES, KERNEL))
        require_at_least("bandwidth", bandwidth, 1e-12)
        require_integer("shown", shown, 1)
        self._method, self._removal, self._corpus, self._foil = method, removal, corpus, foil
        self._similarity, self._bandwidth, self._shown = similarity, bandwidth, shown

    def evaluate(self, study: Study) -> Findings:
        """Explain every image.

        Raises:
            SpliceError: if the data are not images, or corpus or foil cannot be represented.
        """
        data, backbone = study.data, study.backbone
        if not isinstance(data, EncodableSource):
            raise SpliceError("evaluation=explanation explains pixels, but data are embeddings: take images.")
        own = represent_all(data, backbone, study.cache)
        corpus, foil = (source.members(backbone, study.cache) for source in (self._corpus, self._foil))
        target, alone = self._targets(own, corpus, foil)
        (name,) = target.names
        samples = self._similarities(own, target, alone)
        found = explain(data, backbone, self._method, self._removal, target, self._seed, study.cache)
        if not found.reliability.isnan().any():
            samples["explanation/reliability"] = reliability = found.reliability[:, 0].double().numpy()
            _warn_of(reliability)
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            "explanation/num_corpus": len(corpus),
            "explanation/num_foil": len(foil),
            "data/num_samples": len(data),
        }
        if isinstance(target, Directions):
            metrics.update(self._sureness(target))
        shown = [{name: maps[0].double().numpy()} for maps in found.maps[: self._shown]]
        side = int(found.maps.shape[-1])
        named = {"similarity_corpus": self._corpus.name, "similarity_foil": self._foil.name, "similarity": name}
        lines = [
            (sample_id, what, float(samples[f"explanation/{measure}"][row]))
            for row, sample_id in enumerate(data.sample_ids)
            for measure, what in named.items()
        ]
        tables = {
            MAPS: maps_table(shown),
            PICTURES: pictures_table(data, range(self._shown), side, backbone.border),
            "similarities": pd.DataFrame(lines, columns=["image", "with", "similarity"]),
        }
        return Findings(metrics, data.sample_ids, samples, tables)

    def _targets(self, own: Tensor, corpus: Tensor, foil: Tensor) -> tuple[Target, Together]:
        """Return what is asked, and what is asked of corpus and foil alone.

        Raises:
            SpliceError: if lengths are to be compared of what has none.
        """
        parts = {"corpus": (self._corpus.name, corpus), "foil": (self._foil.name, foil)}
        name = f"{self._corpus.name}, not {self._foil.name}"
        if self._similarity == KERNEL:
            for what, (of, members) in parts.items():
                if is_unit(members) != is_unit(own):
                    raise SpliceError(
                        f"{key_of('similarity', self)}=gaussian compares representations of images with the "
                        f"{what} {of!r}, "
                        "whose members all have length one, as texts and stored embeddings: take images, or set it to "
                        "cosine."
                    )
            whole: Target = GaussianKernel(name, corpus, foil, self._bandwidth)
            alone = [GaussianKernel(what, members, None, self._bandwidth) for what, (_, members) in parts.items()]
            return whole, Together(alone)
        known = {what: Corpus.of(of, [members]) for what, (of, members) in parts.items()}
        whole = target_of("contrastive_corpus", self._similarity, corpus=known["corpus"], foil=known["foil"], name=name)
        return whole, Together(
            [target_of("corpus", self._similarity, corpus=one, name=what) for what, one in known.items()]
        )

    def _similarities(self, own: Float[Tensor, "n d"], target: Target, alone: Together) -> dict[str, np.ndarray]:
        """Return how much each image resembles corpus and foil, and what is asked of both."""
        rows = torch.arange(len(own))
        with_corpus, with_foil = alone.scores(own, rows).double().numpy().T
        return {
            "explanation/similarity": target.scores(own, rows)[:, 0].double().numpy(),
            "explanation/similarity_corpus": with_corpus,
            "explanation/similarity_foil": with_foil,
        }

    def _sureness(self, target: Directions) -> dict[str, Metric]:
        """Return how sure means of corpus and foil are, where members are draws and it is known."""
        found: dict[str, Metric] = {}
        error = target.foil_error(CONFIDENCE)
        if error is not None and self._foil.drawn:
            found["explanation/foil_error"] = error
        spread = target.corpus.standard_error if target.corpus else math.inf
        if target.similarity == "cosine" and math.isfinite(spread) and self._corpus.drawn:
            found["explanation/corpus_spread"] = spread
        return found


def _warn_of(reliability: np.ndarray) -> None:
    """Say how many maps depend on which masks were sampled."""
    if low := int((reliability < RELIABLE).sum()):
        log.warning(
            "%d of %d maps are not reliable: the rank correlation of maps of two halves of the masks is down to %.2f, "
            "and should be %.1f or more. Raise method.num_masks.",
            low,
            len(reliability),
            reliability.min(),
            RELIABLE,
        )
