//! What the operating system tells of the host's process.

use perilune_value::{Failure, Kind};
use std::io;

/// Bytes of the machine's memory.
pub(super) struct Memory {
    pub(super) resident: u64,
    pub(super) peak: u64,
}

/// What the process takes of the machine's memory.
pub(super) fn memory() -> Result<Memory, Failure> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|error| unavailable(&error))?;
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.trim_start_matches(':').trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    };
    let unknown = || Failure::new(Kind::Unavailable, "the system does not tell what memory the process takes");
    Ok(Memory { resident: bytes("VmRSS").ok_or_else(unknown)?, peak: bytes("VmHWM").ok_or_else(unknown)? })
}

/// Bytes of the machine's memory that the process takes; `None` where the system does not tell.
pub fn resident() -> Option<u64> {
    memory().ok().map(|memory| memory.resident)
}

/// The name of the machine.
pub(super) fn hostname() -> Result<String, Failure> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").map_err(|error| unavailable(&error))?;
    Ok(name.trim().to_owned())
}

/// Processors that the process may use.
pub(super) fn cores() -> u32 {
    std::thread::available_parallelism()
        .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}

/// Threads of the runtime that drives the calling cell.
pub(super) fn threads() -> u32 {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => u32::try_from(runtime.metrics().num_workers()).unwrap_or(u32::MAX),
        Err(_) => 1,
    }
}

pub(super) fn unavailable(error: &io::Error) -> Failure {
    Failure::new(Kind::Unavailable, format!("the system does not tell: {error}"))
}
