//! The kernel, memory, cores, and how many cells they allow.

use super::Finding;
use crate::application;
use perilune::Machine;
use perilune_settings::Settings;
use std::fs;
use std::thread::available_parallelism;

/// Bytes of a gibibyte and a mebibyte.
const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// Files that a host with a few hundred connections has open.
const FEW_FILES: u64 = 4096;

pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    let machine = Machine::detect();
    let mut findings =
        vec![system(), written_pages(), cells(settings, machine), memory(settings, machine), cores(settings)];
    findings.extend(overcommit());
    findings.extend(open_files());
    findings
}

/// A file of the kernel's, trimmed.
fn read(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

fn system() -> Finding {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    match (os, read("/proc/sys/kernel/osrelease")) {
        ("linux", Some(release)) => Finding::ok("system", format!("Linux {release} on {arch}")),
        ("linux", None) => Finding::warn(
            "system",
            format!("Linux on {arch}, and /proc cannot be read"),
            "mount /proc: sizes are guessed without it",
        ),
        _ => Finding::warn(
            "system",
            format!("{os} on {arch}"),
            "Linux is what Perilune is made for; elsewhere used cells are cleaned more slowly",
        ),
    }
}

fn written_pages() -> Finding {
    match Machine::tells_written_pages() {
        true => Finding::ok("PAGEMAP_SCAN", "the kernel tells which pages a cell has written"),
        false => Finding::warn(
            "PAGEMAP_SCAN",
            "the kernel does not tell which pages a cell has written; cleaning a used cell looks at all of them",
            "use Linux 6.7 or newer, and a container that may read /proc/self/pagemap",
        ),
    }
}

/// How many cells fit, and what of.
fn cells(settings: &Settings, machine: Machine) -> Finding {
    let fit = machine.cells();
    let wanted = application::cells(settings);
    let scarce = [
        (
            machine.cells_by_address_space(),
            format!("address space ({} GiB)", machine.address_space / GIB),
            "`ulimit -v unlimited`",
        ),
        (
            machine.cells_by_mappings(),
            format!("vm.max_map_count ({})", machine.mappings),
            "`sysctl -w vm.max_map_count=262144`",
        ),
        (machine.cells_by_memory(), format!("memory ({} MiB)", machine.memory / MIB), "more memory"),
    ];
    let Some((least, what, remedy)) = scarce.into_iter().min_by_key(|(cells, _, _)| *cells) else {
        return Finding::info("cells", format!("{fit} fit"));
    };
    let bound = if least <= u64::from(fit) { format!(", bound by {what}") } else { String::new() };
    if wanted > fit {
        let message = format!("{wanted} are asked for, {fit} fit{bound}");
        return Finding::warn("cells", message, format!("lower `cells.max`, or give more: {remedy}"));
    }
    Finding::ok("cells", format!("room for {wanted} at the same time; {fit} fit{bound}"))
}

/// Memory of the machine, or of the container.
fn memory(settings: &Settings, machine: Machine) -> Finding {
    let limit = cgroup_memory().filter(|limit| *limit < machine.memory);
    let all = limit.unwrap_or(machine.memory);
    let of = if limit.is_some() { "of the control group" } else { "of the machine" };
    let message = format!(
        "{} MiB {of}; a cell may take {} MiB unless its entry says otherwise",
        all / MIB,
        settings.limits_memory / MIB
    );
    match settings.limits_memory.saturating_mul(2) > all {
        true => Finding::warn("memory", message, "lower `limits.memory`: two such cells do not fit"),
        false => Finding::ok("memory", message),
    }
}

/// The limit of the control group, of either version.
fn cgroup_memory() -> Option<u64> {
    let text =
        read("/sys/fs/cgroup/memory.max").or_else(|| read("/sys/fs/cgroup/memory/memory.limit_in_bytes"))?;
    text.parse().ok()
}

/// Cores that the control group grants, where it grants a share.
fn cgroup_cores() -> Option<f64> {
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

fn cores(settings: &Settings) -> Finding {
    let cores = available_parallelism().map_or(1, usize::from);
    let threads = settings.threads.map_or(cores, |threads| threads as usize);
    let message = format!("{cores} for {threads} threads");
    match cgroup_cores() {
        Some(share) if share < threads as f64 => Finding::warn(
            "cores",
            format!("{message}, of which the control group grants {share:.1}"),
            format!("set `threads` to {:.0}: more are stopped when the share is used up", share.ceil()),
        ),
        _ if threads > cores => {
            Finding::warn("cores", message, "lower `threads`: no call waits inside of a cell")
        }
        _ => Finding::ok("cores", message),
    }
}

/// Strict accounting may refuse what cells reserve and never use.
fn overcommit() -> Option<Finding> {
    let mode = read("/proc/sys/vm/overcommit_memory")?;
    Some(match mode.as_str() {
        "2" => Finding::warn(
            "overcommit",
            "vm.overcommit_memory is 2: memory that is reserved and not used counts",
            "`sysctl -w vm.overcommit_memory=0`, or lower `cells.max` when cells cannot be made",
        ),
        _ => Finding::ok("overcommit", format!("vm.overcommit_memory is {mode}")),
    })
}

#[cfg(unix)]
fn open_files() -> Option<Finding> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a structure that lives until the call returns.
    let done = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    if done != 0 {
        return None;
    }
    // The types differ between systems.
    #[allow(clippy::unnecessary_cast, reason = "not everywhere the same type")]
    let most = limit.rlim_cur as u64;
    Some(match most < FEW_FILES {
        true => Finding::warn(
            "open files",
            format!("{most} at the most"),
            format!("`ulimit -n {FEW_FILES}` for servers: each connection is one"),
        ),
        false => Finding::ok("open files", format!("{most} at the most")),
    })
}

#[cfg(not(unix))]
fn open_files() -> Option<Finding> {
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
