"""Apps of other frameworks that serve ours under ``/jobs``, as the how-to has them."""

from typing import Any

import django  # type: ignore[import-untyped]
import fastapi
import starlette.applications
import starlette.routing
from django.conf import settings  # type: ignore[import-untyped]
from django.core.asgi import get_asgi_application  # type: ignore[import-untyped]
from litestar import Litestar, asgi
from litestar.types import Receive, Scope, Send

PREFIX = "/jobs"


def in_starlette(app: Any) -> Any:
    """Return a Starlette app with a mount."""
    return starlette.applications.Starlette(routes=[starlette.routing.Mount(PREFIX, app)])


def in_fastapi(app: Any) -> Any:
    """Return a FastAPI app with a mount."""
    host = fastapi.FastAPI()
    host.mount(PREFIX, app)
    return host


def in_litestar(app: Any) -> Any:
    """Return a Litestar app with a mount, which is told where it is.

    Litestar takes the prefix off the path, and puts a slash behind it.
    """

    @asgi(PREFIX, is_mount=True, copy_scope=True)
    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        root = scope.get("root_path", "") + PREFIX
        below: Any = {**scope, "root_path": root, "path": root + scope["path"].rstrip("/")}
        await app(below, receive, send)

    return Litestar([mounted], logging_config=None, openapi_config=None)


def in_django(app: Any) -> Any:
    """Return Django's app behind one that looks at the path."""
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__)
        django.setup(set_prefix=False)
    rest = get_asgi_application()

    async def host(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/"):
            await app({**scope, "root_path": scope["root_path"] + PREFIX}, receive, send)
        else:
            await rest(scope, receive, send)

    return host


urlpatterns: list[Any] = []  # Django's: nothing but what is mounted

HOSTS = {each.__name__: each for each in (in_starlette, in_fastapi, in_litestar, in_django)}
