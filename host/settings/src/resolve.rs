//! All sources together, the strongest first.

use crate::all::Settings;
use crate::definition::Definition;
use crate::file::{self, Assigned, Found};
use crate::flags::Flags;
use crate::problem::{Place, Problem, Problems};
use crate::value::Value;
use crate::{ALL, CONFIG_VARIABLE, Code, together, variables};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// What was typed.
    pub flags: Flags,
    /// The environment.
    pub variables: Vec<(OsString, OsString)>,
    /// The application's folder, where `perilune.yaml` is looked for; `None` where a command has none.
    pub folder: Option<PathBuf>,
}

/// Who said what a setting is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// Nobody.
    Default,
    /// A file, at this place.
    File(Place),
    /// This variable.
    Variable(&'static str),
    /// This flag, without its dashes.
    Flag(&'static str),
}

/// A setting, what it is, and who said so.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Which.
    pub definition: &'static Definition,
    /// What it is; `None` for a default that the program finds out.
    pub value: Option<Value>,
    /// Who said so.
    pub from: From,
}

/// Every setting.
#[derive(Clone, Debug)]
pub struct Resolved {
    settings: Vec<Setting>,
    file: Option<PathBuf>,
    warnings: Vec<String>,
}

/// Reads all sources.
///
/// # Errors
///
/// [`Problems`] with everything that is wrong in any source, also where a stronger one would have won.
pub fn resolve(sources: &Sources) -> Result<Resolved, Problems> {
    let mut problems = Problems::default();
    let found = named(sources).or_else(|| file::in_folder(sources.folder.as_deref()?, &mut problems));
    let assigned = found.as_ref().map(|found| file::read(found, &mut problems)).unwrap_or_default();
    let settings =
        ALL.iter().map(|definition| setting(definition, sources, &assigned, &mut problems)).collect();
    let file = found.map(|found| found.path);
    let resolved = Resolved { settings, file, warnings: variables::warnings(&sources.variables) };
    if problems.is_empty() {
        together::check(&resolved, &mut problems);
    }
    if problems.is_empty() { Ok(resolved) } else { Err(problems) }
}

/// The file that the operator has named.
fn named(sources: &Sources) -> Option<Found> {
    let variable = || variables::get(&sources.variables, CONFIG_VARIABLE).map(PathBuf::from);
    let path = sources.flags.config.clone().or_else(variable)?;
    Some(Found { path, named: true })
}

fn setting(
    definition: &'static Definition,
    sources: &Sources,
    assigned: &Assigned,
    problems: &mut Problems,
) -> Setting {
    let flag = sources.flags.read(definition, problems).map(|value| (value, From::Flag(definition.flag())));
    let variable = variables::read(&sources.variables, definition, problems)
        .map(|(value, name)| (value, From::Variable(name)));
    let file = || {
        let (_, value, place) = assigned.iter().find(|(of, _, _)| of.key == definition.key)?;
        Some((value.clone(), From::File(place.clone())))
    };
    match flag.or(variable).or_else(file) {
        Some((value, from)) => Setting { definition, value: Some(value), from },
        None => Setting { definition, value: default(definition), from: From::Default },
    }
}

fn default(definition: &Definition) -> Option<Value> {
    let default = definition.default?;
    Some(
        Value::parse(&definition.ty, default)
            .expect("invariant: defaults are allowed, a test reads them all"),
    )
}

impl Resolved {
    /// The values, with Rust's types.
    pub fn settings(&self) -> Settings {
        Settings::of(self)
    }

    /// Every setting, in the order of [`ALL`].
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter()
    }

    /// The setting with this key.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.definition.key == key)
    }

    /// The file that was read, if one was.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What is likely to be a mistake and yet no error.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Refuses a value for a reason that only the program knows; `what` ends a sentence that begins with the setting's name.
    pub fn refuse(&self, key: &str, what: impl fmt::Display) -> Problems {
        let place = self.get(key).map_or_else(|| Place::Name(key.to_owned()), Setting::place);
        Problems::one(Problem::new(Code::BAD_VALUE, place, format!("`{key}` {what}")))
    }

    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.get(key)?.value.as_ref()
    }
}

impl Setting {
    /// What is shown in place of a secret.
    const HIDDEN: &str = "(hidden)";

    /// Its value as it would be written, or what stands for it.
    pub fn shown(&self) -> String {
        match &self.value {
            Some(_) if self.definition.secret => Self::HIDDEN.to_owned(),
            Some(value) => value.to_string(),
            None => self.definition.otherwise.to_owned(),
        }
    }

    /// Where it was said.
    pub(crate) fn place(&self) -> Place {
        match &self.from {
            From::File(place) => place.clone(),
            other => Place::Name(other.to_string()),
        }
    }
}

/// `perilune.yaml:3:8`, `variable PERILUNE_LIMITS_CPU`, `--limits-cpu`, `default`.
impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            From::Default => f.write_str("default"),
            From::File(place) => write!(f, "{place}"),
            From::Variable(name) => write!(f, "variable {name}"),
            From::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// `{"setting", "value", "from", "flag", "variable"}`; the value is null for a default that the program finds out.
impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Setting", 5)?;
        object.serialize_field("setting", self.definition.key)?;
        match self.definition.secret && self.value.is_some() {
            true => object.serialize_field("value", Self::HIDDEN)?,
            false => object.serialize_field("value", &self.value)?,
        }
        object.serialize_field("from", &self.from.to_string())?;
        object.serialize_field("flag", &format!("--{}", self.definition.flag()))?;
        object.serialize_field("variable", self.definition.variable())?;
        object.end()
    }
}
