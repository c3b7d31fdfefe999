"""A residual network fine-tuned as a classifier, all layers of it: the model whose representations COCOA then explains.

The defaults are those of the authors for X-rays of MURA: Adam, a tenth of the rate every ten epochs, a fifth of the
samples for validation, an end when their loss has not fallen for 25 epochs.

References:
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023, appendix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int64
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from splice_exp.core.errors import SpliceError
from splice_exp.core.images.colours import rgb
from splice_exp.core.packages.lightning import lightning
from splice_exp.data.base import EncodableSource
from splice_exp.training.classifier_settings import Settings

VALIDATION_SHARE = 0.2
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and standard deviation of channels
MONITORED = "validation_loss"


class Classifier(lightning.LightningModule):
    """A network and its training.

    Args:
        network: From pixels, (n, 3, h, w), to scores of the classes, (n, c).
        settings: Of the training.
    """

    def __init__(self, network: nn.Module, settings: Settings) -> None:
        super().__init__()
        self.network, self._settings = network, settings

    def training_step(self, batch: Sequence[Tensor], index: int) -> Float[Tensor, ""]:
        """Return the cross-entropy of a batch, and log it.

        Args:
            batch: Pixels, (n, 3, h, w), and labels, (n,).
            index: Number of the batch in its epoch; not used.
        """
        pixels, labels = batch
        loss = cross_entropy(self.network(pixels), labels)
        self.log("loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(labels))
        return loss

    def validation_step(self, batch: Sequence[Tensor], index: int) -> None:
        """Log loss and accuracy of a batch.

        Args:
            batch: Pixels, (n, 3, h, w), and labels, (n,).
            index: Number of the batch in its epoch; not used.
        """
        pixels, labels = batch
        scores = self.network(pixels)
        right = (scores.argmax(dim=1) == labels).float().mean()
        self.log(MONITORED, cross_entropy(scores, labels), prog_bar=True, batch_size=len(labels))
        self.log("validation_accuracy", right, prog_bar=True, batch_size=len(labels))

    def configure_optimizers(self) -> Any:
        """Return Adam, and a learning rate that is multiplied by `decay` every `decay_every` epochs."""
        settings = self._settings
        optimizer = torch.optim.Adam(self.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, settings.decay_every, settings.decay)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "epoch"}}


class LabelledPictures(Dataset[tuple[Tensor, int]]):
    """Some images of a data set, as a network takes them, (3, crop, crop), with their labels.

    Args:
        data: With classes.
        places: Indices of the images.
        settings: How they are resized, cropped and rotated.
        varied: Whether each is flipped and rotated at random, differently each time.
    """

    def __init__(self, data: EncodableSource, places: Sequence[int], settings: Settings, varied: bool) -> None:
        assert data.labels is not None
        self._data, self._places, self._labels = data, list(places), data.labels
        variations = [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip(), v2.RandomRotation(settings.rotation)]
        self._transform = v2.Compose(
            [
                v2.Resize(settings.resize, antialias=True),
                v2.CenterCrop(settings.crop),
                *(variations if varied else ()),
                v2.PILToTensor(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(*(list(values) for values in IMAGENET)),
            ]
        )

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        place = self._places[index]
        (picture,) = self._data.inputs(place, place + 1)
        return self._transform(rgb(picture)), int(self._labels[place])


def loaders(data: EncodableSource, settings: Settings, workers: int) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Split a data set, class by class, into one part for training and one for validation.

    Args:
        data: With classes.
        settings: Of the training.
        workers: Processes that read images.

    Returns:
        Loaders of pixels, (n, 3, crop, crop), and labels, (n,): of the training part, in random order and with
        variations, and of the validation part, `VALIDATION_SHARE` of the samples and at least one per class.

    Raises:
        SpliceError: if there are not two classes with two samples each.
    """
    labels: Int64[Tensor, " n"] | None = data.labels
    if labels is None or len(data.classes) < 2 or torch.bincount(labels, minlength=len(data.classes)).min() < 2:
        raise SpliceError(
            f"A classifier needs two or more classes of two or more images each, which {data.name} lacks."
        )
    count = max(round(VALIDATION_SHARE * len(labels)), len(data.classes))
    fitted, held_out = train_test_split(
        range(len(labels)), test_size=count, random_state=settings.seed, stratify=labels.numpy()
    )
    order = torch.Generator().manual_seed(settings.seed)
    return (
        DataLoader(
            LabelledPictures(data, fitted, settings, varied=True),
            settings.batch_size,
            shuffle=True,
            generator=order,
            num_workers=workers,
        ),
        DataLoader(LabelledPictures(data, held_out, settings, varied=False), settings.batch_size, num_workers=workers),
    )
