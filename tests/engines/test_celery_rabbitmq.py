from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.brokers import RABBITMQ
from engines.celery_conformance import CeleryConformance, Shop, working


@pytest.fixture(scope="class")
def shop(plugin_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A Celery worker on this broker."""
    with working(RABBITMQ, tmp_path_factory.mktemp("shop"), plugin_folder) as made:
        yield made


class TestCeleryOverRabbitMQ(CeleryConformance):
    """Over this broker the engine of Celery keeps its promises."""
