"""Which keys a file has had before."""

import sqlite3

import pytest

from batchjob.errors import StorageFull
from batchjob.tabular import UniqueKeys, duplicate_key


def test_a_key_is_first_once() -> None:
    """The first row of a key is told to each later one, for each kind of key apart."""
    with UniqueKeys.open() as unique:
        assert unique.first("sku", "a", 2) is None
        assert unique.first("sku", "a", 3) == 2
        assert unique.first("sku", "a", 9) == 2
        assert unique.first("sku", "A", 4) is None
        assert unique.first("handle", "a", 5) is None


def test_keys_are_equal_after_nfc() -> None:
    """Composed and decomposed characters are the same; compatible ones are not."""
    with UniqueKeys.open() as unique:
        assert unique.first("sku", "caf\u00e9", 2) is None
        assert unique.first("sku", "cafe\u0301", 3) == 2
        assert unique.first("sku", "\u2460", 4) is None
        assert unique.first("sku", "1", 5) is None


def test_a_database_of_ones_own_may_be_given() -> None:
    """The keys may live beside other tables, in a transaction that is not theirs."""
    db = sqlite3.connect(":memory:")
    assert UniqueKeys(db).first("sku", "a", 2) is None
    assert UniqueKeys(db).first("sku", "a", 3) == 2
    db.close()


def test_a_full_disk_is_said_to_be() -> None:
    """A temporary file that cannot grow is storage_full."""
    with pytest.raises(StorageFull, match="disk for temporary files"):
        _fill()


def _fill() -> None:
    with UniqueKeys.open() as unique:
        unique._db.execute("PRAGMA max_page_count = 10")
        for number in range(10_000):
            unique.first("sku", f"key {number}", number)


def test_what_else_goes_wrong_is_not_called_a_full_disk() -> None:
    """Other errors of the database pass."""
    with pytest.raises(sqlite3.OperationalError), UniqueKeys.open() as unique:
        unique._db.execute("nonsense")


def test_the_fault_names_the_owner() -> None:
    """A key of another row, or of a thing elsewhere, is duplicate_key with the owner's name."""
    error = duplicate_key("SKU", "a", 7, "product mug")
    assert error.message == "expected a SKU of its own, found 'a', which product mug has"
    assert (error.code, error.row, error.column) == ("duplicate_key", 7, "SKU")
