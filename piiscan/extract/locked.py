"""Office documents under a password, read with the passwords that the user gave and the one that Excel gives itself.

Newer ones are an OLE container with the document encrypted as a whole (MS-OFFCRYPTO 2.3.4), older ones have encrypted
records or streams (2.3.5 to 2.3.7). Decryption is the work of `msoffcrypto-tool`, which the extra `passwords` brings;
without it, or without the right password, the document ends as encrypted, with what is missing as its reason.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO, cast

from piiscan.errors import Encrypted, Malformed, ObjectError
from piiscan.extract import Job, segments
from piiscan.extract.spooled import IN_MEMORY, seekable
from piiscan.identify import ENCRYPTED_OLE
from piiscan.model import Segment

MEDIA_TYPES = frozenset({ENCRYPTED_OLE})
EXTRA = "piiscan-oss[passwords]"
DEFAULT = "VelvetSweatshop"
"""The password of workbooks that are protected and yet open for everybody. Source: MS-XLS 2.2.10."""


class LockedExtractor:
    """Encrypted packages."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The text of the document inside. Raises: ObjectError; Encrypted where no password fits."""
        yield from reread(seekable(stream, job), job, "an Office document")


EXTRACTOR = LockedExtractor()


def reread(stream: BinaryIO, job: Job, what: str) -> Iterator[Segment]:
    """The text of a document that turned out to be encrypted. Raises: ObjectError; Encrypted where no password fits."""
    opened = unlocked(stream, job)
    if opened is None:
        end = "that is none of those given: no text read" if job.passwords else "(see --passwords): no text read"
        raise Encrypted(f"{what} under a password {end}")
    with opened:
        yield from segments(opened, replace(job, media_type="", charset="", size=None))


def unlocked(stream: BinaryIO, job: Job) -> BinaryIO | None:
    """The document inside, under the first password that fits; None when none does.

    Raises: Encrypted where the extra is not installed; Malformed; LimitReached.
    """
    try:
        import msoffcrypto
    except ImportError:
        raise Encrypted(f"an Office document under a password: to try passwords, install {EXTRA}") from None
    begin = stream.tell()
    for word in (DEFAULT, *job.passwords):
        stream.seek(begin)
        package: Any = None
        out = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the caller closes it
        try:
            package = msoffcrypto.OfficeFile(stream)
            package.load_key(password=word, **_verified(package))
            package.decrypt(_Booked(out, job))
        except (msoffcrypto.exceptions.InvalidKeyError, msoffcrypto.exceptions.DecryptionError):
            continue
        except (ObjectError, MemoryError):
            raise
        except Exception as err:
            # It raises nearly anything on a damaged file; of the older formats it also does not know all ciphers.
            if package is not None and not _verified(package):
                continue
            raise Malformed("an encrypted Office document whose container is damaged") from err
        out.seek(0)
        if _encrypted(out):
            raise Malformed("an encrypted Office document that is encrypted once more")
        out.seek(0)
        return cast(BinaryIO, out)
    return None


def _encrypted(stream: Any) -> bool:
    """Whether an Office document is encrypted; what is no document is not."""
    import msoffcrypto

    try:
        return bool(msoffcrypto.OfficeFile(stream).is_encrypted())
    except Exception:
        # It raises nearly anything on a damaged file, and who reads the file next says what is wrong with it.
        return False


def _verified(package: Any) -> dict[str, bool]:
    """Formats with a check of their own for the password are asked to make it; the others fail as they decrypt."""
    return {"verify_password": True} if type(package).__name__ == "OOXMLFile" else {}


class _Booked:
    """What is written is booked in the budget."""

    def __init__(self, out: Any, job: Job) -> None:
        self._out = out
        self._job = job

    def write(self, data: bytes) -> int:
        """Writes some bytes. Raises: LimitReached."""
        self._job.budget.spend(len(data))
        return int(self._out.write(data))
