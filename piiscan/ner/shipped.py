"""The model that comes with the program: its card, and the network with the weights that the card names."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

from piiscan.errors import ConfigError
from piiscan.ner import weights
from piiscan.ner.network import Network

NAME = "piiscan_ner"
CARD = "model.toml"


@lru_cache(maxsize=2)
def card(folder: Path) -> dict[str, str]:
    """`file` and `sha256` of a model's card. Raises: ConfigError."""
    path = folder / CARD
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
        return {key: str(read[key]) for key in ("file", "sha256")}
    except (OSError, ValueError, KeyError) as err:
        raise ConfigError(f"{path}: the card of the model that finds names cannot be read ({err})") from None


@lru_cache(maxsize=2)
def network(folder: Path) -> Network:
    """The network of a model's folder, once a process.

    Raises: ConfigError naming the file that is missing or damaged, and its digest.
    """
    told = card(folder)
    file = folder / told["file"]
    try:
        return Network(*weights.read(file, told["sha256"]))
    except (KeyError, IndexError, ValueError) as err:
        raise ConfigError(f"{file}: the model that finds names is of another version ({type(err).__name__})") from None
