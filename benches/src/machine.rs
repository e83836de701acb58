//! What it was measured on.

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::{env, fs, thread};

/// The machine, the versions and the commit. What the system does not tell is null.
pub fn describe(quick: bool) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    json!({
        "date": jiff::Timestamp::now().to_string(),
        "commit": output(Command::new("git").arg("-C").arg(&root).args(["describe", "--always", "--dirty", "--abbrev=12"])),
        "profile": if cfg!(debug_assertions) { "dev (opt-level 2, dependencies 3)" } else { "release" },
        "effort": if quick { "quick" } else { "full" },
        "cpu": field("/proc/cpuinfo", "model name"),
        "cores": thread::available_parallelism().map_or(0, usize::from),
        "memory": field("/proc/meminfo", "MemTotal"),
        "system": env::consts::OS,
        "architecture": env::consts::ARCH,
        "kernel": read("/proc/sys/kernel/osrelease"),
        "load": read("/proc/loadavg"),
        "rustc": output(Command::new("rustc").arg("--version")),
        "wasmtime": version(&lock, "wasmtime"),
        "native_lua": native_lua(),
    })
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn read(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

/// The first value of this name in a file of `name: value` lines.
pub(crate) fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let (_, value) =
        text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

fn version(lock: &str, package: &str) -> Option<String> {
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    Some(rest.split('"').next()?.to_owned())
}

/// The release, which Lua itself tells only in C.
fn native_lua() -> Option<String> {
    mlua::Lua::new().load("return _VERSION").eval().ok()
}
