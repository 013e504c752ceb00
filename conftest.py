"""Pages of README.md and docs/ are tests; and services must answer where that is asked for."""

import os
import re
from collections.abc import Generator

import pytest
from sybil import Sybil

from pages import PARSERS, set_up, tear_down

pytest_collect_file = Sybil(
    PARSERS, patterns=["README.md", "docs/**/*.md"], setup=set_up, teardown=tear_down
).pytest()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With BATCHJOB_REQUIRE_SERVICES=1 a test whose service does not answer has failed."""
    report = yield
    silent = re.search(r"does not answer|no \w+ answers", str(report.longrepr))
    if report.skipped and silent and os.environ.get("BATCHJOB_REQUIRE_SERVICES") == "1":
        report.outcome, report.longrepr = "failed", str(report.longrepr)
    report.sections = [(name, _utf8(text)) for name, text in report.sections]
    return report


def _utf8(text: str) -> str:
    """Return what a test wrote as xdist can send it: half a surrogate pair becomes ``?``."""
    return text.encode("utf-8", "replace").decode()
