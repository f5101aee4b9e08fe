"""Uploaded files: taken over only from the upload folder, and only if their header says they can be used."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from kdexplorer.data.sources.photo_folder import read_photos
from kdexplorer.home import shown_name, upload_path
from kdexplorer.params import ConfigError
from kdexplorer.ui.uploads import keep_upload


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KDX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "inbox"))
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def picture(path: Path, size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: object) -> str:
    Image.new(mode, size).save(path, **options)  # type: ignore[arg-type]
    return str(path)


@pytest.mark.parametrize(
    ("name", "extension"), [("a.png", "png"), ("b.jpg", "jpg"), ("c.webp", "webp"), ("d.bmp", "bmp")]
)
def test_an_image_is_kept_under_a_name_made_here(inbox: Path, name: str, extension: str) -> None:
    kept = keep_upload(picture(inbox / name), "image")
    assert kept["id"].endswith(f".{extension}")
    assert kept["note"] == "64 × 48"
    assert upload_path(kept["id"]).is_file()
    assert not (inbox / name).exists()


def test_an_image_of_a_pair_keeps_its_name_in_safe_letters(inbox: Path) -> None:
    names = ("Rain 07.png", "rain_07.png", "雨.png", "雪.png", "a-name-that-is-longer-than-ids-may-be.png")
    kept = [keep_upload(picture(inbox / name), "pair")["id"] for name in names]
    again = keep_upload(picture(inbox / names[0]), "pair")["id"]
    parts = [id.partition("-")[2] for id in kept]
    assert parts[0].startswith("rain-07-")
    assert again.partition("-")[2] == parts[0]
    assert len(set(parts)) == len(names)
    shown = [shown_name(upload_path(id)) for id in kept]
    assert shown[:2] == ["rain-07.png", "rain-07.png"]
    assert shown[2].startswith("upload-")
    assert shown[2] != shown[3]  # no letter of theirs is a safe one
    [(named, _)] = read_photos([upload_path(kept[0])])
    assert named == "rain-07"
    assert shown_name(inbox / kept[0]) == kept[0]  # elsewhere a file is called as it is
    assert all(upload_path(id).is_file() for id in (*kept, again))


def test_the_format_is_the_headers_not_the_names(inbox: Path) -> None:
    file = inbox / "really.png"
    Image.new("RGB", (32, 32)).save(file, "JPEG")
    assert keep_upload(str(file), "image")["id"].endswith(".jpg")


def test_files_from_elsewhere_are_refused(inbox: Path, tmp_path: Path) -> None:
    outside = picture(tmp_path / "outside.png")
    (inbox / "link.png").symlink_to(outside)
    for path in (
        outside,
        str(inbox / ".." / "outside.png"),
        str(inbox / "link.png"),
        str(inbox / "none.png"),
        "/etc/passwd",
    ):
        with pytest.raises(ConfigError, match="not a file that was just uploaded"):
            keep_upload(path, "image")
    assert Path(outside).exists()


def _png_that_claims(width: int, height: int) -> bytes:
    """A PNG whose header promises `width` × `height`, with next to no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [5_000, 60_000])
def test_huge_images_are_refused_by_their_header(inbox: Path, side: int) -> None:
    (inbox / "bomb.png").write_bytes(_png_that_claims(side, side))
    with pytest.raises(ConfigError, match=r"16 million|no image that can be read"):
        keep_upload(str(inbox / "bomb.png"), "image")


def test_useless_images_are_refused_in_words(inbox: Path) -> None:
    with pytest.raises(ConfigError, match="at least 16"):
        keep_upload(picture(inbox / "dot.png", (1, 1)), "image")
    frames = [Image.new("RGB", (32, 32), color) for color in ("red", "blue")]
    frames[0].save(inbox / "moving.webp", save_all=True, append_images=frames[1:])
    with pytest.raises(ConfigError, match="animated"):
        keep_upload(str(inbox / "moving.webp"), "image")
    (inbox / "text.png").write_text("not an image")
    with pytest.raises(ConfigError, match="no image that can be read"):
        keep_upload(str(inbox / "text.png"), "image")


def test_weights_are_told_by_their_header(inbox: Path) -> None:
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (inbox / "w.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0\0\0\0")
    assert keep_upload(str(inbox / "w.safetensors"), "weights")["id"].endswith(".safetensors")
    (inbox / "w2.safetensors").write_bytes(b"hello world, no weights")
    with pytest.raises(ConfigError, match="no weights that can be read"):
        keep_upload(str(inbox / "w2.safetensors"), "weights")


def test_an_unknown_kind_is_refused(inbox: Path) -> None:
    with pytest.raises(ConfigError, match="kind"):
        keep_upload(picture(inbox / "a.png"), "program")
