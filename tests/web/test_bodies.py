"""Bodies by HTTP: what is no JSON, too much of it, or not called so."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchjob import BatchJobs
from batchjob.web import WebSettings, create_app
from batchjob.web.serving import AppServer, bind
from web.served import ADA, PATH, Client, lines, problem, serving, who

JSON = {"content-type": "application/json"}


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs in memory."""
    with BatchJobs.open("memory:", files=str(tmp_path), plugins=lines()) as opened:
        yield opened


@pytest.fixture
def client(jobs: BatchJobs) -> Iterator[Client]:
    """Ada's client, of an app that takes bodies of a megabyte."""
    with serving(jobs) as served:
        yield served


def _sent(client: Client, body: bytes | str) -> dict[str, Any]:
    given = body.encode() if isinstance(body, str) else body
    return problem(client.post(PATH, content=given, headers=JSON), 400)


def _in_context(value: str) -> str:
    return f'{{"type": "lines", "context": {{"word": {value}}}}}'


def test_a1_a_body_that_says_it_is_too_large_is_not_read(client: Client) -> None:
    """A body of a gigabyte is refused by its length, and the connection is closed: 413."""
    answer = client.post(PATH, content=b"{}", headers={**JSON, "content-length": str(1 << 30)})
    assert problem(answer, 413)["code"] == "body_too_large"
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("path", [PATH, f"{PATH}/batch_01M83VDZG0WXK04EJ41RJVJHWV/confirm"])
def test_a1_a_body_without_length_is_read_to_the_limit(client: Client, path: str) -> None:
    """A body that comes in blocks is refused where it passes the limit: 413."""
    blocks = (b" " * (1 << 16) for _ in range(1 << 10))
    answer = client.post(path, content=blocks, headers=JSON)
    assert problem(answer, 413)["code"] == "body_too_large"
    assert answer.headers["connection"] == "close"


def test_a1_a_server_closes_the_connection(jobs: BatchJobs) -> None:
    """A real server answers by the head of a request alone, and hangs up."""
    listener = bind("127.0.0.1", 0)
    server = AppServer(create_app(jobs, authenticator=who), listener)
    server.start()
    try:
        with socket.create_connection(listener.getsockname(), timeout=20) as connection:
            head = [f"POST {PATH} HTTP/1.1", "Host: here", f"X-User: {ADA}"]
            head += ["Content-Type: application/json", f"Content-Length: {1 << 30}", "", ""]
            connection.sendall("\r\n".join(head).encode())
            answered = b""
            while block := connection.recv(1 << 16):
                answered += block
    finally:
        server.stop()
        server.join()
    assert answered.startswith(b"HTTP/1.1 413 ")
    assert b'"code": "body_too_large"' in answered


@pytest.mark.parametrize(
    "body", ["[" * 100_000 + "]" * 100_000, "[" * 33 + "]" * 33, '{"a":' * 64 + "1" + "}" * 64]
)
def test_a2_what_is_nested_too_deep_is_refused(client: Client, body: str) -> None:
    """32 levels are enough: 400."""
    assert _sent(client, body)["code"] == "json_depth"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "1" * 5000])
def test_a3_what_is_no_number_is_refused(client: Client, number: str) -> None:
    """NaN, infinities and numbers without end are refused: 400."""
    assert _sent(client, _in_context(number))["code"] == "json_number"


def test_a4_equal_keys_are_refused(client: Client) -> None:
    """A key that stands twice in an object is refused: 400."""
    body = '{"type": "lines", "type": "other", "context": {}}'
    assert _sent(client, body)["code"] == "json_duplicate_key"
    assert _sent(client, _in_context('{"a": 1, "a": 1}'))["code"] == "json_duplicate_key"


@pytest.mark.parametrize(
    "body",
    [
        _in_context(r'"\ud800"'),
        _in_context(r'"\u0000"'),
        _in_context(r'{"\u0000": 1}'),
        _in_context(r'{"\udc00": 1}'),
        _in_context('"\xff"').encode("latin-1"),
        b"\xef\xbb\xbf{}",
        '{"type": "lines", "context": {}}'.encode("utf-16"),
    ],
)
def test_a5_what_is_no_text_is_refused(client: Client, body: bytes | str) -> None:
    """NUL, half characters, bytes that are no UTF-8, and a BOM are refused: 400."""
    assert _sent(client, body)["code"] == "json_text"


@pytest.mark.parametrize("body", ['{"type": "lines",}', "{", "hello", "{'a': 1}", "{} {}"])
def test_what_is_no_json_is_refused_with_its_place(client: Client, body: str) -> None:
    """A trailing comma, say, is refused, and the message says where: 400."""
    found = _sent(client, body)
    assert found["code"] == "json_syntax"
    assert "line 1, column" in found["message"]


@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-16", "",
        "multipart/form-data; boundary=x", "application/jsonp", "application/json, text/plain",
    ],
)  # fmt: skip
def test_a6_only_json_is_read(client: Client, kind: str) -> None:
    """A body of another content type, or of none, is refused: 415."""
    raw = [(b"x-user", ADA.encode()), *([(b"content-type", kind.encode())] if kind else [])]
    answer = client.post(PATH, content=b'{"type": "lines", "context": {}}', headers=raw)
    assert problem(answer, 415)["code"] == "media_type"


def test_a6_compressed_bodies_are_not_read(client: Client) -> None:
    """A body with a content encoding is refused: 415."""
    answer = client.post(PATH, content=b"{}", headers={**JSON, "content-encoding": "gzip"})
    assert problem(answer, 415)["code"] == "media_type"


@pytest.mark.parametrize(
    "kind", ["application/json; charset=UTF-8", 'Application/JSON;charset="utf-8"']
)
def test_json_may_say_its_charset(client: Client, kind: str) -> None:
    """UTF-8 may be named."""
    body = b'{"type": "lines", "context": {"word": "\xc3\xa4"}}'
    answer = client.post(PATH, content=body, headers={"content-type": kind})
    assert answer.json()["batch_job"]["context"] == {"word": "ä"}


def test_an_empty_body_is_an_empty_object(client: Client) -> None:
    """Without a body what is missing is named, as Medusa does: 400."""
    found = problem(client.post(PATH), 400)
    assert found["message"] == "type must be a string, context must be an object"


def test_many_equal_keys_cost_little(client: Client) -> None:
    """An object with very many keys, the last one twice, is refused at once."""
    body = "{" + ",".join(f'"{n}":1' for n in [*range(60_000), 59_999]) + "}"
    assert _sent(client, body)["code"] == "json_duplicate_key"


def test_few_of_many_errors_are_said(client: Client) -> None:
    """An answer names a hundred places at most."""
    body = "{" + ",".join(f'"{n}":1' for n in range(5000)) + "}"
    found = _sent(client, body)
    assert len(found["errors"]) == 100


def test_a_limit_can_be_set(jobs: BatchJobs) -> None:
    """The limit of bodies is a setting."""
    with serving(jobs, settings=WebSettings(max_body=10)) as client:
        assert problem(client.post(PATH, json={"type": "lines"}), 413)["code"] == "body_too_large"
