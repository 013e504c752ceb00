"""The built-in file stores, offered by the hook that strangers use."""

from collections.abc import Mapping

from batchjob.abc import FileStore, FileStoreFactory, Settings
from batchjob.hookspecs import hookimpl


@hookimpl
def batchjob_file_stores() -> Mapping[str, FileStoreFactory]:
    """Offer ``file``: a local folder, by path or ``file://`` URL."""
    return {"file": _local}


def _local(url: str, settings: Settings) -> FileStore:
    from batchjob.files.local import LocalFileStore

    return LocalFileStore.open(url)
