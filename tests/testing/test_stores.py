"""The suite for stores: each promise is seen to be broken by a store that breaks it."""

from typing import Any

import pytest

from batchjob.stores.memory import MemoryStore
from batchjob.testing.stores.conformance import StoreConformance
from batchjob.testing.stores.making import Advance
from stores.test_memory import Clock, Words
from testing.broken_stores import MANNERS, broken

BROKEN = {  # by each promise, the method that is broken, and how
    "a_canceled_finish_publishes_nothing": ("move", "unmade"),
    "a_canceled_job_takes_the_leases_away": ("move", "unmade"),
    "a_canceled_plan_is_not_kept": ("move", "unmade"),
    "a_change_starts_the_wait_anew": ("move", "unmade"),
    "a_chunk_can_be_given_up": ("get", "empty"),
    "a_chunk_comes_as_it_was_planned": ("create", "unmade"),
    "a_chunk_given_back_by_a_pause_costs_nothing": ("resume", "unmade"),
    "a_chunk_given_back_costs_no_attempt": ("create", "unmade"),
    "a_chunk_that_takes_its_workers_along_is_given_up": ("get", "stale"),
    "a_chunk_to_be_tried_again_says_when_and_why": ("standing", "empty"),
    "a_claim_can_be_for_one_job": ("create", "stale"),
    "a_clock_put_back_stops_no_leased_chunk": ("create", "unmade"),
    "a_clock_put_back_stops_no_waiting_chunk": ("create", "unmade"),
    "a_clock_put_back_sweeps_what_is_lost": ("create", "unmade"),
    "a_closed_job_stays_as_it_is": ("move", "silent"),
    "a_closed_store_can_be_used_again": ("get", "empty"),
    "a_context_of_a_newer_version_waits_for_a_newer_worker": ("create", "stale"),
    "a_context_that_is_too_new_is_one_of_them": ("get", "empty"),
    "a_creator_has_so_many_jobs_processed": ("move", "unmade"),
    "a_cursor_outlives_its_job": ("purge", "refusing"),
    "a_deleted_file_is_forgotten": ("delete_file", "once"),
    "a_dry_run_waits_to_be_confirmed": ("move", "empty"),
    "a_failed_chunk_waits": ("create", "unmade"),
    "a_file_that_nobody_told_of_is_unknown": ("delete_file", "ignored"),
    "a_hold_by_a_clock_that_was_put_back_is_over": ("unheard", "unmade"),
    "a_job_comes_back_as_it_was_given": ("terms", "empty"),
    "a_job_failed_by_hand_has_a_result_without_errors": ("move", "once"),
    "a_job_is_confirmed_once_it_is_planned": ("move", "once"),
    "a_job_names_the_one_that_it_waits_for": ("standing", "once"),
    "a_job_says_that_its_creator_has_enough": ("standing", "once"),
    "a_job_that_can_be_done_waits_for_as_long_as_it_takes": ("get", "stale"),
    "a_job_that_is_no_dry_run_is_confirmed_when_it_is_planned": ("get", "empty"),
    "a_job_that_is_not_there_is_not_paused": ("pause", "silent"),
    "a_job_that_is_worked_on_says_how": ("standing", "once"),
    "a_job_that_nobody_can_do_fails_in_the_end": ("get", "stale"),
    "a_job_that_others_can_do_waits_for_them": ("get", "stale"),
    "a_job_without_a_strategy_says_so": ("standing", "empty"),
    "a_job_without_chunks_waits_for_an_exclusive_key_too": ("move", "unmade"),
    "a_kept_job_shares_nothing_with_its_giver": ("get", "stale"),
    "a_key_can_be_used_again_after_a_purge": ("purge", "ignored"),
    "a_key_is_for_one_request": ("create", "silent"),
    "a_last_attempt_that_is_lost_waits_for_a_sweep": ("standing", "once"),
    "a_lease_that_is_over_does_not_count": ("create", "stale"),
    "a_lease_that_nobody_took_over_is_renewed_late": ("create", "unmade"),
    "a_leased_chunk_is_left_alone_until_its_time_is_over": ("create", "unmade"),
    "a_life_is_written_down": ("events", "careless"),
    "a_list_can_be_of_a_time": ("list", "empty"),
    "a_list_has_the_order_that_was_asked_for": ("list", "empty"),
    "a_list_has_what_was_asked_for": ("list", "empty"),
    "a_listener_can_be_handed_over": ("unheard", "refusing"),
    "a_listener_passes_by_what_was_purged": ("unheard", "unmade"),
    "a_lost_lease_is_not_renewed": ("create", "unmade"),
    "a_new_job_is_claimed_to_be_planned": ("get", "empty"),
    "a_new_job_waits_for_a_worker": ("standing", "empty"),
    "a_new_listener_hears_of_what_happens_from_then_on": ("unheard", "unmade"),
    "a_number_that_json_lacks_is_refused": ("get", "silent"),
    "a_page_behind_a_cursor_counts_the_whole_list": ("list", "empty"),
    "a_page_is_part_of_the_list": ("list", "once"),
    "a_pause_at_a_time_without_a_zone_is_refused": ("pause", "silent"),
    "a_pause_is_no_work": ("resume", "refusing"),
    "a_paused_job_can_be_confirmed_and_canceled": ("move", "once"),
    "a_paused_job_is_not_claimed": ("pause", "stale"),
    "a_paused_job_waits_to_be_resumed": ("standing", "once"),
    "a_plan_adds_to_the_context": ("get", "empty"),
    "a_plan_leaves_errors_and_a_file": ("move", "unmade"),
    "a_plan_may_come_in_pieces": ("get", "empty"),
    "a_plan_that_goes_on_holds_nobody_up": ("get", "stale"),
    "a_plan_that_goes_on_is_a_lease": ("standing", "empty"),
    "a_purge_counts_what_there_was": ("purge", "once"),
    "a_refusal_cannot_be_swallowed": ("get", "refusing"),
    "a_refused_plan_leaves_its_report": ("move", "unmade"),
    "a_renewed_lease_lasts_from_then_on": ("create", "unmade"),
    "a_request_sent_twice_makes_one_job": ("events", "shortened"),
    "a_result_is_there_once_it_is_known": ("get", "stale"),
    "a_rolled_back_transition_is_not_heard": ("unheard", "unmade"),
    "a_savepoint_undoes_its_block_alone": ("get", "refusing"),
    "a_second_attempt_replaces_what_was_staged": ("get", "empty"),
    "a_slow_worker_that_nobody_replaced_may_complete": ("get", "refusing"),
    "a_stale_completion_is_refused": ("get", "stale"),
    "a_started_job_goes_on_whatever_the_limit": ("get", "stale"),
    "a_sweep_ends_no_ended_job_again": ("events", "once"),
    "a_sweep_leaves_alone_what_goes_on": ("create", "stale"),
    "a_thousand_errors_are_kept": ("get", "empty"),
    "a_time_that_there_is_not_is_null": ("list", "once"),
    "a_time_without_a_zone_ends_nothing": ("ended", "silent"),
    "a_time_without_a_zone_is_refused": ("move", "silent"),
    "a_token_is_found_by_the_digest_of_its_secret": ("find_token", "once"),
    "a_token_is_revoked_once": ("find_token", "empty"),
    "a_token_needs_a_user_alone": ("tokens", "empty"),
    "a_token_that_is_not_there_is_unknown": ("revoke_token", "silent"),
    "a_transaction_that_raises_keeps_nothing": ("get", "once"),
    "a_worker_finds_out_at_its_next_heartbeat": ("resume", "unmade"),
    "a_worker_that_dies_leaves_its_place": ("unheard", "unmade"),
    "a_worker_that_vanished_is_none": ("standing", "empty"),
    "an_effect_commits_with_its_chunk": ("get", "stale"),
    "an_empty_dry_run_finishes_when_it_is_confirmed": ("move", "unmade"),
    "an_empty_plan_still_finishes": ("get", "stale"),
    "an_ended_job_does_not_fail": ("move", "empty"),
    "an_ended_job_is_neither_paused_nor_resumed": ("pause", "silent"),
    "an_ended_job_waits_for_nothing": ("standing", "once"),
    "an_error_without_a_class_is_named_by_its_code": ("standing", "once"),
    "an_estimate_needs_something_to_go_by": ("standing", "once"),
    "an_id_given_many_times_at_once_is_kept_once": ("create", "silent"),
    "an_id_is_given_once": ("terms", "empty"),
    "an_open_job_can_be_ended": ("move", "empty"),
    "an_open_job_can_be_paused": ("events", "careless"),
    "an_open_job_is_never_purged": ("add_file", "unmade"),
    "an_unknown_job_has_no_terms": ("sent_context", "silent"),
    "an_unknown_job_is_said_to_be_unknown": ("terms", "silent"),
    "an_unknown_job_stands_nowhere": ("standing", "silent"),
    "any_name_of_a_type_can_be_claimed": ("create", "stale"),
    "chunks_are_claimed_in_their_order": ("get", "empty"),
    "cursors_lead_through_a_list": ("list", "once"),
    "each_creator_has_keys_of_its_own": ("create", "stale"),
    "each_end_is_an_end": ("ended", "empty"),
    "ended_jobs_are_listed_the_oldest_first": ("ended", "once"),
    "events_come_few_at_a_time_and_none_is_left_out": ("unheard", "unmade"),
    "files_are_listed_newest_first": ("files", "careless"),
    "jobs_are_listed_by_id": ("list", "once"),
    "jobs_are_listed_newest_first": ("list", "empty"),
    "jobs_of_nobody_are_not_counted": ("create", "stale"),
    "jobs_without_a_key_are_never_the_same": ("create", "stale"),
    "listeners_do_not_know_each_other": ("unheard", "shortened"),
    "many_may_purge_at_once": ("purge", "once"),
    "no_delay_is_longer_than_five_minutes": ("create", "unmade"),
    "no_effect_follows_the_end_of_a_job": ("move", "empty"),
    "no_two_get_the_same_chunk": ("get", "refusing"),
    "nothing_is_left_of_a_purged_job": ("purge", "empty"),
    "of_many_pauses_at_once_one_is_written_down": ("pause", "once"),
    "of_many_started_at_once_a_creator_has_so_many": ("get", "stale"),
    "of_many_who_revoke_at_once_all_are_told_the_same": ("add_token", "ignored"),
    "of_two_at_once_one_wins": ("events", "shortened"),
    "of_two_exclusive_jobs_started_at_once_one_is": ("get", "stale"),
    "one_job_of_an_exclusive_key_is_processed_at_a_time": ("move", "unmade"),
    "one_request_sent_many_times_at_once_makes_one_job": ("create", "once"),
    "one_worker_at_a_time_holds_a_listener": ("unheard", "unmade"),
    "only_types_that_a_worker_has_are_claimed": ("create", "refusing"),
    "outcomes_add_up": ("get", "stale"),
    "parts_come_in_the_order_of_the_plan": ("get", "empty"),
    "pauses_are_heard": ("unheard", "unmade"),
    "pausing_twice_is_pausing_once": ("pause", "once"),
    "progress_is_one_only_at_the_end": ("get", "stale"),
    "stamps_are_cut_to_milliseconds": ("move", "empty"),
    "stamps_never_go_back": ("move", "empty"),
    "terms_come_back_as_they_were_given": ("terms", "empty"),
    "the_chunks_of_a_plan_can_be_read": ("create", "unmade"),
    "the_file_of_a_job_goes_with_the_job": ("get_file", "once"),
    "the_file_of_a_job_is_its_creators": ("get_file", "once"),
    "the_first_work_starts_the_job": ("events", "shortened"),
    "the_job_with_the_fewest_leases_comes_first": ("get", "stale"),
    "the_last_attempt_fails_the_job": ("get", "stale"),
    "the_last_chunk_adds_the_finish": ("get", "refusing"),
    "tokens_are_listed_newest_first": ("tokens", "once"),
    "two_last_chunks_at_once_add_one_finish": ("get", "stale"),
    "two_that_pull_for_one_listener_keep_the_order": ("events", "stale"),
    "what_comes_first_is_waited_for": ("standing", "once"),
    "what_is_known_of_a_file_is_the_last_that_was_said": ("add_file", "once"),
    "what_is_not_ones_own_is_not_given_back": ("get", "empty"),
    "what_no_job_can_have_matches_none": ("list", "once"),
    "what_was_begun_may_be_ended": ("resume", "unmade"),
    "what_was_not_heard_is_told_again": ("unheard", "unmade"),
    "what_was_sent_is_told_from_what_planning_added": ("sent_context", "empty"),
    "who_has_nothing_to_hear_holds_nothing": ("unheard", "shortened"),
    "who_is_worked_on_is_left_alone": ("get", "stale"),
    "who_waits_for_a_person_is_left_alone": ("pause", "ignored"),
    "who_waits_for_another_job_is_left_alone": ("get", "stale"),
}


class TestBrokenStores(StoreConformance):
    """Each test of the suite fails for a store that is broken where the promise is about it."""

    pytestmark = pytest.mark.broken

    @pytest.fixture
    def clock(self) -> Clock:
        """A clock of the test's own."""
        return Clock()

    @pytest.fixture
    def store(self, clock: Clock, request: pytest.FixtureRequest) -> MemoryStore:
        """A store that breaks the promise."""
        node: Any = request.node
        return broken(*BROKEN[node.originalname.removeprefix("test_")], clock=clock)

    @pytest.fixture
    def advance(self, clock: Clock) -> Advance:
        """Moves the clock."""
        return clock.advance

    @pytest.fixture
    def effects(self) -> Words:
        """Words that are added at commits."""
        return Words()


def test_every_promise_has_been_broken() -> None:
    """No promise of the suite is without a store that breaks it, in a method that is there."""
    promised = {name.removeprefix("test_") for name in dir(StoreConformance) if "test_" in name}
    assert promised == set(BROKEN)
    for method, manner in BROKEN.values():
        assert callable(getattr(MemoryStore, method))
        assert manner in MANNERS
