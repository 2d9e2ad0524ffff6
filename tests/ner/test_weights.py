"""The file of weights: what is written is read, and what is damaged is said so with file and digest."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from piiscan.catalogue import default_folder
from piiscan.errors import ConfigError
from piiscan.ner.shipped import CARD, NAME, card, network
from piiscan.ner.weights import Arrays, read, write

SHIPPED = default_folder() / "models" / NAME


def forget() -> None:
    """Nothing is known of files read before."""
    card.cache_clear()
    network.cache_clear()


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    forget()
    yield
    forget()


def test_arrays_come_back(tmp_path: Path) -> None:
    arrays: Arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.array([[-3], [7]], np.int8),
        "c": np.array([2**32 - 1], np.uint32),
        "d": np.array([0.5], np.float16),
    }
    digest = write(tmp_path / "w", arrays, {"seed": "1"})
    found, notes = read(tmp_path / "w", digest)
    assert notes == {"seed": "1"}
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)
    assert write(tmp_path / "again", arrays, {"seed": "1"}) == digest


def test_a_changed_byte_is_told_by_the_digest(tmp_path: Path) -> None:
    digest = write(tmp_path / "w", {"a": np.zeros(99, np.float32)}, {})
    data = bytearray((tmp_path / "w").read_bytes())
    data[-1] ^= 1
    (tmp_path / "w").write_bytes(data)
    with pytest.raises(ConfigError, match=rf"w: .*damaged.*{digest}"):
        read(tmp_path / "w", digest)


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0{}"], ids=["none", "one", "ones", "empty"]
)
def test_what_is_no_such_file_is_said_so(tmp_path: Path, data: bytes) -> None:
    (tmp_path / CARD).write_text('file = "w"\nsha256 = ""\n')
    (tmp_path / "w").write_bytes(data)
    with pytest.raises(ConfigError, match="w: the model that finds names"):
        network(tmp_path)


def test_any_damage_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    good = (SHIPPED / "weights.safetensors").read_bytes()
    rng = random.Random(20_261_130)
    (tmp_path / CARD).write_text('file = "w"\nsha256 = ""\n')
    for round_ in range(40):
        spoilt = bytearray(good[: rng.randrange(len(good))] if round_ % 2 else good[:200_000])
        for _ in range(rng.choice((0, 3, 40))):
            spoilt[rng.randrange(min(len(spoilt), 5_000))] ^= 1 << rng.randrange(8)
        (tmp_path / "w").write_bytes(spoilt)
        forget()
        with pytest.raises(ConfigError):
            network(tmp_path)


def test_a_missing_model_is_said_with_its_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.toml: the card"):
        network(tmp_path)
    (tmp_path / CARD).write_text('file = "weights"\nsha256 = "00"\n')
    with pytest.raises(ConfigError, match="weights: the model that finds names cannot be read"):
        network(tmp_path)
