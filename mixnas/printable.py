"""Texts out of files that may come from anyone, made safe to print."""

from __future__ import annotations


def printable(text: str, limit: int = 80) -> str:
    """One line of at most `limit` characters, without control characters (a terminal would obey them).

    >>> printable("two\\nlines, \\x1b[31mred")
    'two lines, \\\\x1b[31mred'
    """
    text = " ".join(text.split())
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= limit else text[: limit - 3] + "..."
