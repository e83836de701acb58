//! That an application's bytecode is there and can be loaded is told when it loads, not to the first caller.

use super::read;
use perilune_files::Ground;
use perilune_registry::{Everything, LuaCode, LuaEntry, Problem, source_kind};

/// The kinds of entries that the check looks at: those that hold code, and those that hold its files.
pub(crate) const KINDS: &[&str] =
    &["function.lua", "process.lua", "library.lua", "module.lua", "workflow.lua", "fs.embed", "fs.directory"];

/// What is wrong with the bytecode of entries.
pub(crate) fn check(all: &Everything<'_>, ground: Ground<'_>) -> Vec<Problem> {
    let kinds = KINDS.iter().filter(|kind| kind.ends_with(".lua"));
    let mut problems = Vec::new();
    for entry in
        kinds.flat_map(|kind| all.of_kind(kind)).filter(|entry| source_kind(entry.kind()) != entry.kind())
    {
        // What is wrong with its fields is told with them, and so is what they name.
        let Ok(LuaEntry { code, .. }) = LuaEntry::decode(entry) else { continue };
        let LuaCode::Bytecode { fs, .. } = &code else { continue };
        if all.get(fs).is_none_or(|files| !KINDS.contains(&files.kind())) {
            continue;
        }
        if let Err(refusal) = read(|id| all.get(id), &code, ground) {
            problems.push(
                Problem::in_field(entry, refusal.field, refusal.code, refusal.message).help(refusal.help),
            );
        }
    }
    problems
}
