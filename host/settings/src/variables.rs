//! Variables of the environment.

use crate::ALL;
use crate::definition::Definition;
use crate::problem::{Place, Problem, Problems};
use crate::suggest::closest;
use crate::value::Value;
use std::ffi::{OsStr, OsString};

/// Names a file of settings.
pub const CONFIG_VARIABLE: &str = "PERILUNE_CONFIG";

/// What all variables begin with.
const PREFIX: &str = "PERILUNE_";

/// Variables as the system has them.
pub(crate) type Variables = [(OsString, OsString)];

/// A variable's value; one that is empty is as good as none.
pub(crate) fn get<'v>(variables: &'v Variables, name: &str) -> Option<&'v OsStr> {
    let (_, value) = variables.iter().find(|(found, _)| found == name)?;
    (!value.is_empty()).then_some(value.as_os_str())
}

/// What the environment says of a setting, and which variable does.
pub(crate) fn read(
    variables: &Variables,
    definition: &'static Definition,
    problems: &mut Problems,
) -> Option<(Value, &'static str)> {
    let names = std::iter::once(definition.variable()).chain(definition.also);
    let (name, text) = names.into_iter().find_map(|name| Some((name, get(variables, name)?)))?;
    let texts: Vec<&OsStr> = match text.to_str() {
        Some(text) if definition.is_list() => text.split(',').map(|text| OsStr::new(text.trim())).collect(),
        _ => vec![text],
    };
    match Value::parse_all(&definition.ty, &texts) {
        Ok(value) => Some((value, name)),
        Err(mistake) => {
            let message = format!("`{}` {}", definition.key, mistake.what);
            let problem = Problem::new(mistake.code, Place::Name(format!("variable {name}")), message);
            problems.push(problem.maybe_help(mistake.help));
            None
        }
    }
}

/// What to say of variables that are nearly those of settings. Others with the prefix may be an application's own.
pub(crate) fn warnings(variables: &Variables) -> Vec<String> {
    let known = || ALL.iter().map(Definition::variable).chain([CONFIG_VARIABLE]);
    let names = variables.iter().filter_map(|(name, _)| name.to_str());
    let unknown = names.filter(|name| name.starts_with(PREFIX) && !known().any(|known| known == *name));
    let meant = unknown.filter_map(|name| {
        // Of the part that differs, for all begin alike.
        let close = closest(&name[PREFIX.len()..], known().map(|known| &known[PREFIX.len()..]))?;
        Some(format!("the variable {name} is no setting: did you mean {PREFIX}{close}?"))
    });
    meant.collect()
}
