//! `perilune settings`, and what settings change in the program itself.

use crate::arguments::{Arguments, Command, Format};
use crate::control::table::Table;
use crate::control::text::shown;
use crate::exit::Exit;
use crate::{log, output};
use perilune_settings::{From, Problems, Resolved, Settings, Sources, resolve};
use std::env;
use std::path::Path;
use tracing_subscriber::EnvFilter;

/// Settings as the command gets them.
pub(crate) struct Given {
    /// All of them; defaults where something is wrong and the command is there to tell.
    pub(crate) resolved: Resolved,
    /// What is wrong.
    pub(crate) problems: Option<Problems>,
}

/// Reads flags, variables and the file.
pub(crate) fn read(arguments: &Arguments) -> Result<Given, Exit> {
    let sources = Sources {
        flags: arguments.settings.clone(),
        variables: env::vars_os().collect(),
        folder: arguments.folder().map(Path::to_owned),
    };
    match resolve(&sources) {
        Ok(resolved) => Ok(Given { resolved, problems: None }),
        Err(problems) if matches!(arguments.command, Command::Doctor { .. }) => {
            let resolved = resolve(&Sources::default()).map_err(|problems| refused(&problems))?;
            Ok(Given { resolved, problems: Some(problems) })
        }
        Err(problems) => Err(refused(&problems)),
    }
}

/// Wrong settings are wrong usage.
fn refused(problems: &Problems) -> Exit {
    output::report(&problems.render(output::color()));
    Exit::code(2)
}

/// Colours, log records and the folder of the control socket; the rest is the commands'.
pub(crate) fn apply(given: &Given) -> Result<Settings, Exit> {
    let resolved = &given.resolved;
    let settings = resolved.settings();
    output::set_color(settings.color);
    let is_default = |key| resolved.get(key).is_none_or(|setting| setting.from == From::Default);
    let filter = EnvFilter::try_new(&settings.log_level).map_err(|error| {
        let what =
            format!("is no filter of log records, such as `debug` or `warn,perilune::service=info`: {error}");
        refused(&resolved.refuse("log.level", what))
    })?;
    log::start(filter, is_default("log.level"), settings.log_format);
    if let Some(folder) = &settings.control_dir {
        perilune_control::use_folder(folder)
            .map_err(|error| refused(&resolved.refuse("control.dir", format!("cannot be used: {error}"))))?;
    }
    for warning in resolved.warnings() {
        output::warning(warning);
    }
    Ok(settings)
}

/// Shows all of them.
pub(crate) fn show(resolved: &Resolved, format: Format) -> Exit {
    if format.json {
        let all: Vec<_> = resolved.iter().collect();
        return match serde_json::to_string(&all) {
            Ok(text) => {
                output::line(text.as_bytes());
                Exit::done()
            }
            Err(error) => Exit::failed(error.to_string()),
        };
    }
    let mut table = Table::new(["SETTING", "VALUE", "FROM"]);
    for setting in resolved.iter() {
        table.add([
            setting.definition.key.to_owned(),
            shown(&setting.shown()),
            shown(&setting.from.to_string()),
        ]);
    }
    output::line(table.render(output::stdout_color()).as_bytes());
    Exit::done()
}
