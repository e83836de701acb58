//! Entries that are WebAssembly components: their fields, typed, and what these must agree on.

use crate::code::Code;
use crate::entry::Entry;
use crate::lua::{LimitSpec, LuaEntry, limits, strings};
use crate::path::FieldPath;
use crate::pool::{self, PoolSpec, PoolType};
use crate::problem::{Problem, quote};
use crate::source::FILE_SCHEME;
use crate::{EntryId, IdError};
use perilune_value::{Failure, Value};
use std::collections::BTreeSet;

/// Bytes of one component. Those that bring an interpreter along, of Python or JavaScript, have 10 to 40 MiB.
pub const MAX_COMPONENT_BYTES: usize = 64 << 20;

/// Modules of Lua that components have a counterpart of.
const MODULES: [&str; 1] = ["funcs"];

/// What WebAssembly begins with.
const MAGIC: &[u8] = b"\0asm";

/// How a component goes on: version 13 of layer 1.
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];

/// How a hash is written: the SHA-256 of the file, in hexadecimal.
const HASH: &str = "sha256:";

/// What a `function.wasm` or `process.wasm` says.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentEntry {
    /// The component.
    pub component: Vec<u8>,
    /// Its SHA-256 in lower-case hexadecimal, where the entry fixes it.
    pub hash: Option<String>,
    /// The export to call; `None` for the one that the host knows by its name.
    pub method: Option<String>,
    /// Built-in modules whose counterparts for components it may import.
    pub modules: Vec<String>,
    /// Ids of `env.variable` entries that it may read.
    pub env: Vec<EntryId>,
    /// Directories that it sees.
    pub mounts: Vec<Mount>,
    /// Hosts that it may reach, of those that the host allows; `None` for no network at all.
    pub network: Option<Vec<String>>,
    /// What it may take.
    pub limits: LimitSpec,
    /// Who runs the calls.
    pub pool: PoolSpec,
}

/// A directory that a component sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The `fs.directory`.
    pub directory: EntryId,
    /// Where the component finds it.
    pub path: String,
    /// Whether it may change it.
    pub writable: bool,
}

impl ComponentEntry {
    /// Reads the fields of an entry.
    ///
    /// # Errors
    /// `Invalid` naming the field, for an entry that no registry has checked or that is of another kind.
    pub fn decode(entry: &Entry) -> Result<Self, Failure> {
        let data = &entry.data;
        let wrong = |field: &str| {
            Failure::invalid(format!("{}: field `{field}` is missing or of the wrong type", entry.id))
        };
        let Some(Value::String(component)) = data.get("component") else { return Err(wrong("component")) };
        let text = |name: &str| data.get(name).and_then(Value::as_str).map(str::to_owned);
        let env = strings(data.get("env")).ok_or_else(|| wrong("env"))?;
        let relative = |id: &str| EntryId::relative(id, entry.id.namespace());
        Ok(ComponentEntry {
            component: component.clone(),
            hash: text("hash").and_then(|hash| hash.strip_prefix(HASH).map(str::to_ascii_lowercase)),
            method: text("method"),
            modules: strings(data.get("modules")).ok_or_else(|| wrong("modules"))?,
            env: env.iter().map(|id| relative(id)).collect::<Result<_, _>>().map_err(|_| wrong("env"))?,
            mounts: mounts(data, relative).ok_or_else(|| wrong("mounts"))?,
            network: LuaEntry::network(entry)?,
            limits: limits(data),
            pool: PoolSpec::decode(data),
        })
    }
}

fn mounts(data: &Value, relative: impl Fn(&str) -> Result<EntryId, IdError>) -> Option<Vec<Mount>> {
    let Some(Value::Array(items)) = data.get("mounts") else { return Some(Vec::new()) };
    let mount = |item: &Value| {
        Some(Mount {
            directory: relative(item.get("fs")?.as_str()?).ok()?,
            path: item.get("path")?.as_str()?.to_owned(),
            writable: item.get("write") == Some(&Value::Bool(true)),
        })
    };
    items.iter().map(mount).collect()
}

/// Why bytes are no component, and what to do. What is in it is looked at by whoever compiles it.
pub(crate) fn refusal(bytes: &[u8]) -> Option<(String, &'static str)> {
    let told = |message: &str, help| Some((message.to_owned(), help));
    if bytes.starts_with(FILE_SCHEME.as_bytes()) {
        let message = "the component refers to a file, which only the loader can read";
        return told(message, "give its bytes; `file://` is for entries read from files");
    }
    if bytes.len() > MAX_COMPONENT_BYTES {
        let message =
            format!("the component has {} bytes, more than the {MAX_COMPONENT_BYTES} allowed", bytes.len());
        return Some((message, "build it without debugging information"));
    }
    match bytes.strip_prefix(MAGIC) {
        None => told("this is no WebAssembly", "name a component with `file://x.wasm`"),
        Some([1, 0, 0, 0, ..]) => told(
            "this is a core module of WebAssembly, not a component",
            "compile for `wasm32-wasip2`, or make a component of it: `wasm-tools component new`",
        ),
        Some(rest) if !rest.starts_with(COMPONENT) => told(
            "this is a component of an unknown version of WebAssembly, or cut off",
            "build it anew with current tools",
        ),
        Some(_) => None,
    }
}

/// What the fields must agree on; each is right by itself.
pub(crate) fn check(entry: &Entry) -> Vec<Problem> {
    let mut problems = check_fields(entry);
    problems.extend(pool::check(entry));
    if PoolSpec::decode(&entry.data).kind == PoolType::Inline {
        let message = "an inline pool keeps the state of its worker, and each call of a component has an instance of its own";
        problems.push(
            Problem::in_field(entry, "pool.type", Code::BAD_VALUE, message)
                .help("write `lazy`, `static` or `adaptive`"),
        );
    }
    problems
}

/// As [`check`], of entries without a pool.
pub(crate) fn check_fields(entry: &Entry) -> Vec<Problem> {
    let mut problems = check_modules(entry);
    let mut seen = BTreeSet::new();
    let Some(Value::Array(items)) = entry.data.get("mounts") else { return problems };
    for (at, item) in items.iter().enumerate() {
        let Some(path) = item.get("path").and_then(Value::as_str) else { continue };
        let field = FieldPath::from("mounts").item(at).key("path");
        let refused = |message: String, help: &str| {
            Problem::in_field(entry, field.clone(), Code::BAD_MOUNT, message).help(help)
        };
        if !is_guest_path(path) {
            let message = format!("{} is no path that a directory can be mounted at", quote(path));
            problems.push(refused(message, "write an absolute path without `.` and `..`, such as `/data`"));
        } else if !seen.insert(path) {
            let message = format!("another directory is mounted at {} already", quote(path));
            problems.push(refused(message, "choose another path"));
        }
    }
    problems
}

fn check_modules(entry: &Entry) -> Vec<Problem> {
    let Some(Value::Array(items)) = entry.data.get("modules") else { return Vec::new() };
    let problem = |(at, item): (usize, &Value)| {
        let name = item.as_str().filter(|name| !MODULES.contains(name))?;
        let message = format!("components cannot import module {}", quote(name));
        let help = "there is `funcs`, to call other entries: one in Lua can use any module for it";
        let field = FieldPath::from("modules").item(at);
        Some(Problem::in_field(entry, field, Code::UNKNOWN_MODULE, message).help(help))
    };
    items.iter().enumerate().filter_map(problem).collect()
}

fn is_guest_path(path: &str) -> bool {
    let parts = path.strip_prefix('/').unwrap_or("..");
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\0', '\\']);
    path == "/" || parts.split('/').all(is_part)
}
