"""How a spreadsheet of the binary formats shows its numbers: dates by the format of the cell, the rest in full.

Source: MS-XLS 2.4.126 (Format) and 2.5.165 (built-in formats); ECMA-376 part 1, 18.8.30.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from piiscan.extract.office_cells import DATE_IDS, is_date_format


@dataclass(slots=True)
class Formats:
    """Formats of a workbook's cells."""

    epoch: datetime = datetime(1899, 12, 30)
    styles: list[int] = field(default_factory=list)
    """Number of the format of each cell style."""
    dates: set[int] = field(default_factory=lambda: set(DATE_IDS))
    """Numbers of the formats that show a date."""

    def add(self, number: int, code: str) -> None:
        """Take in a format that the workbook defines."""
        if is_date_format(code):
            self.dates.add(number)
        else:
            self.dates.discard(number)

    def shown(self, number: float, style: int) -> str:
        """A number as its reader sees it: dates in ISO form, no exponents for whole numbers.

        >>> Formats(styles=[0, 14]).shown(29280.0, 1), Formats().shown(4111111111111111.0, 0), Formats().shown(0.5, 0)
        ('1980-02-29', '4111111111111111', '0.5')
        """
        if style < len(self.styles) and self.styles[style] in self.dates:
            try:
                moment = self.epoch + timedelta(days=number)
                return moment.date().isoformat() if number.is_integer() else moment.isoformat(" ", "seconds")
            except (ValueError, OverflowError):
                pass
        if number.is_integer() and abs(number) < 1e20:
            return str(int(number))
        return f"{number:.15g}"
