//! What counts as Lua text.

/// The beginning of a value that stands for a file's text.
pub(crate) const FILE_SCHEME: &str = "file://";

/// Bytes of one source. Compiling takes a cell several times the size of the text out of its default 64 MiB, so a longer one
/// could not be run anyway; a hundred times the length of a long module.
pub const MAX_SOURCE_BYTES: usize = 8 * 1024 * 1024;

/// The first bytes of precompiled Lua, which nothing can verify.
pub(crate) const BYTECODE: &[u8] = b"\x1bLua";

/// Why bytes are no Lua text, as the end of a sentence, and what to do.
pub(crate) fn refusal(bytes: &[u8]) -> Option<(String, &'static str)> {
    if bytes.starts_with(BYTECODE) {
        return Some(("is precompiled Lua bytecode".to_owned(), "give the Lua text it was compiled from"));
    }
    if bytes.len() > MAX_SOURCE_BYTES {
        return Some((too_long(bytes), "split the source into libraries"));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Some(("is not UTF-8".to_owned(), "write other bytes with escapes such as `\\xff`"));
    };
    if text.trim().is_empty() {
        return Some(("is empty".to_owned(), "write Lua text, or `file://path.lua`"));
    }
    if text.starts_with(FILE_SCHEME) {
        let help = "give the Lua text itself; `file://` is for entries read from files";
        return Some((UNREAD.to_owned(), help));
    }
    None
}

/// As [`refusal`], for text that is not Lua. It may be empty.
pub(crate) fn text_refusal(bytes: &[u8]) -> Option<(String, &'static str)> {
    if bytes.len() > MAX_SOURCE_BYTES {
        return Some((too_long(bytes), "split it"));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Some(("is not UTF-8".to_owned(), "save it as UTF-8"));
    };
    if text.starts_with(FILE_SCHEME) {
        return Some((UNREAD.to_owned(), "give the text itself; `file://` is for entries read from files"));
    }
    None
}

const UNREAD: &str = "refers to a file, which only the loader can read";

fn too_long(bytes: &[u8]) -> String {
    format!("has {} bytes, more than the {MAX_SOURCE_BYTES} allowed", bytes.len())
}
