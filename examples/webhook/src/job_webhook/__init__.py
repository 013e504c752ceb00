"""Tells another server when a job has ended: a signed POST, sent again until it is taken."""

import hashlib
import hmac
import json
import os
from typing import Final
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from batchjob import BatchJob, Event, hookimpl, job_to_json

ENDED: Final = {"completed", "failed", "canceled"}
_HERE: Final = {"127.0.0.1", "::1", "localhost"}
_SECONDS: Final = 10.0


class NotAllowed(ValueError):
    """The URL names a host that is not on the list, or would be asked without https."""


class _Stay(HTTPRedirectHandler):
    """Follows no redirect: it could lead to a host that is not on the list."""

    def redirect_request(self, *_: object) -> None:
        """Go nowhere; the redirect is an error then."""


_OPENER: Final = build_opener(_Stay)


def signature(secret: str, body: bytes) -> str:
    """Return what the header ``X-Batchjob-Signature`` has to be."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def checked(url: str, hosts: str) -> str:
    """Return *url*; `NotAllowed` unless its host is one of *hosts*, and asked by https or here."""
    found = urlsplit(url)
    if found.hostname not in {host.strip() for host in hosts.split(",")} - {""}:
        raise NotAllowed(f"{found.hostname} is not in JOB_WEBHOOK_HOSTS")
    if found.scheme != "https" and not (found.scheme == "http" and found.hostname in _HERE):
        raise NotAllowed("JOB_WEBHOOK_URL has to begin with https://")
    return url


@hookimpl
def batchjob_job_changed(event: Event, job: BatchJob) -> None:
    """Post the end of a job; what goes wrong is raised, so that the event is told again."""
    url = os.environ.get("JOB_WEBHOOK_URL")
    if not url or event.to_status not in ENDED:
        return
    place = checked(url, os.environ.get("JOB_WEBHOOK_HOSTS", ""))
    said = {"event": {"n": event.n, "status": str(event.to_status)}, "batch_job": job_to_json(job)}
    body = json.dumps(said, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": f"{event.job_id}:{event.n}",
        "X-Batchjob-Signature": signature(os.environ.get("JOB_WEBHOOK_SECRET", ""), body),
    }
    request = Request(place, data=body, headers=headers, method="POST")  # noqa: S310 - checked
    with _OPENER.open(request, timeout=_SECONDS):
        pass
