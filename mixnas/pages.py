"""Our own pages beside Optuna Dashboard, as HTML: an index of studies, and one page for each file in `dashboards/`.

Every request reads the store again, so a reload shows the newest trials. Nothing is loaded from elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mixnas import catalog
from mixnas.errors import MixnasError, UnknownName, UsageError
from mixnas.records import StudyCounts

if TYPE_CHECKING:
    from mixnas.store import Store

ROOT = "/mixnas/"


@dataclass(frozen=True)
class Page:
    """One page of the catalog. `TITLE` and `page(store, study)` come from its file."""

    name: str
    title: str


def known_pages() -> list[Page]:
    """All pages by name; one whose file cannot be run keeps its file's name as title."""
    return [Page(name, _title(name)) for name in catalog.names("dashboards")]


def _title(name: str) -> str:
    try:
        return str(getattr(catalog.load(catalog.find("dashboards", name)), "TITLE", name))
    except UsageError:
        return name


def link(study: str, page: str) -> str:
    """The address of a page. Browsers take a path of one or two dots for a folder, so those names go in the query."""
    if study in (".", ".."):
        return f"{ROOT}?study={quote(study, safe='')}&page={quote(page, safe='')}"
    return f"{ROOT}{quote(study, safe='')}/{quote(page, safe='')}"


def index(store: Store) -> str:
    """The list of studies."""
    counts, pages = store.all_counts(), known_pages()
    cards = "".join(_card(c, store.study(c.name).spec, pages) for c in counts)
    empty = "<p class='note'>No study yet. <code>mixnas search</code> starts one; reload to see it.</p>"
    return document("Studies", f"<h1>Studies</h1>{cards or empty}")


def _card(counts: StudyCounts, spec: Mapping[str, Any], pages: list[Page]) -> str:
    about = [str(spec[key]) for key in ("space", "dataset") if isinstance(spec.get(key), str)]
    about += [", ".join(map(str, spec.get("objectives", ())))]
    numbers = "".join(
        f"<div class='number {word}'><b>{getattr(counts, word):,}</b>{word}</div>"
        for word in ("finished", "running", "failed", "refused", "duplicates")
    )
    links = "".join(f"<a class='button' href='{link(counts.name, p.name)}'>{escape(p.title)}</a>" for p in pages)
    return (
        f"<section><h2>{escape(counts.name)}</h2><p class='note'>{escape(' · '.join(a for a in about if a))}</p>"
        f"<div class='numbers'>{numbers}</div><nav>{links}</nav></section>"
    )


def study_page(store: Store, study: str, name: str) -> str:
    """One page of one study: its figures, or the sentence that it gives instead.

    Raises:
        UnknownName: there is no such page, or no such study.
        UsageError: the page's file raises an error.
    """
    files = catalog.names("dashboards")
    if name not in files:  # catalog.find would take a path too: an address must not choose what is run
        raise UnknownName("dashboard page", name, files)
    store.study(study)
    module = catalog.load(files[name])
    try:
        content = module.page(store, study)
    except MixnasError:
        raise
    except Exception as error:
        raise UsageError(
            f"the page {name!r} failed: {type(error).__name__}: {error}", hint=f"see {files[name]}"
        ) from error
    body = f"<p class='note'>{escape(content)}</p>" if isinstance(content, str) else _figures(content)
    tabs = "".join(
        f"<a class='button{' here' if p.name == name else ''}' href='{link(study, p.name)}'>{escape(p.title)}</a>"
        for p in known_pages()
    )
    title = str(getattr(module, "TITLE", name))
    return document(f"{title} – {study}", f"<h1>{escape(study)}</h1><nav>{tabs}</nav>{body}", plots=True)


def _figures(figures: list[Any]) -> str:
    from mixnas.figures.save import CONFIG
    from mixnas.figures.style import HEIGHT

    parts = (
        figure.to_html(
            full_html=False, include_plotlyjs=False, config=CONFIG, default_height=f"{figure.layout.height or HEIGHT}px"
        )
        for figure in figures
    )
    return "".join(f"<section class='figure'>{part}</section>" for part in parts)


def problem(message: str, hint: str = "") -> str:
    """The page for an address that cannot be shown."""
    more = f"<p class='note'>{escape(hint)}</p>" if hint else ""
    return document("Not shown", f"<h1>Cannot show this</h1><p>{escape(message)}</p>{more}")


def document(title: str, body: str, plots: bool = False) -> str:
    """A whole HTML document around `body`, which is HTML already."""
    script = f"<script src='{ROOT}plotly.js'></script>" if plots else ""
    read = datetime.now().astimezone().strftime("%H:%M:%S")
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)} – mixnas</title><style>{STYLE}</style>{script}</head><body>"
        f"<header><a class='brand' href='{ROOT}'>mixnas</a><a href='/dashboard'>Optuna Dashboard</a></header>"
        f"<main>{body}</main><footer>Read from the store at {read}. Reload for the newest trials.</footer>"
        "</body></html>"
    )


STYLE = """
:root { color-scheme: light; --ink: #1a1a1a; --soft: #5c6570; --line: #e2e5e9; --blue: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #f6f7f9; font: 16px/1.5 Arial, 'Liberation Sans', sans-serif; }
header { display: flex; gap: 24px; align-items: baseline; padding: 14px 32px; background: #fff;
  border-bottom: 1px solid var(--line); }
header a { color: var(--soft); text-decoration: none; }
header a:hover { color: var(--blue); }
header .brand { color: var(--ink); font-weight: bold; font-size: 20px; }
main { max-width: 1000px; margin: 0 auto; padding: 8px 24px; }
h1 { font-size: 26px; margin: 20px 0 12px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 0; overflow-wrap: anywhere; }
section { background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: 20px 24px; margin: 16px 0; }
.figure { padding: 12px 16px; }
.note { color: var(--soft); margin: 4px 0 12px; overflow-wrap: anywhere; }
.numbers { display: flex; flex-wrap: wrap; gap: 28px; margin: 12px 0 16px; }
.number { color: var(--soft); font-size: 14px; }
.number b { display: block; color: var(--ink); font-size: 24px; line-height: 1.2; font-weight: normal; }
.number.finished b { color: var(--blue); }
nav { display: flex; flex-wrap: wrap; gap: 8px; }
.button { border: 1px solid var(--line); border-radius: 6px; padding: 6px 14px; color: var(--ink); background: #fff;
  text-decoration: none; }
.button:hover { border-color: var(--blue); color: var(--blue); }
.here { border-color: var(--blue); color: var(--blue); }
footer { max-width: 1000px; margin: 0 auto; padding: 8px 24px 32px; color: var(--soft); font-size: 14px; }
code { background: #eef0f3; border-radius: 4px; padding: 1px 5px; }
"""
