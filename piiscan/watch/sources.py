"""The objects that events are about, as a source of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from piiscan.aws import CONNECTIONS
from piiscan.config import AwsConfig
from piiscan.crawl.s3 import S3Source
from piiscan.errors import AccessDenied, ObjectError, ObjectGone
from piiscan.model import ObjectRef


class TouchedSource(S3Source):
    """Some objects of a bucket, as they are now."""

    def __init__(self, name: str, keys: Iterable[str], config: AwsConfig) -> None:
        super().__init__(name, "", config)
        self._keys = sorted(set(keys))
        self.gone: list[str] = []
        """Keys of objects that are no longer there; known once `crawl` has ended."""

    def crawl(self) -> Iterator[ObjectRef]:
        """The objects that are there, in the order of their keys; what may not be looked up carries `denied`."""
        self.gone = []
        assert self._client is not None  # made before threads ask for it
        with ThreadPoolExecutor(min(CONNECTIONS, len(self._keys) or 1)) as pool:
            for key, found in zip(self._keys, pool.map(self._now, self._keys), strict=True):
                if found is None:
                    self.gone.append(key)
                else:
                    yield found

    def _now(self, key: str) -> ObjectRef | None:
        ref = ObjectRef(self.name, key, 0)
        try:
            return self.refresh(ref)
        except ObjectGone:
            return None
        except AccessDenied as err:
            return replace(ref, denied=f"{err.reason}: {err}")
        except ObjectError:
            return ref  # reading it says what is wrong
