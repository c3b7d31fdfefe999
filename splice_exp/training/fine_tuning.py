"""A CLIP fine-tuned to predict classes from their texts: all of its image tower, or low-rank changes of its heads.

    loss = cross-entropy of s · ⟨σ(f(x)), t_c⟩      t: unit embeddings of the class texts, fixed;  s: the model's scale

    lora   W ← W + B A / rank   for the values and the outputs of the attention of every layer, merged in the end

References:
    Hu et al. LoRA: low-rank adaptation of large language models. ICLR 2022.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize
from torch.nn.utils.parametrize import register_parametrization, remove_parametrizations
from torch.utils.data import DataLoader, Dataset

from splice_exp.backbones.base import Backbone, require_float32
from splice_exp.backbones.towers import tower_of
from splice_exp.core.errors import SpliceError, require_at_least, require_choice, require_integer
from splice_exp.core.io import digest
from splice_exp.core.names import as_distinct
from splice_exp.core.packages.lightning import lightning
from splice_exp.core.runs.code import code_digest, code_of
from splice_exp.data.base import EncodableSource

MODES = ("full", "lora")


@dataclass(frozen=True)
class FineTuning:
    """How a model is fine-tuned.

    Args:
        mode: `full`, all weights of the image tower; or `lora`.
        rank: Of low-rank changes; of no use with `full`.
        epochs: Passes through the data.
        batch_size: Images in a batch.
        learning_rate: Of AdamW.
        weight_decay: Of AdamW.
        seed: Of the order and of low-rank changes.

    Raises:
        SpliceError: naming the key that is out of bounds.
    """

    mode: str = "full"
    rank: int = 4
    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 1e-4
    weight_decay: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_choice("mode", self.mode, MODES)
        for name in ("rank", "epochs", "batch_size"):
            require_integer(name, getattr(self, name), 1)
        require_integer("seed", self.seed, 0)
        require_at_least("learning_rate", self.learning_rate, 0)
        require_at_least("weight_decay", self.weight_decay, 0)


class LowRank(nn.Module):
    """Adds B A / rank to some rows of a matrix; zero at first.

    Args:
        rows: Indices of the rows that change.
        width: Columns of the matrix.
        rank: Of the change.
    """

    def __init__(self, rows: range, width: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, width) / width**0.5)
        self.up = nn.Parameter(torch.zeros(len(rows), rank))
        self._rows, self._rank = rows, rank

    def forward(self, weight: Tensor) -> Tensor:
        """Return the changed matrix.

        Args:
            weight: The matrix, (r, width).
        """
        change = self.up @ self.down / self._rank
        before, after = self._rows.start, weight.shape[0] - self._rows.stop
        return weight + nn.functional.pad(change, (0, 0, before, after))


class Tuner(lightning.LightningModule):
    """A model and its training.

    Args:
        model: Of open_clip; its parameters that need gradients are trained.
        texts: Unit embeddings of the class texts, (c, e).
        settings: Of the training.
    """

    def __init__(self, model: Any, texts: Float[Tensor, "c e"], settings: FineTuning) -> None:
        super().__init__()
        self.model, self._settings = model, settings
        self.register_buffer("texts", texts)

    def training_step(self, batch: Sequence[Tensor], index: int) -> Float[Tensor, ""]:
        """Return the cross-entropy of a batch.

        Args:
            batch: Preprocessed images, (n, 3, h, w), and labels, (n,), below c.
            index: Number of the batch in its epoch; not used.
        """
        pixels, labels = batch
        features = normalize(self.model.encode_image(pixels), dim=1)
        scores = self.model.logit_scale.exp() * features @ self.texts.T
        return cross_entropy(scores, labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return AdamW over what is trained."""
        settings, trained = self._settings, [one for one in self.parameters() if one.requires_grad]
        return torch.optim.AdamW(trained, lr=settings.learning_rate, weight_decay=settings.weight_decay)


class Pictures(Dataset[tuple[Tensor, int]]):
    """Preprocessed images, (3, h, w), with their labels.

    Args:
        data: The images.
        backbone: Its preprocessing is used.
        labels: Of the images, (n,).
    """

    def __init__(self, data: EncodableSource, backbone: Backbone, labels: Int64[Tensor, " n"]) -> None:
        self._data, self._backbone, self._labels = data, backbone, labels

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self._backbone.preprocess(self._data.inputs(index, index + 1))[0], int(self._labels[index])


def fine_tuned(backbone: Backbone, data: EncodableSource, settings: FineTuning) -> Backbone:
    """Return a copy of a backbone that was trained to predict the classes of a data set.

    Args:
        backbone: From open_clip, with a Vision Transformer; stays as it is.
        data: Training images with two or more classes.
        settings: How it is trained.

    Raises:
        SpliceError: if the data lack classes, or the backbone has no such tower or half precision.
    """
    if data.labels is None or len(data.classes) < 2:
        raise SpliceError(f"Fine-tuning needs classes, which {data.name} lacks: take other data.")
    tower_of(backbone)
    require_float32(backbone, "Fine-tuning needs")
    found = copy.deepcopy(backbone)
    model: Any = found.module
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(settings.seed)
        model.requires_grad_(False)
        if settings.mode == "full":
            model.visual.requires_grad_(True)
        else:
            _attach(found, settings.rank)
        order = torch.Generator().manual_seed(settings.seed)
        names, places = as_distinct(data.classes)  # those of the same name have the same text
        pictures = Pictures(data, found, torch.tensor(places)[data.labels])
        loader = DataLoader(pictures, settings.batch_size, shuffle=True, generator=order)
        trainer = lightning.Trainer(
            accelerator="auto",
            devices=1,
            max_epochs=settings.epochs,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            model.train()
            trainer.fit(Tuner(model, backbone.encode_classes(names), settings), loader)
    if settings.mode == "lora":
        for block in tower_of(found).blocks:
            remove_parametrizations(block.attn, "in_proj_weight")
            remove_parametrizations(block.attn.out_proj, "weight")
    model.cpu().eval().requires_grad_(False)
    identity = [asdict(settings), data.identity(), code_digest([__name__]), code_of(data, backbone)]
    found.mark_changed(backbone, "image", f"tuned:{digest(identity)}")
    return found


def _attach(backbone: Backbone, rank: int) -> None:
    """Give values and outputs of every layer a low-rank change that can be learned."""
    for block in tower_of(backbone).blocks:
        width = block.attn.embed_dim
        register_parametrization(block.attn, "in_proj_weight", LowRank(range(2 * width, 3 * width), width, rank))
        register_parametrization(block.attn.out_proj, "weight", LowRank(range(width), width, rank))
