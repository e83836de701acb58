//! From YAML to an API without contradictions.

use crate::model::{Class, Constant, Description, Field, Function, Subject};
use crate::types;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// Everything that Lua sees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Api {
    /// By file name without its ending.
    descriptions: BTreeMap<String, Description>,
}

/// What is wrong with a description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("api/{file}: {message}")]
pub struct ApiError {
    /// The file's name.
    pub file: String,
    /// Where in it, and what.
    pub message: String,
}

/// A description as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    module: Option<String>,
    global: Option<String>,
    #[serde(default)]
    objects: bool,
    summary: String,
    #[serde(default)]
    constants: BTreeMap<String, Constant>,
    #[serde(default)]
    functions: BTreeMap<String, Function>,
    #[serde(default)]
    classes: BTreeMap<String, Class>,
    #[serde(default)]
    fields: BTreeMap<String, Field>,
    #[serde(default)]
    example: String,
    #[serde(default)]
    standard: Vec<String>,
}

impl Api {
    /// What this version has.
    pub fn built_in() -> &'static Api {
        static API: LazyLock<Api> = LazyLock::new(|| {
            Api::read(FILES.iter().copied())
                .unwrap_or_else(|error| unreachable!("invariant: a test reads it: {error}"))
        });
        &API
    }

    /// Reads descriptions: names and texts of files.
    ///
    /// # Errors
    ///
    /// The first that is malformed, describes what another does, or names a class that there is not.
    pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Api, ApiError> {
        let mut api = Api::default();
        for (file, text) in files {
            let wrong = |message: String| ApiError { file: file.to_owned(), message };
            let description = read(text).map_err(wrong)?;
            let name = file.strip_suffix(".yaml").unwrap_or(file);
            let taken = api.descriptions.values().find(|other| {
                other.subject == description.subject && description.subject != Subject::Objects
            });
            if taken.is_some() {
                return Err(wrong(format!("{:?} is described twice", description.subject)));
            }
            api.descriptions.insert(name.to_owned(), description);
        }
        api.check()?;
        Ok(api)
    }

    /// A module by the name that scripts require.
    pub fn module(&self, name: &str) -> Option<&Description> {
        self.descriptions
            .values()
            .find(|one| matches!(&one.subject, Subject::Module(module) if module == name))
    }

    /// A global table by its name.
    pub fn global(&self, name: &str) -> Option<&Description> {
        self.descriptions
            .values()
            .find(|one| matches!(&one.subject, Subject::Global(global) if global == name))
    }

    /// A class by its name.
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.descriptions.values().find_map(|one| one.classes.get(name))
    }

    /// All descriptions, by the names of their files.
    pub fn descriptions(&self) -> impl Iterator<Item = (&str, &Description)> {
        self.descriptions.iter().map(|(name, description)| (name.as_str(), description))
    }

    /// What one file alone cannot know: that every class is described, and once.
    fn check(&self) -> Result<(), ApiError> {
        let mut known = BTreeSet::from([ERROR]);
        for (file, description) in &self.descriptions {
            for class in description.classes.keys() {
                if !known.insert(class) {
                    let message = format!("classes.{class}: another file describes a class of this name");
                    return Err(ApiError { file: format!("{file}.yaml"), message });
                }
            }
        }
        for (file, description) in &self.descriptions {
            for (place, ty) in types_of(description) {
                let wrong = |what: String| ApiError {
                    file: format!("{file}.yaml"),
                    message: format!("{place}: {what}"),
                };
                let names = types::classes(ty).map_err(|why| wrong(format!("type `{ty}` {why}")))?;
                if let Some(unknown) = names.into_iter().find(|name| !known.contains(name)) {
                    return Err(wrong(format!("type `{ty}`: no file describes class `{unknown}`")));
                }
            }
        }
        Ok(())
    }
}

/// What types call the class `error`, so that it is not taken for the function.
pub(crate) const ERROR: &str = "Error";

fn read(text: &str) -> Result<Description, String> {
    let written: Written = serde_yaml_ng::from_str(text).map_err(|error| error.to_string())?;
    let subject = match (written.module, written.global, written.objects) {
        (Some(module), None, false) => Subject::Module(module),
        (None, Some(global), false) => Subject::Global(global),
        (None, None, true) => Subject::Objects,
        _ => return Err("a file has one of `module: NAME`, `global: NAME` and `objects: true`".to_owned()),
    };
    let Written { summary, constants, functions, classes, fields, example, standard, .. } = written;
    let description =
        Description { subject, summary, constants, functions, classes, fields, example, standard };
    let mut names = BTreeSet::new();
    for name in description.names() {
        let is_name = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if !name.split('.').all(is_name) {
            return Err(format!("`{name}` is not the name of a constant or a function"));
        }
        if !names.insert(name) {
            return Err(format!("`{name}` is there twice"));
        }
    }
    let methods = description.classes.iter().flat_map(|(class, one)| {
        one.methods.iter().map(move |(name, method)| (format!("classes.{class}.methods.{name}"), method))
    });
    let functions =
        description.functions.iter().map(|(name, function)| (format!("functions.{name}"), function));
    for (place, function) in functions.chain(methods) {
        check_parameters(function).map_err(|why| format!("{place}: {why}"))?;
    }
    Ok(description)
}

fn check_parameters(function: &Function) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for (index, parameter) in function.params.iter().enumerate() {
        if !names.insert(&parameter.name) {
            return Err(format!("parameter `{}` is there twice", parameter.name));
        }
        if parameter.name == "..." && index + 1 != function.params.len() {
            return Err("parameter `...` is not the last one".to_owned());
        }
    }
    if function.doc.trim().is_empty() {
        return Err("`doc` is empty".to_owned());
    }
    Ok(())
}

/// Each type with its place.
fn types_of(description: &Description) -> Vec<(String, &str)> {
    let functions =
        description.functions.iter().map(|(name, function)| (format!("functions.{name}"), function));
    let methods = description.classes.iter().flat_map(|(class, one)| {
        one.methods.iter().map(move |(name, method)| (format!("classes.{class}.methods.{name}"), method))
    });
    let of_functions = functions.chain(methods).flat_map(|(place, function)| {
        let parameters = function.params.iter().map(|one| (format!("params.{}", one.name), one.ty.as_str()));
        let results =
            function.returns.iter().enumerate().map(|(at, one)| (format!("returns[{at}]"), one.ty.as_str()));
        let all: Vec<_> =
            parameters.chain(results).map(|(part, ty)| (format!("{place}.{part}"), ty)).collect();
        all
    });
    let fields = description.classes.iter().flat_map(|(class, one)| {
        one.fields
            .iter()
            .map(move |(name, field)| (format!("classes.{class}.fields.{name}"), field.ty.as_str()))
    });
    let own = description.fields.iter().map(|(name, field)| (format!("fields.{name}"), field.ty.as_str()));
    of_functions.chain(fields).chain(own).collect()
}
