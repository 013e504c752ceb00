"""Lists by HTTP: filtered, ordered, paged, and every wrong parameter said at once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from batchjob import BatchJobs
from batchjob.testing import HandClock
from support import NOON
from web.served import ADA, BOB, PATH, SECRET, Client, as_user, lines, problem, serving


@pytest.fixture(params=["memory:", "sqlite"])
def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs, a minute apart: of Ada five (one done, one planned, one canceled), of Bob one."""
    store = request.param if request.param == "memory:" else f"sqlite:///{tmp_path}/batchjob.db"
    clock = HandClock()
    with BatchJobs.open(store, files=str(tmp_path), plugins=lines(), clock=clock) as opened:
        for n in range(5):
            clock.time = NOON + timedelta(minutes=n)
            opened.create("lines", {"lines": n}, dry_run=n == 1, actor=ADA)
        opened.create("lines", actor=BOB)
        clock.move(60)
        done, planned, canceled, *_ = reversed(opened.list(actor=ADA).jobs)
        opened.work(done.id)
        opened.work(planned.id)
        opened.cancel(canceled.id)
        yield opened


@pytest.fixture
def client(jobs: BatchJobs) -> Iterator[Client]:
    """Ada's client."""
    with serving(jobs) as served:
        yield served


def _listed(client: Client, query: str) -> list[int]:
    """Return the numbers of the jobs that a query finds, in order."""
    answer = client.get(f"{PATH}?{query}")
    assert answer.status_code == 200, answer.text
    return [job["context"]["lines"] for job in answer.json()["batch_jobs"]]


def test_a_list_has_the_callers_jobs_newest_first(client: Client) -> None:
    """It has the keys of Medusa's, ten jobs at most, and nobody else's."""
    found = client.get(PATH).json()
    assert list(found) == ["batch_jobs", "count", "offset", "limit"]
    assert (found["count"], found["offset"], found["limit"]) == (5, 0, 10)
    assert _listed(client, "") == [4, 3, 2, 1, 0]
    assert client.get(PATH, headers=as_user(BOB)).json()["count"] == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("type[]=lines", [4, 3, 2, 1, 0]),
        ("type[]=other", []),
        ("type[0]=other&type[1]=lines", [4, 3, 2, 1, 0]),
        ("type=other&type=lines", [4, 3, 2, 1, 0]),
        ("type%5B%5D=other,lines", [4, 3, 2, 1, 0]),
        ("status[]=completed&status[]=canceled", [2, 0]),
        ("status[]=completed,canceled", [2, 0]),
        ("id[]=batch_nope", []),
        ("order=created_at", [0, 1, 2, 3, 4]),
        ("order=-created_at&limit=2&offset=1", [3, 2]),
        ("order=-updated_at&limit=1", [2]),
        ("offset=99", []),
        ("created_at[gt]=2024-01-01T12:03:00.000Z", [4]),
        ("created_at[gte]=2024-01-01T12:03:00Z&created_at[lt]=2024-01-01T12:04:00Z", [3]),
        ("created_at[lte]=2024-01-01T14:01:00%2B02:00", [1, 0]),
        ("created_at[lte]=2024-01-01T14:01:00+02:00", [1, 0]),
        ("created_at[gt]=2024-01-01", [4, 3, 2, 1, 0]),
        ("created_at[lt]=1704110460", [0]),
        ("created_at[gt]=0001-01-01T00:00:00%2B23:59", [4, 3, 2, 1, 0]),
        ("completed_at=null", [4, 3, 2, 1]),
        ("completed_at[gt]=2020-01-01", [0]),
        ("confirmed_at=null", [4, 3, 2, 1]),
        ("pre_processed_at[lt]=2030-01-01&canceled_at=null", [1, 0]),
        ("processing_at[gt]=2020-01-01", [0]),
        ("failed_at[gt]=2020-01-01", []),
        ("updated_at=null", []),
        ("expand=", [4, 3, 2, 1, 0]),
    ],
)
def test_filters_filter(client: Client, query: str, found: list[int]) -> None:
    """Each parameter does what Medusa's does, and status what one would think."""
    assert _listed(client, query) == found


def test_ids_filter(client: Client, jobs: BatchJobs) -> None:
    """Ids are found among the caller's, given as an array in any of its forms."""
    ids = [job.id for job in jobs.list(order="created_at").jobs]
    assert _listed(client, f"id[]={ids[1]}&id[]={ids[3]}") == [3, 1]
    assert _listed(client, f"id[5]={ids[1]}&id[0]=nope") == [1]
    assert _listed(client, f"id[]={ids[1]},{ids[3]}") == [3, 1]
    assert client.get(PATH, params={"id[]": ids[0]}, headers=as_user(BOB)).json()["count"] == 0


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("fields=id,type", {"id", "created_at", "type"}),
        ("fields=", {"id", "created_at"}),
        ("fields=status", {"id", "created_at", "status"}),
        ("fields=-context,-result,-id&limit=1", None),
        ("fields=%2Bdry_run", None),
        ("fields=+dry_run", None),
        ("fields=id,*created_by_user", {"id", "created_at", "created_by_user"}),
        ("fields=id&expand=created_by_user", {"id", "created_at", "created_by_user"}),
    ],
)
def test_fields_choose_keys(client: Client, query: str, keys: set[str] | None) -> None:
    """Plain names are shown alone, with id and created_at; signs add to all keys or take away."""
    shown = set(client.get(f"{PATH}?{query}").json()["batch_jobs"][0])
    if keys is not None:
        assert shown == keys
    elif "-context" in query:
        assert len(shown) == 14
        assert "id" in shown
    else:
        assert len(shown) == 16


def test_the_creator_is_shown_if_asked_for(client: Client) -> None:
    """created_by_user has the page's keys, and no token."""
    user = client.get(f"{PATH}?expand=created_by_user").json()["batch_jobs"][0]["created_by_user"]
    assert set(user) == {
        "id", "email", "first_name", "last_name", "api_token", "created_at", "updated_at",
        "deleted_at", "role", "metadata",
    }  # fmt: skip
    assert (user["id"], user["email"], user["api_token"]) == (ADA, f"{ADA}@example.org", None)


def test_a_list_is_walked_by_cursor(client: Client) -> None:
    """A page asked for by cursor has the next cursor, the last page null; nothing is left out."""
    seen, cursor = [], ""
    while cursor is not None:
        found = client.get(f"{PATH}?limit=2&order=created_at&cursor={cursor}").json()
        seen += [job["context"]["lines"] for job in found["batch_jobs"]]
        assert found["count"] == 5
        cursor = found["next_cursor"]
    assert seen == [0, 1, 2, 3, 4]


def test_a_list_is_walked_by_links(client: Client) -> None:
    """Where there is another page, the header Link has its address, with the same filters."""
    url, seen = f"{PATH}?limit=1&status[]=created&type[]=lines", []
    while url:
        answer = client.get(url)
        seen += [job["context"]["lines"] for job in answer.json()["batch_jobs"]]
        url = answer.links.get("next", {}).get("url", "")
    assert seen == [4, 3]


def test_a17_a_cursor_is_signed(client: Client) -> None:
    """A cursor that was changed, is somebody else's or of another order is refused: 400."""
    cursor = client.get(f"{PATH}?limit=2&cursor=").json()["next_cursor"]
    wrong = [cursor[:-2] + "AA", "x" + cursor, "äöü", "A" * 5000, "x"]
    queries = [f"cursor={each}" for each in wrong] + [f"cursor={cursor}&order=updated_at"]
    for query in [*queries, f"cursor={cursor}&offset=3"]:
        assert problem(client.get(f"{PATH}?{query}"), 400)["code"] == "query_cursor"
    bobs = client.get(f"{PATH}?cursor={cursor}", headers=as_user(BOB))
    assert problem(bobs, 400)["code"] == "query_cursor"
    assert SECRET.decode() not in cursor


@pytest.mark.parametrize(
    "query",
    [
        "limit=1000000000", "limit=-1", "limit=1e3", "limit=\uff11\uff10", "limit=0", "limit=",
        "limit=abc",
        "limit=+5", "limit=10.0", "limit=101", "offset=-5", "offset=1000000000000", "offset=x",
        "offset=10001", "limit=0x10", "limit=1_0",
    ],
)  # fmt: skip
def test_a17_numbers_are_small_and_plain(client: Client, query: str) -> None:
    """A limit is 1 to 100, an offset to 10,000, both in ASCII digits: 400."""
    found = problem(client.get(f"{PATH}?{query}"), 400)
    assert found["code"] == "query_range"
    assert found["errors"][0]["parameter"] == query.partition("=")[0]


@pytest.mark.parametrize(
    "query",
    [
        "order=created_at;drop", "order=password", "order=-", "order=created_at,id",
        "fields=__class__", "fields=id,nope", "fields=*x", "fields=-nope", "expand=x",
        "expand=created_by_user.created_by_user",
    ],
)  # fmt: skip
def test_a18_names_are_those_of_a_list(client: Client, query: str) -> None:
    """Order, fields and expand take known names alone: 400."""
    found = problem(client.get(f"{PATH}?{query}"), 400)
    assert found["code"] == "query_order"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("foo=1", "query_unknown"),
        ("created_by=x", "query_unknown"),
        ("limit[]=1", "query_unknown"),
        ("created_at[foo]=2020-01-01", "query_unknown"),
        ("type[a]=x", "query_unknown"),
        ("id=batch_1", "query_value"),
        ("status=completed", "query_value"),
        ("status[]=done", "query_value"),
        ("limit=1&limit=2", "query_value"),
        ("created_at[gt]=2020-01-01&created_at[gt]=2021-01-01", "query_value"),
        ("created_at[gt]=yesterday", "query_date"),
        ("created_at[gt]=2020-01-01T00:00:00", "query_date"),
        ("created_at[gt]=2020-13-01", "query_date"),
        ("created_at[gt]=\uff12\uff10\uff12\uff10-01-01", "query_date"),
        ("created_at[gt]=", "query_date"),
        ("created_at=2020-01-01", "query_date"),
        ("created_at=null", "query_date"),
        ("failed_at=nil", "query_date"),
        ("failed_at=null&failed_at[gt]=2020-01-01", "query_date"),
        ("type[]=a%00b", "query_text"),
        ("type[]=a%0d%0ab", "query_text"),
        ("type[]=%ff", "query_text"),
        ("&".join(f"id[]={n}" for n in range(501)), "invalid_query"),
    ],
)
def test_what_makes_no_sense_is_refused(client: Client, query: str, code: str) -> None:
    """A parameter that is unknown, or has a value that it cannot have, is refused: 400."""
    assert problem(client.get(f"{PATH}?{query}"), 400)["code"] == code


def test_all_that_is_wrong_is_said_at_once(client: Client) -> None:
    """A query with five faults is answered with five errors, each with its parameter."""
    query = "limit=0&order=x&foo=1&status[]=done&created_at[gt]=x"
    found = problem(client.get(f"{PATH}?{query}"), 400)
    assert found["code"] == "invalid_query"
    parameters: set[Any] = {error["parameter"] for error in found["errors"]}
    assert parameters == {"limit", "order", "foo", "status", "created_at[gt]"}
