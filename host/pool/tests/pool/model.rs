//! Random histories against what must hold after each step.

use crate::support::{MS, Rig, Workshop, rig, turn};
use perilune_pool::{Kind, Lease, Stats};
use perilune_value::Failure;
use proptest::prelude::*;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

#[derive(Clone, Debug)]
enum Step {
    /// A call comes; in so many milliseconds its patience ends.
    Arrive(Option<u32>),
    /// The n-th running call ends well.
    Finish(usize),
    /// The n-th running call is cancelled.
    Cancel(usize),
    /// The n-th task that asked for a lease is dropped, wherever it stands.
    Abort(usize),
    /// As many calls end and as many are dropped without anybody getting to run in between.
    Race(usize, usize),
    Pass(u32),
    Shed(usize),
    Warm,
    /// From now on the supply takes this long, and fails or gives up or not.
    Manners(u32, bool, bool),
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => prop::option::of(0..300u32).prop_map(Step::Arrive),
        5 => any::<usize>().prop_map(Step::Finish),
        2 => any::<usize>().prop_map(Step::Cancel),
        2 => any::<usize>().prop_map(Step::Abort),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(finish, abort)| Step::Race(finish, abort)),
        3 => prop_oneof![1..200u32, 1_000..40_000u32].prop_map(Step::Pass),
        1 => (0..5usize).prop_map(Step::Shed),
        1 => Just(Step::Warm),
        1 => (0..50u32, any::<bool>(), any::<bool>()).prop_map(|(ms, fails, gives_up)| Step::Manners(ms, fails, gives_up)),
    ];
    (prop::collection::vec(step, 1..80), any::<bool>()).prop_map(|(mut steps, close)| {
        if close {
            let middle = steps.len() / 2;
            steps.insert(middle, Step::Close);
        }
        steps
    })
}

type Asking = JoinHandle<Result<Lease<Workshop>, Failure>>;

#[derive(Default)]
struct World {
    asking: Vec<Asking>,
    running: Vec<Lease<Workshop>>,
    arrived: u64,
    /// Calls that were told no, by anything but the pool being closed.
    told: u64,
    closed: u64,
    /// Tasks that were aborted; some had their lease or their failure already.
    aborted: u64,
}

impl World {
    async fn step(&mut self, rig: &Rig, step: Step) {
        match step {
            Step::Arrive(patience) => {
                let pool = rig.pool.clone();
                let deadline = patience.map(|ms| Instant::now() + ms * MS);
                self.arrived += 1;
                self.asking.push(tokio::spawn(async move { pool.lease(deadline).await }));
            }
            Step::Finish(n) => {
                if !self.running.is_empty() {
                    self.running.swap_remove(n % self.running.len()).finish();
                }
            }
            Step::Cancel(n) => {
                if !self.running.is_empty() {
                    drop(self.running.swap_remove(n % self.running.len()));
                }
            }
            Step::Abort(n) => self.abort(n),
            Step::Race(finish, abort) => {
                for _ in 0..finish % 4 {
                    self.running.pop().map(Lease::finish).unwrap_or_default();
                }
                for n in 0..abort % 4 {
                    self.abort(n);
                }
            }
            Step::Pass(ms) => sleep(ms * MS).await,
            Step::Shed(n) => drop(rig.pool.shed(n)),
            Step::Warm => {
                let pool = rig.pool.clone();
                tokio::spawn(async move { pool.warm().await });
            }
            Step::Manners(ms, fails, gives_up) => rig.books.set(|manners| {
                (manners.creating, manners.cleaning) = (ms * MS, ms * MS / 2);
                manners.fails = fails.then(|| Failure::internal("fails"));
                manners.gives_up = gives_up;
            }),
            Step::Close => {
                let pool = rig.pool.clone();
                tokio::spawn(async move { pool.close().await });
            }
        }
        turn().await;
        self.collect().await;
    }

    fn abort(&mut self, n: usize) {
        if !self.asking.is_empty() {
            self.asking.swap_remove(n % self.asking.len()).abort();
            self.aborted += 1;
        }
    }

    async fn collect(&mut self) {
        for asking in std::mem::take(&mut self.asking) {
            if !asking.is_finished() {
                self.asking.push(asking);
                continue;
            }
            match asking.await.unwrap() {
                Ok(lease) => self.running.push(lease),
                Err(failure) if failure.message.ends_with("pool is closed") => self.closed += 1,
                Err(_) => self.told += 1,
            }
        }
    }
}

fn check(rig: &Rig, world: &World, stats: &Stats, most: u32) {
    assert!(stats.busy <= most && stats.limit <= most, "{stats:?}");
    assert!(world.running.len() as u32 <= stats.busy);
    assert!(stats.queued == 0 || stats.busy >= stats.limit, "somebody waits beside a free place: {stats:?}");
    assert!(rig.books.live() <= most + 2, "{} live workers, {stats:?}", rig.books.live());
    assert!(stats.ready <= stats.workers && stats.workers <= rig.books.live());
    assert_eq!(stats.created - stats.retired, u64::from(stats.workers));
    // Who asks still waits or gets a worker; who was told no was counted somewhere.
    let asking = world.asking.len() as u64;
    let told = stats.refused + stats.timed_out + stats.failed;
    assert!(world.told <= told && told <= world.told + world.aborted, "{told} {stats:?}");
    let seen = stats.calls + stats.refused + stats.timed_out + stats.cancelled + stats.queued as u64;
    let most_seen = world.arrived - world.closed;
    assert!(
        seen <= most_seen && most_seen <= seen + world.aborted,
        "{seen} of {most_seen}, {asking}: {stats:?}"
    );
}

fn play(kind: Kind, size: u32, max_size: u32, buffer: u32, inline_waits: bool, steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let rig = rig(kind, |s| {
            (s.size, s.max_size, s.warm_start) = (size, max_size, inline_waits);
            s.buffer = Some(buffer);
        });
        let most = if kind == Kind::Static { size } else { max_size };
        let mut world = World::default();
        for step in steps {
            world.step(&rig, step).await;
            check(&rig, &world, &rig.pool.stats(), most);
        }
        // Whoever still waits is served as soon as the running calls end: nobody is forgotten.
        rig.books.set(|manners| *manners = Default::default());
        while !(world.asking.is_empty() && world.running.is_empty()) {
            world.running.drain(..).for_each(Lease::finish);
            let before = world.asking.len();
            sleep(Duration::from_millis(60)).await;
            world.collect().await;
            assert!(world.asking.is_empty() || !world.running.is_empty() || world.asking.len() < before);
        }
        tokio::time::timeout(Duration::from_secs(600), rig.pool.close()).await.expect("closing ends");
        let stats = rig.pool.stats();
        check(&rig, &world, &stats, most);
        assert_eq!((stats.workers, stats.busy, stats.queued, rig.books.live.load(SeqCst)), (0, 0, 0, 0));
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_history_breaks_a_promise(
        kind in prop::sample::select(vec![Kind::Inline, Kind::Lazy, Kind::Static, Kind::Adaptive]),
        (size, max_size) in (1..4u32, 4..7u32),
        buffer in 1..6u32,
        warm in any::<bool>(),
        steps in steps(),
    ) {
        play(kind, size, max_size, buffer, warm, steps);
    }
}
