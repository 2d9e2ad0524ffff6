"""Seeded corpora for speed: prose, code, logs and a hostile CSV, as large as asked for. All values are invented.

Each kind is made out of a pool of distinct lines in random order, so that nothing repeats within a window, and holds
about as many identifiers as the texts that the wanted ratios were set with: prose some 570 in a megabyte (one in a few
paragraphs), the table six in every row.
"""

from __future__ import annotations

import random
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

KINDS = ("prose", "code", "logs", "csv")

_WORDS = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "a",
    "is",
    "that",
    "for",
    "it",
    "as",
    "was",
    "with",
    "be",
    "by",
    "on",
    "not",
    "he",
    "his",
    "but",
    "at",
    "are",
    "this",
    "have",
    "from",
    "or",
    "had",
    "an",
    "they",
    "which",
    "one",
    "you",
    "were",
    "all",
    "her",
    "she",
    "there",
    "would",
    "their",
    "we",
    "him",
    "been",
    "has",
    "when",
    "who",
    "will",
    "no",
    "more",
    "if",
    "out",
    "so",
    "said",
    "what",
    "up",
    "its",
    "about",
    "than",
    "into",
    "them",
    "can",
    "only",
    "other",
    "new",
    "some",
    "could",
    "time",
    "these",
    "two",
    "may",
    "first",
    "then",
    "do",
    "any",
    "like",
    "my",
    "now",
    "over",
    "such",
    "our",
    "man",
    "me",
    "even",
    "most",
    "made",
    "after",
    "also",
    "did",
    "many",
    "off",
    "before",
    "must",
    "through",
    "years",
    "where",
    "much",
    "your",
    "way",
    "well",
    "should",
    "because",
    "long",
    "each",
    "just",
    "state",
    "people",
    "those",
    "mister",
    "how",
    "too",
    "little",
    "good",
    "world",
    "make",
    "very",
    "year",
    "still",
    "see",
    "own",
    "work",
    "men",
    "day",
    "get",
    "here",
    "old",
    "life",
    "both",
    "between",
    "being",
    "under",
    "three",
    "never",
    "know",
    "same",
    "last",
    "another",
    "while",
    "us",
    "might",
    "great",
    "since",
    "against",
    "go",
    "came",
    "right",
    "used",
    "take",
    "place",
    "façade",
    "naïve",
    "über",
    "résumé",
    "élève",
    "année",
    "straße",
    "prüfung",
    "jalapeño",
    "señor",
    "coração",
    "português",
]
_FIRST = [
    "Ada",
    "Ben",
    "Cleo",
    "Dan",
    "Eva",
    "Finn",
    "Gia",
    "Hugo",
    "Ida",
    "Jon",
    "Kaja",
    "Leo",
    "Mia",
    "Nils",
    "Ola",
    "Pia",
    "Quin",
    "Rita",
    "Sven",
    "Tess",
    "Ugo",
    "Vera",
    "Will",
]
_LAST = [
    "Abel",
    "Brandt",
    "Carver",
    "Dupont",
    "Eklund",
    "Ferrara",
    "Grant",
    "Hoffmann",
    "Ibsen",
    "Janssen",
    "Keller",
    "Lindgren",
    "Moreau",
    "Novak",
    "Olsen",
]


_AREAS = (201, 212, 303, 312, 415, 503, 617, 702, 808, 914)
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1",
    "curl/8.10.1",
    "kube-probe/1.31",
)


def luhn(body: str) -> str:
    """`body` and its check digit. Source: ISO/IEC 7812-1."""
    total = sum(sum(divmod(int(d) * (2 if i % 2 == 0 else 1), 10)) for i, d in enumerate(reversed(body)))
    return body + str(-total % 10)


def iban(rng: random.Random) -> str:
    """A German IBAN of random digits. Source: ISO 13616-1."""
    bban = "".join(rng.choice("0123456789") for _ in range(18))
    return f"DE{98 - int(bban + '131400') % 97:02d}{bban}"


def person(rng: random.Random) -> dict[str, str]:
    """One invented customer."""
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    return {
        "name": f"{first} {last}",
        "email": f"{first}.{last}{rng.randrange(10_000)}@mail{rng.randrange(90)}.example.org".lower(),
        "ssn": f"{rng.randrange(1, 665):03d}-{rng.randrange(1, 99):02d}-{rng.randrange(1, 9999):04d}",
        "card": luhn("4" + "".join(rng.choice("0123456789") for _ in range(14))),
        "iban": iban(rng),
        "born": f"{rng.randrange(1940, 2005)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}",
        "phone": f"+1 {rng.choice(_AREAS)}-555-{rng.randrange(100, 199):04d}",
    }


def sentence(rng: random.Random) -> str:
    """Words, at times with a number or a year."""
    words = rng.choices(_WORDS, k=rng.randrange(6, 18))
    if rng.random() < 0.25:
        words.insert(rng.randrange(len(words)), str(rng.randrange(1, 2100)))
    return " ".join(words).capitalize() + "."


def _prose(rng: random.Random) -> str:
    text = " ".join(sentence(rng) for _ in range(rng.randrange(3, 8)))
    if rng.random() < 0.2:
        who = person(rng)
        text += f" {who['name']} wrote from {who[rng.choice(('email', 'iban', 'phone', 'ssn'))]}."
    return text + "\n\n"


def _log(rng: random.Random) -> str:
    moment = (
        f"2026-11-{rng.randrange(1, 29):02d}T{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"
    )
    host = ".".join(str(rng.randrange(1, 255)) for _ in range(4))
    user = f" user={person(rng)['email']}" if rng.random() < 0.2 else ""
    return (
        f"{moment}.{rng.randrange(1000):03d}Z {rng.choice(('INFO', 'WARN', 'DEBUG'))} [worker-{rng.randrange(1, 64)}] "
        f"{host} GET /api/v1/{rng.choice(('users', 'orders', 'items'))}/{rng.randrange(10**7)} "
        f"{rng.choice((200, 200, 204, 404, 500))} {rng.randrange(1, 900)}ms trace={rng.getrandbits(64):016x}{user} "
        f'agent="{rng.choice(_AGENTS)}" msg="{sentence(rng)}"\n'
    )


def _row(rng: random.Random) -> str:
    who = person(rng)
    note = " ".join(sentence(rng) for _ in range(3))
    return (
        f"{rng.randrange(10**6)},{who['name']},{who['email']},{who['ssn']},{who['card']},{who['iban']},{who['born']},"
        f'{who["phone"]},"{note}"\n'
    )


def _code() -> list[str]:
    """The lines of Python's own library, shuffled by file."""
    root = Path(sysconfig.get_paths()["stdlib"])
    files = sorted(p for p in root.rglob("*.py") if "site-packages" not in p.parts and "test" not in p.parts)
    return [p.read_text(encoding="utf-8", errors="replace") for p in files]


def _stream(kind: str, seed: int) -> Iterator[str]:
    rng = random.Random(seed)
    if kind == "code":
        pool = _code()
        while True:
            rng.shuffle(pool)
            yield from pool
    makers: dict[str, Callable[[random.Random], str]] = {"prose": _prose, "logs": _log, "csv": _row}
    pool = [makers[kind](rng) for _ in range(40_000)]
    while True:
        rng.shuffle(pool)
        yield from pool


def build(kind: str, size: int, folder: Path) -> Path:
    """A file of one kind and about `size` bytes; made once, found again by its name."""
    suffix = {"prose": "txt", "code": "py", "logs": "log", "csv": "csv"}[kind]
    path = folder / f"{kind}-{size >> 20}.{suffix}"
    if path.exists() and path.stat().st_size >= size:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    with draft.open("w", encoding="utf-8") as out:
        done = 0
        if kind == "csv":
            done += out.write("id,name,email,ssn,card_number,iban,birth_date,phone,note\n")
        for piece in _stream(kind, 20_261_124):
            done += out.write(piece)
            if done >= size:
                break
    draft.rename(path)
    return path
