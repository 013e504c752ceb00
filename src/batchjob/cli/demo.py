"""The command ``demo``: a first job from its plan to its file, on a catalogue made up for it.

It has a folder of its own and reads no setting of the environment, so that it never touches a
store or a catalogue that is in use. What is shown of it is in `batchjob.cli.tour`.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

from batchjob.cli import exits
from batchjob.cli.saving import Out
from batchjob.cli.saying import write_job
from batchjob.cli.settings import Where, with_json
from batchjob.cli.working import work_on
from batchjob.core.job import BatchJob
from batchjob.core.status import Status

if TYPE_CHECKING:
    from batchjob.batchjobs import BatchJobs
    from batchjob.cli.tour import Tour

PRODUCTS: Final = 300
"""How many products the demo's catalogue has."""

PAGE: Final = 10
"""Products in a chunk: few, so that there are chunks to be seen."""

BATCH_TYPE: Final = "product-export"
FILE: Final = "products.csv"
_DRAFTS: Final = {"filterable_fields": {"status": ["draft"]}}


@click.command()
@click.option(
    "--dir",
    "folder",
    default="batchjob-demo",
    show_default=True,
    metavar="PATH",
    help="The demo's folder; it is made if it is not there.",
)
@with_json
def demo(folder: str, *, as_json: bool) -> int:
    """See a first job, from plan to file.

    It exports a made-up catalogue: planned, previewed, confirmed, worked on, done. All of it is
    kept in one folder. Run it again for another job on the same catalogue.
    """
    from batchjob.cli.tour import Tour

    where = _where(folder)
    tour = Tour(folder, err=as_json)
    with where.open_to_work() as jobs:
        tour.opens(PRODUCTS, is_new=_fill(where.store))
        job = _export(jobs, where, tour)
        if job.status is Status.COMPLETED:
            tour.ends(job)
            out = Out.checked(str(Path(folder, FILE)))
            out.save(jobs, job.id)
            tour.shows_file(out.path, Path(folder, FILE))
            tour.goes_on(job, _waiting(jobs))
        else:
            tour.breaks_off(job)
    if as_json:
        write_job(job)
    return exits.of_job(job)


def _where(folder: str) -> Where:
    """Make *folder* and return the settings of what is in it: the names are the defaults."""
    path = Path(folder)
    if "?" in folder:  # a URL's query would begin there
        raise click.BadParameter("its name may hold no '?'", param_hint="--dir")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = os.strerror(error.errno or 0).lower()
        raise click.BadParameter(f"cannot make {path.name!r}: {why}", param_hint="--dir") from None
    usual = Where()
    store = f"sqlite:///{path / urlsplit(usual.store).path.lstrip('/')}"
    return Where(store=store, files=str(path / usual.files), given=("store", "files"))


def _fill(url: str) -> bool:
    """Make a catalogue in the store's own database, if it has none; return whether it was made."""
    from batchjob.products.catalog import Catalog
    from batchjob.products.demo import demo_catalog
    from batchjob.products.fill import fill
    from batchjob.products.tables import PRODUCT, create_tables

    catalog = Catalog(url)
    try:
        with catalog.engine.begin() as connection:
            create_tables(connection)
            if connection.execute(PRODUCT.select().limit(1)).first() is not None:
                return False
            fill(connection, demo_catalog(PRODUCTS))
            return True
    finally:
        catalog.close()


def _export(jobs: "BatchJobs", where: Where, tour: "Tour") -> BatchJob:
    """Take one job through all its steps, each told to *tour*."""
    job = jobs.create(BATCH_TYPE, {"limit": PAGE}, dry_run=True)
    tour.plans(job)
    job = work_on(jobs, job, where)
    if job.status is not Status.PRE_PROCESSED:
        return job
    tour.previews(job)
    job = jobs.confirm(job.id)
    tour.confirms(job, PAGE)
    return work_on(jobs, job, where)


def _waiting(jobs: "BatchJobs") -> BatchJob:
    """Make a job that waits to be confirmed, for the user to try."""
    job = jobs.create(BATCH_TYPE, _DRAFTS, dry_run=True)
    return jobs.work(job.id)
