"""Git packs and bundles: every blob with the commit and path at which it first appeared, through the `git` program.

The program reads hostile bytes in a repository of its own that is thrown away, with no configuration but ours, no
hooks, no network and no lazy fetch; it checks nothing out, and objects come through `git cat-file --batch` only.

Source: gitformat-bundle(5), gitformat-pack(5), git-cat-file(1).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, BinaryIO, cast

from piiscan.errors import LimitReached, Malformed, UnsupportedFormat
from piiscan.extract import Job
from piiscan.extract.gitprogram import end, start
from piiscan.extract.names import from_bytes
from piiscan.extract.pieces import Pieces
from piiscan.extract.spooled import Pieces as Stream
from piiscan.extract.spooled import blocks
from piiscan.model import Place, Segment

MEDIA_TYPES = frozenset({"application/x-git-pack", "application/x-git-bundle"})
MISSING = "read through the git program, which this system lacks (apt install git, brew install git): no text read"

_READ = 256 << 10
_HEADER = 1 << 20
"""Bytes of a bundle's header, references included, that are looked through."""
_TREE = 64 << 20
"""Bytes of one tree or commit that is read."""
_DEEP = 200
"""Directories inside directories; git itself has no limit."""
_COMMITTER = re.compile(rb"^committer [^\n]*> (\d{1,15})", re.M)
_MODE_TREE, _MODE_LINK = b"40000", b"160000"


class GitExtractor:
    """Pack files and bundles."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Commits and tags as text, and each distinct blob as the member `commit:path`.

        Raises: UnsupportedFormat without git; Malformed; LimitReached.
        """
        program = shutil.which("git")
        if program is None:
            raise UnsupportedFormat(f"a git pack: {MISSING}")
        with tempfile.TemporaryDirectory(prefix="git-") as directory:
            repository = _Repository(program, directory, job)
            yield from repository.fill(stream)
            with repository:
                yield from repository.segments()


EXTRACTOR = GitExtractor()


def _header(stream: BinaryIO, job: Job) -> tuple[str, list[str], bool]:
    """Hash algorithm and references of a bundle, whose stream then stands at its pack; and whether it has a parent."""
    algorithm, thin, size = "sha1", False, 0
    names: list[str] = []
    stream.readline(64)
    while line := stream.readline(4096):
        size += len(line)
        if size > _HEADER:
            raise LimitReached("the header of a git bundle is too long")
        text = from_bytes(line.rstrip(b"\n"))
        if not text:
            return algorithm, names, thin
        if text.startswith("@object-format="):
            algorithm = "sha256" if text.endswith("sha256") else "sha1"
        elif text.startswith("@filter="):
            job.note("MALFORMED_FILE", "the git bundle was written with a filter: what it left out is not read")
        elif text.startswith("-"):
            thin = True
        elif not text.startswith("@"):
            names.append(text)
    raise Malformed("the git bundle has no pack")


@dataclass(slots=True)
class _Repository:
    """A bare repository in a private directory, around the objects of one pack."""

    program: str
    directory: str
    job: Job
    width: int = 20
    """Bytes of an object's name."""
    reader: subprocess.Popen[bytes] | None = None
    seen: set[bytes] = field(default_factory=set)
    """Names of the trees and blobs that were read."""

    def __enter__(self) -> _Repository:
        self.reader = start(self.program, self.directory, "cat-file", "--batch")
        return self

    def __exit__(self, *_: object) -> None:
        if self.reader is not None:
            end(self.reader)

    def _run(self, *arguments: str) -> tuple[int, bytes]:
        process = start(self.program, self.directory, *arguments, stdin=subprocess.DEVNULL)
        out = process.stdout.read() if process.stdout is not None else b""
        return end(process), out

    def fill(self, stream: BinaryIO) -> Iterator[Segment]:
        """Takes the pack in; gives the references of a bundle. Raises: Malformed when no object can be read."""
        algorithm, thin = "sha1", False
        names: list[str] = []
        if self.job.media_type == "application/x-git-bundle":
            algorithm, names, thin = _header(stream, self.job)
        self.width = 32 if algorithm == "sha256" else 20
        self._run("init", "--quiet", "--bare", "--template=", f"--object-format={algorithm}", "repository")
        if names:
            pieces = Pieces(prose=False)
            for name in names:
                yield from pieces.add(name, Place(member=self.job.member or None, part="reference"))
            yield from pieces.flush()
        path = os.path.join(self.directory, "pack")
        size = 0
        with open(path, "wb") as file:
            for block in blocks(stream):
                size += len(block)
                if size > 1 << 30:
                    raise LimitReached("a git pack larger than 1 GiB")
                file.write(block)
        if self._feed(path, "index-pack", "--stdin", "--threads=1"):
            # Damage, or a bundle that leans on objects which the receiver has: what stands on its own is unpacked.
            self._feed(path, "unpack-objects", "-r", "-q")
            if not thin:
                self.job.note("MALFORMED_FILE", "the git pack is damaged or leans on objects that it does not hold")
            else:
                self.job.note("MALFORMED_FILE", "the git bundle leans on objects that it does not hold")
        os.unlink(path)

    def _feed(self, path: str, *arguments: str) -> int:
        with open(path, "rb") as file:
            process = start(self.program, self.directory, *arguments, stdin=file.fileno())
            if process.stdout is not None:
                process.stdout.read(4096)
            return end(process)

    def _listed(self) -> Iterator[tuple[bytes, bytes, int]]:
        """Name, kind and size of every object."""
        process = start(
            self.program,
            self.directory,
            "cat-file",
            "--batch-all-objects",
            "--batch-check",
            "--unordered",
            stdin=subprocess.DEVNULL,
        )
        try:
            for line in cast(IO[bytes], process.stdout):
                words = line.split()
                if len(words) == 3 and words[2].isdigit():
                    yield words[0], words[1], int(words[2])
        finally:
            end(process)

    def segments(self) -> Iterator[Segment]:
        """Commits from the oldest on, each with the blobs that it brought; then what no commit holds."""
        commits: list[tuple[int, bytes, bytes]] = []
        loose: list[bytes] = []
        trees: list[bytes] = []
        texts = Pieces()
        for name, kind, size in self._listed():
            self._count(len(commits) + len(loose) + len(trees))
            if kind in (b"commit", b"tag") and size <= _TREE:
                data = self._object(name)
                told = _COMMITTER.search(data)
                if kind == b"commit" and data.startswith(b"tree "):
                    commits.append((int(told[1]) if told else 0, name, data[5 : 5 + 2 * self.width]))
                place = Place(member=(*self.job.member, name.decode()), part=kind.decode())
                yield from texts.add(from_bytes(data, "cp1252"), place)
            elif kind == b"tree":
                trees.append(name)
            elif kind == b"blob":
                loose.append(name)
        yield from texts.flush()
        if not commits and not loose and not trees:
            raise Malformed("the git pack holds no readable object")
        for _, name, tree in sorted(commits):
            yield from self._tree(name.decode(), tree, "", 0)
        # Trees whose commits lie elsewhere, and blobs whose trees do.
        for name in trees:
            yield from self._tree(name.decode(), name, "", 0)
        for name in loose:
            yield from self._blob(name.decode(), name)

    def _count(self, objects: int) -> None:
        if objects > self.job.limits.members:
            raise LimitReached(
                f"more than {self.job.limits.members} objects", reason="ARCHIVE_TOTAL_DOCUMENTS_PROCESSED_OVER_LIMIT"
            )

    def _tree(self, commit: str, name: bytes, path: str, depth: int) -> Iterator[Segment]:
        """The blobs below a tree that were not met before."""
        key = bytes.fromhex(name.decode())
        if key in self.seen:
            return
        self.seen.add(key)
        if depth > _DEEP:
            self.job.note("ARCHIVE_NESTING_LEVEL_OVER_LIMIT", f"{commit}: deeper than {_DEEP} directories")
            return
        data = self._object(name)
        at = 0
        while at < len(data):
            space, stop = data.find(b" ", at), data.find(b"\0", at)
            inner = data[stop + 1 : stop + 1 + self.width]
            if not at < space < stop or len(inner) < self.width:
                self.job.note("MALFORMED_FILE", f"{commit}: a directory breaks off")
                return
            mode, shown = data[at:space].lstrip(b"0"), path + from_bytes(data[space + 1 : stop])
            at = stop + 1 + self.width
            if mode == _MODE_TREE:
                yield from self._tree(commit, inner.hex().encode(), shown + "/", depth + 1)
            elif mode != _MODE_LINK:
                yield from self._blob(f"{commit}:{shown}", inner.hex().encode())

    def _blob(self, shown: str, name: bytes) -> Iterator[Segment]:
        key = bytes.fromhex(name.decode())
        if key in self.seen:
            return
        self.seen.add(key)
        head = self._ask(name)
        if head is None:
            return
        stream = _Content(self, head)
        try:
            yield from self.job.nested(shown, cast(BinaryIO, Stream(stream.pieces())))
        finally:
            stream.drain()

    def _ask(self, name: bytes) -> int | None:
        """Asks for an object; its size, or None when it is not there. Raises: Malformed when git gave up."""
        reader = self.reader
        if reader is None or reader.stdin is None or reader.stdout is None:
            raise Malformed("the git program ended")
        try:
            reader.stdin.write(name + b"\n")
            reader.stdin.flush()
        except OSError:
            raise Malformed("the git program gave up") from None
        words = reader.stdout.readline(256).split()
        if len(words) == 2 and words[1] in (b"missing", b"ambiguous"):
            return None
        if len(words) != 3 or not words[2].isdigit():
            raise Malformed("the git program gave up on an object")
        return int(words[2])

    def _object(self, name: bytes) -> bytes:
        """A whole tree, commit or tag; empty when it is not there. Raises: Malformed, LimitReached."""
        size = self._ask(name)
        if size is None:
            return b""
        if size > _TREE:
            raise LimitReached(f"a git tree or commit larger than {_TREE} bytes")
        self.job.budget.spend(size)
        return b"".join(_Content(self, size).pieces(book=False))

    def take(self, count: int) -> bytes:
        """The next bytes of the object that was asked for. Raises: Malformed when git ended in the middle."""
        reader = self.reader
        data = reader.stdout.read(count) if reader is not None and reader.stdout is not None else b""
        if len(data) < count:
            raise Malformed("the git program gave up in the middle of an object")
        return data

    def spend(self, count: int) -> None:
        """Books bytes that came out. Raises: LimitReached."""
        self.job.budget.spend(count)


class _Content:
    """The bytes of one object on git's pipe; all of them are taken, read or not."""

    def __init__(self, repository: _Repository, size: int) -> None:
        self._repository = repository
        self._left = size + 1
        """With the line break behind the object."""

    def pieces(self, *, book: bool = True) -> Iterator[bytes]:
        """The content in pieces. Raises: Malformed, LimitReached."""
        while self._left > 1:
            count = min(self._left - 1, _READ)
            self._left -= count
            data = self._repository.take(count)
            if book:
                self._repository.spend(len(data))
            yield data
        self.drain()

    def drain(self) -> None:
        """Takes what was not read. Raises: Malformed."""
        while self._left > 0:
            count = min(self._left, _READ)
            self._left -= count
            self._repository.take(count)
