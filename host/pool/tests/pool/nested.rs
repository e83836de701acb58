//! Calls that call their own pool.

use crate::support::{MS, S, Workshop, rig, turn};
use perilune_pool::{Kind, Lease, Loan, Pool};
use std::sync::Arc;
use tokio::time::{Instant, sleep};

const ALL: [Kind; 4] = [Kind::Inline, Kind::Lazy, Kind::Static, Kind::Adaptive];

/// A chain of calls, each of which waits for the next one.
async fn chain(pool: &Arc<Pool<Workshop>>, length: usize, loan: Option<Loan>) {
    let mut lease = pool.lease_within(loan.as_ref(), None).await.unwrap();
    if length > 1 {
        let loan = lease.loan();
        Box::pin(chain(pool, length - 1, Some(loan))).await;
    }
    lease.finish();
}

#[tokio::test(start_paused = true)]
async fn a_call_to_itself_does_not_wait_for_itself() {
    for kind in ALL {
        let rig = rig(kind, |s| (s.size, s.max_size) = (1, 1));
        let begun = Instant::now();
        chain(&rig.pool, 32, None).await;
        assert_eq!(begun.elapsed().as_millis(), 0, "{kind}");
        turn().await;
        let stats = rig.pool.stats();
        assert_eq!((stats.calls, stats.busy), (32, 0));
        assert!(rig.books.live() <= 2, "what the chain needed beyond the pool's size is given up");
        rig.pool.close().await;
        assert_eq!(rig.books.live(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_is_lent_to_one_call_at_a_time_and_the_others_wait_in_line() {
    let rig = rig(Kind::Static, |s| s.size = 1);
    let mut outer = rig.pool.lease(None).await.unwrap();
    let loan = outer.loan();
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let (pool, loan) = (rig.pool.clone(), loan.clone());
            tokio::spawn(async move {
                let lease = pool.lease_within(Some(&loan), None).await.unwrap();
                sleep(S).await;
                lease.finish();
            })
        })
        .collect();
    turn().await;
    assert_eq!((rig.pool.stats().busy, rig.pool.stats().queued), (2, 2));
    outer.finish();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_loan_can_be_used_again_and_is_returned_by_a_call_that_dies() {
    let rig = rig(Kind::Static, |s| s.size = 1);
    let mut outer = rig.pool.lease(None).await.unwrap();
    let loan = outer.loan();
    for end in [Lease::finish, drop] {
        end(rig.pool.lease_within(Some(&loan), None).await.unwrap());
    }
    assert_eq!(rig.pool.stats().calls, 3);
}

#[tokio::test(start_paused = true)]
async fn a_loan_is_worth_nothing_in_another_pool() {
    let (one, two) = (rig(Kind::Static, |s| s.size = 1), rig(Kind::Static, |s| s.size = 1));
    let mut lease = one.pool.lease(None).await.unwrap();
    let loan = lease.loan();
    let _busy = two.spawn(S).await;
    let deadline = Some(Instant::now() + MS);
    assert!(two.pool.lease_within(Some(&loan), deadline).await.is_err());
}
