"""Showing results outside of a terminal: as a pandas DataFrame, as HTML, or printed."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fevbench.errors import FevbenchError
from fevbench.sanitise import one_line

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from fevbench.data.clip import Frames

WIDTH = 160
"""Columns of a printed table."""


def to_pandas(rows: Sequence[Mapping[str, Any]], index: str) -> pd.DataFrame:
    """Rows as a ``pandas.DataFrame``, indexed by one of their columns.

    Raises:
        FevbenchError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise FevbenchError("to_pandas needs pandas, which is not installed", "pip install pandas") from error
    return pd.DataFrame(list(rows)).set_index(index)


def print_shown(shown: RenderableType) -> None:
    """Print a table to standard output."""
    from rich.console import Console

    Console().print(shown)


def html_of(shown: RenderableType, pictures: Mapping[str, Frames]) -> str:
    """A table as HTML, with named pictures ``uint8[H, W, 3]`` below it."""
    from rich.console import Console

    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(shown)
    page = f"<pre>{html.escape(console.export_text())}</pre>"
    for name, picture in pictures.items():
        page += f'<figure><img alt="{html.escape(one_line(name), quote=True)}" src="{_png(picture)}">'
        page += f"<figcaption>{html.escape(one_line(name))}</figcaption></figure>"
    return page


def _png(picture: Frames) -> str:
    """A picture as a data URL."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
