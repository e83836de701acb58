//! The page of documentation.

use crate::ALL;
use crate::definition::{Commands, Definition, Type};
use crate::value::expected;
use std::fmt::Write;

const HEAD: &str = "# Settings

A setting can be given in three places, which all call it the same: the flag `--limits-cpu 200ms`, the variable
`PERILUNE_LIMITS_CPU=200ms`, and the file `perilune.yaml`:

```yaml
limits:
  cpu: 200ms
```

A flag wins over a variable, a variable over the file, the file over the default. `perilune settings` shows what holds and where it
was said. A variable that is empty counts as none.

The file is `perilune.yaml` in the application's folder, or the one that `--config FILE` or `PERILUNE_CONFIG` names, which is then
the only one. Paths in it begin at its own folder. The settings marked *operator* widen what an application may do: one that lies
in the application's folder cannot hold them, since it may come from whoever wrote the application. A file named with `--config`
can.

Lists are YAML lists in the file, and texts with commas elsewhere; a flag may also be repeated. Each source replaces the list of
the weaker ones.

This page is made from the definitions that settings are checked against: `UPDATE_DOCS=1 cargo test -p perilune-settings` writes
it anew.
";

/// The page `docs/settings.md`.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for definition in ALL {
        page.push('\n');
        page.push_str(&paragraph(definition));
    }
    page
}

fn paragraph(definition: &Definition) -> String {
    let mut text = format!("## `{}`\n\n{}.\n\n", definition.key, definition.doc);
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "* {name}: {value}");
    };
    line("flag", format!("`--{} {}`", definition.flag(), definition.value_name()));
    let also = definition.also.map(|also| format!(", or else `{also}`")).unwrap_or_default();
    line("variable", format!("`{}`{also}", definition.variable()));
    line("value", expected(&definition.ty));
    let default = match definition.default {
        Some(default) => format!("`{default}`"),
        None => definition.otherwise.to_owned(),
    };
    line("default", format!("{default}: {}", definition.reason));
    line("heeded by", commands(definition.commands));
    if definition.operator {
        line("operator", format!("cannot be set by the application's own `{}`", crate::FILE));
    }
    if let Type::Word(words) = definition.ty {
        text.push('\n');
        for word in words {
            let _ = writeln!(text, "`{}` means {}.", word.name, word.doc);
        }
    }
    text
}

/// The commands that heed a setting.
fn commands(commands: Commands) -> String {
    match commands {
        Commands::All => "every command".to_owned(),
        Commands::Entries => "commands that load an application".to_owned(),
        Commands::Only(names) => {
            names.iter().map(|name| format!("`perilune {name}`")).collect::<Vec<_>>().join(", ")
        }
    }
}
