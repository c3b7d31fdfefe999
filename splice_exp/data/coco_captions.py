"""Images with captions in the layout of COCO: a json file of images and annotations, and a folder of images."""

from __future__ import annotations

from pathlib import Path

from splice_exp.core.errors import SpliceError, require_file, require_folder
from splice_exp.core.io import read_json
from splice_exp.core.keys import key_of
from splice_exp.data.pictures import FileSource, require_files


class CocoCaptions(FileSource):
    """Images with one caption or several each, and no classes.

    Args:
        annotations: File like `captions_val2017.json`, with `images` and `annotations`.
        root: Folder of the images.
        name: Short name for tables; by default that of the file.
        limit: Take only so many samples, evenly spread.
        missing_classes: Plays no part: there are no classes.
        exif: `upright`, to turn images as a viewer does, or `ignore`.
        damaged: `error` or `skip`, for images that cannot be read.

    Raises:
        SpliceError: for files of another layout, or missing images.
    """

    def __init__(
        self,
        annotations: str,
        root: str,
        name: str | None = None,
        limit: int | None = None,
        missing_classes: str = "drop",
        exif: str = "upright",
        damaged: str = "error",
    ) -> None:
        super().__init__(name or Path(annotations).stem, limit, missing_classes, exif, damaged)
        content = read_json(require_file("annotations", annotations))
        try:
            files = {image["id"]: str(image["file_name"]) for image in content["images"]}
            spoken: dict[int, list[str]] = {image: [] for image in files}
            for annotation in content["annotations"]:
                spoken[annotation["image_id"]].append(" ".join(str(annotation["caption"]).split()))
        except (KeyError, TypeError) as error:
            raise SpliceError(
                f"{key_of('annotations')}: {annotations} is not laid out as those of COCO ({error!r})."
            ) from error
        kept = sorted((image for image in files if spoken[image]), key=lambda image: files[image])
        self._root = require_folder("root", root)
        self._files = [self._root / files[image] for image in kept]
        require_files(f"annotations: {annotations}", self._files)
        self._describe([files[image] for image in kept], None, ())
        self._captions = tuple(tuple(spoken[kept[place]]) for place in self._places)

    def captions(self) -> tuple[tuple[str, ...], ...]:
        return self._captions
