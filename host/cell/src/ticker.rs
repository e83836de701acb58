//! The one thread that advances an engine's epoch.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};
use std::time::Duration;
use wasmtime::EngineWeak;

/// Running cells give their thread to others this often, and CPU time is counted in these. Yielding costs about a
/// microsecond, so a millisecond keeps the price at a thousandth while neighbours wait little.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Ticks without a turn after which the thread sleeps until the next one: an idle host has no timer running.
const IDLE_TICKS: u32 = 1000;

/// Advances the epoch of one engine while anything runs on it.
pub struct Ticker {
    turns: AtomicU64,
    asleep: AtomicBool,
    thread: Mutex<Option<Thread>>,
}

impl Ticker {
    /// Starts the thread. It ends when the engine is gone.
    ///
    /// # Errors
    ///
    /// When the system has no thread left.
    pub fn start(engine: EngineWeak) -> std::io::Result<Arc<Self>> {
        let ticker = Arc::new(Ticker {
            turns: AtomicU64::new(0),
            asleep: AtomicBool::new(false),
            thread: Mutex::new(None),
        });
        let weak = Arc::downgrade(&ticker);
        let handle = thread::Builder::new().name("perilune-ticker".to_owned()).spawn(move || {
            let (mut seen, mut idle) = (0, 0);
            loop {
                if idle < IDLE_TICKS {
                    thread::sleep(TICK);
                } else {
                    thread::park_timeout(Duration::from_secs(1));
                }
                let (Some(ticker), Some(engine)) = (weak.upgrade(), engine.upgrade()) else { return };
                engine.increment_epoch();
                let turns = ticker.turns.load(Ordering::SeqCst);
                idle = if turns == seen { idle.saturating_add(1) } else { 0 };
                seen = turns;
                ticker.asleep.store(idle >= IDLE_TICKS, Ordering::SeqCst);
                // A turn that began before it could see the flag is noticed here.
                if ticker.turns.load(Ordering::SeqCst) != seen {
                    idle = 0;
                }
            }
        })?;
        if let Ok(mut thread) = ticker.thread.lock() {
            *thread = Some(handle.thread().clone());
        }
        Ok(ticker)
    }

    /// Says that a cell runs: the epoch must advance. Called at each turn's start, and again at each tick of a long one.
    pub fn running(&self) {
        self.turns.fetch_add(1, Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst)
            && let Ok(thread) = self.thread.lock()
            && let Some(thread) = thread.as_ref()
        {
            thread.unpark();
        }
    }
}
