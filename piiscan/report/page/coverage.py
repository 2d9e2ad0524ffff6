"""The sections of the page on what was read, what was not, and how it all was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from piiscan.report.page.parts import Cell, bar, code, moment, number, percent, size, some, table, text
from piiscan.report.page.sections import place, section, sources
from piiscan.report.page.words import OUTCOMES, left_out, reason
from piiscan.report.summary import HARMLESS
from piiscan.sampling.results import NO_SAMPLE
from piiscan.sampling.results import percent as share

if TYPE_CHECKING:
    from piiscan.store.facts import Facts, Run

_NEVER = ' <span class="mark never">listed, never read</span>'


def scanned(facts: Facts) -> Iterator[str]:
    """What the numbers are of: sources, and how much of them was read."""
    total, run = facts.total, facts.run
    yield section("scanned", "What was scanned")
    if not total.objects:
        yield "<p>Nothing yet.</p></section>\n"
        return
    unread = total.objects - total.scanned - total.partly
    yield (
        f"<p><b>{percent(total.scanned, total.objects)}</b> of {number(total.objects, 'object')} "
        f"({size(total.size)}) {'was' if total.objects == 1 else 'were'} read whole, {total.partly:,} in part, "
        f'{unread:,} not at all: see <a href="#coverage">why</a>.</p>'
    )
    shares = [("whole", total.scanned), ("part", total.partly), ("not", unread), ("never", facts.never)]
    yield bar(shares, total.objects + facts.never).replace("bar", "bar wide", 1)
    yield '<p class="note"><span class="mark whole">read whole</span> <span class="mark part">in part</span> '
    yield f'<span class="mark not">not read</span>{_NEVER if facts.never else ""}</p>\n'
    for line in _limits(facts, run):
        yield f'<p class="warning">{line}</p>\n'
    yield from sources(facts.sources)
    yield some(len(facts.sources), facts.source_count, "sources", 'piiscan sql "FROM v_buckets" --csv')
    yield "</section>\n"


def _limits(facts: Facts, run: Run | None) -> Iterator[str]:
    """What nobody looked at, in sentences."""
    if facts.never:
        yield (
            f"{number(facts.never, 'more object')} {'is' if facts.never == 1 else 'are'} listed and not chosen so far "
            "(a sample, a budget, a limit): nothing is known of what is in there."
        )
    unlisted = sum(u.objects for u in facts.reasons if u.what == "SOURCE_NOT_LISTED")
    if unlisted:
        yield f"{number(unlisted, 'source')} could not be listed: what is in there is not known."
    if facts.nameless:
        yield f"Names of people were not looked for in {number(facts.nameless, 'object')} (--no-ner)."
    if run is None:
        return
    for line in left_out(run.settings):
        yield f"Run {run.run} was told to read {text(line)}."
    missing = run.listed - run.examined - run.unchanged
    if run.status == "cancelled":
        yield f"Run {run.run} was broken off: {number(max(missing, 0), 'object')} that it listed were not reached."
    elif run.status != "done":
        yield f"Run {run.run} did not end ({text(run.status)}): what it did not reach is not here."


def coverage(facts: Facts) -> Iterator[str]:
    """What was not read, by reason and format, and which objects these are."""
    yield section("coverage", "What was not read, and why")
    if facts.total.objects == facts.total.scanned:
        chosen = " of what was chosen" if facts.never else ""
        yield f"<p>Nothing{chosen}: {number(facts.total.objects, 'object')}, all read whole.</p></section>\n"
        return
    yield "<p>What was not read is not clean: it is not known.</p>\n"
    yield from table(
        "Objects that were not read whole, by reason",
        ("Reason", "Outcome", "-Objects", "-Size", "-Read, bytes"),
        (
            (
                f"{text(reason(u.what))} {code(u.what)}"
                + (' <span class="tag">holds nothing of its own</span>' if u.what in HARMLESS else ""),
                OUTCOMES.get(u.outcome, text(u.outcome)),
                u.objects,
                Cell(size(u.size), u.size),
                Cell(size(u.examined), u.examined),
            )
            for u in facts.reasons
        ),
        page=15,
    )
    yield "<h3>By format</h3>\n"
    yield from table(
        "Objects that were not read whole, by format",
        ("Format", "-Objects", "-Size", "-Read, bytes"),
        (
            (
                code(u.what) if u.what else "not opened",
                u.objects,
                Cell(size(u.size), u.size),
                Cell(size(u.examined), u.examined),
            )
            for u in facts.formats
        ),
        page=10,
    )
    if facts.parts:
        yield "<h3>Parts of objects</h3><p>Members of archives, pages, pictures; of an object 1,000 at most.</p>\n"
        yield from table(
            "Parts that were not read, by reason",
            ("Reason", "-Parts", "-Objects"),
            ((f"{text(reason(what))} {code(what)}", parts, objects) for what, parts, objects in facts.parts),
            page=10,
        )
    if facts.missed:
        yield "<h3>Which objects</h3>\n"
        yield from table(
            "Objects that were not read whole, the largest first",
            ("Object", "Outcome", "Reason", "-Parts", "-Size"),
            (
                (
                    place(facts, m.source, m.object),
                    OUTCOMES.get(m.outcome, text(m.outcome)),
                    text(m.reason.partition(": ")[2] or reason(m.reason)),
                    m.parts,
                    Cell(size(m.size), m.size),
                )
                for m in facts.missed
            ),
            page=10,
        )
        yield some(len(facts.missed), facts.missed_count, "objects", "piiscan coverage")
    yield "</section>\n"


def estimates(targets: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What a sampled run says of all objects, as of `sampling.results.estimates`; nothing when it was not sampled."""
    if not targets:
        return
    yield section("estimates", "Estimates from a sample")
    for target in targets:
        where = target["source"] + ("/" + target["prefix"] if target["prefix"] else "")
        yield f"<p>{text(where)}: {target['sampled']:,} of {target['population']:,} objects were drawn"
        for count, what in ((target["unread"], "of them could not be read"), (target["unsampled"], NO_SAMPLE)):
            yield f"; {count:,} {what}" if count else ""
        yield ".</p>\n"
        yield from table(
            f"Estimates for {where}",
            ("Objects that hold", "-Found in", "-Of all", "-95 % interval"),
            (
                (
                    "high or critical" if row["kind"] == "risk" else text(row["what"]),
                    row["found"],
                    Cell(share(row["share"]) if row["found"] else _bound(row), row["share"]),
                    Cell(f"{share(row['low'])} to {share(row['high'])}", row["high"]),
                )
                for row in target["estimates"]
                if row["kind"] != "rule"
            ),
        )
    yield "</section>\n"


def _bound(row: dict[str, Any]) -> str:
    return f"at most {share(row['at_most'], up=True)} (95 %)"


def methods(facts: Facts, version: str) -> Iterator[str]:
    """How the numbers were made, and by which versions."""
    yield section("methods", "How this was made")
    yield (
        "<dl>"
        "<dt>Finding</dt><dd>All that one rule found in one object. Severity says how bad it is if it is true, "
        "confidence how likely it is true.</dd>"
        "<dt>Risk</dt><dd>0 to 100 an object: each finding's weight by severity, times its confidence, more for many "
        "distinct values and for what of one person stands together, and for whoever may read it.</dd>"
        "<dt>Masked</dt><dd>Values were masked before they were stored. No value in clear is in this page, nor in the "
        "database that it was made from.</dd>"
        "<dt>Not proof</dt><dd>Rules miss what they do not describe, and find what only looks alike. The absence of "
        "findings does not prove the absence of data.</dd></dl>\n"
    )
    rows: list[tuple[str, str]] = [("Program", f"piiscan {text(version)}")]
    if run := facts.run:
        ruled = run.settings
        rows += [
            (
                "Newest run" if not facts.only else "Run",
                f"{run.run}, {text(run.status)}, by piiscan {text(run.version)}",
            ),
            ("Started, ended", f"{moment(run.started)}; {moment(run.ended)}"),
            ("Targets", "<br>".join(text(target) for target in run.targets[:20]) or "–"),
            ("Rules", f"{facts.rules:,}, packs {text(', '.join(map(str, ruled.get('packs') or ['default'])))}"),
            ("Digest of the rules", code(run.catalogue)),
            ("Threshold", f"confidence {text(str(ruled.get('threshold', '–')))}"),
            ("Names of people", "looked for" if ruled.get("ner", True) else "not looked for (--no-ner)"),
            ("Text in pictures", "read" if (ruled.get("limits") or {}).get("ocr") else "not read (without --ocr)"),
        ]
    rows.append(("Schema of the database", str(facts.schema)))
    yield from table("Versions", ("~What", "~Value"), rows)
    if facts.weights:
        yield "<details><summary>Weights of the risk</summary>\n"
        yield from table(
            "Weights of the risk",
            ("Term", "-Weight", "Meaning"),
            ((code(term), Cell(f"{weight:g}", weight), text(meaning)) for term, weight, meaning in facts.weights),
        )
        yield "</details>\n"
    yield "</section>\n"
