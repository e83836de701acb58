//! The kernel, memory, cores, and how many cells they allow.

use super::Finding;
use super::facts::Facts;
use crate::application;
use perilune_settings::Settings;

/// Bytes of a gibibyte and a mebibyte.
const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// Files that a host with a few hundred connections has open.
const FEW_FILES: u64 = 4096;

pub(super) fn findings(facts: &Facts, settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![
        system(facts),
        written_pages(facts),
        cells(facts, application::cells(settings)),
        memory(facts, settings),
        cores(facts, settings),
    ];
    findings.extend(facts.overcommit.as_deref().map(overcommit));
    findings.extend(facts.open_files.map(open_files));
    findings
}

fn system(facts: &Facts) -> Finding {
    let Facts { os, arch, .. } = facts;
    match (*os, &facts.release) {
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

fn written_pages(facts: &Facts) -> Finding {
    match facts.tells_written_pages {
        true => Finding::ok("PAGEMAP_SCAN", "the kernel tells which pages a cell has written"),
        false => Finding::warn(
            "PAGEMAP_SCAN",
            "the kernel does not tell which pages a cell has written; cleaning a used cell looks at all of them",
            "use Linux 6.7 or newer, and a container that may read /proc/self/pagemap",
        ),
    }
}

/// How many cells fit, and what of.
fn cells(facts: &Facts, wanted: u32) -> Finding {
    let machine = facts.machine;
    let fit = machine.cells();
    let fits = if fit == 1 { "fits" } else { "fit" };
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
    let [first, others @ ..] = scarce;
    let (least, what, remedy) =
        others.into_iter().fold(first, |scarcest, other| if other.0 < scarcest.0 { other } else { scarcest });
    let bound = if least <= u64::from(fit) { format!(", bound by {what}") } else { String::new() };
    if wanted > fit {
        let message = format!("{wanted} are asked for, {fit} {fits}{bound}");
        return Finding::warn("cells", message, format!("lower `cells.max`, or give more: {remedy}"));
    }
    Finding::ok("cells", format!("room for {wanted} at the same time; {fit} {fits}{bound}"))
}

/// Memory of the machine, or of the container.
fn memory(facts: &Facts, settings: &Settings) -> Finding {
    let machine = facts.machine;
    let limit = facts.granted_memory.filter(|limit| *limit < machine.memory);
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

fn cores(facts: &Facts, settings: &Settings) -> Finding {
    let cores = facts.cores;
    let threads = settings.threads.map_or(cores, |threads| threads as usize);
    let message = format!("{cores} for {threads} threads");
    match facts.granted_cores {
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
fn overcommit(mode: &str) -> Finding {
    match mode {
        "2" => Finding::warn(
            "overcommit",
            "vm.overcommit_memory is 2: memory that is reserved and not used counts",
            "`sysctl -w vm.overcommit_memory=0`, or lower `cells.max` when cells cannot be made",
        ),
        _ => Finding::ok("overcommit", format!("vm.overcommit_memory is {mode}")),
    }
}

fn open_files(most: u64) -> Finding {
    match most < FEW_FILES {
        true => Finding::warn(
            "open files",
            format!("{most} at the most"),
            format!("`ulimit -n {FEW_FILES}` for servers: each connection is one"),
        ),
        false => Finding::ok("open files", format!("{most} at the most")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::render;
    use super::{Facts, GIB, findings};
    use insta::assert_snapshot;
    use perilune::Machine;
    use perilune_settings::{Settings, Sources, resolve};

    fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
        let mut settings = resolve(&Sources::default()).expect("the defaults are right").settings();
        settings.cells_max = Some(1000);
        change(&mut settings);
        settings
    }

    /// A machine with enough of everything.
    fn good() -> Facts {
        Facts {
            os: "linux",
            arch: "x86_64",
            release: Some("6.12.1".to_owned()),
            tells_written_pages: true,
            machine: Machine { address_space: 1 << 47, mappings: 262_144, memory: 16 * GIB },
            granted_memory: None,
            granted_cores: None,
            cores: 8,
            overcommit: Some("1".to_owned()),
            open_files: Some(65_536),
        }
    }

    fn told(facts: &Facts, settings: &Settings) -> String {
        render(&findings(facts, settings), false)
    }

    #[test]
    fn a_machine_with_enough_of_everything() {
        assert_snapshot!(told(&good(), &settings(|_| {})));
    }

    #[test]
    fn a_small_container() {
        let facts = Facts {
            release: None,
            tells_written_pages: false,
            machine: Machine { mappings: 6_000, ..good().machine },
            granted_memory: Some(100 << 20),
            granted_cores: Some(1.5),
            overcommit: Some("2".to_owned()),
            open_files: Some(1024),
            ..good()
        };
        assert_snapshot!(told(&facts, &settings(|_| {})));
    }

    #[test]
    fn another_system_with_little_address_space_and_more_threads_than_cores() {
        let facts = Facts {
            os: "macos",
            arch: "aarch64",
            release: None,
            machine: Machine { address_space: 12 * GIB, ..good().machine },
            overcommit: None,
            open_files: None,
            ..good()
        };
        assert_snapshot!(told(&facts, &settings(|settings| settings.threads = Some(16))));
    }

    #[test]
    fn little_memory_bounds_cells() {
        let facts = Facts { machine: Machine { memory: GIB / 8, ..good().machine }, ..good() };
        assert_snapshot!(told(&facts, &settings(|settings| settings.cells_max = Some(100))));
    }

    #[test]
    fn one_warning_is_one() {
        let facts = Facts { tells_written_pages: false, ..good() };
        assert_snapshot!(told(&facts, &settings(|_| {})));
    }
}
