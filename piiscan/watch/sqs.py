"""A queue of S3 events, emptied a batch at a time: scanned, committed, and only then deleted.

Delivery is at least once and in no order (Amazon SQS Developer Guide, "Standard queues"): a message that is not deleted
comes back, and one that was scanned before costs a look at its object. Messages stay hidden while their batch is being
scanned; what is no event of S3 is left to the queue's redrive policy.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from piiscan.aws import error_code, sqs_client
from piiscan.config import AwsConfig
from piiscan.errors import SourceError
from piiscan.watch.events import Touched, touched

log = logging.getLogger(__name__)

MOST = 1_000
"""Messages of one batch."""
TEN = 10
"""Messages of one request."""
WAIT = 20
"""Seconds that an empty queue is waited for in one request, the most that SQS allows."""
LEAST_HIDDEN = 30
"""Seconds that messages are hidden at the least; prolonged while they are worked on."""


@dataclass(slots=True)
class Batch:
    """Messages that were received and are to be done together."""

    objects: list[Touched] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    foreign: int = 0
    """Messages that are no events of S3; they are not deleted."""


class Queue:
    """One queue."""

    def __init__(self, url: str, config: AwsConfig) -> None:
        self._url = url
        self._client = sqs_client(config, url)

    def receive(self, wait: int) -> Batch:
        """What is there now, up to `MOST` messages; waits up to `wait` seconds for the first. Raises: SourceError."""
        batch = Batch()
        while len(batch.receipts) + batch.foreign < MOST:
            with self._said():
                answer = self._client.receive_message(
                    QueueUrl=self._url, MaxNumberOfMessages=TEN, WaitTimeSeconds=wait, VisibilityTimeout=LEAST_HIDDEN
                )
            messages = answer.get("Messages", [])
            if not messages:
                break
            wait = 0
            for message in messages:
                found = touched(message["Body"])
                if found is None:
                    batch.foreign += 1
                    log.warning("event=foreign_message id=%s", str(message.get("MessageId", "")))
                    continue
                batch.objects += found
                batch.receipts.append(message["ReceiptHandle"])
        return batch

    def delete(self, receipts: Sequence[str]) -> None:
        """Messages that are done. Raises: SourceError."""
        self._each_ten(receipts, self._client.delete_message_batch, lambda receipt: {"ReceiptHandle": receipt})

    @contextmanager
    def hidden(self, receipts: Sequence[str]) -> Iterator[None]:
        """Messages stay hidden for as long as the block lasts."""
        done = threading.Event()

        def prolong() -> None:
            while not done.wait(LEAST_HIDDEN / 2):
                try:
                    self._each_ten(
                        receipts,
                        self._client.change_message_visibility_batch,
                        lambda receipt: {"ReceiptHandle": receipt, "VisibilityTimeout": LEAST_HIDDEN},
                    )
                except SourceError as err:  # then they come twice, which does no harm
                    log.warning("event=not_prolonged error=%s", str(err))

        worker = threading.Thread(target=prolong, name="visibility", daemon=True)
        worker.start()
        try:
            yield
        finally:
            done.set()
            worker.join()

    def _each_ten(
        self, receipts: Sequence[str], call: Callable[..., Any], entry: Callable[[str], dict[str, Any]]
    ) -> None:
        for at in range(0, len(receipts), TEN):
            entries = [{"Id": str(n), **entry(receipt)} for n, receipt in enumerate(receipts[at : at + TEN])]
            with self._said():
                call(QueueUrl=self._url, Entries=entries)

    @contextmanager
    def _said(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as err:
            raise SourceError(f"{self._url}: the queue cannot be used ({error_code(err)})") from None
        except BotoCoreError as err:
            raise SourceError(f"{self._url}: the queue cannot be reached ({type(err).__name__})") from None
