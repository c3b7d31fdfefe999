"""Training of a small CLIP: the image tower learns the words of captions first, then both towers to agree.

    warm-up      loss = words(image → tokens of all its concepts) + patches, on images of one object
    after it     the same + contrastive(image, caption), that of CLIP, on images of one to five objects and on as many
                 of one object, without which shapes are forgotten
    at the end   the same + spread(images) = log tr(C²) / tr(C)², C the covariance of a batch of embeddings

The temperature is fixed where that of CLIP ends. With it, a caption need be only a little nearer to its image than
others are: cosines of pairs stay near 0.3, as with CLIP. One that is learned from a high temperature on pulls both
towers into one subspace.

CLIP tells apart 400 million images, and its embeddings keep what no word names. Batches of a hundred captions can be
told apart in some twenty dimensions, which a vocabulary spans: concepts would rebuild nearly all of an image. The last
loss lets other differences between images in, as many as its weight says. exp(−spread) is the participation ratio of
the eigenvalues of C, the number of dimensions that images fill evenly.

The contrastive loss alone finds colours and scenes in minutes, but not shapes: see `patch_losses`, which is the only
use of anything but pixels and captions.

References:
    Radford et al. Learning transferable visual models from natural language supervision. ICML 2021.
    Beyer, Zhai, Kolesnikov. Better plain ViT baselines for ImageNet-1k. 2022 (positions that begin as waves).
    Huang et al. Classification done right for vision-language pre-training. NeurIPS 2024 (the loss on words).
    Bardes, Ponce, LeCun. VICReg: variance-invariance-covariance regularization for self-supervised learning. ICLR 2022.
    Gao et al. A theory of multineuronal dimensionality, dynamics and measurement. 2017 (the participation ratio).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax, normalize
from torch.utils.data import DataLoader, default_collate

from splice_exp.core.errors import SpliceError
from splice_exp.core.packages.clip import open_clip
from splice_exp.core.packages.lightning import lightning
from splice_exp.data.scenes.world import ATTRIBUTES
from splice_exp.training.captioned import (
    JUDGED,
    CaptionedPictures,
    SingleObjects,
    easy_picture,
    mixed_picture,
)
from splice_exp.training.patch_losses import PatchLosses
from splice_exp.training.settings import TrainingSettings

TEMPLATE = "a photo of {}"  # of the text of a class
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)  # of pixels in [0, 1]
HEADS = 4  # of each layer of both towers
SCALE = (
    100.0  # of cosines in the contrastive loss: the inverse temperature at which training of CLIP ends, from the start
)
CANDIDATES = 64  # captions among which the right one is looked for

Tokenizer = Callable[..., Tensor]  # of a list of texts and, if it is not the model's, a `context_length`
MOST_WORDS = 64  # tokens of the names of all concepts of an image


@dataclass(frozen=True)
class Settings(TrainingSettings):
    """What decides the outcome of a training.

    Attributes:
        epochs: Number of epochs; a killed training loses at most one.
        warm_up_epochs: The first of them, on easy images and without the contrastive loss.
        spread_epochs: The last of them, in which embeddings of images spread.
        spread: Weight of the loss that spreads them.
        steps: Batches in an epoch.
        batch_size: Images in a batch.
        learning_rate: Its peak; it rises linearly for a twentieth of the training and falls as a cosine.
        weight_decay: Of AdamW, on matrices.
        width: Of both towers.
        dimensions: Of the joint space.
        layers: Of the image tower, at least 3: the second predicts where objects are, the last but one what they are,
            and the last gathers it.
        text_layers: Of the text tower.
        corpus: Images whose captions the tokenizer is learned from.
        heldout: Images of the validation split on which each epoch is evaluated.
        tested: Images of the test split on which the result is evaluated.
        seed: Of the weights and the images.

    Raises:
        SpliceError: naming the option that is out of bounds.
    """

    minimum: ClassVar[Mapping[str, int]] = {
        "seed": 0,
        "warm_up_epochs": 0,
        "spread_epochs": 0,
        "layers": 3,
        "heldout": CANDIDATES,
        "tested": CANDIDATES,
    }

    epochs: int = 44
    warm_up_epochs: int = 12
    spread_epochs: int = 12
    spread: float = 16.0
    steps: int = 100
    batch_size: int = 96
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    width: int = 128
    dimensions: int = 512
    layers: int = 5
    text_layers: int = 2
    corpus: int = 4_000
    heldout: int = 512
    tested: int = 2_048
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % HEADS:
            raise SpliceError(f"--width is {self.width}, but must be a multiple of {HEADS}, the number of heads.")


def waves(grid: tuple[int, int], width: int) -> Float[Tensor, "patches d"]:
    """Return an embedding of each position in a grid: sines and cosines of row and column, from coarse to fine.

    Args:
        grid: Rows and columns.
        width: d, a multiple of 4.
    """
    frequencies = 100.0 ** -(torch.arange(width // 4) / (width // 4))
    rows, columns = torch.meshgrid(*(torch.arange(float(side)) for side in grid), indexing="ij")
    angles = [place.flatten()[:, None] * frequencies for place in (rows, columns)]
    return 0.1 * torch.cat([wave(angle) for angle in angles for wave in (torch.sin, torch.cos)], dim=1)


def spread_loss(images: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """Return log tr(C²) / tr(C)² of the covariance C of normalised rows: 0 on a line, −log d where all d are filled.

    Args:
        images: Embeddings of a batch, (n, d).
    """
    rows = normalize(images, dim=1)
    rows = rows - rows.mean(dim=0)
    gram = rows @ rows.T  # has the eigenvalues of n · C
    return (gram.square().sum() / gram.diagonal().sum() ** 2).log()


class SmallClip(lightning.LightningModule):
    """An open_clip model and its training.

    Args:
        model_cfg: Arguments of `open_clip.model.CLIP`.
        tokenizer: From texts to tokens, (n, t) int64.
        token_weights: Weight of each token in the loss on words, (vocabulary,).
        settings: Of the training.
        workers: Processes that render images.
    """

    token_weights: Tensor

    def __init__(
        self,
        model_cfg: Mapping[str, Any],
        tokenizer: Tokenizer,
        token_weights: Float[Tensor, " vocabulary"],
        settings: Settings,
        workers: int = 0,
    ) -> None:
        super().__init__()
        self.model: Any = open_clip.CLIP(**model_cfg)
        self.model.visual.positional_embedding.data[1:] = waves(
            self.model.visual.grid_size, model_cfg["vision_cfg"]["width"]
        )
        self.model.logit_scale.data.fill_(math.log(SCALE))
        self.model.logit_scale.requires_grad_(False)
        self.words = torch.nn.Linear(model_cfg["embed_dim"], len(token_weights))
        self.patch = int(model_cfg["vision_cfg"]["patch_size"])
        self.patches = PatchLosses(model_cfg["vision_cfg"]["width"], self.patch)
        self.register_buffer("token_weights", token_weights)
        self._tokenizer, self._settings, self._workers = tokenizer, settings, workers
        self._num_steps = settings.epochs * settings.steps

    def train_dataloader(self) -> DataLoader[Any]:
        """Load images that no other epoch has."""
        size = self._settings.steps * self._settings.batch_size
        draw = easy_picture if self._warming_up else mixed_picture
        data = CaptionedPictures(draw, self._settings.seed, self.current_epoch * size, size, self.patch)
        return DataLoader(data, self._settings.batch_size, num_workers=self._workers, collate_fn=self._collate)

    @property
    def _warming_up(self) -> bool:
        return self.current_epoch < self._settings.warm_up_epochs

    def val_dataloader(self) -> DataLoader[Any]:
        """Load held-out single objects."""
        data = SingleObjects("val", self._settings.seed, self._settings.heldout)
        return DataLoader(data, CANDIDATES, collate_fn=self._collate)

    def _collate(self, samples: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        pictures, texts, *rest = zip(*samples, strict=True)
        pixels = default_collate(list(pictures)).permute(0, 3, 1, 2)
        return pixels, self._tokenizer(list(texts)), *rest

    def embed(self, pixels: UInt8[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        """Embed images; rows are not normalised.

        Args:
            pixels: 0 to 255.
        """
        return self._embed(pixels)[0]

    def _embed(self, pixels: UInt8[Tensor, "n 3 h w"]) -> tuple[Tensor, Tensor, Tensor]:
        """Return embeddings, (n, d), and tokens of patches after the second and after the last but one layer."""
        mean, std = (torch.tensor(value, device=pixels.device)[:, None, None] for value in (MEAN, STD))
        tower, tokens = self.model.visual, []
        hidden = tower._embeds((pixels.float() / 255 - mean) / std)
        for block in tower.transformer.resblocks:
            hidden = block(hidden)
            tokens.append(hidden[:, 1:])
        return tower._pool(hidden)[0] @ tower.proj, tokens[1], tokens[-2]

    def training_step(self, batch: tuple[Any, ...], batch_idx: int) -> Tensor:
        """Return the loss of a batch, and log its terms.

        Args:
            batch: Pixels, (n, 3, h, w) uint8; tokens of a caption of each, (n, t); the names of all concepts of each;
                what its patches show, by `patch_truth`.
            batch_idx: Number of the batch in its epoch; not used.
        """
        pixels, tokens, full, truth = batch
        images, early, late = self._embed(pixels)
        words = self._tokenizer(list(full), context_length=MOST_WORDS).to(images.device)
        silhouettes, labels = (value.to(images.device) for value in default_collate(truth))
        losses = {"words": self.word_loss(images, words), "patches": self.patches(early, late, silhouettes, labels)}
        if not self._warming_up:
            losses["contrastive"] = self.contrastive_loss(images, self.embed_text(tokens))
        loss = sum(losses.values(), torch.zeros((), device=images.device))
        if self.current_epoch >= self._settings.epochs - self._settings.spread_epochs:
            losses["spread"] = spread_loss(images)
            loss = loss + self._settings.spread * losses["spread"]
        self.log_dict(losses, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(images))
        return loss

    def embed_text(self, tokens: Int64[Tensor, "n t"]) -> Float[Tensor, "n d"]:
        """Embed texts as the model does, but without the padding that all of them have; rows are normalised.

        Args:
            tokens: Of each text, ended by the highest token, then zeros.
        """
        model, length = self.model, int((tokens != 0).sum(dim=1).max())
        tokens = tokens[:, :length]
        hidden = model.token_embedding(tokens) + model.positional_embedding[:length]
        hidden = model.ln_final(model.transformer(hidden, attn_mask=model.attn_mask[:length, :length]))
        last = hidden[torch.arange(len(tokens), device=tokens.device), tokens.argmax(dim=1)]  # the end has the highest
        return normalize(last @ model.text_projection, dim=1)

    def contrastive_loss(self, images: Float[Tensor, "n d"], texts: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
        """Return the mean cross-entropy of finding the text of each image, and the image of each text.

        Args:
            images: Embeddings, (n, d), normalised here.
            texts: Unit embeddings, (n, d), in the order of the images.
        """
        logits = SCALE * normalize(images, dim=1) @ texts.T
        right = torch.arange(len(images), device=images.device)
        return (cross_entropy(logits, right) + cross_entropy(logits.T, right)) / 2

    def word_loss(self, images: Float[Tensor, "n d"], tokens: Int64[Tensor, "n t"]) -> Float[Tensor, ""]:
        """Return the cross-entropy between the tokens of each text, as weighted shares, and their prediction.

        Args:
            images: Embeddings, (n, d), not normalised.
            tokens: Of the text of each image, (n, t).
        """
        present = torch.zeros(len(images), self.words.out_features, device=images.device).scatter_(1, tokens, 1.0)
        shares = present * self.token_weights
        shares = shares / shares.sum(dim=1, keepdim=True)
        return -(shares * log_softmax(self.words(images), dim=1)).sum(dim=1).mean()

    def validation_step(self, batch: tuple[Tensor, Tensor, Any], batch_idx: int) -> None:
        """Log how often each attribute is predicted right, and how often the caption of an image is found in its batch.

        Args:
            batch: Pixels, (n, 3, h, w) uint8; tokens of the caption of each, (n, t); its concept of each kind of
                `JUDGED`, or none.
            batch_idx: Number of the batch in its epoch; not used.
        """
        pixels, tokens, truths = batch
        features = self.embed(pixels)
        images = normalize(features, dim=1)
        found = (images @ self.embed_text(tokens).T).argmax(dim=1)
        self.log(
            "recall", (found.cpu() == torch.arange(len(found))).float().mean(), batch_size=len(found), prog_bar=True
        )
        for column, kind in enumerate(JUDGED):
            names = list(ATTRIBUTES[kind])
            rows = [row for row, truth in enumerate(truths) if truth[column] is not None]
            scores = self._word_scores(features, names) if self._warming_up else self._zero_shot_scores(images, names)
            best = scores[rows].argmax(dim=1).tolist()
            right = sum(names[index] == truths[row][column] for row, index in zip(rows, best, strict=True))
            if rows:
                self.log(kind, right / len(rows), batch_size=len(rows), on_epoch=True)

    def _word_scores(self, features: Float[Tensor, "n d"], names: list[str]) -> Float[Tensor, "n c"]:
        """Score names by their first tokens in the prediction of words; before the text tower has learned anything."""
        return self.words(features)[:, self._tokenizer(names)[:, 1].to(features.device)]

    def _zero_shot_scores(self, images: Float[Tensor, "n d"], names: list[str]) -> Float[Tensor, "n c"]:
        texts = self._tokenizer([TEMPLATE.format(name) for name in names]).to(images.device)
        return images @ self.embed_text(texts).T

    def configure_optimizers(self) -> Any:
        """Return AdamW, and its learning rate at each step as `Settings` says."""
        settings = self._settings
        parameters = list(self.parameters())
        groups = [
            {"params": [one for one in parameters if one.ndim >= 2], "weight_decay": settings.weight_decay},
            {"params": [one for one in parameters if one.ndim < 2], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.98), eps=1e-6)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _rate(self, step: int) -> float:
        warm_up = max(1, self._num_steps // 20)
        return min(1.0, (step + 1) / warm_up) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / self._num_steps)))
