"""Does a reconstruction still find its caption, and a caption the reconstruction of its image?

    hit at k: fewer than k wrong answers have a cosine as high as that of the best right one

Every caption with the same words as one of the image's own captions is right for it. Ties count against.

References:
    Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024, appendix B (random
    batches). Karpathy, Fei-Fei. Deep visual-semantic alignments. CVPR 2015 (the whole test split, all captions).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError, require_choice, require_integer
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.decomposition.paired_texts import PairedTexts, require_pairs
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Evaluation, Findings, Metric, certificates
from splice_exp.evaluation.measures.functional import TIE

PROTOCOLS = ("all", "batches")
CUTS = (1, 5, 10)
TOGETHER = 2**23  # cosines at a time

MEASURES = (
    *(
        one
        for name, heading in (("image_to_text", "image → text"), ("text_to_image", "text → image"))
        for cut in CUTS
        for one in beside(
            Measure(f"retrieval/{name}_at_{cut}", f"{heading} at {cut}", Unit.SHARE, True),
            dense=f"{heading} at {cut}, dense",
            mean_only=f"{heading} at {cut}, mean baseline",
            null=f"{heading} at {cut}, other captions",
        )
    ),
    Measure("retrieval/num_candidates", "candidates", Unit.COUNT),
    Measure("retrieval/num_texts", "captions", Unit.COUNT),
    L0,
    *CERTIFICATES,
    NUM_SAMPLES,
)


class Retrieval(Evaluation):
    """Recall at 1, 5 and 10, image to text and text to image, of reconstructions, embeddings, the mean, and a null.

    The null asks for the captions of other images; it lies below chance, because the image's own caption is ahead of
    them.

    Args:
        protocol: `all` images at once, with all captions, or random `batches` with one caption per image.
        batch_size: Images of a batch.
        num_batches: They do not overlap.
        bootstrap_resamples: For the 95 % intervals, over images.
        seed: Of batches, captions, permutation and bootstrap.
    """

    measures = MEASURES

    def __init__(
        self,
        protocol: str = "all",
        batch_size: int = 1024,
        num_batches: int = 9,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_choice("protocol", protocol, PROTOCOLS)
        require_integer("batch_size", batch_size, 2)
        require_integer("num_batches", num_batches, 1)
        self._protocol, self._batch_size, self._num_batches = protocol, batch_size, num_batches

    def evaluate(self, study: Study) -> Findings:
        """Search in both directions.

        Raises:
            SpliceError: if the data have no captions, or fewer images than the batches need.
        """
        paired = require_pairs(study.paired, "retrieval", study.data)
        captions = paired.texts
        reconstructions = study.decomposition.reconstruct()
        images = {
            "": reconstructions,
            "_dense": study.embeddings.features,
            "_mean_only": normalize(study.image_mean, dim=0).expand_as(reconstructions),
        }
        parts = [self._search(paired, images, rows, texts) for rows, texts in self._batches(captions)]
        samples = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        searched = np.concatenate([rows for rows, _ in self._batches(captions)])
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **certificates(study.decomposition),
            "l0/mean": float(study.decomposition.codes.l0().double().mean()),
            "retrieval/num_candidates": len(parts[0]["retrieval/text_to_image_at_1"]),
            "retrieval/num_texts": sum(len(of_one) for _, texts in self._batches(captions) for of_one in texts),
            "data/num_samples": len(searched),
        }
        return Findings(metrics, [study.embeddings.sample_ids[row] for row in searched], samples)

    def _batches(self, captions: Sequence[Sequence[str]]) -> list[tuple[np.ndarray, list[Sequence[str]]]]:
        """Return rows and their captions, batch by batch; the same at every call."""
        if self._protocol == "all":
            return [(np.arange(len(captions)), list(captions))]
        if self._batch_size * self._num_batches > len(captions):
            raise SpliceError(
                f"{key_of('num_batches', self)}={self._num_batches} of "
                f"{key_of('batch_size', self)}={self._batch_size} images need "
                f"{self._batch_size * self._num_batches}, but there are {len(captions)}: lower one of them."
            )
        random = np.random.default_rng(self._seed)
        order = random.permutation(len(captions))[: self._batch_size * self._num_batches]
        drawn = [[captions[row][int(random.integers(len(captions[row])))]] for row in order.tolist()]
        ends = [(start, start + self._batch_size) for start in range(0, len(order), self._batch_size)]
        return [(order[start:end], list(drawn[start:end])) for start, end in ends]

    def _search(
        self, paired: PairedTexts, images: dict[str, Tensor], rows: np.ndarray, captions: Sequence[Sequence[str]]
    ) -> dict[str, np.ndarray]:
        owners = np.repeat(np.arange(len(captions)), [len(of_one) for of_one in captions])
        said = [text for of_one in captions for text in of_one]
        distinct = {text: number for number, text in enumerate(dict.fromkeys(said))}
        of_text = np.array([distinct[text] for text in said])
        texts = paired.embed(list(distinct))[torch.from_numpy(of_text)]
        own = csr_matrix((np.ones(len(said), np.int32), (owners, of_text)), shape=(len(captions), len(distinct)))
        same = csr_matrix((np.ones(len(said), np.int32), (np.arange(len(said)), of_text)))
        right = (own @ same.T).tocsr()
        found: dict[str, np.ndarray] = {}
        others = right[self._permutation(len(captions))]
        for suffix, answers in (*((suffix, right) for suffix in images), ("_null", others)):
            shown = images.get(suffix, images[""])[torch.from_numpy(rows)]
            of_images = wrong_ahead(shown, texts, answers)
            of_texts = wrong_ahead(texts, shown, answers.T.tocsr())
            for cut in CUTS:
                found[f"retrieval/image_to_text_at_{cut}{suffix}"] = (of_images < cut).astype(float)
                hits = np.bincount(owners, of_texts < cut, minlength=len(captions)) / np.bincount(owners)
                found[f"retrieval/text_to_image_at_{cut}{suffix}"] = hits
        return found


def wrong_ahead(queries: Float[Tensor, "q d"], candidates: Float[Tensor, "c d"], right: csr_matrix) -> np.ndarray:
    """Count, for each query, the wrong candidates that are as near as its best right one, (q,).

    Args:
        queries: Unit rows.
        candidates: Unit rows.
        right: Which candidates are right, (q, c), at least one a query.
    """
    counts = []
    for rows in torch.split(torch.arange(len(queries)), max(1, TOGETHER // len(candidates))):
        cosines = queries[rows].double() @ candidates.double().T
        allowed = torch.from_numpy(right[rows.numpy()].toarray() > 0)
        best = cosines.masked_fill(~allowed, -torch.inf).max(dim=1, keepdim=True).values
        counts.append(((cosines >= best - TIE) & ~allowed).sum(dim=1))
    return torch.cat(counts).numpy()
