//! Compilers that only building Perilune needs, and the terminal.

use super::Finding;
use crate::output;
use std::env;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

pub(super) fn findings() -> Vec<Finding> {
    vec![compiler(), terminal()]
}

/// What the guest is built with. Who only runs Perilune needs none.
fn compiler() -> Finding {
    const CHECK: &str = "C compiler";
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let named = [("PERILUNE_ZIG", set("PERILUNE_ZIG")), ("WASI_SDK_PATH", set("WASI_SDK_PATH"))];
    for (name, path) in named {
        match path {
            Some(path) if path.exists() => {
                return Finding::ok(CHECK, format!("{name} names {}, for building Perilune", path.display()));
            }
            Some(path) => {
                let message = format!("{name} names {}, which is not there", path.display());
                return Finding::warn(
                    CHECK,
                    message,
                    format!("unset {name}, or name one that is; only building Perilune needs it"),
                );
            }
            None => {}
        }
    }
    Finding::info(
        CHECK,
        "none is named, and only building Perilune needs one: `cargo xtask setup` fetches it",
    )
}

fn terminal() -> Finding {
    let (input, output, error) =
        (io::stdin().is_terminal(), io::stdout().is_terminal(), io::stderr().is_terminal());
    let name = |is: bool, name: &'static str| is.then_some(name);
    let ends: Vec<&str> =
        [name(input, "input"), name(output, "output"), name(error, "errors")].into_iter().flatten().collect();
    let kind = env::var("TERM").unwrap_or_default();
    let colors = if output::stdout_color() { "with colours" } else { "without colours" };
    match ends.is_empty() {
        true => Finding::info("terminal", format!("none; texts are {colors}")),
        false => Finding::ok("terminal", format!("{} of type `{kind}`; texts are {colors}", ends.join(", "))),
    }
}
