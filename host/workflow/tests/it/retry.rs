//! When something that failed is tried again.

use perilune_value::{Failure, Kind};
use perilune_workflow::RetryPolicy;
use std::time::Duration;

fn seconds(policy: &RetryPolicy, attempt: u32) -> Option<u64> {
    let failure = Failure { kind: Kind::Unavailable, ..Failure::default() };
    policy.next_delay(attempt, &failure).map(|delay| delay.as_secs())
}

#[test]
fn waits_double_from_a_second_to_a_hundred() {
    let waits: Vec<_> = [1, 2, 3, 4, 7, 8, 9, u32::MAX]
        .map(|attempt| seconds(&RetryPolicy::default(), attempt).unwrap())
        .into();
    assert_eq!(waits, [1, 2, 4, 8, 64, 100, 100, 100]);
}

#[test]
fn attempts_end_at_their_maximum() {
    let policy = RetryPolicy { maximum_attempts: 3, ..RetryPolicy::default() };
    assert_eq!([1, 2, 3].map(|attempt| seconds(&policy, attempt)), [Some(1), Some(2), None]);
}

#[test]
fn a_failure_of_a_named_kind_is_final() {
    let policy = RetryPolicy { non_retryable_kinds: vec![Kind::Unavailable], ..RetryPolicy::default() };
    assert_eq!(seconds(&policy, 1), None);
}

#[test]
fn a_failure_that_says_so_is_final() {
    assert_eq!(RetryPolicy::default().next_delay(1, &Failure::invalid("no")), None);
}

#[test]
fn endless_growth_stays_a_duration() {
    let policy = RetryPolicy {
        backoff_coefficient: f64::INFINITY,
        maximum_interval: Some(Duration::MAX),
        ..RetryPolicy::default()
    };
    assert_eq!(policy.next_delay(2, &Failure::default()), Some(Duration::MAX));
}
