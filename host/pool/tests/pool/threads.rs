//! The same pool from several threads at once, on real time: nobody is lost between them.

use crate::support::{MS, rig};
use perilune_pool::Kind;
use std::sync::atomic::Ordering::SeqCst;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_call_is_served_whoever_gives_up_beside_it() {
    for kind in [Kind::Inline, Kind::Lazy, Kind::Static, Kind::Adaptive] {
        let rig = rig(kind, |s| (s.size, s.max_size, s.buffer) = (2, 2, Some(1_000)));
        let callers: Vec<_> = (0..16)
            .map(|caller| {
                let pool = rig.pool.clone();
                tokio::spawn(async move {
                    for round in 0..500 {
                        // Some give up in the queue, at whatever moment that happens to be; some drop their lease.
                        let lease = if (caller + round) % 5 == 0 {
                            tokio::time::timeout(MS / 20, pool.lease(None)).await.ok()
                        } else {
                            Some(pool.lease(None).await)
                        };
                        tokio::task::yield_now().await;
                        match lease {
                            Some(lease) if round % 7 == 0 => drop(lease.unwrap()),
                            Some(lease) => lease.unwrap().finish(),
                            None => {}
                        }
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
        let stats = rig.pool.stats();
        assert_eq!(stats.calls + stats.cancelled, 16 * 500);
        assert!(rig.books.most.load(SeqCst) <= 4, "{kind}: {}", rig.books.most.load(SeqCst));
        rig.pool.close().await;
        assert_eq!((rig.books.live(), rig.pool.stats().busy), (0, 0));
    }
}
