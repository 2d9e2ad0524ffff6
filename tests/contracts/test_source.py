"""What every source promises, for a directory tree, a bucket, and one in memory."""

from __future__ import annotations

import io
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pytest

from piiscan.config import AwsConfig
from piiscan.crawl.local import LocalSource
from piiscan.crawl.s3 import S3Source
from piiscan.errors import AccessDenied, NotRead, ObjectChanged, ObjectGone, SourceError
from piiscan.model import ObjectRef
from piiscan.ports import Source
from tests.support.proxy import Fault, FaultProxy, fault_proxy
from tests.support.s3 import Bucketeer, s3_server

OBJECTS = {
    "a.txt": b"alpha",
    "empty": b"",
    "b/one": b"1" * 70_000,
    "b/two words": b"2",
    "b.txt": b"between b and b/ in the order of bytes",
    "z/ä ü/😀.txt": "ä".encode(),
    "a+b%2Fc": b"odd",
}


class MemorySource:
    """A source as small as one can be."""

    name = "memory://objects"

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.closed: set[str] = set()

    def crawl(self) -> Iterator[ObjectRef]:
        for key, data in sorted(self.objects.items()):
            yield ObjectRef(self.name, key, len(data), str(hash(data)))

    def refresh(self, ref: ObjectRef) -> ObjectRef:
        data = self._data(ref)
        return replace(ref, size=len(data), etag=str(hash(data)))

    def open(self, ref: ObjectRef) -> BinaryIO:
        data = self._data(ref)
        if ref.etag and str(hash(data)) != ref.etag and len(data) < ref.size:
            raise ObjectChanged("overwritten since it was listed")
        return io.BytesIO(data[: ref.size])

    def _data(self, ref: ObjectRef) -> bytes:
        if ref.key in self.closed:
            raise AccessDenied("closed")
        if ref.key not in self.objects:
            raise ObjectGone("gone since it was listed")
        return self.objects[ref.key]


@dataclass
class World:
    """A source under test, and the hand that changes what it holds."""

    source: Source
    put: Callable[[str, bytes], None]
    delete: Callable[[str], None]
    deny: Callable[[str], None]
    grows: bool
    """Whether more bytes at the end leave the object the one that was listed."""

    def ref(self, key: str) -> ObjectRef:
        return next(r for r in self.source.crawl() if r.key == key)

    def read(self, ref: ObjectRef) -> bytes:
        with closing(self.source.open(ref)) as stream:
            return stream.read()


@pytest.fixture(scope="module")
def server() -> Iterator[Bucketeer]:
    with s3_server() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(server: Bucketeer) -> Iterator[FaultProxy]:
    with fault_proxy(server.port) as made:
        yield made


def memory_world() -> World:
    source = MemorySource(dict(OBJECTS))
    return World(source, source.objects.__setitem__, source.objects.__delitem__, source.closed.add, True)


def local_world(root: Path) -> World:
    def put(key: str, data: bytes) -> None:
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if path.exists() else "wb") as out:
            out.truncate(0)
            out.write(data)

    def deny(key: str) -> None:
        if os.geteuid() == 0:
            pytest.skip("root may read every file")
        (root / key).chmod(0)

    for key, data in OBJECTS.items():
        put(key, data)
    return World(LocalSource(f"file://{root}"), put, lambda key: (root / key).unlink(), deny, True)


def s3_world(server: Bucketeer, proxy: FaultProxy, bucket: str, reader: str) -> World:
    server.make(bucket, OBJECTS)
    closed: set[str] = set()
    proxy.schedule = lambda request: Fault.DENIED if request.key in closed else None
    source = S3Source(f"s3://{bucket}", "", AwsConfig(endpoint_url=proxy.url, reader=reader))
    return World(
        source,
        lambda key, data: server.put(bucket, key, data),
        lambda key: server.client.delete_object(Bucket=bucket, Key=key) and None,
        closed.add,
        False,
    )


@pytest.fixture(params=["memory", "local", "s3-boto3", "s3-obstore"])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    if request.param == "memory":
        return memory_world()
    if request.param == "local":
        return local_world(tmp_path / "tree")
    for name, value in {"ACCESS_KEY_ID": "testing", "SECRET_ACCESS_KEY": "testing"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("NO_PROXY", "*")
    server, proxy = request.getfixturevalue("server"), request.getfixturevalue("proxy")
    bucket = f"bkt-{abs(hash(request.node.name)) % 10**9}"
    return s3_world(server, proxy, bucket, request.param.removeprefix("s3-"))


def test_lists_every_object_once_with_its_size_in_a_fixed_order(world: World) -> None:
    first, second = list(world.source.crawl()), list(world.source.crawl())
    assert first == second
    assert {r.key: r.size for r in first} == {key: len(data) for key, data in OBJECTS.items()}
    assert len(first) == len(OBJECTS)
    assert all(r.source == world.source.name and r.etag and not r.denied for r in first)


def test_reads_exactly_what_was_listed(world: World) -> None:
    assert {r.key: world.read(r) for r in world.source.crawl()} == OBJECTS


def test_a_ref_with_no_more_than_its_key_is_found_after_refresh(world: World) -> None:
    for key, data in OBJECTS.items():
        assert world.read(world.source.refresh(ObjectRef(world.source.name, key, 0))) == data


def test_gone_since_it_was_listed(world: World) -> None:
    ref = world.ref("b/one")
    world.delete("b/one")
    with pytest.raises(ObjectGone):
        world.read(ref)
    with pytest.raises(ObjectGone):
        world.source.refresh(ref)


def test_may_not_be_read(world: World) -> None:
    ref = world.ref("a.txt")
    world.deny("a.txt")
    with pytest.raises(AccessDenied):
        world.read(ref)


def test_grown_since_it_was_listed(world: World) -> None:
    ref = world.ref("a.txt")
    world.put("a.txt", OBJECTS["a.txt"] + b" and more")
    if world.grows:
        assert world.read(ref) == OBJECTS["a.txt"]
    else:
        with pytest.raises(ObjectChanged):
            world.read(ref)
    assert world.read(world.source.refresh(ref)) == OBJECTS["a.txt"] + b" and more"


def test_shrunk_since_it_was_listed(world: World) -> None:
    ref = world.ref("a.txt")
    world.put("a.txt", b"al")
    with pytest.raises(ObjectChanged):
        world.read(ref)
    assert world.read(world.source.refresh(ref)) == b"al"


def test_a_change_shows_in_the_etag(world: World) -> None:
    before = world.ref("b/one")
    world.put("b/one", b"2" * 70_000)
    after = world.ref("b/one")
    assert after.size == before.size
    assert after.etag != before.etag


# What only a file system has.


def refs(root: Path) -> dict[str, ObjectRef]:
    return {r.key: r for r in LocalSource(f"file://{root}").crawl()}


def test_special_files_and_links_are_recorded_and_never_opened(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to(".")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(".", os.O_RDONLY)
        try:
            os.chdir(tmp_path)  # a socket's path has 108 bytes at the most
            listener.bind("sock")
        finally:
            os.fchdir(here)
            os.close(here)
        found = refs(tmp_path)
    codes = {key: ref.denied.partition(":")[0] for key, ref in found.items()}
    assert codes == {
        "real": "",
        "pipe": "SPECIAL_FILE",
        "sock": "SPECIAL_FILE",
        "link": "SYMBOLIC_LINK",
        "dangling": "SYMBOLIC_LINK",
        "loop": "SYMBOLIC_LINK",
    }


def test_what_became_special_after_the_listing_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    source, ref = LocalSource(f"file://{tmp_path}"), refs(tmp_path)["file"]
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(NotRead):
        source.open(ref)
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(NotRead):
        source.open(ref)


def test_undecodable_names_survive(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/d\xe9"
    os.makedirs(folder)
    with open(folder + b"/caf\xe9 \xc3\xa9\\x41.txt", "wb") as out:
        out.write(b"content")
    source = LocalSource(f"file://{tmp_path}")
    (ref,) = source.crawl()
    assert ref.key == "d\\xe9/caf\\xe9 é\\x41.txt"
    ref.key.encode("utf-8")
    for known in (ref, replace(ref, handle="")):
        with closing(source.open(known)) as stream:
            assert stream.read() == b"content"


def test_a_name_that_only_looks_escaped(tmp_path: Path) -> None:
    for name in (rb"a\xe9", b"a\xe9", rb"b\xzz", rb"c\x", b"d\\", rb"e\x5cxe9", rb"e\x5c"):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as out:
            out.write(name)
    source = LocalSource(f"file://{tmp_path}")
    assert len(refs(tmp_path)) == 7
    for ref in source.crawl():
        with closing(source.open(replace(ref, handle=""))) as stream:
            assert stream.read() == os.fsencode(Path(ref.handle).name)
        Path(ref.handle).unlink()
        with pytest.raises(ObjectGone):
            source.open(replace(ref, handle=""))


@contextmanager
def nested(root: Path, name: str, depth: int) -> Iterator[None]:
    """One file below `depth` folders, each in the one before; taken away again, since `shutil.rmtree` recurses."""
    here = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("deep", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    try:
        yield
    finally:
        subprocess.run(["rm", "-rf", str(root / name)], check=True)


def test_a_tree_deeper_than_pythons_stack(tmp_path: Path) -> None:
    with nested(tmp_path, "d", 1_200):
        (found,) = refs(tmp_path)
    assert found == "d/" * 1_200 + "deep"


def test_a_path_longer_than_the_system_opens_is_recorded(tmp_path: Path) -> None:
    with nested(tmp_path, "n" * 200, 22):
        (ref,) = refs(tmp_path).values()
    assert ref.denied.startswith("PATH_TOO_LONG")


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be listed"):
        list(LocalSource(f"file://{tmp_path}/nowhere").crawl())
