"""The estimate of people against tables and mailboxes of known truth: `python -m bench.people [--seed N] [--files N]`.

Each file is made of so many people, each with a name and with some of: national number, passport, e-mail address at
work and at home, phone, date of birth. Tables (CSV, TSV, JSON Lines) leave out a share of each column, repeat people in
many rows or not, and may give two columns of one kind; mailboxes (mbox) are messages between people, some of whom are
only named in the text. Printed for each kind of file: the mean and the largest relative error; bar 4: within 15 % each.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path


def _words(text: str) -> list[str]:
    return text.split()


FIRST = _words(
    "Ana Ben Carla Dmitri Eve Farid Greta Hugo Ines Jonas Karin Luca Maria Nils Olga Peter Rosa Stefan Tomas "
    "Vera Walter Yara Anton Beatrice Chiara David Elena Felix Giulia Henrik Isabel Jakob Laura Marco Nadia "
    "Oskar Paula Robert Sofia Thomas"
)
LAST = _words(
    "Lopez King Rossi Ivanov Smith Haddad Weber Martin Silva Berg Novak Costa Fischer Moreau Jensen Garcia "
    "Kowalski Bauer Romano Nielsen Murphy Walker Hughes Schmidt Torres Ferrari Lindberg Horvath Petrov Okafor "
    "Campbell Morris Becker Fontaine Marino Virtanen Castillo Dubois Keller Andersen"
)


@dataclass(frozen=True)
class Person:
    """Somebody who is not."""

    name: str
    ssn: str
    passport: str
    work: str
    home: str
    phone: str
    birth: str


def people(rng: random.Random, count: int) -> list[Person]:
    """So many different people."""
    out = []
    for n in range(count):
        first, last = rng.choice(FIRST), rng.choice(LAST)
        name = f"{first} {last}" if rng.random() < 0.9 else f"{first} {rng.choice(FIRST)} {last}"
        serial = 100_000 + n * 7 + rng.randrange(7)
        out.append(
            Person(
                name,
                f"{rng.choice((123, 219, 412, 508, 611))}-{10 + n % 90}-{1000 + (n * 37 + rng.randrange(37)) % 9000}",
                f"{rng.choice('CFGHJK')}{serial:08d}",
                f"{first}.{last}{n}@corp.example.org".lower(),
                f"{first[0]}{last}{serial}@home.example.net".lower(),
                f"+1 {rng.randrange(201, 989)}-555-{n % 10_000:04d}",
                f"{rng.randrange(1940, 2008)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}",
            )
        )
    return out


HEADERS = {
    "name": "full_name", "ssn": "ssn", "passport": "passport_number", "work": "work_email", "home": "private_email",
    "phone": "phone", "birth": "date_of_birth",
}  # fmt: skip
SHAPES: dict[str, tuple[str, ...]] = {
    "customers": ("name", "work", "phone"),
    "employees": ("name", "ssn", "birth", "work"),
    "contacts": ("name", "work", "home", "phone"),
    "travellers": ("name", "passport", "birth"),
    "patients": ("ssn", "birth"),
    "callers": ("name", "phone"),
}


def table(rng: random.Random, shape: str, form: str, repeated: bool) -> tuple[bytes, int]:
    """A table's bytes and how many people it tells of."""
    everyone = people(rng, int(10 ** rng.uniform(1.7, 3.7)))
    columns = SHAPES[shape]
    missing = {c: rng.choice((0.0, 0.0, 0.1, 0.4)) for c in columns}
    missing[columns[0]] = 0.0
    rows = [p for p in everyone for _ in range(rng.choice((1, 1, 2, 5)) if repeated else 1)]
    rng.shuffle(rows)
    kept = {p: {c: getattr(p, c) if rng.random() >= missing[c] else "" for c in columns} for p in everyone}
    made = [
        {"id": n, **{HEADERS[c]: v for c, v in kept[p].items()}, "amount": rng.randrange(10_000)}
        for n, p in enumerate(rows)
    ]
    if form == "jsonl":
        text = "".join(json.dumps({"id": r.pop("id"), "person": r}) + "\n" for r in made)
        return text.encode(), len(everyone)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(made[0]), delimiter="\t" if form == "tsv" else ",")
    writer.writeheader()
    writer.writerows(made)
    return out.getvalue().encode(), len(everyone)


def mailbox(rng: random.Random) -> tuple[bytes, int]:
    """An mbox of messages between people and how many these are."""
    everyone = people(rng, rng.randrange(8, 120))
    out, met = [], set()
    for n in range(rng.randrange(20, 400)):
        sender, *to = rng.sample(everyone, rng.randrange(2, 5))
        met |= {sender, *to}
        heads = ", ".join(f"{p.name} <{p.work}>" for p in to)
        named = rng.choice(to).name
        out.append(
            f"From {sender.work} Mon Jan 05 10:00:00 2026\nFrom: {sender.name} <{sender.work}>\nTo: {heads}\n"
            f"Subject: Order {n}\nMessage-ID: <{n}.x@mail.example.org>\nContent-Type: text/plain; charset=utf-8\n\n"
            f"Dear {named},\n\nthe delivery of last week arrived in good order, and the invoice was paid on Friday.\n"
            f"Please call me when you can: {sender.phone}.\n\nKind regards\n{sender.name}\n\n"
        )
    return "".join(out).encode(), len(met)


def build(folder: Path, files: int, seed: int) -> dict[str, tuple[str, int]]:
    """Write the files; the kind and the truth of each by its name."""
    truth: dict[str, tuple[str, int]] = {}
    for n in range(files):
        rng = random.Random(seed * 1_000 + n)
        if n % 5 == 4:
            kind, name = "mailbox", f"{n:03}.mbox"
            data, count = mailbox(rng)
        else:
            shape, form = list(SHAPES)[n % len(SHAPES)], ("csv", "jsonl", "tsv")[n // 2 % 3]
            kind, name = shape, f"{n:03}-{shape}.{form}"
            data, count = table(rng, shape, form, repeated=n % 3 == 0)
        (folder / name).write_bytes(data)
        truth[name] = kind, count
    return truth


def measured(folder: Path) -> dict[str, int]:
    """The people of each object, as a scan of the folder estimates them."""
    command = [sys.executable, "-m", "piiscan"]
    database = folder.parent / "people.duckdb"
    subprocess.run([*command, "scan", str(folder), "--db", str(database), "--quiet"], check=True)
    query = "SELECT object, people FROM v_objects"
    out = subprocess.run(
        [*command, "sql", query, "--db", str(database), "--json"], check=True, capture_output=True, text=True
    ).stdout
    return {row["object"]: row["people"] for row in map(json.loads, out.splitlines())}


def main() -> int:
    """Print the errors by kind of file, and every file that is off by more than the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=50)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "files"
        folder.mkdir()
        truth = build(folder, args.files, args.seed)
        found = measured(folder)
    errors: dict[str, list[float]] = defaultdict(list)
    for name, (kind, count) in truth.items():
        error = found[name] / count - 1
        errors[kind].append(abs(error))
        if abs(error) > 0.15:
            print(f"{name}: {found[name]} of {count} people ({error:+.0%})")
    for kind, all_ in sorted(errors.items()):
        print(f"{kind:12} {len(all_):3} files  mean error {sum(all_) / len(all_):6.1%}  largest {max(all_):6.1%}")
    within = sum(e <= 0.15 for all_ in errors.values() for e in all_)
    print(f"within 15 %: {within} of {len(truth)}")
    return 0 if within == len(truth) else 1


if __name__ == "__main__":
    raise SystemExit(main())
