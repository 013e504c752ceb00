"""Every request that was recorded of a real Medusa 1.20.10, answered by batchjob.

Status and body are compared, but for ids, times, file keys and the order inside a context. Where
the answers differ, `DIFFERENCES` says why; what it does not name fails, and so does what it names
in vain.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import attrs
import pytest
from sqlalchemy import create_engine

from batchjob import BatchJobs, Chunk, Run, Status, Strategy
from batchjob.products.fill import fill
from batchjob.products.tables import create_tables
from batchjob.testing import HandClock
from batchjob.web import Caller, Connection
from support import Offering
from web.served import serving

HERE = Path(__file__).parent
RECORDED = {path.stem: path for path in sorted((HERE / "responses").glob("[0-9]*.json"))}
CATALOG = HERE.parent / "data" / "medusa" / "export" / "catalog_edge.json"
USERS = {"admin": "usr_peer_admin", "second user": "usr_peer_second"}

FIRST, RUNNING = "batch_01M83VDZJD58XPSDR4SJCSVE6D", "batch_01M83VEEM293GP4CMQQ8M7N131"
DRY_1, DRY_2 = "batch_01M83VE37JYQ4J38GENP20B19E", "batch_01M83VE38KT72H0XP9MZMGMH9E"
DRY_3 = "batch_01M83VE399J4HAS693YFBTCBSS"
REFUSED = "batch_01M83VDZG0WXK04EJ41RJVJHWV"
_ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

Move = Callable[[BatchJobs, str], object]


@attrs.frozen(kw_only=True)
class FileContext:
    """What an import is asked for."""

    fileKey: str  # noqa: N815 - the API's word


class Import(Strategy[FileContext]):
    """Stands in for an import: it needs a file."""

    batch_type = "product-import"

    def check(self, context: FileContext, run: Run[FileContext]) -> None:
        """Look for the file."""
        run.open(context.fileKey).close()

    def plan(self, run: Run[FileContext]) -> Iterator[Chunk]:
        """Have nothing to do."""
        yield from ()

    def work(self, run: Run[FileContext], chunk: Chunk) -> None:
        """Do nothing."""


def _nothing(jobs: BatchJobs, job_id: str) -> None:
    """Leave it as it was made."""


def _planned(jobs: BatchJobs, job_id: str) -> None:
    jobs.work(job_id, until=Status.CONFIRMED)


def _confirmed(jobs: BatchJobs, job_id: str) -> None:
    _planned(jobs, job_id)
    jobs.confirm(job_id)


def _done(jobs: BatchJobs, job_id: str) -> None:
    jobs.work(job_id)


def _confirmed_and_done(jobs: BatchJobs, job_id: str) -> None:
    _confirmed(jobs, job_id)
    jobs.work(job_id)


def _canceled(jobs: BatchJobs, job_id: str) -> None:
    jobs.cancel(job_id)


def _planned_and_canceled(jobs: BatchJobs, job_id: str) -> None:
    _planned(jobs, job_id)
    jobs.cancel(job_id)


LISTED: Mapping[str, Move] = {
    FIRST: _done,
    DRY_1: _confirmed_and_done,
    DRY_2: _planned_and_canceled,
    DRY_3: _canceled,
}
SCENES: Mapping[str, Mapping[str, Move]] = {
    "034": {FIRST: _nothing},
    "035": {FIRST: _nothing},
    "037": {FIRST: _nothing},
    "038": {FIRST: _nothing},
    "040": {FIRST: _planned},
    "041": {FIRST: _planned},
    "043": {FIRST: _done},
    "044": {FIRST: _done},
    "052": {DRY_3: _canceled},
    "053": {DRY_1: _planned},
    "055": {DRY_1: _confirmed},
    "056": {DRY_2: _planned},
    "058": {DRY_2: _planned_and_canceled},
    "059": {DRY_3: _canceled},
    **{f"{number:03}": LISTED for number in range(61, 90)},
    "091": {RUNNING: _planned},
    "092": {RUNNING: _planned},
    "094": {RUNNING: _planned_and_canceled},
}
"""What had happened to which jobs when a request was recorded."""

ERRORS = "the page knows codes, and several errors at once"
WORDS = "the message says what would be right"
CONFLICT = "the page: 409 for a state that does not allow it"
NOT_THERE = "somebody else's job is answered as one that is not there"
EARLY = (
    "a job that cannot be done is refused when it is made, not when it is planned (the page: 422)"
)
FAULT = "a fault of Medusa's: a 500 for what a client sent"
DRY_RUN = "a fault of Medusa's: lists show dry_run as false for every job"
AS_SENT = "the page: the context is the one that was sent"
TRUE_PROGRESS = "count, progress and what is done of it are known from planning on"
TWELVE = "the catalogue of this test has 12 products, and that of the recording 3,000"
NO_FAILURE_AFTER = "a fault of Medusa's: it fails a job that was canceled; here canceled is the end"
NOT_DONE_AFTER = "a fault of Medusa's: it works on a job that was canceled, and completes it"
REFUSED_WHY = f"{REFUSED} filters by a column that is not there: {EARLY}"
ERROR_BODY = r"/(code|errors.*)"

NOT_ASKED = "a fault of Medusa's: keys that were not asked for, with values that are not the job's"
NO_FILE = "a file that is missing is missed when the job is made; Medusa's process ended by it"

DIFFERENCES: tuple[tuple[str, str, str], ...] = (
    ("00[2457]", r"/.*", "the page: every error is JSON"),
    ("0(08|1[0-9]|2[0-9]|3[0-9]|4[1-7]|5[58]|6[57]|7[34]|8[89])", ERROR_BODY, ERRORS),
    ("01[14]|023|028|029", r"/message", WORDS),
    ("026", r"status|/message", "only JSON is read, so that no page in a browser can send it"),
    ("031", r"status|/type|/message", "there is no DELETE here, whatever the id: 405 says so"),
    ("032", r"status|/.*", "the address is there, and does not take PUT: 405, in JSON"),
    ("035|041|043|044|055|058", r"status|/message", CONFLICT),
    ("037|038", r"status|/type|/message", NOT_THERE),
    ("040|05[36]|09[124]", r"/batch_job/result/(count|advancement_count|progress)", TRUE_PROGRESS),
    ("049|050", r"/batch_job/context.*", AS_SENT),
    ("059", r"/batch_job/(status|result.*|failed_at)", NO_FAILURE_AFTER),
    ("06[1-9]|07[0-9]|08[0-6]", rf"/(count|ids|batch_jobs/{REFUSED}.*)", REFUSED_WHY),
    ("06[1-9]|07[0-9]|08[0-6]", rf"/batch_jobs/{DRY_3}/(status|result.*|failed_at)",
     NO_FAILURE_AFTER),
    ("06[1-9]|07[0-9]|08[0-6]", r"/batch_jobs/\w+/dry_run", DRY_RUN),
    ("06[1-9]|07[0-9]|08[0-6]", r"/batch_jobs/\w+/result/(count|advancement_count|progress)",
     TRUE_PROGRESS),
    ("064", r"status|/.*", "a list has an end: limit is 1 to 100"),
    ("065|067|07[34]|08[89]", r"/message", WORDS),
    ("079", r"/batch_jobs/\w+/(dry_run|status)", NOT_ASKED),
    ("080|082", r"status|/.*", FAULT),
    ("09[124]", r"/batch_job/(result/stat_descriptors/0/message|context/shape/.*)", TWELVE),
    ("094", r"/batch_job/result/(count|advancement_count|progress|file_.*)", NOT_DONE_AFTER),
    ("094", r"/batch_job/(processing_at|completed_at)", NOT_DONE_AFTER),
    ("095", r"status|/.*", EARLY),
    ("097|098", r"status|/.*", NO_FILE),
    ("047", r"status|/.*", "a link to a file that is not there is none"),
)  # fmt: skip
"""Recordings, what differs in them, and why."""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The catalogue that was recorded."""
    url = f"sqlite:///{tmp_path_factory.mktemp('catalog') / 'catalog.db'}"
    engine = create_engine(url)
    create_tables(engine)
    with engine.begin() as connection:
        fill(connection, json.loads(CATALOG.read_text()))
    engine.dispose()
    return url


@pytest.fixture(scope="module")
def found(
    catalog: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], dict[str, tuple[object, object]]]:
    """What differs in a recording, by place: theirs, and ours."""
    folder = str(tmp_path_factory.mktemp("files"))

    @cache
    def differing(name: str) -> dict[str, tuple[object, object]]:
        recorded = json.loads(RECORDED[name].read_text())
        theirs = _theirs(recorded["response"])
        ours = _ours(name, recorded["request"], catalog, folder)
        places = [*theirs, *(place for place in ours if place not in theirs)]
        pairs = {place: (theirs.get(place, "-"), ours.get(place, "-")) for place in places}
        return {place: pair for place, pair in pairs.items() if pair[0] != pair[1]}

    return differing


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_request_is_answered_as_medusa_does(
    name: str, found: Callable[[str], dict[str, tuple[object, object]]]
) -> None:
    """Status and body are Medusa's, or the table says why they are not."""
    unnamed = {
        place: pair for place, pair in found(name).items() if not list(_reasons(name, place))
    }
    assert unnamed == {}


def test_the_table_names_no_difference_in_vain(
    found: Callable[[str], dict[str, tuple[object, object]]],
) -> None:
    """Each line of the table is about a difference that there is."""
    used = {n for name in RECORDED for place in found(name) for n in _reasons(name, place)}
    assert [DIFFERENCES[n] for n in set(range(len(DIFFERENCES))) - used] == []


@pytest.mark.parametrize("name", ["upload_ok", "upload_protected_ok"])
def test_uploads_are_answered_as_medusa_does(name: str, tmp_path: Path) -> None:
    """An upload is answered with its address and its key."""
    recorded = json.loads((HERE / "responses" / f"{name}.json").read_text())
    path = "/admin/uploads/protected" if "protected" in name else "/admin/uploads"
    with BatchJobs.open("memory:", files=str(tmp_path)) as jobs, serving(jobs) as client:
        answer = client.post(path, files={"files": ("x.csv", b"a;b\r\n")})
    assert answer.status_code == recorded["status"]
    (theirs,), (ours,) = recorded["body"]["uploads"], answer.json()["uploads"]
    assert ours.keys() == theirs.keys()
    assert ours["key"].endswith("x.csv")


def _reasons(name: str, place: str) -> Iterator[int]:
    for n, (recordings, places, _) in enumerate(DIFFERENCES):
        if re.fullmatch(recordings, name[:3]) and re.fullmatch(places, place):
            yield n


async def _who(connection: Connection) -> Caller | None:
    user_id = USERS.get(connection.headers.get("x-medusa-access-token", ""))
    return Caller(user_id) if user_id else None


def _ours(name: str, request: Mapping[str, Any], catalog: str, folder: str) -> dict[str, object]:
    """Return what our app answers to a recorded request, after what went before it."""
    plugins = {"import": Offering(Import())}
    clock = HandClock()
    with (
        BatchJobs.open(
            "memory:", files=folder, catalog=catalog, plugins=plugins, clock=clock
        ) as jobs,
        serving(jobs, user_id=None, authenticator=_who) as client,
    ):
        for job_id, move in SCENES.get(name[:3], {}).items():
            _put(jobs, clock, job_id)
            move(jobs, job_id)
        headers = {"x-medusa-access-token": request["auth"]}
        if "content_type" in request:
            headers["content-type"] = request["content_type"]
        answer = client.request(
            request["method"],
            request["path"],
            headers=headers,
            json=request.get("body"),
            content=request["raw"].encode() if "raw" in request else None,
        )
    return {"status": answer.status_code, **_flat(_plain(answer.json()))}


def _theirs(response: Mapping[str, Any]) -> dict[str, object]:
    body = response.get("body", {"text": response.get("text")})
    return {"status": response["status"], **_flat(_plain(body))}


def _put(jobs: BatchJobs, clock: HandClock, job_id: str) -> None:
    """Make the recorded job of this id, at the time that its id says."""
    number = 0
    for sign in job_id.removeprefix("batch_"):
        number = number << 5 | _ULID.index(sign)
    clock.time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=number >> 80)
    jobs._bits = lambda _: number & ((1 << 80) - 1)
    job = _recorded(job_id)
    context = {key: value for key, value in job["context"].items() if key != "shape"}
    dry_run = job_id in (DRY_1, DRY_2, DRY_3)
    made = jobs.create(job["type"], context, dry_run=dry_run, actor=job["created_by"])
    assert made.id == job_id


@cache
def _recorded(job_id: str) -> dict[str, Any]:
    for path in RECORDED.values():
        body = json.loads(path.read_text())["response"].get("body") or {}
        job: dict[str, Any] = body.get("batch_job", {})
        if job.get("id") == job_id:
            return job
    raise LookupError(job_id)


def _plain(body: Any) -> Any:
    """Return *body* without ids, times and file keys; a list has its jobs by id."""
    if not isinstance(body, dict):
        return body
    if "batch_jobs" in body:
        listed = {job["id"]: _job(job) for job in body["batch_jobs"]}
        return {**body, "batch_jobs": listed, "ids": ", ".join(listed)}
    return {**body, "batch_job": _job(body["batch_job"])} if "batch_job" in body else body


def _job(job: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {k: "TIME" if v and k.endswith("_at") else v for k, v in job.items()}
    shown["id"] = "ID"
    if "context" in shown:
        shown["context"] = {k: _sorted(v) for k, v in shown["context"].items()}
    if shown.get("result"):
        opaque = ("file_key", "file_size")
        shown["result"] = {k: "..." if k in opaque else v for k, v in shown["result"].items()}
    return shown


def _sorted(value: Any) -> Any:
    """Return part of a context with its lists sorted: relations, and prices of a shape."""
    if not isinstance(value, dict):
        return value
    text = partial(json.dumps, sort_keys=True)
    return {k: sorted(v, key=text) if isinstance(v, list) else v for k, v in value.items()}


def _flat(value: Any, place: str = "") -> dict[str, object]:
    """Return the scalars of *value* by their places."""
    items: dict[object, Any] = {}
    if isinstance(value, dict):
        items = dict(value)
    elif isinstance(value, list):
        items = dict(enumerate(value))
    found: dict[str, object] = {}
    for name, item in items.items():
        found |= _flat(item, f"{place}/{name}")
    return found if items else {place: value}
