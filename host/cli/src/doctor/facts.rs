//! What the machine says of itself.

use perilune::Machine;
#[cfg(unix)]
use rustix::process::{Resource, getrlimit};
use std::fs;
use std::thread::available_parallelism;

/// What the findings are about.
pub(super) struct Facts {
    pub(super) os: &'static str,
    pub(super) arch: &'static str,
    /// Of the kernel, where it can be read.
    pub(super) release: Option<String>,
    pub(super) tells_written_pages: bool,
    pub(super) machine: Machine,
    /// Bytes that the control group allows, where it has a limit.
    pub(super) granted_memory: Option<u64>,
    /// Cores that it grants, where it grants a share.
    pub(super) granted_cores: Option<f64>,
    pub(super) cores: usize,
    /// `vm.overcommit_memory`.
    pub(super) overcommit: Option<String>,
    /// Files that may be open.
    pub(super) open_files: Option<u64>,
}

impl Facts {
    pub(super) fn detect() -> Self {
        Facts {
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
            release: read("/proc/sys/kernel/osrelease"),
            tells_written_pages: Machine::tells_written_pages(),
            machine: Machine::detect(),
            granted_memory: granted_memory(),
            granted_cores: granted_cores(),
            cores: available_parallelism().map_or(1, usize::from),
            overcommit: read("/proc/sys/vm/overcommit_memory"),
            open_files: open_files(),
        }
    }
}

/// A file of the kernel's, trimmed.
fn read(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

/// The limit of the control group, of either version.
fn granted_memory() -> Option<u64> {
    let text =
        read("/sys/fs/cgroup/memory.max").or_else(|| read("/sys/fs/cgroup/memory/memory.limit_in_bytes"))?;
    text.parse().ok()
}

fn granted_cores() -> Option<f64> {
    if let Some(text) = read("/sys/fs/cgroup/cpu.max") {
        return share(&text);
    }
    let quota = read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")?;
    share(&format!("{quota} {}", read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")?))
}

/// `50000 100000` is half a core; `max 100000` and `-1 100000` are no limit.
fn share(text: &str) -> Option<f64> {
    let (quota, period) = text.split_once(' ')?;
    let (quota, period) = (quota.parse::<f64>().ok()?, period.parse::<f64>().ok()?);
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(unix)]
fn open_files() -> Option<u64> {
    Some(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
}

#[cfg(not(unix))]
fn open_files() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn a_share_of_cores_is_read_as_the_kernel_writes_it() {
        for (text, expected) in [
            ("50000 100000", Some(0.5)),
            ("200000 100000", Some(2.0)),
            ("max 100000", None),
            ("-1 100000", None),
            ("0 0", None),
            ("", None),
        ] {
            assert_eq!(share(text), expected, "{text:?}");
        }
    }
}
