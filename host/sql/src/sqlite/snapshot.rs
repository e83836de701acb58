//! Reading without locks, as long as nothing changes.
//!
//! A query by key takes half a microsecond, and twice that goes into two `fcntl` with which SQLite takes its place in the
//! write-ahead log and gives it back. So a connection that answered a quick query, and finds the database as it was then, keeps its
//! place: what it reads is a snapshot. Each quick query compares the header of the log's index, which every commit of any process
//! changes, with what it was before the snapshot was taken; a changed one ends the snapshot. So a query sees all that was committed
//! before it began, as it would without.
//!
//! | state | the next quick query finds | it |
//! |---|---|---|
//! | fresh | – | notes the header |
//! | seen | the same header | begins a snapshot |
//! | seen | another header | notes it |
//! | held | the same header | reads from the snapshot |
//! | held | another header | ends the snapshot and notes the header |
//!
//! A snapshot keeps the log from beginning anew, so it is let go after some milliseconds (`lane.rs`).

use rusqlite::{Connection, ffi};
use std::cell::Cell;
use std::ffi::c_int;
use std::ptr::{from_mut, null_mut};
use std::sync::atomic::{AtomicU32, Ordering};

/// The first copy of the header in the index of the write-ahead log (the file format, section 2.2): counter of changes, last frame,
/// salts and checksums, in 32-bit words.
type Header = [u32; 12];

/// The size of what SQLite maps of an index at a time.
const REGION: c_int = 32 * 1024;

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Fresh,
    Seen(Header),
    Held(Header),
}

/// What a connection keeps between quick queries.
#[derive(Default)]
pub(super) struct Snapshot {
    state: Cell<State>,
}

impl Snapshot {
    /// Whether a snapshot is held. Everything but quick queries must let go of it first.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.state.get(), State::Held(_))
    }

    /// A quick query of a database with a write-ahead log is about to begin.
    pub(super) fn refresh(&self, sqlite: &Connection) -> rusqlite::Result<()> {
        // Read before the query takes its place in the log: what is committed in between shows later as a change.
        let now = header(sqlite);
        let next = match (self.state.get(), now) {
            (State::Held(seen), Some(now)) if seen == now && !sqlite.is_autocommit() => return Ok(()),
            (State::Held(_), _) => {
                self.let_go(sqlite)?;
                now.map_or(State::Fresh, State::Seen)
            }
            (State::Seen(seen), Some(now)) if seen == now => {
                sqlite.execute_batch("BEGIN")?;
                State::Held(now)
            }
            (State::Seen(_) | State::Fresh, now) => now.map_or(State::Fresh, State::Seen),
        };
        self.state.set(next);
        Ok(())
    }

    /// Ends the snapshot, if there is one. The next quick query that finds the database unchanged takes another.
    pub(super) fn let_go(&self, sqlite: &Connection) -> rusqlite::Result<()> {
        let State::Held(seen) = self.state.get() else { return Ok(()) };
        if !sqlite.is_autocommit() {
            sqlite.execute_batch("COMMIT")?;
        }
        self.state.set(State::Seen(seen));
        Ok(())
    }
}

/// The header as it is now. `None` where there is none.
fn header(sqlite: &Connection) -> Option<Header> {
    let mut file: *mut ffi::sqlite3_file = null_mut();
    // SAFETY: The handle is used while the connection is borrowed. This request writes a pointer to the file of the database, which lives
    // as long as the connection.
    let found = unsafe {
        let file = from_mut(&mut file).cast();
        ffi::sqlite3_file_control(sqlite.handle(), c"main".as_ptr(), ffi::SQLITE_FCNTL_FILE_POINTER, file)
    };
    // SAFETY: As above, and `pMethods` of an open file is null or points to its methods.
    let methods = unsafe { file.as_ref().filter(|_| found == ffi::SQLITE_OK)?.pMethods.as_ref()? };
    let map = methods.xShmMap.filter(|_| methods.iVersion >= 2)?;
    let mut region = null_mut();
    // SAFETY: The file is open and has these methods. This only asks for what the connection has mapped; it adds nothing to the index.
    let mapped = unsafe { map(file, 0, REGION, 0, &raw mut region) };
    let words = region.cast_const().cast::<AtomicU32>();
    if mapped != ffi::SQLITE_OK || words.is_null() {
        return None;
    }
    // SAFETY: A region is mapped for as long as the connection uses its log, is aligned to a page and larger than this. Others write to
    // it at the same time, hence the atomics: a header that is half written differs from the whole one.
    Some(std::array::from_fn(|word| unsafe { (*words.add(word)).load(Ordering::Acquire) }))
}
