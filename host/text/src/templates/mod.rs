//! Sets of templates, in Jinja's syntax and in Jet's.
//!
//! Jet is translated to Jinja line by line, and minijinja renders both. Output is escaped for HTML; what is missing is empty.

mod deep;
mod functions;
mod jet;
mod values;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, escape_formatter};
use perilune_value::{Failure, Kind, Value};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;

/// Bytes of one template: a long page. What the engine does in proportion to it, it does on a stack of bounded depth.
pub const MAX_SOURCE: usize = 128 << 10;

/// Bytes of a rendered page.
const MAX_OUTPUT: usize = 16 << 20;

/// What one rendering may do: an instruction costs 1, and so do 64 bytes that are made or looked at. A table of 10,000 rows takes
/// 100,000; all of it takes 64 MiB, or 200 ms, at the most.
const FUEL: u64 = 1_000_000;

/// Templates that include and extend each other count ten each.
const MAX_RECURSION: usize = 200;

/// The syntax of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `{{ }}` for everything, `{{ end }}` ends blocks.
    Jet,
    /// `{{ }}` for values, `{% %}` for statements.
    Jinja,
}

/// One template of a set.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// What other templates of the set call it.
    pub name: &'a str,
    /// Its syntax.
    pub syntax: Syntax,
    /// Its text.
    pub text: &'a str,
}

/// What encloses actions and comments of Jet templates.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Delimiters {
    /// Begins an action.
    pub left: String,
    /// Ends an action.
    pub right: String,
    /// Begins a comment.
    pub comment_left: String,
    /// Ends a comment.
    pub comment_right: String,
}

impl Default for Delimiters {
    fn default() -> Self {
        let [left, right, comment_left, comment_right] = ["{{", "}}", "{*", "*}"].map(str::to_owned);
        Delimiters { left, right, comment_left, comment_right }
    }
}

/// How a set is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Of Jet templates.
    pub delimiters: Delimiters,
    /// Endings that may be left out where a template is named: with `.html`, `page` stands for `page.html` too.
    pub extensions: Vec<String>,
    /// What every template finds besides its data.
    pub globals: Vec<(String, Value)>,
}

/// Templates that see each other by name, and nothing else.
#[derive(Debug)]
pub struct Set {
    environment: Environment<'static>,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template `{template}`, line {line}: {message}")]
pub struct TemplateError {
    /// Its name.
    pub template: String,
    /// Counted from 1.
    pub line: usize,
    /// For people.
    pub message: String,
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Self {
        let line = i64::try_from(error.line).unwrap_or(i64::MAX);
        Failure::internal(error.to_string()).with_detail("template", error.template).with_detail("line", line)
    }
}

/// Whether a template is well-formed by itself.
///
/// # Errors
///
/// What is wrong and where.
pub fn check(source: &Source<'_>, delimiters: &Delimiters) -> Result<(), TemplateError> {
    let fail = |message: String| TemplateError { template: source.name.to_owned(), line: 1, message };
    deep::run(|| {
        let mut environment = environment();
        add(&mut environment, source, delimiters)
    })
    .map_err(|failure| fail(failure.message))?
}

impl Set {
    /// Makes a set of templates.
    ///
    /// # Errors
    ///
    /// `Internal` with template and line of the first that is wrong, `AlreadyExists` when two have one name.
    pub fn new(settings: &Settings, sources: &[Source<'_>]) -> Result<Self, Failure> {
        let mut names = BTreeMap::new();
        for source in sources {
            if names.insert(source.name, source).is_some() {
                let message = format!("two templates of one set are called `{}`; rename one", source.name);
                return Err(Failure::new(Kind::AlreadyExists, message));
            }
        }
        let mut aliases = Vec::new();
        for (name, source) in &names {
            for extension in &settings.extensions {
                if let Some(short) = name.strip_suffix(extension.as_str())
                    && !short.is_empty()
                    && !names.contains_key(short)
                {
                    aliases.push(Source { name: short, ..**source });
                }
            }
        }
        deep::run(|| {
            let mut environment = environment();
            for (name, value) in &settings.globals {
                environment.add_global(name.clone(), values::value(value));
            }
            for source in names.into_values().copied().chain(aliases) {
                add(&mut environment, &source, &settings.delimiters)?;
            }
            Ok(Set { environment })
        })?
    }

    /// The names of the templates.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.environment.templates().map(|(name, _)| name.to_owned()).collect();
        names.sort();
        names
    }

    /// Renders a template with data: fields of a map are variables, and `.` in Jet is all of it.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such template, `RateLimited` when it does or writes too much, `Internal` with template and
    /// line for whatever else goes wrong.
    pub fn render(&self, name: &str, data: &Value) -> Result<String, Failure> {
        deep::run(|| {
            let template = self.environment.get_template(name).map_err(|_| {
                let known = self.names().join(", ");
                Failure::not_found(format!("there is no template `{name}`; the set holds {known}"))
            })?;
            let mut out = Bounded(Vec::new());
            match template.render_captured_to(values::context(data), &mut out) {
                Ok(_) => {}
                Err(error) => return Err(failure(&error, name)),
            }
            String::from_utf8(out.0).map_err(|_| Failure::internal("the engine wrote text that is not UTF-8"))
        })?
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(MAX_RECURSION);
    // As Lua and Jet write them; the engine would write `True` and `None`.
    environment.set_formatter(|out, state, value| match value.kind() {
        ValueKind::None => Ok(()),
        ValueKind::Bool => out.write_str(if value.is_true() { "true" } else { "false" }).map_err(Error::from),
        _ => escape_formatter(out, state, value),
    });
    // Shows everything in reach, which may be more than its author wants to show.
    environment.remove_global("debug");
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        environment.set_syntax(syntax);
    }
    functions::install(&mut environment);
    environment
}

fn add(
    environment: &mut Environment<'static>,
    source: &Source<'_>,
    delimiters: &Delimiters,
) -> Result<(), TemplateError> {
    let fail =
        |line: usize, message: String| TemplateError { template: source.name.to_owned(), line, message };
    if source.text.len() > MAX_SOURCE {
        let length = source.text.len();
        return Err(fail(1, format!("its text has {length} bytes, more than the {MAX_SOURCE} allowed")));
    }
    let text = match source.syntax {
        Syntax::Jinja => source.text.to_owned(),
        Syntax::Jet => {
            jet::translate(source.text, delimiters).map_err(|error| fail(error.line, error.message))?
        }
    };
    let added = environment.add_template_owned(source.name.to_owned(), text);
    added.map_err(|error| fail(error.line().unwrap_or(1), message(&error)))
}

fn message(error: &Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

fn failure(error: &Error, template: &str) -> Failure {
    // What went wrong inside of an included template is the cause of what went wrong outside.
    let mut innermost = error;
    while let Some(cause) =
        std::error::Error::source(innermost).and_then(|cause| cause.downcast_ref::<Error>())
    {
        innermost = cause;
    }
    let placed = if innermost.line().is_some() { innermost } else { error };
    let text = match innermost.kind() {
        ErrorKind::OutOfFuel => "it does too much; render less at once".to_owned(),
        ErrorKind::WriteFailure => format!("it writes more than {MAX_OUTPUT} bytes; render less at once"),
        _ => message(innermost),
    };
    let failure = Failure::from(TemplateError {
        template: placed.name().unwrap_or(template).to_owned(),
        line: placed.line().unwrap_or(1),
        message: text,
    });
    match innermost.kind() {
        ErrorKind::OutOfFuel | ErrorKind::WriteFailure => {
            let limit = if innermost.kind() == ErrorKind::OutOfFuel { "work" } else { "size" };
            Failure { kind: Kind::RateLimited, ..failure }.with_detail("limit", limit)
        }
        _ => failure,
    }
}

/// Output of bounded size.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
