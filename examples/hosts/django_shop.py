"""A Django service whose users ask for bulk jobs, in one file.

uvicorn django_shop:application

It has a view of its own that makes a job, and serves batchjob's API below /jobs. Nobody works on
jobs here: run ``python django_shop.py`` beside it, once or more often. Who asks is the user of the
service's own login, which is a header here.
"""

import json
import sys
from typing import Any

import django  # type: ignore[import-untyped]  # it has no types
from django.conf import settings  # type: ignore[import-untyped]
from django.core.asgi import get_asgi_application  # type: ignore[import-untyped]
from django.http import HttpRequest, JsonResponse  # type: ignore[import-untyped]
from django.urls import path  # type: ignore[import-untyped]
from letters import opened

from batchjob import job_to_json
from batchjob.web import Caller, Connection, create_app

PREFIX = "/jobs"

if not settings.configured:  # in a project this is its settings module
    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[])
    django.setup()

jobs = opened()


def write_letters(request: HttpRequest) -> JsonResponse:
    """Have letters written, by a job of the user's."""
    user = request.headers.get("x-shop-user")
    if not user:
        return JsonResponse({"message": "log in first"}, status=401)
    job = jobs.create("letters", {"names": json.loads(request.body)}, actor=user)
    answer = {"batch_job": job_to_json(job), "url": f"{PREFIX}/admin/batch-jobs/{job.id}"}
    return JsonResponse(answer, status=202)


urlpatterns = [path("letters", write_letters)]


async def caller(connection: Connection) -> Caller | None:
    """Tell batchjob's API who is logged in."""
    user = connection.headers.get("x-shop-user")
    return Caller(user) if user else None


api: Any = create_app(jobs, authenticator=caller)
rest: Any = get_asgi_application()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Hand on what is below the prefix, and leave the rest to Django."""
    if scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/"):
        await api({**scope, "root_path": scope.get("root_path", "") + PREFIX}, receive, send)
    else:
        await rest(scope, receive, send)


def work() -> None:
    """Work on jobs until told to end."""
    pool = jobs.pool(threads=1)
    pool.start()
    try:
        sys.stdin.read()  # to be ended, close the input, or press Ctrl-C
    except KeyboardInterrupt:
        pass
    finally:
        pool.drain()
        pool.join()
        jobs.close()


if __name__ == "__main__":
    work()
