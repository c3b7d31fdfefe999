"""Which image mean is meant: one that comes with a model, or a file. Found out without torch.

With the package come those that the SpLiCE authors published, and that of the synthetic benchmark. Beside the weights
of a saved model, `local-dir:…`, lies its own.

μ = (1/n) Σ σ(image)        over MSCOCO train2017, not normalised again
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from splice_exp.core.assets import ASSETS, LOCAL, model_of
from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of

AUTO, ESTIMATE, OFFICIAL, ZERO = "auto", "estimate", "official", "zero"
MEAN_FILES = (".safetensors", ".pt", ".pth", ".npy")
MEAN_FILE = "image_mean.safetensors"  # beside the weights of a model that was saved
COCO = "MSCOCO train2017, published with SpLiCE"


@dataclass(frozen=True)
class OfficialMean:
    """A mean that comes with the package, or with the weights of a model.

    Attributes:
        file: In the assets; or absolute, beside the weights.
        sha256: Of that file; as it stands in the code, a run's id covers what is in the file. Of one beside
            weights it is empty: the id covers their whole folder.
        encoders: Names of the backbone, as `Backbone.encoder` gives them.
        source: Images that it is the mean of.
    """

    file: str
    sha256: str
    encoders: tuple[str, ...]
    source: str

    @property
    def path(self) -> Path:
        """Where the file is."""
        return ASSETS / self.file


SCENES_MEANS = (
    "538b074008bcd463fd5cff1bccb9365ef538788475e70762dc1d7bf8c3079f5b",
    "7a09f81cecc9751dc164fe9779b2553aed09f3bc036d4ddbeb6c12babf97bb00",
    "363f38caa50d8cb746dbde07789fabb4def8065a8cac3afa64405a87d79ae00f",
)  # by member: estimate-mean … data=scenes data.split=train data.num_samples=4096 backbone.member=0
OFFICIAL_MEANS = (
    OfficialMean(
        "means/open_clip_ViT-B-32_image.safetensors",
        "d842a4b385f014641cabdd37b5a098da089dcf8bdc811c10d4cf431c38ad0cea",
        ("ViT-B-32/laion2b_s34b_b79k", "hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b79K"),
        COCO,
    ),
    OfficialMean(
        "means/clip_ViT-B-32_image.safetensors",
        "dd48181f632f6429cb30cafd7d1f9eec11cdcb4eba60d70a3f2f7c5f45f5dcad",
        ("ViT-B-32/openai", "ViT-B-32-quickgelu/openai", "hf-hub:timm/vit_base_patch32_clip_224.openai"),
        COCO,
    ),
    OfficialMean(
        "means/clip_ViT-B-16_image.safetensors",
        "9651168172311de3ab2c68128bdf266713d56092b19e7faa8e2046f48fc54f26",
        ("ViT-B-16/openai", "ViT-B-16-quickgelu/openai", "hf-hub:timm/vit_base_patch16_clip_224.openai"),
        COCO,
    ),
    OfficialMean(
        "means/clip_RN50_image.safetensors",
        "e6de43a72312880a15004b5f1cf0c0fb577debe4741cee0b00db08d59773e719",
        ("RN50/openai", "RN50-quickgelu/openai", "hf-hub:timm/resnet50_clip.openai"),
        COCO,
    ),
    *(
        OfficialMean(
            f"scenes_clip/{member}/image_mean.safetensors",
            sha256,
            (model_of(member),),
            "4,096 training images of the synthetic benchmark",
        )
        for member, sha256 in enumerate(SCENES_MEANS)
    ),
)


def find_official_mean(encoder: str | None) -> OfficialMean | None:
    """Return the mean that comes with the package for a backbone, or lies beside its weights, if there is one.

    Args:
        encoder: `Backbone.encoder`.

    Example:
        >>> find_official_mean("ViT-B-32/openai").source
        'MSCOCO train2017, published with SpLiCE'
    """
    if (found := next((mean for mean in OFFICIAL_MEANS if encoder in mean.encoders), None)) is not None:
        return found
    if encoder is None or not encoder.startswith(LOCAL):
        return None
    file = Path(encoder.removeprefix(LOCAL)).expanduser().absolute() / MEAN_FILE
    return OfficialMean(str(file), "", (encoder,), f"{MEAN_FILE} beside the weights") if file.is_file() else None


def official_mean(encoder: str | None, of: object = None) -> OfficialMean:
    """Return the mean that comes with the package for a backbone.

    Args:
        encoder: `Backbone.encoder`.
        of: The component whose key is named in an error.

    Raises:
        SpliceError: if there is none for this backbone.
    """
    found = find_official_mean(encoder)
    if found is None:
        there = ", ".join(mean.encoders[0] for mean in OFFICIAL_MEANS if mean.source == COCO)
        raise SpliceError(
            f"{key_of('image_mean', of)} is 'official', but no mean was published for the backbone {encoder}; there "
            f"are means for {there}, and for backbone=scenes_clip. Set {key_of('image_mean', of)}=estimate, or to a "
            "file written by python -m splice_exp estimate-mean."
        )
    return found


def require_mean_file(path: str, of: object = None) -> Path:
    """Return the file of an image mean.

    Args:
        path: What was given as `image_mean`, other than one of the words.
        of: The component whose key is named in an error.

    Raises:
        SpliceError: if it does not exist, or has the suffix of another format.
    """
    file, key = Path(path).expanduser(), key_of("image_mean", of)
    if not file.is_file():
        raise SpliceError(
            f"{key} is {path!r}, but must be one of: {AUTO}, {OFFICIAL}, {ESTIMATE}, {ZERO}; or an existing file "
            f"({', '.join(MEAN_FILES)})."
        )
    if file.suffix not in MEAN_FILES:
        raise SpliceError(f"{key} is {path!r}, but the file of a mean ends in {', '.join(MEAN_FILES)}.")
    return file
