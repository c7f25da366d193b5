"""Writes a report into a folder: every format, and one page that works offline."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from mixnas.ablation.analysis import Analysis
from mixnas.ablation.formats import runs_csv, to_csv, to_json, to_latex, to_markdown
from mixnas.ablation.plots import figures
from mixnas.ablation.report import Table, conclusions, footnotes, introduction, tables, title
from mixnas.errors import UsageError
from mixnas.pages import STYLE


def write_report(analysis: Analysis, folder: Path) -> list[Path]:
    """Writes `report.md`, `report.tex`, `report.html`, `report.json`, `arms.csv` and `runs.csv`; returns their paths.

    Raises:
        UsageError: the folder cannot be written to.
    """
    files = {
        "report.md": to_markdown,
        "report.tex": to_latex,
        "report.html": to_html,
        "report.json": to_json,
        "arms.csv": to_csv,
        "runs.csv": runs_csv,
    }
    written = []
    for name, write in files.items():
        path = folder / name
        try:
            path.write_text(write(analysis), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {str(path)!r}: {error.strerror}", hint="name another --output") from error
        written.append(path)
    return written


def to_html(analysis: Analysis) -> str:
    """One page with sentences, figures and tables; nothing is loaded from elsewhere."""
    from mixnas.figures.save import CONFIG

    body = [f"<h1>{escape(title(analysis))}</h1>", _listed(introduction(analysis))]
    body.append(f"<section><h2>In words</h2>{_listed(conclusions(analysis))}</section>")
    for i, figure in enumerate(figures(analysis).values()):
        # plotly.js once, with the first
        height = f"{figure.layout.height}px"
        part = figure.to_html(full_html=False, include_plotlyjs=i == 0, config=CONFIG, default_height=height)
        body.append(f"<section class='figure'>{part}</section>")
    body += [f"<section><h2>{escape(table.title)}</h2>{_table(table)}</section>" for table in tables(analysis)]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title(analysis))}</title><style>{STYLE}{_TABLES}</style></head>"
        f"<body><main>{''.join(body)}{_listed(footnotes(analysis))}</main></body></html>\n"
    )


def _listed(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.head)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    return f"<div class='wide'><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"


_TABLES = """
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; margin: 8px 0; }
th, td { padding: 4px 12px 4px 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; }
th:last-child, td:last-child { padding-right: 0; white-space: normal; }
th { border-bottom: 2px solid var(--ink); }
li { margin: 4px 0; overflow-wrap: anywhere; }
"""
