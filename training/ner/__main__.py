"""Train, export and score: one command, the same file from the same seed."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from piiscan.ner import weights
from piiscan.ner.network import Network as Reader
from piiscan.ner.words import key
from training.ner import data, score, student
from training.ner.augment import Augmenter
from training.ner.card import write_card
from training.ner.export import export
from training.ner.lexicon import lexicon
from training.ner.network import Batches, Network, Tables, seeded
from training.ner.stages import Stages, digest

FILE = "weights.safetensors"
WORDS = 20_000
_LONGEST = 16


def vectors(folder: Path) -> tuple[np.ndarray, dict[str, int]]:
    """Unit vectors of a spaCy pipeline, row 0 empty, and the row of each word in letters."""
    import spacy

    rest = ["tagger", "parser", "senter", "attribute_ruler", "lemmatizer", "ner", "tok2vec"]
    vocabulary = spacy.load(folder, exclude=rest).vocab
    table = vocabulary.vectors.data
    table = table / (np.linalg.norm(table, axis=1, keepdims=True) + 1e-6)
    rows = {}
    for number, row in vocabulary.vectors.key2row.items():
        word = vocabulary.strings[number] if number in vocabulary.strings else ""  # noqa: SIM401 - it has no `get`
        if word.isalpha() and len(word) <= _LONGEST:
            rows[word] = int(row) + 1
    return np.concatenate([np.zeros((1, table.shape[1])), table]).astype(np.float32), rows


def main() -> int:
    """See the module."""
    given = _arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(given.threads)
    rng = seeded(given.seed)
    samples = data.samples(given.data)
    known = lexicon(given.names, samples)
    table, rows = vectors(given.vectors)
    counted = Counter(key(word) for sample in samples for word in sample.words)
    words = {word: n for n, (word, count) in enumerate(counted.most_common(WORDS), 1) if count >= 4}
    tables = Tables(table, rows, words, known.bits)
    made = Augmenter(known, samples, rows, rng)
    print(f"{len(samples)} samples, {sum(counted.values())} words, {len(rows)} vectors, {len(known.bits)} listed")
    files = [*data.sources(given.data / "train").values(), *data.sources(given.data / "silver").values()]
    files.append(given.encoder / "model.safetensors")
    with TemporaryDirectory() as scratch:
        mark = digest(given.seed, given.teaching, files)
        stages = Stages(given.work or Path(scratch), mark, given.encoder, tables, made, given.seed)
        pools = stages.pools(samples, given.pools, given.teaching)
    stages.begin("student")

    def drawn(pool: list[student.Told]) -> list[student.Told]:
        return pool + [(made.made(), None) for _ in range(given.made)]

    def after(number: int, mean: dict[str, torch.Tensor]) -> None:
        path = given.out / FILE
        sha256 = export(path, {n: v.numpy() for n, v in mean.items()}, tables, {"seed": str(given.seed)})
        print(f"epoch {number} {path.stat().st_size / 1e6:.1f} MB sha256 {sha256}", flush=True)
        scores = judge(path, given.data / "dev")
        how = f"python -m training.ner DATA --epochs {given.epochs} --seed {given.seed} (epoch {number + 1})"
        write_card(given.out, FILE, sha256, sorted({s.source for s in samples}), scores, how)

    network = Network(tables, given.inner, given.wide, given.width)
    epochs = [partial(drawn, pools[number % len(pools)]) for number in range(given.epochs)]
    student.train(network, Batches(tables), epochs, given.batch, given.rate, rng, after)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.ner", description=__doc__)
    parser.add_argument("data", type=Path, help="folder with train/, silver/ and dev/")
    parser.add_argument("--vectors", type=Path, required=True, help="folder of the spaCy pipeline whose vectors serve")
    parser.add_argument("--names", type=Path, required=True, help="folder of the package `names`")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of all-MiniLM-L6-v2, the teacher's start")
    parser.add_argument("--out", type=Path, default=Path("classifiers/models/piiscan_ner"), help="folder of the model")
    parser.add_argument("--work", type=Path, help="folder that keeps the teacher and what it thinks, to go on from")
    parser.add_argument("--teaching", type=int, default=3, help="epochs of the teacher")
    parser.add_argument("--pools", type=int, default=4, help="how often the teacher reads all text, each time varied")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--made", type=int, default=14_000, help="made-up documents an epoch")
    parser.add_argument("--batch", type=int, default=4000, help="words a step")
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--inner", type=int, default=112)
    parser.add_argument("--wide", type=int, default=128)
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def judge(path: Path, folder: Path) -> dict[str, dict[str, score.Counts]]:
    """The scores of a file over each set of a folder and over all, printed as well."""
    reader = Reader(*weights.read(path))
    rows: list[tuple[str, Sequence[score.Span], Sequence[score.Span]]] = []
    out = {}
    for name, source in data.sources(folder).items():
        texts = list(data.read(source))
        told = reader.spans([text for text, _ in texts])
        mine = [(text, gold, found) for (text, gold), found in zip(texts, told, strict=True)]
        rows += mine
        out[name] = score.score(mine)
    out["all"] = score.score(rows)
    for name, counts in out.items():
        print(f"  {name:<12} {_line(counts)}", flush=True)
    return out


def _line(counts: dict[str, score.Counts]) -> str:
    return "  ".join(
        f"{label[:3]} F1 {100 * c.f1():5.1f} rec {100 * c.recall():5.1f} prec {100 * c.precision():5.1f}"
        for label, c in counts.items()
    )


if __name__ == "__main__":
    raise SystemExit(main())
