"""Small files in the layouts in which data sets are handed on."""

import numpy as np
from PIL import Image


def write_voc_segments(root, split, kinds, height=9):
    """Photographs of VOC 2007 and their segmentations: a square of each kind, by its number, on a border and nothing.

    Args:
        root: Where it goes.
        split: Of the segmentations.
        kinds: Name of a photograph → the kinds of objects in it, at most two.
        height: Of photographs, whose width is 12.
    """
    base = root / "VOCdevkit" / "VOC2007"
    for folder in ("ImageSets/Segmentation", "SegmentationClass", "JPEGImages"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    (base / "ImageSets" / "Segmentation" / f"{split}.txt").write_text("".join(f"{name}\n" for name in kinds))
    for seed, (name, found) in enumerate(kinds.items()):
        noise = np.random.default_rng(seed).integers(0, 255, (height, 12, 3), dtype=np.uint8)
        Image.fromarray(noise).save(base / "JPEGImages" / f"{name}.jpg")
        pixels = np.zeros((height, 12), dtype=np.uint8)
        pixels[:, 6] = 255  # the border of objects
        for place, kind in enumerate(found):
            pixels[2:5, 7 * place : 7 * place + 4] = kind
        mask = Image.fromarray(pixels, mode="P")
        mask.putpalette([value % 256 for value in range(768)])
        mask.save(base / "SegmentationClass" / f"{name}.png")


def write_image(path, seed=0):
    """A small image of noise, in folders that are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (8, 9, 3), dtype=np.uint8)).save(path)


def write_cub200(root):
    """CUB-200-2011 with two species, four images and two attributes, its lists as they are unpacked; its folder."""
    folder = root / "CUB_200_2011"
    species = {"1": "001.Black_footed_Albatross", "2": "002.Rock_Wren"}
    labels = {"1": "1", "2": "2", "3": "1", "4": "2"}
    images = {
        number: f"{species[label]}/{species[label][4:]}_{int(number):04d}_77.jpg" for number, label in labels.items()
    }
    for number, path in images.items():
        write_image(folder / "images" / path, int(number))
    parts = {"1": "1", "2": "0", "3": "0", "4": "1"}  # 1 is for training
    lists = {"classes": species, "images": images, "image_class_labels": labels, "train_test_split": parts}
    for name, rows in lists.items():
        (folder / f"{name}.txt").write_text("".join(f"{number} {value}\n" for number, value in rows.items()))
    (folder / "attributes").mkdir()
    (root / "attributes.txt").write_text("1 has_bill_shape::curved_(up_or_down)\n2 has_size::small\n")
    (folder / "attributes" / "image_attribute_labels.txt").write_text(
        "1 1 1 3 27.7\n1 2 0 4 2.0\n2 1 0 3 5.5\n2 2 1 1 0 0.7\n3 1 1 4 1.1\n3 2 1 4 1.1\n4 1 0 4 1.1\n4 2 0 1 1.1\n"
    )
    return folder


def write_eurosat(root, images="EuroSAT_RGB"):
    """EuroSAT with two classes and six images, two of each part; its folder."""
    folder, lines = root / "eurosat", ["filename,label,split"]
    for place, kind in enumerate(("AnnualCrop", "SeaLake")):
        for number, part in enumerate(("train", "val", "test"), start=1):
            write_image(folder / images / kind / f"{kind}_{number}.jpg", 3 * place + number)
            lines.append(f"{kind}/{kind}_{number}.jpg,{place},{part}")
    (folder / "split_coop.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    (folder / "metadata.csv").write_text(
        "label,folder_name,class_name\n0,AnnualCrop,annual crop land\n1,SeaLake,sea or lake\n"
    )
    return folder


def write_nico(root):
    """NICO++ with two classes and a context of each; lists name files from where their publishers keep them."""
    folder = root / "NICO"
    (folder / "NICO_unique_official").mkdir(parents=True)
    for seed, (kind, context) in enumerate((("bear", "on snow"), ("hot air balloon", "at night"))):
        for number, part in enumerate(("train", "test", "test")):
            path = f"{kind}/{context}/{kind}_{number:05d}.jpg"
            write_image(folder / "NICO_unique" / path, 3 * seed + number)
            listed = f"{kind.replace(' ', '-')}_{context.replace(' ', '-')}_{part}.txt"
            with (folder / "NICO_unique_official" / listed).open("a") as lines:
                lines.write(f"/somewhere/of/theirs/NICO_unique/{path} {7 + seed}\n")
                if number == 1:
                    lines.write("/somewhere/of/theirs/NICO_unique/.DS_Store 0\n")
    return folder
