import os
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import httpx
import pytest

from batchjob import BatchJobs, Chunk, Part, Refused, Run
from batchjob.testing import HandClock
from batchjob.web import downloads
from batchjob.web.downloads import disposition
from support import Lines, LinesContext, Offering
from web.files_served import ANNA, BERT, app_of, client_of, done, left_in, opened, served

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is open")
THREE = b"line 0\nline 1\nline 2\n"


class Pages(Lines):
    """Lines in a file that is called as if it were a page."""

    batch_type: ClassVar[str] = "pages"

    def finish(self, run: Run[LinesContext], parts: Iterable[Part]) -> None:
        """Join the lines."""
        with run.output(f"{run.context.word}") as file:
            run.join(parts, file)


class RefusedLines(Lines):
    """Lines that nobody may have."""

    batch_type: ClassVar[str] = "refused"

    def plan(self, run: Run[LinesContext]) -> Iterable[Chunk]:
        """Refuse."""
        raise Refused("no lines today")


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs in memory, with files in the test's folder."""
    with opened(tmp_path, Pages(), RefusedLines()) as found:
        yield found


@pytest.fixture
def client(jobs: BatchJobs) -> Iterator[httpx.Client]:
    """Anna's client."""
    with client_of(jobs) as found:
        yield found


def result_of(job_id: str) -> str:
    """Return where the file of a job is."""
    return f"/admin/batch-jobs/{job_id}/result"


def linked(client: httpx.Client, data: bytes, name: str = "a.csv") -> str:
    """Upload a file, and return its address."""
    answer = client.post("/admin/uploads", files={"files": (name, data)})
    return str(answer.json()["uploads"][0]["url"])


def test_the_file_of_a_completed_job_is_given(client: httpx.Client, jobs: BatchJobs) -> None:
    """The result of a job is its file, whole, with its length and a name to save it by."""
    answer = client.get(result_of(done(jobs).id))
    assert (answer.status_code, answer.content) == (200, THREE)
    assert answer.headers["content-length"] == str(len(THREE))
    assert answer.headers["content-disposition"].startswith('attachment; filename="lines.txt"')


def test_head_tells_of_the_file_without_it(client: httpx.Client, jobs: BatchJobs) -> None:
    """HEAD is answered as GET is, without the body."""
    answer = client.head(result_of(done(jobs).id))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(THREE))


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("page.html", "application/octet-stream"),
        ("image.svg", "application/octet-stream"),
        ("lines.csv", "text/csv"),
        ("script.csv.js", "application/octet-stream"),
        ("none", "application/octet-stream"),
    ],
)
def test_a14_no_browser_takes_a_file_for_a_page(
    client: httpx.Client, jobs: BatchJobs, name: str, content_type: str
) -> None:
    """A14: HTML and SVG too are something to save: no type of their own, no scripts, no cache."""
    job = jobs.work(jobs.create("pages", {"word": name}, actor="usr_anna").id)
    upload = linked(client, b"<script>alert(1)</script>", name)
    for answer in (client.get(result_of(job.id)), client.get(upload)):
        assert answer.headers["content-type"] == content_type
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"].startswith("attachment; ")
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("prices.csv", "attachment; filename=\"prices.csv\"; filename*=UTF-8''prices.csv"),
        (
            'a";x="..\u202ecod.exe',
            "attachment; filename=\"a--x--..cod.exe\"; filename*=UTF-8''a-%3Bx%3D-..cod.exe",
        ),
        ("März.csv", "attachment; filename=\"M-rz.csv\"; filename*=UTF-8''M%C3%A4rz.csv"),
        ("a\r\nSet-Cookie: b", "attachment; filename=\"aSet-Cookie-b\"; filename*=UTF-8''aSet-"),
        ("../../etc/passwd", "attachment; filename=\"etc-passwd\"; filename*=UTF-8''..-..-etc-"),
        ("", "attachment; filename=\"file\"; filename*=UTF-8''"),
        ("日本", "attachment; filename=\"file\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC"),
    ],
)
def test_a13_a_name_is_quoted_safely(name: str, header: str) -> None:
    """A13: the header has a plain name and the exact one; what could break it is left out."""
    found = disposition(name)
    assert found.startswith(header)
    assert found.isascii()
    assert found.isprintable()


def test_a13_a_long_name_is_cut() -> None:
    """A13: of 5,000 characters the last 100 are kept, with the ending."""
    found = disposition("x" * 5000 + ".csv")
    assert found.startswith(f'attachment; filename="{"x" * 96}.csv"; ')
    assert len(found) < 1000


@pytest.mark.parametrize("actor", ["usr_bert", None])
def test_a8_the_file_of_somebody_elses_job_is_unknown(
    client: httpx.Client, jobs: BatchJobs, actor: str | None
) -> None:
    """A8: somebody else's job has no address; the answer is that for a job that is not there."""
    theirs = jobs.work(jobs.create("lines", {}, actor=actor).id).id
    never = theirs[:-1] + ("0" if theirs[-1] != "0" else "1")
    found = client.get(result_of(theirs))
    assert (found.status_code, found.json()["code"]) == (404, "unknown_job")
    assert found.text.replace(theirs, never) == client.get(result_of(never)).text


def test_a8_a_link_is_good_for_its_user_alone(client: httpx.Client) -> None:
    """A8: a link that is bound to anna is 403 `link_invalid` for bert, and 401 for a stranger."""
    url = linked(client, b"secret")
    answer = client.get(url, headers=BERT)
    assert (answer.status_code, answer.json()["code"]) == (403, "link_invalid")
    assert client.get(url, headers={"x-user": ""}).status_code == 401
    assert client.get(url).content == b"secret"


def test_a_link_expires(tmp_path: Path) -> None:
    """After the time that the settings say a link opens nothing any more."""
    clock = HandClock()
    plugins = {"here": Offering(Lines())}
    with (
        BatchJobs.open("memory:", files=str(tmp_path), plugins=plugins, clock=clock) as jobs,
        client_of(jobs, link_seconds=60) as client,
    ):
        url = linked(client, b"for a minute")
        clock.move(59)
        assert client.get(url).status_code == 200
        clock.move(1)
        assert client.get(url).json()["code"] == "link_invalid"


def test_a_link_that_was_not_signed_here_is_refused(client: httpx.Client) -> None:
    """A link that is changed, cut or made up is 403, whatever it would name."""
    url = linked(client, b"data")
    for wrong in (url[:-1], url + "A", url.rpartition(".")[0], url.rpartition("/")[0] + "/x.y"):
        answer = client.get(wrong)
        assert (answer.status_code, answer.json()["code"]) == (403, "link_invalid")


@pytest.mark.parametrize("until", ["created", "canceled", "failed"])
def test_a_job_without_a_file_has_no_result(
    client: httpx.Client, jobs: BatchJobs, until: str
) -> None:
    """A job that has not completed, or never will, is 404 `no_result` and says its status."""
    job = jobs.create("refused" if until == "failed" else "lines", {}, actor="usr_anna")
    if until == "canceled":
        jobs.cancel(job.id)
    if until == "failed":
        jobs.work(job.id)
    answer = client.get(result_of(job.id))
    assert (answer.status_code, answer.json()["code"]) == (404, "no_result")
    assert until in answer.json()["message"]


@pytest.mark.parametrize("job_id", ["batch_x", "'; drop", "batch_" + "8" * 26, "..%2f..", "%00"])
def test_what_is_no_job_has_no_result(client: httpx.Client, job_id: str) -> None:
    """An id that no job can have is 404."""
    assert client.get(result_of(job_id)).status_code == 404


def test_f37_a_file_that_is_gone_or_another_one_is_not_given(
    client: httpx.Client, jobs: BatchJobs, tmp_path: Path
) -> None:
    """A file that was deleted, replaced or cut under the job is 404, never a wrong file."""
    url = result_of(done(jobs).id)
    (path,) = (path for path in left_in(tmp_path) if path.name == "lines.txt")
    path.write_bytes(THREE + b"more")
    assert client.get(url).json()["code"] == "unknown_file"
    path.write_bytes(b"")
    assert client.get(url).json()["code"] == "unknown_file"
    path.unlink()
    assert client.get(url).status_code == 404


def test_a9_a_link_in_the_folder_is_not_followed(
    client: httpx.Client, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A9: where a file was replaced by a symbolic link, it is not there."""
    url = linked(client, b"mine!")
    other = tmp_path_factory.mktemp("other") / "secret"
    other.write_bytes(b"yours")
    (path,) = left_in(tmp_path)
    path.unlink()
    path.symlink_to(other)
    assert client.get(url).json()["code"] == "unknown_file"


def test_f37_a_purge_while_a_file_is_sent(client: httpx.Client, jobs: BatchJobs) -> None:
    """F37: who has begun gets the whole file; who asks later is told that it is not there."""
    job = done(jobs, lines=300_000, page=300_000)
    with client.stream("GET", result_of(job.id)) as answer:
        blocks = answer.iter_bytes(1000)
        next(blocks)
        assert jobs.purge(older_than=timedelta(0)) == 1
        assert 1000 + sum(map(len, blocks)) == int(answer.headers["content-length"])
    assert client.get(result_of(job.id)).status_code == 404


@pytest.mark.parametrize(
    ("given", "status", "content"),
    [
        ("bytes=0-3", 206, b"line"),
        ("bytes=14-", 206, b"line 2\n"),
        ("bytes=-7", 206, b"line 2\n"),
        ("bytes=14-99", 206, b"line 2\n"),
        ("bytes=0-99", 200, THREE),
        ("bytes=-99", 200, THREE),
        ("bytes=3-1", 200, THREE),
        ("bytes=-", 200, THREE),
        ("bytes=0-1,3-4", 200, THREE),
        ("lines=0-1", 200, THREE),
        ("bytes=99-", 416, None),
        ("bytes=21-", 416, None),
        ("bytes=-0", 416, None),
    ],
)
def test_a_range_is_given_where_one_is_asked_for(
    client: httpx.Client, jobs: BatchJobs, given: str, status: int, content: bytes | None
) -> None:
    """A download can be taken up again: one range of bytes is given, or the whole file."""
    url = result_of(done(jobs).id)
    answer = client.get(url, headers={"range": given})
    assert answer.status_code == status
    if content is None:
        assert answer.headers["content-range"] == "bytes */21"
        assert answer.json()["code"] == "range_unsatisfiable"
    else:
        assert answer.content == content
    if status == 206:
        assert answer.headers["content-range"].endswith("/21")


def test_a_range_of_another_file_is_the_whole_of_this_one(
    client: httpx.Client, jobs: BatchJobs
) -> None:
    """With `If-Range` the range is given of the very file that was begun, by its checksum."""
    first, second = result_of(done(jobs).id), result_of(done(jobs, word="word").id)
    etag = client.get(first).headers["etag"]
    headers = {"range": "bytes=0-3", "if-range": etag}
    assert client.get(first, headers=headers).content == b"line"
    assert client.get(second, headers=headers).status_code == 200


@needs_proc
def test_a_client_that_takes_nothing_is_dropped(
    jobs: BatchJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that asks for a long file and never reads has its file closed after a time."""
    monkeypatch.setattr(downloads, "_PATIENCE", 0.2)
    path = result_of(done(jobs, lines=1, word="x" * (64 << 20)).id)
    with served(app_of(jobs)) as url:
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port)) as connection:
            head = f"GET {path} HTTP/1.1\r\nHost: a\r\nX-User: usr_anna\r\n\r\n"
            connection.sendall(head.encode())
            _until_open(tmp_path, 1)
            _until_open(tmp_path, 0)


@needs_proc
def test_a_client_that_goes_away_has_its_file_closed(jobs: BatchJobs, tmp_path: Path) -> None:
    """Nothing is read on for a client that is gone."""
    path = result_of(done(jobs, lines=1, word="x" * (64 << 20)).id)
    with served(app_of(jobs)) as url:
        with httpx.stream("GET", f"{url}{path}", headers=ANNA) as answer:
            blocks = answer.iter_bytes(1000)  # which closes all when it goes
            next(blocks)
            _until_open(tmp_path, 1)
        _until_open(tmp_path, 0)


def _until_open(folder: Path, count: int) -> None:
    """Wait until so many files of *folder* are open in this process."""
    pause = threading.Event()
    for _ in range(2000):
        found = [os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()]
        if sum(name.startswith(str(folder)) for name in found) == count:
            return
        pause.wait(0.01)
    pytest.fail(f"not {count} files are open")
