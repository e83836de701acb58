//! Bytecode of an entry, from the file that the entry names.

use super::artifact::{Unusable, unwrap};
use super::checksum;
use perilune_files::{Ground, read_whole};
use perilune_guest_lua::COMPILER;
use perilune_registry::{Code, Entry, EntryId, LuaCode, quote};
use perilune_value::Failure;

/// There is no bytecode where the entry says.
pub(super) const NO_BYTECODE: Code = Code::new("E407");
/// The bytecode is not what was packed.
pub(super) const CHANGED_BYTECODE: Code = Code::new("E408");
/// Another compiler made the bytecode.
pub(super) const FOREIGN_BYTECODE: Code = Code::new("E409");

/// Larger than what any source that the registry takes is compiled to; a file of more is not read.
const MOST_BYTES: u64 = 64 << 20;

/// Why an entry's bytecode is not loaded.
pub(crate) struct Refusal {
    pub(super) code: Code,
    /// The field that is wrong.
    pub(super) field: &'static str,
    pub(super) message: String,
    pub(super) help: &'static str,
}

impl Refusal {
    /// The failure of a call.
    pub(crate) fn into_failure(self, id: &EntryId) -> Failure {
        Failure::invalid(format!("{id}: {} ({}); {}", self.message, self.code, self.help))
    }
}

const PACK_AGAIN: &str = "pack the application again with this version of perilune";

/// The chunk that a cell loads. Blocks: it reads the file, and compares its checksum each time.
pub(crate) fn read<'a>(
    get: impl Fn(&EntryId) -> Option<&'a Entry>,
    code: &LuaCode,
    ground: Ground<'_>,
) -> Result<Vec<u8>, Refusal> {
    let (fs, path, hash) = match code {
        LuaCode::Text(text) => return Ok(text.clone().into_bytes()),
        LuaCode::Bytecode { fs, path, hash } => (fs, path, hash),
    };
    let missing = |field, message: String| Refusal {
        code: NO_BYTECODE,
        field,
        message,
        help: "name the file that `perilune pack --bytecode` wrote, or use the kind without `.bc` and the Lua text",
    };
    let files =
        get(fs).ok_or_else(|| missing("fs", format!("there is no entry {}", quote(&fs.to_string()))))?;
    let file = read_whole(files, ground, path, MOST_BYTES)
        .map_err(|failure| missing("path", format!("the bytecode cannot be read: {}", failure.message)))?;
    let found = checksum(&file);
    if !found.eq_ignore_ascii_case(hash) {
        return Err(Refusal {
            code: CHANGED_BYTECODE,
            field: "hash",
            message: format!("{} in {fs} is not what was packed: its checksum is {found}", quote(path)),
            help: PACK_AGAIN,
        });
    }
    match unwrap(&file) {
        Ok(bytecode) => Ok(bytecode.to_vec()),
        Err(Unusable::NoBytecode) => {
            Err(missing("path", format!("{} in {fs} holds no bytecode", quote(path))))
        }
        Err(Unusable::Foreign(compiler)) => Err(Refusal {
            code: FOREIGN_BYTECODE,
            field: "path",
            message: format!(
                "{} was compiled by {}, and this version of perilune loads only what {COMPILER} has compiled",
                quote(path),
                quote(&compiler),
            ),
            help: PACK_AGAIN,
        }),
    }
}
