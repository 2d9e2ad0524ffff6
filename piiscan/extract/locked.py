"""Office documents under a password, read with the passwords that the user gave.

The package around them is an OLE container with the document encrypted as a whole (MS-OFFCRYPTO 2.3.4). Decryption is
the work of `msoffcrypto-tool`, which the extra `passwords` brings; without it, or without the right password, the
document ends as encrypted, with what is missing as its reason.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO, cast

from piiscan.errors import Encrypted, Malformed
from piiscan.extract import Job, segments
from piiscan.extract.spooled import IN_MEMORY, seekable
from piiscan.identify import ENCRYPTED_OLE
from piiscan.model import Segment

MEDIA_TYPES = frozenset({ENCRYPTED_OLE})
EXTRA = "piiscan-oss[passwords]"


class LockedExtractor:
    """Encrypted packages."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The text of the document inside. Raises: ObjectError; Encrypted where no password fits."""
        if not job.passwords:
            raise Encrypted("an Office document under a password: no text read (see --passwords)")
        opened = unlocked(seekable(stream, job), job)
        if opened is None:
            raise Encrypted("an Office document under a password that is none of those given: no text read")
        with opened:
            yield from segments(opened, replace(job, media_type="", charset="", size=None))


EXTRACTOR = LockedExtractor()


def unlocked(stream: BinaryIO, job: Job) -> BinaryIO | None:
    """The document inside, under the first password that fits; None when none does.

    Raises: Encrypted where the extra is not installed; Malformed; LimitReached.
    """
    try:
        import msoffcrypto
    except ImportError:
        raise Encrypted(f"an Office document under a password: to try passwords, install {EXTRA}") from None
    begin = stream.tell()
    for word in job.passwords:
        stream.seek(begin)
        out = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the caller closes it
        try:
            package = msoffcrypto.OfficeFile(stream)
            package.load_key(password=word, **_verified(package))
            package.decrypt(_Booked(out, job))
        except msoffcrypto.exceptions.InvalidKeyError:
            continue
        except (msoffcrypto.exceptions.FileFormatError, msoffcrypto.exceptions.ParseError) as err:
            raise Malformed("an encrypted Office document whose container is damaged") from err
        except msoffcrypto.exceptions.DecryptionError:
            continue
        out.seek(0)
        return cast(BinaryIO, out)
    return None


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
