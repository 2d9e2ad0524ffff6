"""OLE compound files: opened under limits, with their properties, embedded objects and macros.

The readers of old Office files (`doc.py`, `ppt.py`, `xls.py`) stand on this; a container of no known kind (an OLE
object in a package, a macro project) is read here.

Source: MS-CFB 2.2 (header) and 2.6 (directory); MS-OLEDS 2.3.6 (OLENativeStream).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from piiscan.errors import Encrypted, LimitReached, Malformed, ObjectError
from piiscan.extract import Job
from piiscan.extract.pieces import Pieces
from piiscan.extract.spooled import seekable
from piiscan.model import Segment

_STORAGE, _STREAM = 1, 2
_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NATIVE = "\x01ole10native"
_KNOWN = {
    "worddocument": ("doc", "document_segments"),
    "workbook": ("xls", "workbook_segments"),
    "book": ("xls", "workbook_segments"),
    "powerpoint document": ("ppt", "presentation_segments"),
}
"""Main streams of documents and who reads them."""
_FILES = (b"%PDF-", b"PK\x03\x04", _MAGIC, b"{\\rtf", b"\x89PNG", b"\xff\xd8\xff", b"\x1f\x8b\x08")
"""How a stream begins that is a file of its own."""

_PLAIN = frozenset({
    "equation native", "ole", "compobj", "objinfo", "linkinfo", "olepres000", "ole10native", "ole10fmtprogid",
    "ole10itemname", "eprint", "meta", "pic", "pict", "ocxname", "accessobjsitedata",
})  # fmt: skip
"""Streams of equations and of links to other files: whose printable runs are all that people can have put there."""

Path = tuple[str, ...]


class Compound:
    """An open compound file, or one storage of it; names are told apart as the format does, without case."""

    def __init__(self, stream: BinaryIO, job: Job) -> None:
        """Opens it. Raises: Malformed when header, allocation table or directory cannot be read."""
        import olefile

        self.job = job
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        head = stream.read(80)
        stream.seek(0)
        if len(head) < 80 or not head.startswith(_MAGIC):
            raise Malformed("not an OLE compound file")
        shift, tables, more = (*struct.unpack_from("<H", head, 30), *struct.unpack_from("<I", head, 44), head[72:76])
        # The library trusts these counts, and a loop of tables would fill the memory.
        if not 7 <= shift <= 16 or (tables - 1) << shift > size or int.from_bytes(more, "little") << shift > size:
            raise Malformed("the allocation table of the OLE container is larger than the file")
        try:
            self._ole: Any = olefile.OleFileIO(stream)
            self.streams: dict[Path, Any] = {}
            self._list(self._ole.root, (), size)
        except ObjectError:
            raise
        except Exception as err:
            raise Malformed(f"the OLE container is damaged ({type(err).__name__})") from None

    def _list(self, root: Any, prefix: Path, size: int) -> None:
        root.size = min(root.size, size)
        todo = [(root, prefix)]
        while todo:
            storage, at = todo.pop()
            for entry in storage.kids:
                if entry.entry_type == _STORAGE and len(at) < 32:
                    todo.append((entry, (*at, entry.name)))
                elif entry.entry_type == _STREAM:
                    entry.size = min(entry.size, size)
                    self.streams.setdefault((*at, entry.name), entry)

    def inside(self, prefix: Path, job: Job) -> Compound:
        """One storage as if it were a file, for `job`."""
        inner = object.__new__(Compound)
        inner.job, inner._ole = job, self._ole
        inner.streams = {path[len(prefix) :]: e for path, e in self.streams.items() if path[: len(prefix)] == prefix}
        inner._above = (*self._above, *prefix)
        return inner

    _above: Path = ()

    def find(self, *names: str) -> Path | None:
        """The path of a stream by its names, whatever their case."""
        wanted = tuple(name.lower() for name in names)
        return next((path for path in self.streams if tuple(n.lower() for n in path) == wanted), None)

    def read(self, *names: str) -> bytes:
        """A stream whole; empty when there is none. Raises: LimitReached, Malformed."""
        path = self.find(*names)
        if path is None:
            return b""
        entry = self.streams[path]
        if entry.size > self.job.limits.part_bytes:
            raise LimitReached(f"a stream of the document is larger than {self.job.limits.part_bytes} bytes")
        self.job.budget.spend(entry.size)
        try:
            data: bytes = self._ole.openstream([*self._above, *path]).read()
        except Exception as err:
            raise Malformed(f"a stream of the OLE container cannot be read ({type(err).__name__})") from None
        return data[: entry.size]


Reader = Callable[[Compound], Iterator[Segment]]


def compound_segments(stream: BinaryIO, job: Job, reader: Reader) -> Iterator[Segment]:
    """What `reader` gives for a compound file, then what all share: properties, embedded objects and macros.

    A damaged one is read as printable runs, with a note. Raises: Encrypted, LimitReached.
    """
    source = seekable(stream, job)
    try:
        compound = Compound(source, job)
        yield from reader(compound)
    except Encrypted as err:
        from piiscan.extract.locked import reread

        source.seek(0)
        yield from reread(source, job, str(err).partition(" under ")[0])
        return
    except (Malformed, struct.error, IndexError, ValueError, OverflowError) as err:
        from piiscan.extract.strings import EXTRACTOR as STRINGS

        job.note("MALFORMED_FILE", str(err) if isinstance(err, Malformed) else "the document's records are damaged")
        source.seek(0)
        yield from STRINGS.extract(source, job)
        return
    yield from around(compound)


def around(compound: Compound) -> Iterator[Segment]:
    """Properties, embedded objects, macros and pictures of a document."""
    from piiscan.extract.blips import picture_segments
    from piiscan.extract.oleprops import property_segments
    from piiscan.extract.vba import macro_segments

    for name, reader in (
        ("properties", property_segments),
        ("objects", embedded),
        ("macros", macro_segments),
        ("pictures", picture_segments),
    ):
        yield from _guarded(compound, (name,), reader(compound))


def embedded(compound: Compound) -> Iterator[Segment]:
    """Objects in storages of their own: documents by their readers, packed files by their content."""
    done: list[Path] = []
    for path in sorted(compound.streams):
        name, above = path[-1].lower(), path[:-1]
        if any(path[: len(prefix)] == prefix for prefix in done):
            continue
        if name in _KNOWN and above:
            done.append(above)
            yield from _document(compound, above, *_KNOWN[name])
        elif name == _NATIVE:
            yield from _guarded(compound, path, packed_segments(compound.read(*path), compound.job, shown(path)))
        elif name in ("package", "contents", "embeddedodf"):
            yield from _guarded(compound, path, _file(compound, path))


def shown(path: Path) -> str:
    """A path of storages as a member name, without the marks that some names begin with."""
    return "/".join("".join(c for c in name if c.isprintable()) for name in path)


def _guarded(compound: Compound, path: Path, segments: Iterator[Segment]) -> Iterator[Segment]:
    """Segments of an object; what breaks it costs it alone."""
    try:
        yield from segments
    except LimitReached as err:
        if err.reason.startswith("ARCHIVE_"):
            raise
        compound.job.note(err.reason, f"{shown(path)}: {err}")
    except ObjectError as err:
        compound.job.note(err.reason, f"{shown(path)}: {err}")
    except (ValueError, IndexError, struct.error, RecursionError):
        compound.job.note("MALFORMED_FILE", f"{shown(path)}: damaged")


def _document(compound: Compound, above: Path, module: str, function: str) -> Iterator[Segment]:
    from importlib import import_module

    job = compound.job
    job.budget.member()
    inner = replace(job, member=(*job.member, shown(above)))
    if len(inner.member) > job.limits.depth:
        inner.note("ARCHIVE_NESTING_LEVEL_OVER_LIMIT", f"deeper than {job.limits.depth} containers")
        return
    reader: Reader = getattr(import_module(f"piiscan.extract.{module}"), function)
    within = compound.inside(above, inner)

    def whole() -> Iterator[Segment]:
        yield from reader(within)
        yield from around(within)

    yield from _guarded(compound, above, whole())


def _file(compound: Compound, path: Path) -> Iterator[Segment]:
    data = compound.read(*path)
    if data.startswith(_FILES):
        yield from compound.job.nested(shown(path), io.BytesIO(data))


def packed_segments(data: bytes, job: Job, label: str) -> Iterator[Segment]:
    """A file that the Packager wrapped: its names, then its bytes; or what another program keeps in such a stream."""
    try:
        names, content = _packed(data)
    except (ValueError, struct.error):
        # Other programs (equation editors) keep there what only they can read.
        names, content = [], data[4:] if data[4:].startswith(_FILES) else b""
    pieces = Pieces(prose=False)
    for name in dict.fromkeys(filter(None, names)):
        # The paths tell who made it, and where.
        yield from pieces.add(name, replace(job.place, part="embedded", path=label))
    yield from pieces.flush()
    if content:
        short = names[0].replace("\\", "/").rpartition("/")[2] if names else ""
        yield from job.nested(short or label, io.BytesIO(content))


def _packed(data: bytes) -> tuple[list[str], bytes]:
    """Label and paths of a packed file, and its bytes. Raises: ValueError, struct.error when it is none."""
    at, names = 6, list[str]()
    for _ in range(2):
        end = data.index(b"\0", at)
        names.append(data[at:end].decode("cp1252", "replace"))
        at = end + 1
    at += 4
    (size,) = struct.unpack_from("<I", data, at)
    names.append(data[at + 4 : at + 4 + min(size, 1024)].rstrip(b"\0").decode("cp1252", "replace"))
    at += 4 + size
    (size,) = struct.unpack_from("<I", data, at)
    if data[4:6] != b"\x02\0" or not names[0].isprintable() or at + 4 + size > len(data):
        raise ValueError("no packed file")
    return names, data[at + 4 : at + 4 + size]


class OleExtractor:
    """The extractor of compound files that are no document of a known program."""

    media_types = frozenset({"application/x-ole-storage"})

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Properties, embedded objects and macros; all printable runs when there is nothing of the kind.

        Raises: LimitReached.
        """
        source = seekable(stream, job)
        some = plain = False
        try:
            compound = Compound(source, job)
            plain = all(path[-1].lower().lstrip("\x01\x02\x03") in _PLAIN for path in compound.streams)
            for segment in around(compound):
                some = True
                yield segment
        except Malformed as err:
            job.note(err.reason, str(err))
        if not some:
            from piiscan.extract.strings import EXTRACTOR as STRINGS

            source.seek(0)
            before = len(job.budget.notes)
            yield from STRINGS.extract(source, job)
            if plain:
                del job.budget.notes[before:]


EXTRACTOR = OleExtractor()
