//! Entries as bytecode, and where it lies.

use crate::error::PackingError;
use crate::packing::Compiler;
use perilune_files::embedded_folder;
use perilune_registry::{Entry, EntryId, IdError};
use perilune_value::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// The folder of bytecode in a pack.
pub(super) const FOLDER: &str = ".perilune/bytecode";

/// The file with the entry that shows that folder.
pub(super) const DOCUMENT: &str = ".perilune/bytecode.yaml";

/// The id of that entry.
pub(super) fn holder() -> Result<EntryId, IdError> {
    EntryId::new("perilune.pack", "bytecode")
}

/// That entry.
pub(super) fn holding() -> Result<Entry, IdError> {
    Ok(Entry::new(holder()?, "fs.embed").with_data(embedded_folder(FOLDER)))
}

/// Longer names of files are replaced by a checksum: systems have room for 255 bytes.
const LONGEST: usize = 200;

/// Makes bytecode of entries.
pub(super) struct Precompiler<'a> {
    compiler: &'a Compiler<'a>,
    /// Names that are taken, as systems see them that do not tell case.
    taken: BTreeSet<String>,
}

impl<'a> Precompiler<'a> {
    pub(super) fn new(compiler: &'a Compiler<'a>) -> Self {
        Precompiler { compiler, taken: BTreeSet::new() }
    }

    /// The entry with bytecode instead of its source, the path of that below [`FOLDER`], and the bytecode.
    pub(super) fn compile(&mut self, entry: &Entry) -> Result<(Entry, String, Vec<u8>), PackingError> {
        let id = entry.id();
        let source = entry.data().get("source").and_then(Value::as_str).unwrap_or_default();
        let bytecode = (self.compiler.compile)(&id.to_string(), source).map_err(PackingError::Failed)?;
        let path = self.path(id);
        let mut fields = match entry.data() {
            Value::Map(fields) => fields.clone(),
            _ => Vec::new(),
        };
        fields.retain(|(key, _)| key.as_str() != Some("source"));
        let holder = holder().map(|id| id.to_string()).unwrap_or_default();
        let more = [
            ("fs", holder),
            ("path", path.clone()),
            ("hash", format!("sha256:{:x}", Sha256::digest(&bytecode))),
        ];
        fields.extend(more.map(|(key, text)| (Value::from(key), Value::from(text))));
        let kind = format!("{}.bc", entry.kind());
        let made = Entry::new(id.clone(), kind).with_meta(entry.meta().clone()).with_data(Value::Map(fields));
        Ok((made, path, bytecode))
    }

    /// `namespace/name.luac`; a number is added where names differ in case only.
    fn path(&mut self, id: &EntryId) -> String {
        let stem = format!("{}/{}", part(id.namespace()), part(id.name()));
        let mut path = format!("{stem}.luac");
        let mut number = 2;
        while !self.taken.insert(path.to_lowercase()) {
            path = format!("{stem}~{number}.luac");
            number += 1;
        }
        path
    }
}

/// Half of an id as a name of a file: what systems could read as something else is written in hexadecimal digits.
fn part(text: &str) -> String {
    let mut name = String::new();
    for (position, character) in text.chars().enumerate() {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => name.push(character),
            '.' if position > 0 => name.push('.'),
            other => other.to_string().bytes().for_each(|byte| name.push_str(&format!("%{byte:02x}"))),
        }
    }
    if name.len() > LONGEST {
        return format!("{:x}", Sha256::digest(text));
    }
    name
}
