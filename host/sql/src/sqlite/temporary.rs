//! Temporary files: what sorting, grouping and results in between have no room for in memory. SQLite itself puts no bound on them,
//! so that one query could fill the disk.
//!
//! This is the system's own VFS but for one thing: the bytes of temporary files are counted for each thread. A statement runs on one
//! thread from its first step to its last and closes its files there, so that the count is that of the statement. Journals are not
//! counted; they are as large as what a statement changes, which `options.max_size` bounds.

use super::memory;
use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};
use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::ptr::null_mut;
use std::sync::OnceLock;

/// Bytes of the temporary files of one statement: a sort of a million rows of a page each needs less with an index.
const MOST: u64 = 256 << 20;

/// The name of the VFS.
const NAME: &CStr = c"perilune";

/// Files of statements. All others are the database's own.
const TEMPORARY: c_int =
    ffi::SQLITE_OPEN_TEMP_DB | ffi::SQLITE_OPEN_TRANSIENT_DB | ffi::SQLITE_OPEN_TEMP_JOURNAL;

thread_local! {
    static USED: Cell<u64> = const { Cell::new(0) };
    static IS_EXCEEDED: Cell<bool> = const { Cell::new(false) };
}

/// What a statement was refused for, if it was so since this was asked the last time on this thread.
pub(super) fn take_refusal() -> Option<String> {
    IS_EXCEEDED.take().then(|| {
        let most = MOST >> 20;
        format!("sorting or grouping would take more than {most} MiB of disk: limit what is sorted, or make an index for it")
    })
}

/// The name of the VFS, which exists from then on. Connections are opened with it, so that nothing is done with SQLite before.
pub(super) fn vfs() -> rusqlite::Result<&'static CStr> {
    static IS_REGISTERED: OnceLock<bool> = OnceLock::new();
    let register = || {
        memory::install();
        register().is_some()
    };
    match IS_REGISTERED.get_or_init(register) {
        true => Ok(NAME),
        false => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), None)),
    }
}

fn register() -> Option<()> {
    // SAFETY: A null name stands for the default VFS. What is found lives as long as the process.
    let original = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
    // SAFETY: It is null or points to a VFS.
    let mut copy = unsafe { original.as_ref() }.copied()?;
    copy.szOsFile += c_int::try_from(size_of::<File>()).ok()?;
    copy.pNext = null_mut();
    copy.zName = NAME.as_ptr();
    copy.xOpen = Some(open);
    // SAFETY: The copy is leaked, so that it lives as long as the process; its functions are the system's but for `open`, which
    // keeps what SQLite demands of it.
    let code =
        unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(Vfs { vfs: copy, original })).cast(), 0) };
    (code == ffi::SQLITE_OK).then_some(())
}

/// Begins with what SQLite knows of a VFS.
#[repr(C)]
struct Vfs {
    vfs: sqlite3_vfs,
    original: *mut sqlite3_vfs,
}

/// A temporary file. Behind it, in the same allocation, is the file of the system's VFS.
#[repr(C)]
struct File {
    base: sqlite3_file,
    size: u64,
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    // Neither shared memory nor mapping: temporary files need none.
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes the VFS that it opens with, which is the one that `register` leaked, and a file of at least `szOsFile`
    // bytes: room for `File` and the system's file behind it, whose alignment is that of pointers, as is the size of `File`.
    unsafe {
        let original = (*vfs.cast::<Vfs>()).original;
        let Some(open) = (*original).xOpen else { return ffi::SQLITE_CANTOPEN };
        if flags & TEMPORARY == 0 {
            return open(original, name, file, flags, out);
        }
        let inner = inner(file);
        (*inner).pMethods = std::ptr::null();
        let code = open(original, name, inner, flags, out);
        (*file.cast::<File>()).size = 0;
        // With methods it is closed, whether or not it was opened.
        (*file).pMethods = if (*inner).pMethods.is_null() { std::ptr::null() } else { &raw const METHODS };
        code
    }
}

/// # Safety
///
/// `file` is one that `open` has room for.
unsafe fn inner(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: The caller's promise: the system's file lies behind `File`.
    unsafe { file.cast::<File>().add(1).cast() }
}

/// Gives bytes back that a file does not have any more.
fn give_back(bytes: u64) {
    USED.set(USED.get().saturating_sub(bytes));
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite passes a file that `open` has opened, once and no more after this.
    unsafe {
        give_back((*file.cast::<File>()).size);
        let inner = inner(file);
        let code = (*(*inner).pMethods).xClose.map_or(ffi::SQLITE_ERROR, |close| close(inner));
        (*file).pMethods = std::ptr::null();
        code
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    count: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite passes a file that `open` has opened, and `count` bytes.
    unsafe {
        let size = &mut (*file.cast::<File>()).size;
        let end = u64::try_from(offset.saturating_add(i64::from(count))).unwrap_or(u64::MAX);
        let used = USED.get().saturating_add(end.saturating_sub(*size));
        if end > *size && used > MOST {
            IS_EXCEEDED.set(true);
            return ffi::SQLITE_FULL;
        }
        USED.set(used);
        *size = end.max(*size);
        let inner = inner(file);
        (*(*inner).pMethods)
            .xWrite
            .map_or(ffi::SQLITE_IOERR_WRITE, |write| write(inner, bytes, count, offset))
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, to: i64) -> c_int {
    // SAFETY: SQLite passes a file that `open` has opened.
    unsafe {
        let size = &mut (*file.cast::<File>()).size;
        let to_size = u64::try_from(to).unwrap_or(0).min(*size);
        give_back(*size - to_size);
        *size = to_size;
        let inner = inner(file);
        (*(*inner).pMethods).xTruncate.map_or(ffi::SQLITE_IOERR_TRUNCATE, |truncate| truncate(inner, to))
    }
}

/// Methods that only pass on what they are given.
macro_rules! passed_on {
    ($($name:ident is $method:ident($($argument:ident: $type:ty),*) or $otherwise:expr;)*) => {
        $(unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $argument: $type)*) -> c_int {
            // SAFETY: SQLite passes a file that `open` has opened, and what the system's method wants.
            unsafe {
                let inner = inner(file);
                (*(*inner).pMethods).$method.map_or($otherwise, |method| method(inner $(, $argument)*))
            }
        })*
    };
}

passed_on! {
    read is xRead(bytes: *mut c_void, count: c_int, offset: i64) or ffi::SQLITE_IOERR_READ;
    sync is xSync(flags: c_int) or ffi::SQLITE_OK;
    file_size is xFileSize(size: *mut i64) or ffi::SQLITE_IOERR_FSTAT;
    lock is xLock(level: c_int) or ffi::SQLITE_OK;
    unlock is xUnlock(level: c_int) or ffi::SQLITE_OK;
    check_reserved_lock is xCheckReservedLock(out: *mut c_int) or ffi::SQLITE_OK;
    file_control is xFileControl(what: c_int, argument: *mut c_void) or ffi::SQLITE_NOTFOUND;
    sector_size is xSectorSize() or 0;
    device_characteristics is xDeviceCharacteristics() or 0;
}
