"""A browser without scripts: it follows links, keeps cookies, and sends a form as it stands on the page."""

from __future__ import annotations

import os
import socket
import socketserver
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html.parser import HTMLParser
from typing import Any, Protocol
from urllib.parse import urljoin

import httpx
import msgspec
from justhtml import JustHTML

from scripts.servers.processes import free_port
from tests.support.command_line import PRORATA
from tests.support.domain.catalogs import CATALOG_FILE
from tests.support.http_api import OPENED, Api

SIGN_IN_SECRET = "a secret of the company's own sign-in"


class Form:
    """A form of a page: where it goes, and its fields as they stand."""

    def __init__(self, attributes: dict[str, str]) -> None:
        self.action, self.method = attributes.get("action", ""), attributes.get("method", "get").lower()
        self.fields: dict[str, str] = {}
        self.buttons: list[str] = []


class Read(HTMLParser):
    """What a page holds. `text`: all that is said on it, in one line."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.frames: list[str] = []
        self.loaded: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._form: Form | None = None
        self._said: list[str] = []
        self._button: list[str] | None = None
        self._select: str | None = None
        self.feed(html)
        self.text = " ".join(" ".join(self._said).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append((tag, found))
        if tag == "form":
            self._form = Form(found)
            self.forms.append(self._form)
        elif tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "iframe":
            self.frames.append(found.get("src", ""))
        elif tag in ("link", "img", "script"):
            self.loaded += [found[name] for name in ("href", "src") if name in found]
        elif tag == "button":
            self._button = []
        elif tag == "select":
            self._select = found.get("name")
        self._field(tag, found)

    def _field(self, tag: str, found: dict[str, str]) -> None:
        if self._form is None:
            return
        if tag == "input" and "name" in found:
            unset = found.get("type") in ("checkbox", "radio") and "checked" not in found
            if not unset:
                self._form.fields[found["name"]] = found.get("value", "")
        if tag == "option" and self._select is not None:
            first = self._select not in self._form.fields
            if first or "selected" in found:
                self._form.fields[self._select] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag == "select":
            self._select = None
        if tag == "button" and self._button is not None:
            if self._form is not None:
                self._form.buttons.append(" ".join("".join(self._button).split()))
            self._button = None

    def handle_data(self, data: str) -> None:
        self._said.append(data)
        if self._button is not None:
            self._button.append(data)


class Browser:
    """One person's browser at the pages."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = httpx.Client(
            base_url=url, headers={"Accept": "text/html,*/*"}, timeout=30, follow_redirects=True
        )
        self.answer: httpx.Response | None = None

    def close(self) -> None:
        self.client.close()

    def enter(self, api: Api, account: str, language: str = "en", **more: str) -> Read:
        """By a link of the API's, for an account of the tenant `acme`."""
        with api.client() as shop:
            body = {"account": account, "language": language, **more}
            made = shop.post("/v1/portal-sessions", json=body)
        assert made.status_code == 201, made.text
        return self.open(made.json()["url"].replace(api.url, self.url))

    def open(self, path: str, status: int = 200) -> Read:
        """A page, after all that it leads on to."""
        return self._read(self.client.get(path), status)

    def send(self, form: Form, status: int = 200, **fields: str) -> Read:
        """The form with its fields, and these besides."""
        assert self.answer is not None
        at = urljoin(str(self.answer.url), form.action)
        data: dict[str, Any] = form.fields | fields
        if form.method == "get":
            return self._read(self.client.get(at, params=data), status)
        return self._read(self.client.post(at, data=data, headers={"Origin": self.url}), status)

    def _read(self, answer: httpx.Response, status: int) -> Read:
        self.answer = answer
        assert answer.status_code == status, (answer.status_code, answer.url, answer.text[:2000])
        return Read(answer.text)


def crawl(browser: Browser, start: str) -> dict[str, httpx.Response]:
    """Every page that links lead to from there, by its address; none of them fails. Dates and what came of
    something stand in addresses too: of a path with a query some are looked at."""
    found: dict[str, httpx.Response] = {}
    waiting, looked = [start], Counter[str]()
    while waiting:
        path = waiting.pop()
        if path in found or looked[path.partition("?")[0]] > _OF_A_PATH:
            continue
        looked[path.partition("?")[0]] += 1
        answer = found[path] = browser.client.get(path)
        assert answer.status_code < 500, (path, answer.text[:1000])
        if answer.headers["content-type"].startswith("text/html"):
            read = Read(answer.text)
            at = [urljoin(str(answer.url), link) for link in read.links]
            at += [urljoin(str(answer.url), form.action) for form in read.forms if form.method == "get"]
            waiting += [
                link.removeprefix(browser.url).partition("#")[0] for link in at if _ours(link, browser)
            ]
    return found


_OF_A_PATH = 40


def _ours(link: str, browser: Browser) -> bool:
    return link.startswith(browser.url)


def assert_sound(html: str, about: str) -> None:
    """The page is HTML without a fault; its ids are unique, and what names an id names one that is there."""
    faults = [str(fault) for fault in JustHTML(html, collect_errors=True).errors]
    assert faults == [], (about, faults[:5])
    tags = Read(html).tags
    ids = [found["id"] for _, found in tags if "id" in found]
    assert len(ids) == len(set(ids)), (about, [one for one in ids if ids.count(one) > 1])
    names = ("commandfor", "aria-labelledby", "aria-describedby", "for", "list")
    named = {one for _, found in tags for name in names for one in found.get(name, "").split()}
    assert named <= set(ids), (about, named - set(ids))
    assert all("alt" in found for tag, found in tags if tag == "img"), about


@contextmanager
def card_element(pages_port: int, database_url: str) -> Iterator[str]:
    """The test gateway's card element for the pages at that port, in a process of its own; its address."""
    port = free_port()
    line = [str(PRORATA), "card-element", "--port", str(port), "--pages", f"http://127.0.0.1:{pages_port}"]
    environment = os.environ | {"PRORATA_DATABASE_URL": database_url}
    process = subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert b"serving" in process.stdout.readline()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told.decode()


class Enter(Protocol):
    """The fixture `enter`: a browser at the pages of an account."""

    def __call__(
        self, account: str, language: str = "en", *, at: str | None = None, **more: str
    ) -> Browser: ...


@contextmanager
def recording(url: str) -> Iterator[tuple[str, bytearray]]:
    """An address that passes all on to the server, and every byte that came to the server by it."""
    received, port = bytearray(), int(url.rpartition(":")[2])

    class Passing(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as server:
                back = threading.Thread(target=_pass_on, args=(server, self.request, None))
                back.start()
                _pass_on(self.request, server, received)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Passing) as passing:
        passing.daemon_threads = True
        thread = threading.Thread(target=passing.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{passing.server_address[1]}", received
        passing.shutdown()
        thread.join()


def _pass_on(source: socket.socket, target: socket.socket, kept: bytearray | None) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            if kept is not None:
                kept += data
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def opened(api: Api, account: str, **more: object) -> None:
    """An account of the tenant `acme`, on a test clock with a catalogue of its own unless `more` says
    otherwise: what others load changes nothing for it."""
    with api.client() as client:
        own = (
            {} if more.get("clock") == "wall" else {"catalog": msgspec.json.decode(CATALOG_FILE.read_bytes())}
        )
        body = {"account": account, **OPENED, **own, **more}
        made = client.post("/v1/accounts", json={n: v for n, v in body.items() if v is not None})
        assert made.status_code == 201, made.text


def form_with(page: Read, button: str) -> Form:
    """The first form of the page that has this button."""
    found = [form for form in page.forms if button in form.buttons]
    assert found, f"no form has a button {button!r}: {[form.buttons for form in page.forms]}"
    return found[0]


def with_plan(api: Api, account: str, **more: object) -> None:
    """An account that holds a plan since 20 March, on 5 April of its test clock."""
    opened(api, account, **more)
    with api.client() as client:
        at = f"/v1/accounts/{account}"
        client.post(
            f"{at}/purchase-plan", json={"product": "standard", "at": "2026-03-20"}
        ).raise_for_status()
        method = {"works": True, "at": "2026-04-05"}
        client.post(f"{at}/set-payment-method", json=method).raise_for_status()


def code_given(frame: str, code: str) -> Read:
    """What the payment element answers to a security code typed into its field."""
    with httpx.Client(timeout=30) as client:
        asks = Read(client.get(frame).text)
        answered = client.post(frame, data=asks.forms[0].fields | {"code": code})
    return Read(answered.text)


def pay(browser: Browser, page: Read, code: str = "123", status: int = 200) -> Read:
    """Type the code into the page's frame, tick the box, and press Pay Now."""
    [frame] = [src for src in page.frames if "/code?" in src]
    answered = code_given(frame, code)
    return browser.send(answered.forms[0], status, billing="yes")
