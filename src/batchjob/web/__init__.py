"""The HTTP API: Medusa's paths and JSON as an ASGI app, alone or mounted in another one.

Needs the extra ``http``. Nothing here decides what a job may do: that is `BatchJobs`'s matter.
"""

from batchjob.web.app import WebSettings, create_app
from batchjob.web.auth import AllowAll, AnyOf, ApiTokens, Authenticator, Connection
from batchjob.web.callers import Caller
from batchjob.web.problems import Problem

__all__ = [
    "AllowAll",
    "AnyOf",
    "ApiTokens",
    "Authenticator",
    "Caller",
    "Connection",
    "Problem",
    "WebSettings",
    "create_app",
]
