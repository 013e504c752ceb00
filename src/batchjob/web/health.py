"""Whether the process answers; the one thing that strangers may ask."""

from litestar import Response, get


@get("/health")
async def health() -> Response[str]:
    """Say OK, as Medusa does."""
    return Response("OK", media_type="text/plain")


handlers = (health,)
