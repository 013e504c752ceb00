import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from batchjob import BatchJobs
from batchjob.web import uploads
from web.files_served import ANNA, BERT, app_of, client_of, done, left_in, opened, served

CSV = b"Product Handle;Product Title\r\nshirt;Shirt\r\n"
BOUNDARY = "----42"
FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs in memory, with files in the test's folder."""
    with opened(tmp_path) as found:
        yield found


@pytest.fixture
def client(jobs: BatchJobs) -> Iterator[httpx.Client]:
    """Anna's client of a server with a limit of 1,000 bytes."""
    with client_of(jobs, max_upload=1000) as found:
        yield found


def part(data: bytes, *, name: str = 'name="files"', filename: str = 'filename="a.csv"') -> bytes:
    """Return a part of a form."""
    given = "; ".join(["form-data", *filter(None, [name, filename])])
    return f"--{BOUNDARY}\r\nContent-Disposition: {given}\r\n\r\n".encode() + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    """Return a whole form."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def asked(
    app: Any, receive: Callable[[], Any], *, path: str = "/admin/uploads", **headers: str
) -> list[dict[str, Any]]:
    """Send *app* an upload of anna's as a server would, and return what it sends."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [
            (name.replace("_", "-").encode(), value.encode())
            for name, value in {**ANNA, **FORM, **headers}.items()
        ],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    await app(scope, receive, send)
    return sent


def receiving(*blocks: bytes, then: str = "end") -> Callable[[], Any]:
    """Return a ``receive`` that gives these blocks, and then ends, disconnects or hangs."""
    left = list(blocks)

    async def receive() -> dict[str, Any]:
        if left:
            more = len(left) > 1 or then != "end"
            return {"type": "http.request", "body": left.pop(0), "more_body": more}
        if then == "hang":
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    return receive


@pytest.mark.parametrize("path", ["/admin/uploads", "/admin/uploads/protected"])
def test_files_of_the_field_are_kept_and_found_at_their_url(
    client: httpx.Client, path: str
) -> None:
    """Each file of the field `files` is answered in order, with its key and an address."""
    files = [("files", ("a.csv", CSV)), ("files", ("b.csv", b"")), ("files", ("c", b"c" * 500))]
    answer = client.post(path, files=files)
    assert answer.status_code == 200
    found = answer.json()["uploads"]
    assert [set(each) for each in found] == [{"url", "key"}] * 3
    assert [each["key"].rsplit("/", 1)[1] for each in found] == ["a.csv", "b.csv", "c"]
    assert [client.get(each["url"]).content for each in found] == [CSV, b"", b"c" * 500]


def test_a_form_without_parts_keeps_nothing(client: httpx.Client) -> None:
    """No file is no error: there are no uploads."""
    answer = client.post("/admin/uploads", content=form(), headers=FORM)
    assert (answer.status_code, answer.json()) == (200, {"uploads": []})


def test_the_bytes_of_a_file_are_its_own(client: httpx.Client) -> None:
    """What looks like a boundary, in a file or cut by a packet, changes nothing."""
    data = b"\r\n--" + BOUNDARY.encode()[:-1] + b"\r\r\n-\r\n--\0\xff"
    url = client.post("/admin/uploads", content=form(part(data)), headers=FORM).json()["uploads"]
    assert client.get(url[0]["url"]).content == data


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (form(part(CSV, name='name="file"')), FORM, 400, "invalid_body"),
        (form(part(CSV), part(CSV, name='name="other"')), FORM, 400, "invalid_body"),
        (form(part(CSV), part(b"text", filename="")), FORM, 400, "invalid_body"),
        (form(part(CSV), part(CSV, filename='filename=""')), FORM, 400, "invalid_body"),
        (form(part(CSV), part(CSV, name="")), FORM, 400, "invalid_body"),
        (part(CSV), FORM, 400, "invalid_body"),
        (part(CSV) + part(CSV)[:-9], FORM, 400, "invalid_body"),
        (form(part(CSV)).replace(b"a.csv", b"\xff.csv"), FORM, 400, "invalid_body"),
        (form(part(CSV)).replace(b"\r", b""), FORM, 400, "invalid_body"),
        (b"", FORM, 400, "invalid_body"),
        (b"\0" * 900, FORM, 400, "invalid_body"),
        (form(part(CSV)), {"content-type": "multipart/form-data"}, 400, "invalid_body"),
        (b"{}", {"content-type": "application/json"}, 415, "media_type"),
        (b"files=a", {"content-type": "application/x-www-form-urlencoded"}, 415, "media_type"),
        (CSV, {}, 415, "media_type"),
        (form(*[part(b"")] * 101), FORM, 413, "body_too_large"),
    ],
)
def test_what_is_no_form_of_files_is_refused_whole(
    client: httpx.Client, tmp_path: Path, body: bytes, content_type: dict[str, str], status: int,
    code: str,
) -> None:  # fmt: skip
    """A request that is wrong anywhere leaves nothing behind, and says what is wrong."""
    answer = client.post("/admin/uploads", content=body, headers=content_type)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json().keys() == {"code", "type", "message", "errors"}
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    "filename",
    [b"a\x07.csv", b"a\x00.csv", "a\x85.csv".encode(), b"a%0D%0ASet-Cookie: b=c", b"%0A"],
)
def test_a12_a_control_character_in_a_filename_is_refused(
    client: httpx.Client, tmp_path: Path, filename: bytes
) -> None:
    """A12: CR, LF and their like in a filename are 400, escaped as browsers do or not."""
    body = form(part(CSV, filename='filename="@"')).replace(b"@", filename)
    answer = client.post("/admin/uploads", content=body, headers=FORM)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_body")
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("a%22;x=%22..\u202ecod.exe", "a-x-..-cod.exe"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("..%5C..%5Cboot.ini", None),
        ("C:\\Users\\anna\\prices.csv", "prices.csv"),
        ("x" * 5000 + ".csv", "x" * 96 + ".csv"),
        ("\U0001f455" * 5000, "file"),
        ("Übersicht März.csv", "bersicht-M-rz.csv"),
        ("..", "file"),
        (".tmp-1", "tmp-1"),
    ],
)  # fmt: skip
def test_a13_a_strange_filename_becomes_a_plain_one(
    client: httpx.Client, tmp_path: Path, filename: str, name: str | None
) -> None:
    """A13: whatever a file is called, it lies in the store, and is given back by a safe name."""
    body = form(part(CSV, filename=f'filename="{filename}"'))
    answer = client.post("/admin/uploads", content=body, headers=FORM)
    assert answer.status_code == 200, answer.text
    found = answer.json()["uploads"][0]
    assert [path.read_bytes() for path in left_in(tmp_path)] == [CSV]
    given = client.get(found["url"]).headers["content-disposition"]
    plain = given.split('"')[1]
    assert found["key"].endswith(f"/{plain}")
    assert given == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{plain}"
    assert name in (None, plain)


def test_a1_a_length_over_the_limit_is_refused_unread(jobs: BatchJobs) -> None:
    """A1: of a body that says it is too long nothing is read, and the connection is closed."""

    async def receive() -> None:
        pytest.fail("the body was read")

    sent = asyncio.run(asked(app_of(jobs), receive, content_length=str(1 << 30)))
    assert sent[0]["status"] == 413
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a1_a_body_is_read_up_to_the_limit(tmp_path: Path, jobs: BatchJobs) -> None:
    """A1: without a length the answer is 413 where the limit is passed; nothing is left."""
    data = [form(part(b"x" * 600), part(b"y" * 600)), *[b"z" * 100] * 100]
    receive = receiving(*data, then="hang")
    sent = asyncio.run(asked(app_of(jobs, max_upload=1000), receive))
    assert sent[0]["status"] == 413
    assert left_in(tmp_path) == []
    assert asyncio.run(receive())["body"] == b"z" * 100


def test_a_file_as_long_as_the_limit_is_kept(client: httpx.Client, tmp_path: Path) -> None:
    """The limit is on the bytes of the files of a request; one more is too much."""
    fits = client.post("/admin/uploads", files={"files": ("a", b"x" * 1000)})
    over = client.post("/admin/uploads", files={"files": ("a", b"x" * 1001)})
    assert (fits.status_code, over.status_code) == (200, 413)
    assert over.json()["code"] == "body_too_large"
    assert [path.stat().st_size for path in left_in(tmp_path)] == [1000]


def test_a_client_that_pours_on_still_reads_why(jobs: BatchJobs, tmp_path: Path) -> None:
    """Who sends far more than the limit is answered 413, with a length and without."""

    def pouring() -> Iterator[bytes]:
        yield part(b"")[:-2]
        for _ in range(300):
            yield b"x" * (1 << 18)

    with client_of(jobs, max_upload=1 << 20) as client:
        chunked = client.post("/admin/uploads", content=pouring(), headers=FORM)
        whole = client.post("/admin/uploads", files={"files": ("a", b"x" * (64 << 20))})
    assert (chunked.status_code, whole.status_code) == (413, 413)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("blocks", [[], [part(CSV)[:80]], [part(CSV), part(b"y" * 300_000)[:-9]]])
def test_a_client_that_goes_away_leaves_nothing(
    jobs: BatchJobs, tmp_path: Path, blocks: list[bytes]
) -> None:
    """A closed laptop in the middle of an upload leaves no file, not even those before it."""
    asyncio.run(asked(app_of(jobs), receiving(*blocks, then="disconnect")))
    assert left_in(tmp_path) == []


def test_a_request_that_is_given_up_by_the_server_leaves_nothing(
    jobs: BatchJobs, tmp_path: Path
) -> None:
    """A server that stops while files come in leaves none of them."""

    async def stopped() -> None:
        blocks = [part(CSV), part(b"y" * 300_000)[:-9]]
        asking = asyncio.create_task(asked(app_of(jobs), receiving(*blocks, then="hang")))
        await asyncio.to_thread(_until, lambda: len(left_in(tmp_path)) == 2)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(stopped())
    assert left_in(tmp_path) == []


def test_a_vanished_connection_leaves_nothing(jobs: BatchJobs, tmp_path: Path) -> None:
    """A connection that is cut in the middle of a file leaves nothing of it."""
    with served(app_of(jobs)) as url:
        with _half_sent(url, part(b"x" * 300_000)[:-9]):
            _until(lambda: len(left_in(tmp_path)) == 1)
        _until(lambda: left_in(tmp_path) == [])


def test_a24_a_slow_body_is_given_up(
    jobs: BatchJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A24: a client that is silent, or drips on and on, is answered 408; nothing is left."""
    monkeypatch.setattr(uploads, "_SILENCE", 0.2)

    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.05)

    dripping = drip()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": await anext(dripping), "more_body": True}

    async def both() -> list[int]:
        silent = await asked(app_of(jobs), receiving(part(CSV)[:-9], then="hang"))
        slow = await asked(app_of(jobs), receive)
        return [silent[0]["status"], slow[0]["status"]]

    assert asyncio.run(both()) == [408, 408]
    assert left_in(tmp_path) == []


def test_a24_slow_uploads_hold_no_threads(jobs: BatchJobs, tmp_path: Path) -> None:
    """A24: forty uploads that are stuck in the middle keep nobody else waiting."""
    with served(app_of(jobs)) as url:
        stuck = [_half_sent(url, part(b"x" * 300_000)[:-9]) for _ in range(40)]
        _until(lambda: len(left_in(tmp_path)) == 40)
        before = time.monotonic()
        answer = httpx.post(f"{url}/admin/uploads", headers=ANNA, files={"files": ("a", CSV)})
        assert answer.status_code == 200
        assert time.monotonic() - before < 5
        for each in stuck:
            each.close()
        _until(lambda: len(left_in(tmp_path)) == 1)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the memory")
def test_a_huge_upload_is_not_held_in_memory(tmp_path: Path) -> None:
    """An upload of 300 MB keeps the server below 100 MB above what it needs when it is idle."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "web.upload_server", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, env=environment
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        url = child.stdout.readline().strip()
        try:
            httpx.post(f"{url}/admin/uploads", headers=ANNA, files={"files": ("a", CSV)})
            idle = _memory(child.pid, "VmRSS")
            answer = httpx.post(
                f"{url}/admin/uploads", headers={**ANNA, **FORM}, content=_huge(), timeout=120
            )
            peak = _memory(child.pid, "VmHWM")
        finally:
            child.stdin.close()
    assert answer.status_code == 200
    assert max(path.stat().st_size for path in left_in(tmp_path)) == 300_000_000
    assert peak - idle < 100_000, f"{idle} kB idle, {peak} kB at the most"


def test_the_owner_can_delete_an_upload(client: httpx.Client, tmp_path: Path) -> None:
    """A deleted upload is gone, its address too; deleting it again is 404."""
    found = client.post("/admin/uploads", files={"files": ("a", CSV)}).json()["uploads"][0]
    answer = client.request("DELETE", "/admin/uploads", json={"file_key": found["key"]})
    assert answer.status_code == 200
    assert answer.json() == {"id": found["key"], "object": "file", "deleted": True}
    assert left_in(tmp_path) == []
    assert client.get(found["url"]).status_code == 404
    again = client.request("DELETE", "/admin/uploads", json={"file_key": found["key"]})
    assert (again.status_code, again.json()["code"]) == (404, "unknown_file")


def test_the_result_of_a_job_is_no_upload(client: httpx.Client, jobs: BatchJobs) -> None:
    """The file of a job cannot be deleted under it; its creator can have a link to it."""
    job = done(jobs)
    assert job.result is not None
    body = {"file_key": job.result.file_key}
    answer = client.request("DELETE", "/admin/uploads", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "file_in_use")
    url = client.post("/admin/uploads/download-url", json=body).json()["download_url"]
    assert client.get(url).text.startswith("line 0")


ASK = [("DELETE", "/admin/uploads"), ("POST", "/admin/uploads/download-url")]


@pytest.mark.parametrize(("method", "path"), ASK)
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "field_required"),
        ({"file_key": 7}, 400, "invalid_value"),
        ({"file_key": "a", "b": 1}, 400, "field_unknown"),
        ([], 400, "invalid_value"),
        ({"file_key": "uploads/01HKB2QW7Z/none.csv"}, 404, "unknown_file"),
        ({"file_key": "../../etc/passwd"}, 400, "file_key"),
        ({"file_key": "/etc/passwd"}, 400, "file_key"),
        ({"file_key": "..\\boot.ini"}, 400, "file_key"),
        ({"file_key": "%2e%2e/passwd"}, 400, "file_key"),
        ({"file_key": "a\0b"}, 400, "json_text"),
        ({"file_key": "/".join("a" * 300)}, 400, "file_key"),
        ({"file_key": "a//b"}, 400, "file_key"),
        ({"file_key": ""}, 400, "file_key"),
    ],
)
def test_a9_only_the_key_of_a_file_is_taken(
    client: httpx.Client, method: str, path: str, body: Any, status: int, code: str
) -> None:
    """A9: a key that leads elsewhere is 400 `file_key`, and one that names nothing is 404."""
    answer = client.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(("method", "path"), ASK)
def test_a8_a10_a_file_is_its_owners_alone(
    client: httpx.Client, jobs: BatchJobs, method: str, path: str
) -> None:
    """A8, A10: the key of somebody else's file is answered as one that was never given."""
    key = client.post("/admin/uploads", files={"files": ("a", CSV)}).json()["uploads"][0]["key"]
    result = done(jobs).result
    assert result is not None
    for theirs in (key, result.file_key):
        answer = client.request(method, path, json={"file_key": theirs}, headers=BERT)
        never = client.request(method, path, json={"file_key": "uploads/0/a"}, headers=BERT)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_file")
        assert answer.text.replace(str(theirs), "uploads/0/a") == never.text
    assert jobs.file(key).owner == "usr_anna"


@pytest.mark.parametrize(
    ("origin", "cookie", "status"),
    [
        ("https://evil.example", "session=1", 403),
        ("null", "session=1", 403),
        ("https://evil.example", None, 200),
        (None, "session=1", 200),
        ("https://shop.example", "session=1", 200),
        ("https://admin.example", "session=1", 200),
    ],
)
def test_a27_a_foreign_page_cannot_use_the_callers_cookies(
    jobs: BatchJobs, origin: str | None, cookie: str | None, status: int
) -> None:
    """A27: a form needs no leave to be sent, so one of another site's, with cookies, is 403."""
    given = {"origin": origin, "cookie": cookie}
    headers = {name: value for name, value in given.items() if value is not None}
    app = app_of(
        jobs, public_url="https://shop.example/api", cors_origins=("https://admin.example",)
    )
    sent = asyncio.run(asked(app, receiving(form(part(CSV))), **headers))
    assert sent[0]["status"] == status


def test_links_begin_with_the_public_url(jobs: BatchJobs) -> None:
    """Where clients find the app elsewhere than it is served, links say so."""
    with client_of(jobs, public_url="https://shop.example/api/") as client:
        answer = client.post("/admin/uploads", files={"files": ("a", CSV)})
    assert answer.json()["uploads"][0]["url"].startswith("https://shop.example/api/files/")


def _half_sent(url: str, data: bytes) -> socket.socket:
    """Return a connection on which an upload of a megabyte has begun with *data*."""
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname, address.port))
    head = f"POST /admin/uploads HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 1000000\r\n"
    fields = "".join(f"{name}: {value}\r\n" for name, value in {**ANNA, **FORM}.items())
    connection.sendall(f"{head}{fields}\r\n".encode() + data)
    return connection


def _until(true: Callable[[], bool]) -> None:
    """Wait until something is so, 20 seconds at most."""
    pause, deadline = threading.Event(), time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        pause.wait(0.01)


def _huge() -> Iterator[bytes]:
    block = sha256(b"some").digest() * 3125  # 100,000 bytes
    yield part(b"")[:-2]
    for _ in range(3000):
        yield block
    yield b"\r\n" + form()


def _memory(pid: int, name: str) -> int:
    """Return what the system says of a process's memory, in kB."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
