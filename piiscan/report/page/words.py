"""Codes of the store in words for people who have never seen them."""

from __future__ import annotations

OUTCOMES = {
    "scanned": "read whole",
    "partial": "read in part",
    "skipped": "not read",
    "failed": "not read: something broke",
}

REASONS = {
    "ARCHIVE_EXCEEDS_SIZE_LIMIT": "An archive unpacks to far more than its size: reading stopped",
    "ARCHIVE_NESTING_LEVEL_OVER_LIMIT": "Archives in archives, deeper than the limit",
    "ARCHIVE_TOTAL_BYTES_EXTRACTED_OVER_LIMIT": "An archive holds more bytes than the limit",
    "ARCHIVE_TOTAL_DOCUMENTS_PROCESSED_OVER_LIMIT": "An archive holds more files than the limit",
    "CHECKSUM_MISMATCH": "The bytes that came are not those that were stored",
    "CUSTOMER_KEY_NEEDED": "Encrypted with a key of the customer (--sse-c-key-file)",
    "FILE_EXCEEDS_SIZE_LIMIT": "Larger than a limit: the rest was not read",
    "INTERNAL_ERROR": "An error of piiscan: please report it",
    "INVALID_ENCRYPTION": "Encrypted or under a password (--passwords)",
    "INVALID_KMS_KEY": "Encrypted with a KMS key that may not be used",
    "INVALID_OBJECT_STATE": "Archived in cold storage: restore it to have it read",
    "JSON_NESTING_LEVEL_OVER_LIMIT": "JSON nested deeper than the limit: read as plain text from there",
    "MALFORMED_FILE": "Damaged, or not in the format that it claims: read as far as it goes",
    "MEMORY_LIMIT": "Needs more memory than a parser gets",
    "MIME_PARTS_OVER_LIMIT": "A mail with more parts than the limit: the rest was read as plain text",
    "OBJECT_VERSION_MISMATCH": "Changed while it was read",
    "OCR": "Text in pictures was not read (--ocr)",
    "OWN_DATABASE": "The database of a scan: not read, on purpose",
    "PARSER_DIED": "The parser broke down on it",
    "PATH_TOO_LONG": "The path is longer than the system can open",
    "PERMISSION_DENIED": "Access was denied",
    "READ_FAILED": "Reading failed",
    "SECURE_STRING": "An encrypted parameter: not decrypted, on purpose (--decrypt)",
    "SOURCE_NOT_LISTED": "The source could not be listed: what it holds is not known",
    "SOURCE_OBJECT_NO_LONGER_AVAILABLE": "Gone before it could be read",
    "SPECIAL_FILE": "A device, a pipe or a socket: holds nothing of its own",
    "SYMBOLIC_LINK": "A link: holds nothing of its own",
    "TIME_CUT_OFF_REACHED": "Took longer than the time limit",
    "UNABLE_TO_PARSE_FILE": "Could not be parsed",
    "UNSUPPORTED_FILE_TYPE_EXCEPTION": "No reader for the format: its printable text at most",
    "WORKER_DIED": "The worker process ended on it, more than once",
    "XML_NESTING_LEVEL_OVER_LIMIT": "XML nested deeper than the limit: read as plain text",
}
"""By reason code; see docs/formats.md."""

CATEGORIES = {
    "credentials": "Credentials",
    "financial": "Financial",
    "pii": "Personal",
    "phi": "Health",
    "business": "Business",
    "custom": "Custom",
}

STANDINGS = {
    "sample": ("holds published sample values only", "hold published sample values only"),
    "suppressed": ("is suppressed", "are suppressed"),
    "false_positive": ("was called a false positive", "were called false positives"),
    "accepted": ("was accepted", "were accepted"),
}
"""Why a finding does not count: of one, and of several."""

LIMITS = {
    "include": "only names that match",
    "exclude": "no names that match",
    "sample": "a sample of so many percent",
    "budget": "a budget of so many bytes",
    "max_objects": "at most so many objects",
    "max_bytes": "at most so many bytes",
    "max_object_bytes": "no objects larger than so many bytes",
}
"""Settings of a run that leave something out."""


def reason(code: str) -> str:
    """A reason code in words; of an unknown one the code."""
    return REASONS.get(code, code or "No reason was given")


def left_out(settings: dict[str, object]) -> list[str]:
    """What a run was told to leave out.

    >>> left_out({"exclude": ["*.bak"], "sample": 1.0, "budget": 0, "ner": False})
    ['no names that match: *.bak', 'a sample of so many percent: 1']
    """
    out = []
    for name, words in LIMITS.items():
        value = settings.get(name)
        if not value or (name == "sample" and value == 100):
            continue
        if isinstance(value, list):
            out.append(f"{words}: {', '.join(map(str, value))}")
        elif isinstance(value, int | float):
            out.append(f"{words}: {value:,g}" if isinstance(value, float) else f"{words}: {value:,}")
    return out
