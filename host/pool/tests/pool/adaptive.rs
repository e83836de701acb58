//! An adaptive pool under traces of load (arrival and service times, made once from fixed seeds): how many workers it comes to, what callers wait, and that it comes to rest.

use crate::support::{MS, Rig, S, call, rig};
use perilune_pool::{Kind, Settings};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// What became of a replayed trace.
#[derive(Debug)]
struct Replay {
    /// The limit on running calls every 50 ms.
    limits: Vec<u32>,
    waits: Vec<Duration>,
}

impl Replay {
    fn highest(&self) -> u32 {
        self.limits.iter().copied().max().unwrap()
    }

    fn last(&self) -> u32 {
        *self.limits.last().unwrap()
    }

    /// How often growing turned into shrinking or the other way round.
    fn turns(&self) -> usize {
        let mut steps = self.limits.clone();
        steps.dedup();
        steps.windows(3).filter(|three| (three[0] < three[1]) != (three[1] < three[2])).count()
    }

    fn longest(&self) -> Duration {
        self.waits.iter().copied().max().unwrap()
    }

    fn quantile(&self, quantile: f64) -> Duration {
        let mut waits = self.waits.clone();
        waits.sort();
        waits[((waits.len() - 1) as f64 * quantile) as usize]
    }
}

/// Plays a trace, and `after` of silence.
async fn replay(rig: &Rig, trace: &str, after: Duration) -> Replay {
    let begun = Instant::now();
    let mut calls = Vec::new();
    let mut end = Duration::ZERO;
    for line in trace.lines().filter(|line| !line.starts_with('#')) {
        let (arrival, service) = line.split_once(' ').unwrap();
        let (arrival, service) = (arrival.parse::<u32>().unwrap() * MS, service.parse::<u32>().unwrap() * MS);
        let pool = rig.pool.clone();
        end = end.max(arrival + service);
        calls.push(tokio::spawn(async move {
            sleep_until(begun + arrival).await;
            call(pool, service, None).await.unwrap().wait
        }));
    }
    let mut limits = Vec::new();
    while begun.elapsed() < end + after || rig.pool.stats().busy > 0 {
        limits.push(rig.pool.stats().limit);
        sleep(50 * MS).await;
    }
    limits.push(rig.pool.stats().limit);
    let mut waits = Vec::new();
    for call in calls {
        waits.push(call.await.unwrap());
    }
    let stats = rig.pool.stats();
    assert_eq!((stats.calls, stats.queued, stats.busy), (waits.len() as u64, 0, 0));
    Replay { limits, waits }
}

fn adaptive(change: impl FnOnce(&mut Settings)) -> Rig {
    rig(Kind::Adaptive, change)
}

macro_rules! trace {
    ($name:literal) => {
        include_str!(concat!("../traces/", $name, ".txt"))
    };
}

#[tokio::test(start_paused = true)]
async fn steady_traffic_is_served_without_a_queue() {
    let rig = adaptive(|_| {});
    let seen = replay(&rig, trace!("steady"), Duration::ZERO).await;
    assert!((3..=8).contains(&seen.highest()), "{}", seen.highest());
    assert!(seen.turns() <= 1, "{:?}", seen.turns());
    assert!(seen.quantile(0.9) < 100 * MS && seen.longest() < 500 * MS, "{:?}", seen.longest());
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_met_within_half_a_second_and_forgotten_afterwards() {
    let rig = adaptive(|_| {});
    let seen = replay(&rig, trace!("burst"), 120 * S).await;
    assert_eq!((seen.highest(), seen.last()), (16, 1));
    assert!(seen.longest() < 800 * MS, "{:?}", seen.longest());
    assert_eq!(rig.books.live(), 0);
}

#[tokio::test(start_paused = true)]
async fn long_calls_scale() {
    let rig = adaptive(|_| {});
    let seen = replay(&rig, trace!("long"), Duration::ZERO).await;
    assert_eq!(seen.highest(), 16);
    // While there is room to grow, nobody waits longer than the window.
    assert!(seen.waits[..16].iter().all(|wait| *wait <= 150 * MS), "{:?}", &seen.waits[..16]);
}

#[tokio::test(start_paused = true)]
async fn load_that_comes_and_goes_does_not_make_the_pool_flap() {
    let rig = adaptive(|_| {});
    let seen = replay(&rig, trace!("on_off"), Duration::ZERO).await;
    assert!(seen.highest() >= 8);
    assert!(seen.turns() <= 6, "20 rounds, {} turns", seen.turns());
    assert!(seen.quantile(0.9) < 100 * MS, "{:?}", seen.quantile(0.9));
}

#[tokio::test(start_paused = true)]
async fn a_slow_ramp_is_followed_closely() {
    let rig = adaptive(|_| {});
    let seen = replay(&rig, trace!("ramp"), Duration::ZERO).await;
    assert!((7..=16).contains(&seen.highest()), "{}", seen.highest());
    assert!(seen.turns() <= 2, "{}", seen.turns());
    assert!(seen.quantile(0.9) < 100 * MS, "{:?}", seen.quantile(0.9));
}

#[tokio::test(start_paused = true)]
async fn an_idle_pool_stays_as_it_began() {
    let rig = adaptive(|_| {});
    let seen = replay(&rig, trace!("idle"), 40 * S).await;
    assert_eq!((seen.highest(), seen.longest()), (1, Duration::ZERO));
    assert_eq!((rig.books.live(), rig.books.made()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn it_never_has_fewer_workers_than_its_size_or_more_than_its_max_size() {
    for trace in [trace!("steady"), trace!("burst"), trace!("long"), trace!("on_off"), trace!("ramp")] {
        let rig = adaptive(|s| (s.size, s.max_size) = (2, 5));
        let seen = replay(&rig, trace, 60 * S).await;
        assert!(seen.limits.iter().all(|limit| (2..=5).contains(limit)));
        assert!(rig.books.most.load(std::sync::atomic::Ordering::SeqCst) <= 6);
    }
}

#[tokio::test(start_paused = true)]
async fn a_removed_worker_finishes_its_call() {
    let rig = adaptive(|_| {});
    // Sixteen calls of 10 s, of which five last on: the limit falls to what they need, and all of them end well.
    let short = rig.spawn_many(11, 10 * S).await;
    let long = rig.spawn_many(5, 60 * S).await;
    sleep(2 * S).await;
    assert_eq!((rig.pool.stats().limit, rig.pool.stats().busy), (16, 16));
    sleep(40 * S).await;
    assert_eq!((rig.pool.stats().limit, rig.pool.stats().busy), (8, 5));
    for task in short.into_iter().chain(long) {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn bursts_that_come_again_are_soon_served_without_a_wait() {
    let rig = adaptive(|_| {});
    for _ in 0..10 {
        for task in rig.spawn_many(8, 10 * MS).await {
            task.await.unwrap().unwrap();
        }
        sleep(120 * MS).await;
    }
    assert_eq!(rig.pool.stats().limit, 8);
    for task in rig.spawn_many(8, 10 * MS).await {
        assert!(task.await.unwrap().unwrap().wait.is_zero());
    }
}

#[tokio::test(start_paused = true)]
async fn waits_of_a_few_milliseconds_are_no_reason_to_grow() {
    let rig = adaptive(|_| {});
    for _ in 0..50 {
        for task in rig.spawn_many(8, MS).await {
            task.await.unwrap().unwrap();
        }
        sleep(120 * MS).await;
    }
    assert_eq!(rig.pool.stats().limit, 1);
}
