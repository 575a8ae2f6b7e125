"""CSV files written by hand or by a spreadsheet: with commas, semicolons or tabs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from fevbench.errors import DatasetError

DELIMITERS = ",;\t"


def read_table(
    path: Path, needed: Sequence[str], more: Sequence[str] = ()
) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV file in UTF-8 whose first line names its columns, ignoring case.

    Returns:
        The number of the line each row ends on, and its values of the columns ``needed`` and ``more``,
        without spaces around them; empty if missing.

    Raises:
        DatasetError: The file cannot be read, is empty, or lacks a column that is needed.
    """
    optional = f", and {', '.join(more)} if you like" if more else ""
    wanted = f"give it the columns {', '.join(needed)}{optional}"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror})", "check its path") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not in UTF-8 ({error})", "save it as CSV in UTF-8") from error
    head = text.partition("\n")[0]
    if not head.strip():
        raise DatasetError(f"{path} has no first line that names its columns", wanted)
    delimiter = max(DELIMITERS, key=head.count)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        columns = [name.strip() for name in next(reader)]
        at = {name.lower(): i for i, name in enumerate(columns)}
        for name in needed:
            if name not in at:
                raise DatasetError(f"{path} has no column {name!r}, but {', '.join(columns)}", wanted)
        for row in reader:
            if row:
                values = {
                    n: row[at[n]].strip() if at.get(n, len(row)) < len(row) else "" for n in (*needed, *more)
                }
                rows.append((reader.line_num, values))
    except csv.Error as error:
        raise DatasetError(f"{path} cannot be read ({error})", "save it as CSV in UTF-8") from error
    return rows
