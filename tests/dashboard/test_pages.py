"""Every page of the catalog, and the server's answers, without a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote
from wsgiref.util import setup_testing_defaults

import plotly.graph_objects as go
import pytest

from mixnas import catalog, pages
from mixnas.dashboard import build_app
from mixnas.store import Store
from tests.dashboard.conftest import ODD

NAMES = sorted(catalog.names("dashboards"))


def optuna_stands_in(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [f"optuna {environ['PATH_INFO']}".encode()]


def get(store: Store, address: str, method: str = "GET") -> tuple[str, dict[str, str], str]:
    """Status, headers and body, as a WSGI server would ask."""
    path, _, query = address.partition("?")
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    environ |= {"PATH_INFO": unquote(path).encode().decode("latin-1"), "QUERY_STRING": query, "REQUEST_METHOD": method}
    seen: list[Any] = []
    body = b"".join(build_app(store, optuna_stands_in)(environ, lambda status, headers: seen.extend([status, headers])))
    return seen[0], dict(seen[1]), body.decode()


def test_there_are_pages() -> None:
    assert {"pareto", "trials"} <= set(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "ablation"])  # tests/ablation has one filled
@pytest.mark.parametrize("study", ["filled", "three"])
def test_every_page_draws_a_filled_study(store: Store, name: str, study: str) -> None:
    module = catalog.load(catalog.find("dashboards", name))
    figures = module.page(store, study)
    assert isinstance(module.TITLE, str) and module.TITLE
    assert figures and all(isinstance(figure, go.Figure) and figure.data for figure in figures)


@pytest.mark.parametrize("name", NAMES)
def test_every_page_of_an_empty_study_is_one_sentence(store: Store, name: str) -> None:
    sentence = catalog.load(catalog.find("dashboards", name)).page(store, "empty")
    assert isinstance(sentence, str) and sentence.endswith(".")
    assert sentence in get(store, pages.link("empty", name))[2]


@pytest.mark.parametrize("study", ["filled", "empty", ODD, ".."])
@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_their_pages_whatever_the_study_is_called(store: Store, study: str, name: str) -> None:
    address = pages.link(study, name)
    status, headers, body = get(store, address)
    assert status == "200 OK"
    assert (
        headers["Content-Type"].startswith("text/html") and "default-src 'self'" in headers["Content-Security-Policy"]
    )
    assert "<b>odd" not in body
    assert f'href="{address}"' in get(store, "/mixnas/")[2].replace("'", '"').replace("&amp;", "&")


def test_index_lists_studies_with_counts(store: Store) -> None:
    body = get(store, "/mixnas/")[2]
    assert "<b>36</b>finished" in body and "<b>41</b>refused" in body
    assert "splitmixer · digits · acc, params, macs" in body
    assert "&lt;b&gt;odd" in body and "<b>odd" not in body


def test_index_of_an_empty_database_says_how_to_begin(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/new.db", create=True) as store:
        assert "No study yet" in get(store, "/mixnas/")[2]


def test_pages_are_live(tmp_path: Path) -> None:
    from tests.figures.samples import add_study

    with Store.open(f"sqlite:///{tmp_path}/new.db", create=True) as store:
        before = get(store, "/mixnas/")[2]
        add_study(store, "later")
        assert "later" not in before and "later" in get(store, "/mixnas/")[2]


@pytest.mark.parametrize(
    ("address", "status", "text"),
    [
        ("/mixnas/filled/nope", "404 Not Found", "unknown dashboard page &#x27;nope&#x27;"),
        ("/mixnas/nope/pareto", "404 Not Found", "unknown study &#x27;nope&#x27;"),
        ("/mixnas/%3Ci%3E", "404 Not Found", "No page &#x27;&lt;i&gt;&#x27; here."),
        ("/mixnas/..%2Fx/../secret", "404 Not Found", "unknown dashboard page"),
    ],
)
def test_unknown_addresses(store: Store, address: str, status: str, text: str) -> None:
    answer = get(store, address)
    assert answer[0] == status and text in answer[2]


def test_a_page_name_is_no_path(store: Store, tmp_path: Path) -> None:
    """The catalog takes paths too; an address must not run a file of its own choice."""
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')")
    assert get(store, f"/mixnas/?study=filled&page={tmp_path}/evil.py")[0] == "404 Not Found"
    assert get(store, "/mixnas/filled/evil.py")[0] == "404 Not Found"


def test_a_page_that_fails_says_so(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "dashboards" / "mine.py").write_text("TITLE = 'Mine'\ndef page(store, study):\n    return 1 / 0\n")
    (tmp_path / "dashboards" / "broken.py").write_text("this is not Python")
    monkeypatch.chdir(tmp_path)
    status, _, body = get(store, "/mixnas/filled/mine")
    assert status.startswith("500") and "the page &#x27;mine&#x27; failed: ZeroDivisionError" in body
    index = get(store, "/mixnas/")[2]
    assert ">Mine</a>" in index and ">broken</a>" in index
    assert get(store, "/mixnas/filled/broken")[0].startswith("500")


def test_pages_can_only_be_read(store: Store) -> None:
    assert get(store, "/mixnas/", "POST")[0] == "405 Method Not Allowed"


def test_everything_else_is_optuna_dashboards(store: Store) -> None:
    assert get(store, "/")[:2] == ("302 Found", {"Location": "/mixnas/", "Content-Length": "0"})
    assert get(store, "/dashboard/studies/1")[2] == "optuna /dashboard/studies/1"
    assert get(store, "/api/studies")[2] == "optuna /api/studies"
