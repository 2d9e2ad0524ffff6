"""The exception tree, with the exit code that each branch ends a command with.

An `ObjectError` costs one object: it becomes that object's outcome and reason and the run goes on. Anything else ends
the run with `exit_code` (the table is in CONTRACT: 2 usage, 3 source, 4 objects not read whole, 5 store).
"""

from __future__ import annotations


class PiiscanError(Exception):
    """Base of all errors that piiscan raises on purpose; the message says what, which, and what to do."""

    exit_code = 2


class ConfigError(PiiscanError):
    """A flag, an environment variable, a configuration file or a key file is wrong or missing."""


class CatalogueError(PiiscanError):
    """A rule or pack file is wrong; the message names the file and the key."""


class SourceError(PiiscanError):
    """A source (directory, bucket) could not be reached or listed."""

    exit_code = 3


class StoreError(PiiscanError):
    """The database is locked, newer than this program, damaged, or the disk is full."""

    exit_code = 5


class ObjectError(PiiscanError):
    """One object could not be read whole.

    `reason` is the code that the coverage shows (Macie's where one fits), `outcome` is "skipped" when nothing was
    tried, "failed" when reading broke. The conductor turns "failed" into "partial" when text had come before.
    """

    exit_code = 4
    reason = "UNABLE_TO_PARSE_FILE"
    outcome = "failed"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason


class Encrypted(ObjectError):
    """The content is encrypted and no password opens it."""

    reason = "INVALID_ENCRYPTION"
    outcome = "skipped"


class Malformed(ObjectError):
    """The content breaks its own format."""

    reason = "MALFORMED_FILE"


class LimitReached(ObjectError):
    """A budget (bytes, depth, members, time) ended the reading; pass the budget's code as `reason`."""

    reason = "FILE_EXCEEDS_SIZE_LIMIT"


class UnsupportedFormat(ObjectError):
    """No extractor knows the format."""

    reason = "UNSUPPORTED_FILE_TYPE_EXCEPTION"
    outcome = "skipped"


class AccessDenied(ObjectError):
    """The object may not be read with these credentials or permissions."""

    reason = "PERMISSION_DENIED"
    outcome = "skipped"


class ObjectGone(ObjectError):
    """The object was listed and is no longer there."""

    reason = "SOURCE_OBJECT_NO_LONGER_AVAILABLE"
    outcome = "skipped"


class ObjectChanged(ObjectError):
    """The object changed while it was read, twice."""

    reason = "OBJECT_VERSION_MISMATCH"


class NotRead(ObjectError):
    """The object is of a kind that is never opened (FIFO, device, archived storage class); pass the code."""

    reason = "INVALID_OBJECT_STATE"
    outcome = "skipped"


class ReadFailed(ObjectError):
    """The bytes could not be fetched after the allowed retries."""

    reason = "READ_FAILED"


class ParserDied(ObjectError):
    """The parser process crashed or ran out of memory on this object."""

    reason = "PARSER_DIED"


class TimedOut(ObjectError):
    """The deadline of the object passed."""

    reason = "TIME_CUT_OFF_REACHED"
