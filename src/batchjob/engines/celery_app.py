"""A Celery app that is ready to run: ``celery -A batchjob.engines.celery_app worker``.

Its settings are those of `batchjob.engines.celery.ready_app`.
"""

from batchjob.engines.celery import ready_app

app = ready_app()
