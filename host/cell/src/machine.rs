//! How many cells this machine can hold.

use crate::image::{Memory, PAGE, pagemap};
#[cfg(target_os = "linux")]
use rustix::process::{Resource, getrlimit};

/// What the machine grants a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Bytes of address space.
    pub address_space: u64,
    /// Mappings of memory: `vm.max_map_count`.
    pub mappings: u64,
    /// Bytes of memory.
    pub memory: u64,
}

/// More live cells than this were never measured.
const MOST: u64 = 10_000;

/// A memory that can grow to 4 GiB without moving, its guard, and its tables.
const ADDRESS_SPACE_PER_CELL: u64 = 5 << 30;

/// The initial data, the heap and the rest of a memory, its tables, the stack of its turns and the guard of that are mapped
/// differently.
const MAPPINGS_PER_CELL: u64 = 6;

/// Code, threads, and everything that the embedding application maps.
const OTHER_MAPPINGS: u64 = 5_000;

/// An idle cell takes a fifth of it; the rest is for those that work.
const MEMORY_PER_CELL: u64 = 256 << 10;

/// What is not asked for where the system does not say: a small machine.
const UNKNOWN: Machine = Machine { address_space: 1 << 43, mappings: 65_530, memory: 1 << 30 };

impl Machine {
    /// This machine; a small one where the system does not say.
    pub fn detect() -> Self {
        linux().unwrap_or(UNKNOWN)
    }

    /// Cells that fit: as many as the scarcest of its resources allows, and never more than were measured.
    pub fn cells(self) -> u32 {
        let most = self.cells_by_address_space().min(self.cells_by_mappings()).min(self.cells_by_memory());
        u32::try_from(most.clamp(1, MOST)).unwrap_or(u32::MAX)
    }

    /// Cells for which the address space suffices, with as much again for everything else.
    pub fn cells_by_address_space(self) -> u64 {
        self.address_space / 2 / ADDRESS_SPACE_PER_CELL
    }

    /// Cells for which the mappings suffice.
    pub fn cells_by_mappings(self) -> u64 {
        self.mappings.saturating_sub(OTHER_MAPPINGS) / MAPPINGS_PER_CELL
    }

    /// Cells for which the memory suffices.
    pub fn cells_by_memory(self) -> u64 {
        self.memory / MEMORY_PER_CELL
    }

    /// Whether the system tells which pages of a memory were written (Linux 6.7 and newer), so that cleaning a used cell does not
    /// have to look at all of them.
    pub fn tells_written_pages() -> bool {
        let bytes = vec![1; 2 * PAGE];
        let aligned = bytes.as_ptr().align_offset(PAGE);
        bytes
            .get(aligned..aligned + PAGE)
            .is_some_and(|page| pagemap::all_written(Memory::of(page)).is_some())
    }
}

#[cfg(target_os = "linux")]
fn linux() -> Option<Machine> {
    let mappings = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok()?;
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(Machine {
        address_space: address_space(),
        mappings: mappings.trim().parse().ok()?,
        memory: kib << 10,
    })
}

/// What is left of 47 bits, or of the process's own limit.
#[cfg(target_os = "linux")]
fn address_space() -> u64 {
    let user = 1 << 47;
    getrlimit(Resource::As).current.map_or(user, |limit| user.min(limit))
}

#[cfg(not(target_os = "linux"))]
fn linux() -> Option<Machine> {
    None
}
