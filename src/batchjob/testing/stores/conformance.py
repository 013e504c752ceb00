"""The promises of the port `Store`, to be kept by every store.

Subclass `StoreConformance` in a test module and give it three fixtures: ``store`` (an empty
store), ``advance`` (a callable that moves the store's own clock by so many seconds, back too), and
``effects`` (something to change in its transactions, see `Effects`).
"""

from batchjob.testing.promises import promises
from batchjob.testing.stores.promises_of_effects import PromisesOfEffects
from batchjob.testing.stores.promises_of_files import PromisesOfFiles
from batchjob.testing.stores.promises_of_jobs import PromisesOfJobs
from batchjob.testing.stores.promises_of_leases import PromisesOfLeases
from batchjob.testing.stores.promises_of_listeners import PromisesOfListeners
from batchjob.testing.stores.promises_of_lists import PromisesOfLists
from batchjob.testing.stores.promises_of_pauses import PromisesOfPauses
from batchjob.testing.stores.promises_of_purges import PromisesOfMissingStrategies, PromisesOfPurges
from batchjob.testing.stores.promises_of_standings import PromisesOfStandings
from batchjob.testing.stores.promises_of_terms import PromisesOfStarts, PromisesOfTerms
from batchjob.testing.stores.promises_of_tokens import PromisesOfTokens

__all__ = ["StoreConformance"]


@promises
class StoreConformance(
    PromisesOfJobs,
    PromisesOfLists,
    PromisesOfFiles,
    PromisesOfTokens,
    PromisesOfTerms,
    PromisesOfStarts,
    PromisesOfPauses,
    PromisesOfStandings,
    PromisesOfListeners,
    PromisesOfPurges,
    PromisesOfLeases,
    PromisesOfMissingStrategies,
    PromisesOfEffects,
):
    """All that a store promises."""
