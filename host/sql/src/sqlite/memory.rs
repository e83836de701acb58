//! Memory of statements. A value may have 16 MiB, and one row may hold thousands of them: SQLite makes them all before anybody sees
//! the first, in the host's memory and not in that of the cell.
//!
//! Like temporary files (`temporary.rs`), what is allocated is counted for each thread while a statement runs on it. At the limit an
//! allocation fails, which SQLite is made for: the statement ends, and its memory is free again.

use rusqlite::ffi::{self, sqlite3_mem_methods};
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::ptr::{from_mut, from_ref, null_mut};
use std::sync::OnceLock;

/// Bytes that one statement may take. As much as a database in memory may grow by.
const MOST: i64 = 256 << 20;

thread_local! {
    /// What the statement of this thread took and has not given back; `None` while there is none.
    static TAKEN: Cell<Option<i64>> = const { Cell::new(None) };
    static IS_EXCEEDED: Cell<bool> = const { Cell::new(false) };
}

/// What a statement was refused for, if it was so since this was asked the last time on this thread.
pub(super) fn take_refusal() -> Option<String> {
    IS_EXCEEDED.take().then(|| format!("the statement would take more than {} MiB of memory", MOST >> 20))
}

/// Counts what is allocated on this thread until it is dropped.
pub(super) struct Counted;

impl Counted {
    pub(super) fn begin() -> Self {
        TAKEN.set(Some(0));
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        TAKEN.set(None);
    }
}

/// Has SQLite ask here for memory. To be called before anything else is done with SQLite, and only once.
pub(super) fn install() {
    let none = sqlite3_mem_methods {
        xMalloc: None,
        xFree: None,
        xRealloc: None,
        xSize: None,
        xRoundup: None,
        xInit: None,
        xShutdown: None,
        pAppData: null_mut(),
    };
    let mut system = none;
    // SAFETY: This option takes a pointer to methods, which are written there.
    let known = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_GETMALLOC, from_mut(&mut system)) };
    if let (ffi::SQLITE_OK, Some(malloc), Some(free), Some(realloc), Some(size)) =
        (known, system.xMalloc, system.xFree, system.xRealloc, system.xSize)
    {
        SYSTEM.get_or_init(|| System { malloc, free, realloc, size });
        let counting = sqlite3_mem_methods {
            xMalloc: Some(allocate),
            xFree: Some(release),
            xRealloc: Some(reallocate),
            ..system
        };
        // SAFETY: This option takes a pointer to methods, which are copied. They do as the system's do, or refuse.
        let set = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_MALLOC, from_ref(&counting)) };
        if set == ffi::SQLITE_OK {
            return;
        }
    }
    tracing::warn!(
        "something else in this process has begun to use SQLite: the memory of statements is not bounded"
    );
}

/// What SQLite would have used.
struct System {
    malloc: unsafe extern "C" fn(c_int) -> *mut c_void,
    free: unsafe extern "C" fn(*mut c_void),
    realloc: unsafe extern "C" fn(*mut c_void, c_int) -> *mut c_void,
    size: unsafe extern "C" fn(*mut c_void) -> c_int,
}

static SYSTEM: OnceLock<System> = OnceLock::new();

/// Whether a statement may take so many bytes more. What it did not take itself, such as pages of the cache, it may give back as well.
fn may_take(bytes: i64) -> bool {
    let Some(taken) = TAKEN.get() else { return true };
    if bytes > 0 && taken + bytes > MOST {
        IS_EXCEEDED.set(true);
        return false;
    }
    TAKEN.set(Some(taken + bytes));
    true
}

unsafe extern "C" fn allocate(bytes: c_int) -> *mut c_void {
    let Some(system) = SYSTEM.get() else { return null_mut() };
    match may_take(bytes.into()) {
        // SAFETY: SQLite asks for what it may ask the system's method for.
        true => unsafe { (system.malloc)(bytes) },
        false => null_mut(),
    }
}

unsafe extern "C" fn reallocate(memory: *mut c_void, bytes: c_int) -> *mut c_void {
    let Some(system) = SYSTEM.get() else { return null_mut() };
    // SAFETY: SQLite passes memory that the system's methods have given.
    let before = unsafe { (system.size)(memory) };
    match may_take(i64::from(bytes) - i64::from(before)) {
        // SAFETY: As above.
        true => unsafe { (system.realloc)(memory, bytes) },
        false => null_mut(),
    }
}

unsafe extern "C" fn release(memory: *mut c_void) {
    let Some(system) = SYSTEM.get() else { return };
    // SAFETY: SQLite passes memory that the system's methods have given, once.
    unsafe {
        may_take(-i64::from((system.size)(memory)));
        (system.free)(memory);
    }
}
