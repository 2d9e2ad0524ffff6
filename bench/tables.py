"""What `bench.detect` says of its figures: slopes, tables, and how they stand to the bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

BARS = (
    *(
        (kind, "piiscan", "ripgrep", bar)
        for kind, bar in (("prose", 0.08), ("code", 0.18), ("logs", 0.15), ("csv", 0.1))
    ),
    *((kind, "piiscan", "datafog-core", bar) for kind, bar in (("prose", 8.0), ("code", 8.0), ("csv", 4.0))),
    ("code", "piiscan-secrets", "kingfisher-bin", 1.5),
)
"""Kind, our run, the peer, and how many times as fast as the peer we want to be."""

START_BARS = {"warm": 0.5, "cold": 3.0}
"""CPU seconds of `piiscan check -` at most."""

LEGEND = """\
part: which part of the bytes it got. first s: CPU seconds of a first run on 64 KiB with empty caches. start s: CPU
seconds for an empty file, by the line through both sizes. of rg: share of ripgrep's MB/s. piiscan x: how many times
as fast is the run of piiscan that looks for the same, which for secrets is piiscan-secrets. findings: smaller size.
"""

HEAD = (
    "peer", "version", "part", "MB", "CPU s", "first s", "start s", "MB/s", "of rg", "piiscan x", "findings", "a MB",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one peer over one kind; with a note there are no figures, and the note says why."""

    peer: str
    version: str = ""
    note: str = ""
    rival: str = ""
    """Which run of piiscan looks for the same things."""
    share: int = 1
    """It got one part in so many of the bytes."""
    sizes: tuple[int, int] = (0, 0)
    """Bytes of the two files."""
    cpu: tuple[float, float] = (0.0, 0.0)
    """CPU seconds for each of them."""
    first: float = 0.0
    """CPU seconds of the first run over a small file, all caches empty."""
    findings: int = 0
    """In the smaller file."""

    @property
    def speed(self) -> float | None:
        """MB a CPU second between the two sizes; None when there is nothing, or nothing but noise, to divide by."""
        more = self.cpu[1] - self.cpu[0]
        return (self.sizes[1] - self.sizes[0]) / 1e6 / more if more > 0 else None

    @property
    def startup(self) -> float | None:
        """CPU seconds that an empty file would take, by the line through both sizes."""
        return None if self.speed is None else self.cpu[0] - self.sizes[0] / 1e6 / self.speed

    def line(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The row as an object of JSON, with its ratios to others of the same kind."""
        if self.note:
            return {"peer": self.peer, "version": self.version, "note": self.note}
        return {
            "peer": self.peer,
            "version": self.version,
            "share": self.share,
            "bytes": list(self.sizes),
            "cpu_s": [round(seconds, 4) for seconds in self.cpu],
            "first_s": round(self.first, 3),
            "startup_s": None if self.startup is None else round(self.startup, 4),
            "mb_s": None if self.speed is None else round(self.speed, 3),
            "of_rg": ratio(rows, self.peer, "ripgrep"),
            "piiscan_x": ratio(rows, self.rival, self.peer),
            "findings": self.findings,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one figure stands to its bar; without a value it was not measured."""

    kind: str
    what: str
    value: float | None
    wanted: float
    most: bool = False
    """The bar is the most that is allowed, not the least."""

    @property
    def held(self) -> bool | None:
        if self.value is None:
            return None
        return self.value <= self.wanted if self.most else self.value >= self.wanted

    def text(self, marks: Sequence[str] = ()) -> str:
        """One line for people; marks say why it is no evidence."""
        if self.value is None:
            return f"  {self.what}: not measured (wanted {self.wanted:g})"
        state = "held" if self.held else "MISSED"
        wanted = f"at {'most' if self.most else 'least'} {self.wanted:g}"
        doubt = f"; no evidence: {', '.join(marks)}" if marks else ""
        return f"  {self.what}: {self.value:.3g}, wanted {wanted}: {state}{doubt}"

    def line(self) -> dict[str, Any]:
        """The verdict as an object of JSON."""
        value = None if self.value is None else round(self.value, 4)
        return {"bar": self.what, "value": value, "wanted": self.wanted, "most": self.most, "held": self.held}


def ratio(rows: Sequence[Row], one: str, other: str) -> float | None:
    """How many times as fast `one` is as `other`; None when either was not measured."""
    speeds = {row.peer: row.speed for row in rows}
    over, under = speeds.get(one), speeds.get(other)
    return over / under if over and under else None


def verdicts(kind: str, rows: Sequence[Row]) -> list[Verdict]:
    """The bars of a kind, those whose peers were left out or are missing among them."""
    return [
        Verdict(kind, f"{kind}: {ours} over {other}", ratio(rows, ours, other), wanted)
        for where, ours, other, wanted in BARS
        if where == kind
    ]


def _cells(row: Row, rows: Sequence[Row]) -> tuple[str, ...]:
    """A row's cells; a dash where there is no figure."""

    def shown(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    megabytes = row.sizes[0] / 1e6
    return (
        row.peer,
        row.version,
        "all" if row.share == 1 else f"1/{row.share}",
        " ".join(f"{size / 1e6:.3g}" for size in row.sizes),
        " ".join(f"{seconds:.3f}" for seconds in row.cpu),
        f"{row.first:.2f}",
        shown(row.startup, ".2f"),
        shown(row.speed, ",.4g" if row.speed and row.speed < 1000 else ",.0f"),
        shown(ratio(rows, row.peer, "ripgrep"), ".4f"),
        shown(ratio(rows, row.rival, row.peer), ".3g"),
        f"{row.findings:,}",
        shown(row.findings / megabytes if megabytes else None, ",.1f"),
    )


def table(kind: str, rows: Sequence[Row], rounds: int) -> str:
    """The rows of one kind as a table for people."""
    lines = [HEAD, *(_cells(row, rows) for row in rows if not row.note)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    out = [f"{kind}: one core, two sizes, the median of {rounds} round{'s' * (rounds > 1)}"]
    for line in lines:
        cells = (
            cell.ljust(width) if at < 2 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        out.append("  ".join(cells).rstrip())
    out += [
        f"{row.peer.ljust(widths[0])}  {' '.join(filter(None, (row.version, row.note)))}" for row in rows if row.note
    ]
    return "\n".join(out)
