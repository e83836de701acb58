//! Flags, made for clap from the definitions.

use crate::ALL;
use crate::definition::{Definition, Type};
use crate::problem::{Place, Problem, Problems};
use crate::value::Value;
use clap::builder::{PossibleValue, TypedValueParser, ValueHint};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Names a file of settings.
pub const CONFIG_FLAG: &str = "config";

/// Settings as they were typed.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config FILE`.
    pub config: Option<PathBuf>,
    given: Vec<(&'static str, Vec<OsString>)>,
}

/// Titles that help shows flags below, by section.
const HEADINGS: [(&str, &str); 4] = [
    ("allow", ALLOW),
    ("limits", "Limits of entries that do not say"),
    ("ceiling", "Limits that no entry may exceed"),
    ("cells", "Cells"),
];

const ALLOW: &str = "What entries may reach (lists with commas, or several times)";

/// For those of other sections.
const OTHERS: &str = "Settings (also in perilune.yaml)";

fn heading(definition: &Definition) -> &'static str {
    if definition.key == "strict" {
        return ALLOW;
    }
    HEADINGS.iter().find(|(section, _)| *section == definition.section()).map_or(OTHERS, |(_, title)| title)
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new(CONFIG_FLAG)
            .long(CONFIG_FLAG)
            .value_name("FILE")
            .global(true)
            .value_hint(ValueHint::FilePath)
            .value_parser(clap::value_parser!(PathBuf))
            .help(format!(
                "Settings, in place of {} in the application's folder [env: {}]",
                crate::FILE,
                crate::CONFIG_VARIABLE
            ));
        ALL.iter().fold(command.arg(config), |command, definition| command.arg(arg(definition)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = ALL.iter().filter_map(|definition| {
            let values = matches.try_get_many::<OsString>(definition.flag()).ok()??;
            Some((definition.key, values.cloned().collect()))
        });
        Ok(Flags { config: matches.get_one::<PathBuf>(CONFIG_FLAG).cloned(), given: given.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn arg(definition: &'static Definition) -> Arg {
    let mut help = format!("{} [env: {}]", definition.doc, definition.variable());
    if let Some(default) = definition.default {
        help.push_str(&format!(" [default: {default}]"));
    }
    let arg = Arg::new(definition.flag())
        .long(definition.flag())
        .value_name(definition.value_name())
        .global(true)
        .help(help)
        .help_heading(heading(definition))
        .hide_short_help(!definition.common)
        .value_parser(Taken(definition));
    let arg = match definition.ty {
        Type::Folder | Type::Folders => arg.value_hint(ValueHint::DirPath),
        _ => arg,
    };
    match definition.ty {
        Type::Texts { .. } | Type::Folders => arg.action(ArgAction::Append).value_delimiter(','),
        // `--control-socket` alone says yes.
        Type::Bool => {
            arg.action(ArgAction::Set).num_args(0..=1).require_equals(true).default_missing_value("true")
        }
        _ => arg.action(ArgAction::Set),
    }
}

/// Takes any value, so that a wrong one is refused in the same words wherever it was written; and tells shells what there is.
#[derive(Clone)]
struct Taken(&'static Definition);

impl TypedValueParser for Taken {
    type Value = OsString;

    fn parse_ref(&self, _: &Command, _: Option<&Arg>, value: &OsStr) -> Result<OsString, clap::Error> {
        match value.is_empty() {
            true => Err(clap::Error::new(ErrorKind::InvalidValue)),
            false => Ok(value.to_owned()),
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        match self.0.ty {
            Type::Word(words) => {
                Some(Box::new(words.iter().map(|word| PossibleValue::new(word.name).help(word.doc))))
            }
            Type::Bool => Some(Box::new(["true", "false"].into_iter().map(PossibleValue::new))),
            _ => None,
        }
    }
}

/// Hides flags where a command does not heed them; they are taken everywhere, so that one can be put before the command.
pub fn fit(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |sub| {
            let unheeded = ALL.iter().filter(|definition| !definition.commands.contain(name));
            unheeded.fold(sub, |sub, definition| sub.arg(arg(definition).hide(true)))
        })
    })
}

impl Flags {
    /// What was typed for a setting.
    pub(crate) fn read(&self, definition: &'static Definition, problems: &mut Problems) -> Option<Value> {
        let (_, texts) = self.given.iter().find(|(key, _)| *key == definition.key)?;
        match Value::parse_all(&definition.ty, texts) {
            Ok(value) => Some(value),
            Err(mistake) => {
                let message = format!("`{}` {}", definition.key, mistake.what);
                let problem =
                    Problem::new(mistake.code, Place::Name(format!("--{}", definition.flag())), message);
                problems.push(problem.maybe_help(mistake.help));
                None
            }
        }
    }
}
