"""Miniature replicas of published data sets: layout, names and splits are theirs; pixels are random.

A new data set is one function that writes it under a root, and its entry in `DATA_SETS`.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from scipy.io import savemat

SIZE = (64, 48)  # of photographs, pixels
CIFAR_10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# Of 100 and 101 classes a dozen, among them those that presets name: each class is a text to be encoded.
CIFAR_100 = ("apple", "bear", "camel", "girl", "kangaroo", "man", "mountain", "rose", "sea", "tank", "tiger", "woman")
CALTECH = ("Faces", "airplanes", "anchor", "ant", "barrel", "beaver", "binocular", "bonsai", "brain", "brontosaurus")
PLACES = ("a/abbey", "a/airport_terminal", "b/bamboo_forest", "b/beach", "c/church/indoor", "o/ocean")
TEXTURES = ("banded", "braided", "dotted", "honeycombed", "striped", "zigzagged")
AIRCRAFT = ("707-320", "A320", "Boeing 717", "Cessna 172", "DC-10", "Spitfire")
PETS = ("Abyssinian", "american_bulldog", "beagle", "Bengal", "pug", "Siamese")
FOODS = ("apple_pie", "baklava", "ceviche", "donuts", "edamame", "waffles")
BIRDS = ("Black_footed_Albatross", "Rock_Wren", "Cardinal", "Mallard", "House_Sparrow", "Ovenbird")
LAND = {"AnnualCrop": "annual crop land", "Forest": "forest", "River": "river", "SeaLake": "sea or lake"}
CONTEXTS = (("bear", "on snow"), ("hot air balloon", "at night"), ("dog", "running"), ("ship", "in harbour"))
VOC = ("aeroplane", "bicycle", "cat", "diningtable", "dog", "person", "sheep", "tvmonitor")
VOC_NUMBERS = (1, 2, 8, 11, 12, 15, 17, 20)  # of these classes, in segmentations
FACES = (  # attributes of CelebA, as its header has them
    "5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair "
    "Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones Male "
    "Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks "
    "Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace "
    "Wearing_Necktie Young"
)
UNSAFE = ("man", "woman", "child", "dog", "car", "crowd", "soldier", "horse", "boat", "house", "tree", "street")
# Folder and index of classes of ImageNet: those that presets name, and one more.
IMAGENET = {
    "n01440764": 0, "n02099429": 206, "n02102040": 217, "n02110341": 251, "n02279972": 323, "n02504458": 386,
    "n02979186": 482, "n03000684": 491, "n03028079": 497, "n03196217": 530, "n03314780": 551, "n03325584": 552,
    "n03394916": 566, "n03417042": 569, "n03425413": 571, "n03445777": 574, "n03590841": 607, "n03617480": 614,
    "n03888257": 701,
}  # fmt: skip


def picture(seed: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """Draw soft patches of colour, others for each seed."""
    patches = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(patches).resize(size, Image.Resampling.BICUBIC)


def save_pictures(paths: Iterable[Path], first: int = 0) -> None:
    """Write an image at each path, whose seed is its number.

    Args:
        paths: Of the images.
        first: Number of the first; other images have other numbers.
    """
    for seed, path in enumerate(paths, first):
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(seed).save(path)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a text file, one item per line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def write_table(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write a csv file with a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, index=False)


def small_pixels(count: int, side: int) -> np.ndarray:
    """Return images as arrays hold them, (count, 3 · side · side), channels first."""
    drawn = [np.asarray(picture(seed, (side, side))).transpose(2, 0, 1).reshape(-1) for seed in range(count)]
    return np.stack(drawn).astype(np.uint8)


def write_pickle(path: Path, content: object) -> None:
    """Write a pickle, as CIFAR comes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content))


def cifar10(root: Path) -> None:
    """Pickles of its python version."""
    base = root / "cifar-10-batches-py"
    labels = list(range(len(CIFAR_10)))
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        write_pickle(base / name, {"data": small_pixels(len(labels), 32), "labels": labels})
    write_pickle(base / "batches.meta", {"label_names": list(CIFAR_10)})


def cifar100(root: Path) -> None:
    """Pickles of its python version."""
    base = root / "cifar-100-python"
    for name, repeats in (("train", 5), ("test", 3)):
        labels = list(range(len(CIFAR_100))) * repeats
        data = small_pixels(len(labels), 32)
        write_pickle(base / name, {"data": data, "fine_labels": labels, "coarse_labels": [0] * len(labels)})
    write_pickle(base / "meta", {"fine_label_names": list(CIFAR_100), "coarse_label_names": ["thing"]})


def stl10(root: Path) -> None:
    """Binary files of 96 × 96 pixels."""
    base = root / "stl10_binary"
    write_lines(base / "class_names.txt", CIFAR_10)
    labels = np.arange(1, len(CIFAR_10) + 1, dtype=np.uint8)
    for name in ("train", "unlabeled", "test"):
        small_pixels(len(labels), 96).tofile(base / f"{name}_X.bin")
        labels.tofile(base / f"{name}_y.bin")
    (base / "unlabeled_y.bin").unlink()  # there are none


def sun397(root: Path) -> None:
    """Folders of places, with a list of their names."""
    write_lines(root / "SUN397" / "ClassName.txt", (f"/{place}" for place in PLACES))
    save_pictures(root / "SUN397" / place / f"sun_{number}.jpg" for place, number in product(PLACES, "abc"))


def caltech101(root: Path) -> None:
    """Folders of categories, and that of none."""
    base = root / "caltech101"
    (base / "Annotations").mkdir(parents=True, exist_ok=True)
    folders = product(("BACKGROUND_Google", *CALTECH), (1, 2, 3))
    save_pictures(base / "101_ObjectCategories" / name / f"image_{number:04d}.jpg" for name, number in folders)


def voc2007(root: Path) -> None:
    """Photographs, boxes and segmentations of two kinds of objects each, in every split."""
    base = root / "VOCdevkit" / "VOC2007"
    parts = {"train": range(6), "val": range(6, 12), "trainval": range(12), "test": range(12, 22)}
    for part, numbers in parts.items():
        for kind in ("Main", "Segmentation"):
            write_lines(base / "ImageSets" / kind / f"{part}.txt", (f"{number:06d}" for number in numbers))
    save_pictures(base / "JPEGImages" / f"{number:06d}.jpg" for number in range(22))
    for folder in ("Annotations", "SegmentationClass"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    for number in range(22):
        kinds = (number % len(VOC), (number + 3) % len(VOC))
        pixels = np.zeros(SIZE[::-1], dtype=np.uint8)
        objects = ""
        for place, kind in enumerate(kinds):
            left = 4 + 30 * place
            pixels[8:38, left : left + 24 - 8 * place] = VOC_NUMBERS[kind]
            pixels[8:38, left + 24 - 8 * place] = 255  # the border
            box = f"<xmin>{left}</xmin><ymin>8</ymin><xmax>{left + 24 - 8 * place}</xmax><ymax>38</ymax>"
            objects += f"<object><name>{VOC[kind]}</name><bndbox>{box}</bndbox></object>"
        mask = Image.fromarray(pixels, mode="P")
        mask.putpalette([value % 256 for value in range(768)])
        mask.save(base / "SegmentationClass" / f"{number:06d}.png")
        (base / "Annotations" / f"{number:06d}.xml").write_text(f"<annotation>{objects}</annotation>")


def flowers102(root: Path) -> None:
    """Three images of the first twelve flowers, one for each split; names are torchvision's."""
    base, flowers = root / "flowers-102", 12
    save_pictures(base / "jpg" / f"image_{number:05d}.jpg" for number in range(1, 3 * flowers + 1))
    savemat(base / "imagelabels.mat", {"labels": np.tile(np.arange(1, flowers + 1), 3)})
    splits = np.arange(1, 3 * flowers + 1).reshape(3, flowers)
    savemat(base / "setid.mat", dict(zip(("trnid", "valid", "tstid"), splits, strict=True)))


def dtd(root: Path) -> None:
    """Folders of textures; the first of the published partitions."""
    base = root / "dtd" / "dtd"
    for number, part in enumerate(("train", "val", "test")):
        names = [f"{kind}/{kind}_{number}{index}.jpg" for kind, index in product(TEXTURES, range(3))]
        write_lines(base / "labels" / f"{part}1.txt", names)
        save_pictures(base / "images" / name for name in names)


def fgvc_aircraft(root: Path) -> None:
    """Lists of variants."""
    base = root / "fgvc-aircraft-2013b" / "data"
    write_lines(base / "variants.txt", AIRCRAFT)
    for number, part in enumerate(("train", "val", "trainval", "test")):
        named = [(f"{number}{index:06d}", variant) for index, variant in enumerate(AIRCRAFT * 3)]
        write_lines(base / f"images_variant_{part}.txt", (f"{file} {variant}" for file, variant in named))
        save_pictures(base / "images" / f"{file}.jpg" for file, _ in named)


def pets(root: Path) -> None:
    """Lists of breeds."""
    base = root / "oxford-iiit-pet"
    for number, part in enumerate(("trainval", "test")):
        named = [(f"{pet}_{number}{index}", label) for label, pet in enumerate(PETS, 1) for index in range(3)]
        write_lines(base / "annotations" / f"{part}.txt", (f"{name} {label} 1 1" for name, label in named))
        save_pictures(base / "images" / f"{name}.jpg" for name, _ in named)


def food101(root: Path) -> None:
    """Folders of dishes, with lists as json."""
    base = root / "food-101"
    for number, part in enumerate(("train", "test")):
        named = {food: [f"{food}/{number}{index}" for index in range(3)] for food in FOODS}
        (base / "meta").mkdir(parents=True, exist_ok=True)
        (base / "meta" / f"{part}.json").write_text(json.dumps(named))
        save_pictures(base / "images" / f"{name}.jpg" for names in named.values() for name in names)


def celeba(root: Path) -> None:
    """Faces, every other a man, every third with glasses: 75 of each kind twice, as the authors' split needs."""
    base, count = root / "celeba", 912
    files = [f"{number:06d}.jpg" for number in range(1, count + 1)]
    save_pictures(base / "img_align_celeba" / file for file in files)
    every = {"Male": 2, "Eyeglasses": 3}  # others every fifth
    signs = [
        " ".join("-1" if number % every.get(name, 5) else "1" for name in FACES.split()) for number in range(count)
    ]
    attributes = (f"{file} {row}" for file, row in zip(files, signs, strict=True))
    write_lines(base / "list_attr_celeba.txt", (str(count), f"{FACES} ", *attributes))
    write_lines(base / "list_eval_partition.txt", (f"{file} {3 * row // count}" for row, file in enumerate(files)))
    write_lines(base / "identity_CelebA.txt", (f"{file} 1" for file in files))
    for name, width in (("list_bbox_celeba", 4), ("list_landmarks_align_celeba", 10)):
        head = (str(count), " ".join("abcdefghij"[:width]))
        write_lines(base / f"{name}.txt", (*head, *(f"{file}{' 1' * width}" for file in files)))


def coco(root: Path) -> None:
    """Photographs with two captions each, validation and training."""
    words = ("cat", "dog", "man", "woman", "car", "beach", "tree", "forest")
    for part in ("val2017", "train2017"):
        names = [f"{number:012d}.jpg" for number in range(1, 25)]
        save_pictures(root / "coco" / part / name for name in names)
        images = [{"id": number, "file_name": name} for number, name in enumerate(names)]
        captions = [
            {"id": 2 * number + more, "image_id": number, "caption": f"A {words[number % 8]} and a {words[one % 8]}."}
            for number in range(len(names))
            for more, one in enumerate((number // 8 + number + 1, number + 5))
        ]
        file = root / "coco" / "annotations" / f"captions_{part}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"images": images, "annotations": captions}))


def imagenet(root: Path) -> None:
    """Some classes, validation and training, under the names that open_clip has for them."""
    from open_clip import IMAGENET_CLASSNAMES

    base = root / "imagenet"
    write_lines(base / "classes.txt", (f"{folder} {IMAGENET_CLASSNAMES[index]}" for folder, index in IMAGENET.items()))
    save_pictures(base / "val" / folder / f"ILSVRC2012_val_{number}.JPEG" for folder, number in product(IMAGENET, "12"))
    train = (base / "train" / folder / f"{folder}_{number}.JPEG" for folder, number in product(IMAGENET, "1234"))
    save_pictures(train, 1000)  # none of the validation images, from which dictionaries are not to be learned


def mit_states(root: Path) -> None:
    """A table of nouns and adjectives."""
    states = product(("train", "test"), ("apple", "beach", "car", "tree"), ("old", "young", "wet"))
    rows = [
        {"file": f"images/{adjective} {noun}/{split}.jpg", "noun": noun, "adjective": adjective, "split": split}
        for split, noun, adjective in states
    ]
    write_table(root / "mit_states" / "table.csv", rows)
    save_pictures(root / "mit_states" / row["file"] for row in rows)


def stanford_cars(root: Path) -> None:
    """Cars of ten years, of which more and more are convertibles and fewer and fewer yellow."""
    cars = product(("train", "test"), range(2001, 2011), range(4))
    rows = [
        {
            "file": f"cars_{split}/{year}{index}.jpg",
            "label": ("Audi TT", "BMW M3", "Dodge Ram", "Fiat 500")[index],
            "year": year,
            "convertible": int(year - 2001 > 2 * index),
            "yellow": int(2010 - year > 3 * index),
            "split": split,
        }
        for split, year, index in cars
    ]
    write_table(root / "stanford_cars" / "table.csv", rows)
    save_pictures(root / "stanford_cars" / row["file"] for row in rows)


def waterbirds(root: Path) -> None:
    """Four of each group in each part, but eight where bird and background agree."""
    base = root / "waterbird_complete95_forest2water2"
    birds = product((0, 1, 2), (0, 1), (0, 1), range(8))
    rows: list[dict[str, Any]] = [
        {"img_filename": f"{y + 1:03d}.Bird/{split}{y}{place}{index}.jpg", "y": y, "split": split, "place": place}
        for split, y, place, index in birds
        if index < 4 or y == place
    ]
    rows = [{"img_id": number, **row} for number, row in enumerate(rows)]
    write_table(base / "metadata.csv", rows)
    save_pictures(base / row["img_filename"] for row in rows)


def mura(root: Path) -> None:
    """X-rays in folders of studies."""
    base = root / "MURA-v1.1"
    for part in ("train", "valid"):
        studies = product(range(16), ("negative", "positive"))
        files = [f"{part}/XR_WRIST/patient{number:05d}/study1_{kind}/image1.png" for number, kind in studies]
        write_lines(base / f"{part}_image_paths.csv", (f"MURA-v1.1/{file}" for file in files))
        save_pictures(base / file for file in files)


def visu(root: Path) -> None:
    """A table of pairs."""
    rows = [
        {"safe": f"A {word} in a park.", "nsfw": f"A {word} with a weapon."}
        | {f"{kind}_image": f"{kind}/{number}.jpg" for kind in ("safe", "nsfw")}
        for number, word in enumerate(UNSAFE)
    ]
    write_table(root / "visu" / "test.csv", rows)
    save_pictures(root / "visu" / row[f"{kind}_image"] for kind in ("safe", "nsfw") for row in rows)


def cub200(root: Path) -> None:
    """Lists of images, classes and parts, and attributes."""
    base = root / "CUB_200_2011"
    images = [f"{number:03d}.{bird}/{bird}_{copy:04d}.jpg" for number, bird in enumerate(BIRDS, 1) for copy in range(8)]
    classes = [int(image[:3]) for image in images]
    write_lines(base / "classes.txt", (f"{number} {number:03d}.{bird}" for number, bird in enumerate(BIRDS, 1)))
    write_lines(base / "images.txt", (f"{row} {image}" for row, image in enumerate(images, 1)))
    write_lines(base / "image_class_labels.txt", (f"{row} {label}" for row, label in enumerate(classes, 1)))
    write_lines(base / "train_test_split.txt", (f"{row} {row % 2}" for row in range(1, len(images) + 1)))
    write_lines(root / "attributes.txt", ["1 has_bill_shape::curved_(up_or_down)", "2 has_size::small"])
    labels = (f"{row} {attribute} {row % 2} 3 1.0" for row in range(1, len(images) + 1) for attribute in (1, 2))
    write_lines(base / "attributes" / "image_attribute_labels.txt", labels)
    save_pictures(base / "images" / image for image in images)


def eurosat(root: Path) -> None:
    """Folders of classes, and tables of names and parts."""
    base, parts = root / "eurosat", ("train", "val", "test")
    rows = [
        {"filename": f"{kind}/{kind}_{number}.jpg", "label": label, "split": parts[number % 3]}
        for label, kind in enumerate(LAND)
        for number in range(12)
    ]
    write_table(base / "split_coop.csv", rows)
    names = [
        {"label": label, "folder_name": kind, "class_name": name} for label, (kind, name) in enumerate(LAND.items())
    ]
    write_table(base / "metadata.csv", names)
    save_pictures(base / "EuroSAT_RGB" / row["filename"] for row in rows)


def nico(root: Path) -> None:
    """Lists of images for each class, context and part."""
    base = root / "NICO"
    for label, (kind, context) in enumerate(CONTEXTS):
        for part in ("train", "test"):
            images = [f"NICO_unique/{kind}/{context}/{part}_{number:05d}.jpg" for number in range(6)]
            listed = f"{kind.replace(' ', '-')}_{context.replace(' ', '-')}_{part}.txt"
            write_lines(base / "NICO_unique_official" / listed, (f"/data/{image} {label}" for image in images))
            save_pictures(base / image for image in images)


DATA_SETS: dict[str, Callable[[Path], None]] = {
    "caltech101": caltech101,
    "celeba": celeba,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "coco": coco,
    "cub200": cub200,
    "dtd": dtd,
    "eurosat": eurosat,
    "fgvc_aircraft": fgvc_aircraft,
    "flowers102": flowers102,
    "food101": food101,
    "imagenet": imagenet,
    "mit_states": mit_states,
    "mura": mura,
    "nico": nico,
    "pets": pets,
    "stanford_cars": stanford_cars,
    "stl10": stl10,
    "sun397": sun397,
    "visu": visu,
    "voc2007": voc2007,
    "waterbirds": waterbirds,
}


def write_data_sets(root: Path) -> None:
    """Write all of them."""
    for write in DATA_SETS.values():
        write(root)
