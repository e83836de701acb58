//! The fields of Lua entries, typed.

use crate::entry::Entry;
use crate::pool::PoolSpec;
use crate::units;
use crate::{EntryId, IdError};
use perilune_value::{Failure, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a Lua entry says about its code and how to run it.
#[derive(Clone, Debug, PartialEq)]
pub struct LuaEntry {
    /// Its code.
    pub code: LuaCode,
    /// The function to run; `main` for a process that does not say. `None` for libraries and modules.
    pub method: Option<String>,
    /// Of a `module.lua`: the functions that may be called from outside; `None` for all.
    pub methods: Option<Vec<String>>,
    /// Built-in modules that the entry may load.
    pub modules: Vec<String>,
    /// What the entry may load besides, by alias.
    pub imports: BTreeMap<String, Import>,
    /// Who runs the calls.
    pub pool: PoolSpec,
    /// What the entry may take; the host's defaults and ceilings stand behind.
    pub limits: LimitSpec,
    /// Hosts that the entry may reach, of those that the host allows; `None` for all of them.
    pub network: Option<Vec<String>>,
}

/// Where the code of an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LuaCode {
    /// Lua text.
    Text(String),
    /// Bytecode, in a file of an entry that holds files.
    Bytecode {
        /// That entry.
        fs: EntryId,
        /// The file's path there.
        path: String,
        /// `sha256:` and the checksum of the file in hexadecimal digits.
        hash: String,
    },
}

/// What an alias stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Import {
    /// Another entry.
    Entry(EntryId),
    /// A built-in module under another name.
    Module(String),
}

impl Import {
    /// Reads a target: `namespace:name`, or the name of a built-in module.
    ///
    /// # Errors
    /// [`IdError`] when it is neither.
    pub fn parse(target: &str) -> Result<Self, IdError> {
        if target.contains(':') {
            EntryId::parse(target).map(Import::Entry)
        } else if target.is_empty() {
            Err(IdError::Empty("target"))
        } else {
            Ok(Import::Module(target.to_owned()))
        }
    }
}

/// The block `limits:`; `None` where the entry does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitSpec {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Computing time of one turn.
    pub cpu: Option<Duration>,
    /// Time from call to result.
    pub timeout: Option<Duration>,
}

impl LuaEntry {
    /// Reads the fields of an entry.
    ///
    /// # Errors
    /// `Invalid` naming the field, for an entry that no registry has checked or that is not of a Lua kind.
    pub fn decode(entry: &Entry) -> Result<Self, Failure> {
        let data = &entry.data;
        let wrong = |field: &str| {
            Failure::invalid(format!("{}: field `{field}` is missing or of the wrong type", entry.id))
        };
        let code = if entry.runs_as() == entry.kind {
            LuaCode::Text(text(data, "source").ok_or_else(|| wrong("source"))?)
        } else {
            let fs = text(data, "fs").and_then(|fs| EntryId::relative(&fs, entry.id.namespace()).ok());
            LuaCode::Bytecode {
                fs: fs.ok_or_else(|| wrong("fs"))?,
                path: text(data, "path").ok_or_else(|| wrong("path"))?,
                hash: text(data, "hash").ok_or_else(|| wrong("hash"))?,
            }
        };
        let method = match (text(data, "method"), entry.runs_as()) {
            (None, "process.lua") => Some("main".to_owned()),
            (method, _) => method,
        };
        let mut imports = BTreeMap::new();
        for (alias, target) in pairs(data.get("imports")) {
            let import = target.and_then(|target| Import::parse(target).ok());
            imports.insert(
                alias.ok_or_else(|| wrong("imports"))?.to_owned(),
                import.ok_or_else(|| wrong("imports"))?,
            );
        }
        Ok(LuaEntry {
            code,
            method,
            methods: data
                .get("methods")
                .map(|methods| strings(Some(methods)).ok_or_else(|| wrong("methods")))
                .transpose()?,
            modules: strings(data.get("modules")).ok_or_else(|| wrong("modules"))?,
            imports,
            pool: PoolSpec::decode(data),
            limits: limits(data),
            network: Self::network(entry)?,
        })
    }

    /// The field [`LuaEntry::network`] alone, which is asked for at each use of the network.
    ///
    /// # Errors
    /// As [`LuaEntry::decode`].
    pub fn network(entry: &Entry) -> Result<Option<Vec<String>>, Failure> {
        let Some(network) = entry.data.get("network") else { return Ok(None) };
        let allow = network.get("allow").and_then(|allow| strings(Some(allow)));
        allow.map(Some).ok_or_else(|| {
            Failure::invalid(format!("{}: field `network.allow` is missing or of the wrong type", entry.id))
        })
    }
}

pub(crate) fn limits(data: &Value) -> LimitSpec {
    let Some(limits) = data.get("limits") else { return LimitSpec::default() };
    let field = |name: &str| limits.get(name).and_then(Value::as_str);
    LimitSpec {
        memory: field("memory").and_then(units::bytes),
        cpu: field("cpu").and_then(units::duration),
        timeout: field("timeout").and_then(units::duration),
    }
}

fn text(data: &Value, name: &str) -> Option<String> {
    data.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// The strings of a list, none when it is absent; `None` when it is something else.
pub(crate) fn strings(value: Option<&Value>) -> Option<Vec<String>> {
    match value {
        None => Some(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        Some(Value::Map(pairs)) if pairs.is_empty() => Some(Vec::new()),
        Some(_) => None,
    }
}

/// The pairs of a map of strings.
pub(crate) fn pairs(value: Option<&Value>) -> impl Iterator<Item = (Option<&str>, Option<&str>)> {
    let pairs = match value {
        Some(Value::Map(pairs)) => pairs.as_slice(),
        _ => &[],
    };
    pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}
