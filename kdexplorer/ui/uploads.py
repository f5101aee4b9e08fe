"""Files that a person sends: checked by their headers, then kept under a name made here."""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder
from PIL import Image, UnidentifiedImageError

from kdexplorer.home import upload_path
from kdexplorer.params import ConfigError

MAX_PIXELS = 16_000_000
MAX_IMAGE_BYTES = 40_000_000
MAX_WEIGHT_BYTES = 512_000_000
FORMATS = {"PNG": "png", "JPEG": "jpg", "BMP": "bmp", "WEBP": "webp", "TIFF": "tiff"}


def keep_upload(path: str, kind: str) -> dict[str, Any]:
    """Take over the file at `path`, which Gradio's upload put into its own folder; `kind` is `image`, `pair` (an
    image that finds its partner by its name), `weights` or `run`.

    Raises:
        ConfigError: it is not an uploaded file, or not one that can be used, and why.
    """
    folder = Path(get_upload_folder()).resolve()
    file = Path(path).resolve()
    if not file.is_relative_to(folder) or not file.is_file() or Path(path).is_symlink():
        raise ConfigError("This is not a file that was just uploaded: choose it again.")
    checks = {"image": _check_image, "pair": _check_image, "weights": _check_weights, "run": _check_run}
    if kind not in checks:
        raise ConfigError("kind: expected image, pair, weights or run.")
    extension, note = checks[kind](file)
    upload_id = f"{secrets.token_hex(8)}-{_name_part(file.stem)}.{extension}"
    target = upload_path(upload_id)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(file, target)
    return {"id": upload_id, "note": note}


def _name_part(stem: str) -> str:
    """A file's name in letters that are safe, at most 23; different names differ."""
    plain = re.sub(r"[^0-9a-z]+", "-", stem.lower()).strip("-")[:16]
    return f"{plain}-{hashlib.blake2b(stem.encode(), digest_size=3).hexdigest()}"


def _check_image(file: Path) -> tuple[str, str]:
    """Dimensions and format from the header: nothing is decoded yet."""
    if file.stat().st_size > MAX_IMAGE_BYTES:
        raise ConfigError(f"The image has more than {MAX_IMAGE_BYTES // 1_000_000} MB: send a smaller one.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large images; we refuse them below
            with Image.open(file, formats=list(FORMATS)) as image:
                width, height, form = image.width, image.height, image.format or ""
                frames = getattr(image, "n_frames", 1)
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        struct.error,
        Image.DecompressionBombError,
    ):
        raise ConfigError(
            "This is no image that can be read: send a PNG, JPEG, BMP, WebP or TIFF file."
        ) from None
    if frames > 1:
        raise ConfigError("The image is animated: send a still one.")
    if width * height > MAX_PIXELS:
        raise ConfigError(f"The image has {width} × {height} pixels; at most 16 million: make it smaller.")
    if min(width, height) < 16:
        raise ConfigError(f"The image has {width} × {height} pixels: each side needs at least 16.")
    return FORMATS[form], f"{width} × {height}"


def _check_weights(file: Path) -> tuple[str, str]:
    size = file.stat().st_size
    if size > MAX_WEIGHT_BYTES:
        raise ConfigError(f"The file has {size / 1e6:,.0f} MB; at most {MAX_WEIGHT_BYTES // 1_000_000}.")
    with file.open("rb") as opened:
        head = opened.read(9)
    if len(head) == 9 and head[8:] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= size - 8:
        return "safetensors", f"{size / 1e6:.1f} MB"
    if zipfile.is_zipfile(file) or head[:1] == b"\x80":
        return "pth", f"{size / 1e6:.1f} MB"
    raise ConfigError(
        "These are no weights that can be read: send a .safetensors file, or a .pth of tensors only."
    )


def _check_run(file: Path) -> tuple[str, str]:
    size = file.stat().st_size
    if size > MAX_WEIGHT_BYTES:
        raise ConfigError(f"The file has {size / 1e6:,.0f} MB; at most {MAX_WEIGHT_BYTES // 1_000_000}.")
    if not zipfile.is_zipfile(file):
        raise ConfigError("This is not an exported run: choose the zip that Export wrote.")
    return "zip", f"{size / 1e6:.1f} MB"
