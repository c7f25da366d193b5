"""One local server for Optuna Dashboard (at `/dashboard`) and our own pages (at `/mixnas/`)."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterable
from functools import cache
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from mixnas import pages
from mixnas.errors import MixnasError, UnknownName, UsageError

if TYPE_CHECKING:
    from mixnas.store import Store

Environ = dict[str, Any]
App = Callable[[Environ, Any], Iterable[bytes]]
Answer = tuple[str, str, bytes]
"""Status line, content type, body."""

_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; object-src 'none'; base-uri 'none'"
)


def build_app(store: Store, optuna_app: App) -> App:
    """Both as one WSGI app: ours under `/mixnas/`, where the start page leads; the rest is Optuna Dashboard's."""

    def app(environ: Environ, start_response: Any) -> Iterable[bytes]:
        path = _path(environ)
        if path in ("", "/", pages.ROOT.rstrip("/")):
            start_response("302 Found", [("Location", pages.ROOT), ("Content-Length", "0")])
            return [b""]
        if not path.startswith(pages.ROOT):
            return optuna_app(environ, start_response)
        status, kind, body = _answer(store, environ, path.removeprefix(pages.ROOT))
        headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Content-Security-Policy", _POLICY)]
        headers.append(("Cache-Control", "no-store" if kind.startswith("text/html") else "max-age=3600"))
        start_response(status, headers)
        return [body]

    return app


def _path(environ: Environ) -> str:
    """The path as text: WSGI hands over its bytes as Latin-1."""
    raw: str = environ.get("PATH_INFO", "")
    return raw.encode("latin-1").decode("utf-8", "replace")


def _answer(store: Store, environ: Environ, rest: str) -> Answer:
    if environ.get("REQUEST_METHOD", "GET") != "GET":
        return _html("405 Method Not Allowed", pages.problem("These pages can only be read."))
    if rest == "plotly.js":
        return "200 OK", "text/javascript; charset=utf-8", _plotly()
    query = parse_qs(environ.get("QUERY_STRING", ""))
    # A study's name may hold slashes; a page's name holds none.
    study, _, page = rest.rpartition("/") if rest else (query.get("study", [""])[0], "", query.get("page", [""])[0])
    try:
        if page and not study:
            return _html("404 Not Found", pages.problem(f"No page {page!r} here.", "The list of studies links to all."))
        return _html("200 OK", pages.study_page(store, study, page) if study else pages.index(store))
    except MixnasError as error:
        status = "404 Not Found" if isinstance(error, UnknownName) else "500 Internal Server Error"
        return _html(status, pages.problem(error.message, error.hint))


def _html(status: str, text: str) -> Answer:
    return status, "text/html; charset=utf-8", text.encode()


@cache
def _plotly() -> bytes:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).encode()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # an open connection of a browser must not hold up Ctrl-C

    def server_bind(self) -> None:
        # The base class would look up the host's name in DNS, which can take seconds without a network.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """One line a request would bury the addresses."""


def serve(url: str, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serves the database at `url` until Ctrl-C. `announce` is called once, with the base address, when it listens.

    Raises:
        StoreError: there is no such database; nothing is created.
        UsageError: the port is taken or not allowed, or the host is no address of this machine.
    """
    from mixnas.store import Store

    with Store.open(url) as store, _listen(host, port) as server:
        server.set_app(build_app(store, _optuna_app(url)))
        announce(f"http://{host}:{server.server_port}")
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            return


def _optuna_app(url: str) -> App:
    from optuna.storages import RDBStorage
    from optuna_dashboard import wsgi

    wait = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
    storage = RDBStorage(url, engine_kwargs=wait, skip_compatibility_check=True, skip_table_creation=True)
    app: App = wsgi(storage)
    return app


def _listen(host: str, port: int) -> WSGIServer:
    try:
        return _Server((host, port), _QuietHandler)
    except socket.gaierror as error:
        raise UsageError(f"--host {host!r} is no address: {error.strerror}", hint="for example 127.0.0.1") from error
    except OSError as error:
        reasons = {errno.EADDRINUSE: "is taken by another program", errno.EACCES: "needs special rights"}
        reason = reasons.get(error.errno or 0, f"cannot be used: {error.strerror}")
        raise UsageError(f"port {port} on {host} {reason}", hint=f"choose another: --port {_free(port)}") from error


def _free(port: int) -> int:
    """A port near by that no one listens on, as far as can be told; above those that need special rights."""
    for other in range(max(port, 8079) + 1, min(max(port, 8079) + 50, 65535)):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", other)) != 0:
                return other
    return 0
