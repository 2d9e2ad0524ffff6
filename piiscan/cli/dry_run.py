"""`piiscan scan --dry-run`: what would be read, what it would cost, how long it would take; nothing is read or kept."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from piiscan.config import Config
    from piiscan.crawl import Target
    from piiscan.model import ObjectRef

NO_RUN = 2**31 - 1
"""Number of a run that comes after all others."""
RUNS = 5
"""Earlier runs whose pace counts."""


def dry_run(targets: Sequence[str], config: Config, path: Path, full: bool, as_json: bool) -> int:
    """List what would be read and price it. Raises: PiiscanError."""
    from piiscan.choice import Choice
    from piiscan.crawl import STDIN, open_source
    from piiscan.crawl.select import Tally, own_denied
    from piiscan.report.escape import printable
    from piiscan.report.summary import next_best, next_lines
    from piiscan.sampling.prices import Bill, as_lines, hours, read_prices

    prices = read_prices(config.prices)
    tally = Tally()
    bill = Bill(ranged_from=config.aws.ranged_from)
    con = _reader(path)
    try:
        catalogue = _catalogue(config) if con is not None else ""
        choice = Choice(config, tally, con, NO_RUN, catalogue, full=full, now=datetime.now(UTC))
        found = [one for one in _meant(targets, config) if one.source != STDIN]

        def crawl(target: Target) -> Iterable[ObjectRef]:
            for ref in own_denied(open_source(target, config).crawl(), path):
                bill.listed += ref.source.startswith("s3://")
                yield ref

        choice.look(found, crawl)
        for target in found:
            for ref in choice.to_read(target, crawl):
                bill.add(ref)
                if as_json:
                    print(json.dumps({"object": ref.key, "source": ref.source, "size": ref.size}, ensure_ascii=False))
                else:
                    print(f"{ref.size:>14,}  {printable(ref.source)}/{printable(ref.key)}")
        following = next_best(choice.next_best())
        if config.aws.inventory:
            bill.listed = 0
        runs = _runs(con)
    finally:
        if con is not None:
            con.close()
    priced = bill.priced(prices)
    time = hours(bill.objects, bill.bytes, config.workers or os.cpu_count() or 1, runs)
    if as_json:
        summary: dict[str, Any] = {"objects": bill.objects, "listed": tally.listed, "bytes": bill.bytes}
        summary["unchanged"] = choice.unchanged
        summary |= {"hours": time, "price": priced, "next_best": following}
        print(json.dumps({"summary": summary}, ensure_ascii=False))
    same = f" ({choice.unchanged:,} more are unchanged)" if choice.unchanged else ""
    sys.stderr.write(f"would read {bill.objects:,} of {tally.listed:,} listed objects, {bill.bytes:,} bytes{same}\n")
    if not as_json:
        sys.stderr.write("\n".join([*as_lines(priced, time), *next_lines(following), ""]))
    return 0


def _meant(texts: Sequence[str], config: Config) -> list[Target]:
    """What the targets mean, in all accounts where there are several. Raises: SourceError, ConfigError."""
    from piiscan.crawl import ACCOUNT, parse_target
    from piiscan.crawl.accounts import several, spread
    from piiscan.crawl.buckets import meant
    from piiscan.report.escape import printable

    targets = [parse_target(text) for text in texts]
    if not several(config.aws):
        return [one for target in targets for one in meant(target, config)]
    found = spread(targets, config)
    for line in [f"account {a.number}: {a.refused}" for a in found.accounts if a.refused] + found.errors:
        sys.stderr.write(f"piiscan: {printable(line)}\n")
    return [target for target in found.targets if not target.source.startswith(ACCOUNT)]


def _reader(path: Path) -> Any:
    """The database, or None where there is none of this schema."""
    from piiscan.store.duck import schema_version
    from piiscan.store.snapshot import open_newest
    from piiscan.store.strata import FIRST_SCHEMA

    if not path.exists():
        return None
    con, _ = open_newest(path)
    if schema_version(con) < FIRST_SCHEMA:
        con.close()
        return None
    return con


def _catalogue(config: Config) -> str:
    from piiscan.classify.build import all_rules
    from piiscan.engine.examination import examination

    return examination(all_rules(config), config)


def _runs(con: Any) -> list[tuple[int, float, float]]:
    """Objects, bytes and seconds of the last runs that read a megabyte at least."""
    if con is None:
        return []
    rows = con.execute(
        "SELECT objects, bytes, date_diff('millisecond', started, ended) / 1000 FROM v_runs "
        "WHERE status = 'done' AND bytes >= 1000000 AND ended > started ORDER BY run DESC LIMIT ?",
        [RUNS],
    ).fetchall()
    return [(int(objects), float(size), float(seconds)) for objects, size, seconds in rows]
