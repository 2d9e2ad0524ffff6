from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest
import zstandard

from piiscan.extract import Budget, Job, segments
from piiscan.extract.ocimage import layers
from tests.extract.test_archive import BODY, read, tarred

LOW, TOP = "1" * 64, "2" * 64
SECOND = b"second ana@example.org\n"


def plain(*members: tuple[str, bytes], format: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def saved() -> bytes:
    """As `docker save` writes it: layers by their names, which tell no order, and the manifest last."""
    manifest = [{"Config": "c.json", "RepoTags": ["x:1"], "Layers": [f"{TOP}/layer.tar", f"{LOW}/layer.tar"]}]
    return plain(
        (f"{LOW}/layer.tar", tarred(("etc/a.txt", BODY), ("etc/.wh.gone.txt", b""))),
        (f"{TOP}/layer.tar", tarred(("b.txt", SECOND))),
        ("c.json", json.dumps({"config": {"Env": ["TOKEN=x"]}}).encode()),
        ("manifest.json", json.dumps(manifest).encode()),
    )


def layout() -> bytes:
    """An OCI layout of one index, one manifest, and compressed layers."""

    def blob(digit: str) -> str:
        return f"blobs/sha256/{digit * 64}"

    def digest(digit: str) -> dict[str, str]:
        return {"digest": "sha256:" + digit * 64}

    return plain(
        ("blobs/sha256/" + "1" * 64, gzip.compress(tarred(("a.txt", BODY)))),
        (blob("2"), zstandard.compress(tarred(("b.txt", SECOND)))),
        (blob("3"), json.dumps({"config": digest("4"), "layers": [digest("2"), digest("1")]}).encode()),
        (blob("4"), json.dumps({"architecture": "none"}).encode()),
        ("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'),
        ("index.json", json.dumps({"manifests": [digest("3")]}).encode()),
    )


def chains(data: bytes) -> list[str]:
    job = Job("image.tar", budget=Budget(bytes_in=len(data)))
    out = ["!/".join(segment.place_of(0).member or ()) for segment in segments(io.BytesIO(data), job)]
    return list(dict.fromkeys(out))


def test_docker_image() -> None:
    assert read(saved(), "image.tar")[0][f"{LOW}/layer.tar!/etc/a.txt"] == BODY.decode()
    assert chains(saved()) == ["manifest.json", "c.json", f"{TOP}/layer.tar!/b.txt", f"{LOW}/layer.tar!/etc/a.txt"]


def test_whiteouts_count_as_members() -> None:
    job = Job("image.tar", budget=Budget(bytes_in=1))
    list(segments(io.BytesIO(saved()), job))
    assert job.budget.members == 4 + 3
    assert job.budget.notes == []


def test_oci_layout_with_compressed_layers() -> None:
    names = [f"blobs/sha256/{n * 64}" for n in "0123456789"]
    found = chains(layout())
    assert [c for c in found if c.endswith(".txt")] == [f"{names[2]}!/b.txt", f"{names[1]}!/a.txt"]
    assert found[0] == "index.json"
    assert names[4] in found


@pytest.mark.parametrize("image", [saved, layout])
def test_an_image_that_cannot_be_sought_in(image: object) -> None:
    data = saved() if image is saved else layout()
    inside = {c.rpartition("!/")[2]: c for c in chains(gzip.compress(data)) if c.endswith(".txt")}
    assert inside.keys() >= {"a.txt" if image is layout else "etc/a.txt", "b.txt"}
    assert all(chain.count("!/") == 2 for chain in inside.values())


def test_what_is_no_image_or_a_broken_one() -> None:
    assert layers(io.BytesIO(plain(("manifest.json", b"{"), ("a.txt", BODY)))) == []
    assert layers(io.BytesIO(plain(("manifest.json", b'[{"Layers": 5}]'), ("a.txt", BODY)))) == []
    assert layers(io.BytesIO(plain(("manifest.json", b'[{"Layers": ["../x"]}]'), ("a.txt", BODY))))[1][0] == "a.txt"
    loop = {"manifests": [{"digest": "sha256:" + "3" * 64}]}
    data = plain(("index.json", json.dumps(loop).encode()), ("blobs/sha256/" + "3" * 64, json.dumps(loop).encode()))
    assert layers(io.BytesIO(data)) == []
    assert read(plain(("manifest.json", b"{"), ("a.txt", BODY)), "x.tar")[0]["a.txt"] == BODY.decode()
    assert "MALFORMED_FILE" in read(saved()[:1400], "x.tar")[1]


def test_a_damaged_layer_costs_that_layer() -> None:
    manifest = json.dumps([{"Layers": ["1.tar.gz", "2.tar"]}]).encode()
    data = plain(
        ("manifest.json", manifest), ("1.tar.gz", b"\x1f\x8b\x08" + bytes(40)), ("2.tar", tarred(("b.txt", SECOND)))
    )
    found, notes = read(data, "x.tar")
    assert found["2.tar!/b.txt"] == SECOND.decode()
    assert notes == ["MALFORMED_FILE"]
