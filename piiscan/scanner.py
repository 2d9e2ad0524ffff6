"""The Python face of piiscan: `Scanner(config).classify(text)` and `Scanner(config).scan(target)`."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from piiscan.config import Config
from piiscan.model import Match, ObjectReport

if TYPE_CHECKING:
    from piiscan.allow import Sieve
    from piiscan.classify.stack import Stack


class Scanner:
    """Classifies texts and scans targets in this process; nothing is stored.

    Fingerprints in its reports are made with a key that lives as long as the scanner: they compare within it, and with
    nothing else.
    """

    def __init__(self, config: Config | None = None) -> None:
        self.config = config if config is not None else Config()
        self._key = secrets.token_bytes(32)

    def classify(self, text: str, *, column: str = "") -> list[Match]:
        """The matches of a text, in order; with `column`, of one value below that header.

        Raises: CatalogueError, ConfigError.
        """
        return self._sieve.matches(self._stack.classify(text, column=column), column)

    def scan(self, target: str) -> Iterator[ObjectReport]:
        """The report of every object of a target, as they are done.

        Raises: SourceError, CatalogueError, ConfigError.
        """
        from piiscan.crawl import open_source, parse_target
        from piiscan.crawl.buckets import meant
        from piiscan.crawl.select import Tally, select
        from piiscan.engine.examination import examination
        from piiscan.engine.worker import Worker
        from piiscan.ports import Task

        with tempfile.TemporaryDirectory(prefix="piiscan-") as scratch:
            task = Task(self.config.to_json(), self._key, scratch, scratch, examination(self._stack.rules, self.config))
            worker = Worker(task, self._stack)
            try:
                for one in meant(parse_target(target), self.config):
                    for ref, wanted in select(open_source(one, self.config).crawl(), self.config, Tally()):
                        if wanted:
                            yield worker.report(ref)
            finally:
                worker.close()

    @cached_property
    def _sieve(self) -> Sieve:
        from piiscan.allow import load_allow
        from piiscan.model import ObjectRef

        return load_allow(self.config.allow).open(ObjectRef("", "", 0), self._stack.rules)

    @cached_property
    def _stack(self) -> Stack:
        from piiscan.classify.build import build_stack

        return build_stack(self.config)
