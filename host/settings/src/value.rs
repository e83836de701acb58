//! From a text to a value within its bounds, and back.

use crate::choices::{Color, LogFormat, Strict};
use crate::code::Code;
use crate::definition::{Type, Word};
use crate::suggest::closest;
use serde::{Serialize, Serializer};
use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What a setting is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of [`Type::Bool`].
    Bool(bool),
    /// Of [`Type::Integer`].
    Integer(u64),
    /// Of [`Type::Bytes`].
    Bytes(u64),
    /// Of [`Type::Duration`].
    Duration(Duration),
    /// Of [`Type::Word`].
    Word(&'static str),
    /// Of [`Type::Text`].
    Text(String),
    /// Of [`Type::Folder`].
    Path(PathBuf),
    /// Of [`Type::Texts`].
    Texts(Vec<String>),
    /// Of [`Type::Folders`].
    Paths(Vec<PathBuf>),
}

/// What is wrong with a text: the end of a sentence that begins with the setting's name, and what to do.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub(crate) code: Code,
    pub(crate) what: String,
    pub(crate) help: Option<String>,
}

impl Mistake {
    pub(crate) fn wrong_type(ty: &Type, found: &str) -> Self {
        Mistake {
            code: Code::WRONG_TYPE,
            what: format!("must be {}, found {found}", expected(ty)),
            help: None,
        }
    }

    fn out_of_range(ty: &Type, found: &str) -> Self {
        let what = format!("cannot be {found}: it is {}", expected(ty));
        Mistake { code: Code::BAD_VALUE, what, help: None }
    }

    fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What a type allows, for messages and documentation.
pub(crate) fn expected(ty: &Type) -> String {
    match ty {
        Type::Bool => "`true` or `false`".to_owned(),
        Type::Integer { least, most } => format!("an integer from {least} to {most}"),
        Type::Bytes { least, most } => {
            format!("a size from {} to {}, such as 64MiB", Value::Bytes(*least), Value::Bytes(*most))
        }
        Type::Duration { least, most } => {
            format!("a time from {} to {}, such as 1m30s", Value::Duration(*least), Value::Duration(*most))
        }
        Type::Word(words) => {
            let names: Vec<String> = words.iter().map(|word| format!("`{}`", word.name)).collect();
            match names.split_last() {
                Some((last, [])) => last.clone(),
                Some((last, others)) => format!("{} or {last}", others.join(", ")),
                None => String::new(),
            }
        }
        Type::Text { .. } => "a text".to_owned(),
        Type::Folder => "a path".to_owned(),
        Type::Texts { .. } => "a list of texts".to_owned(),
        Type::Folders => "a list of paths".to_owned(),
    }
}

/// A text in a message: short, and without what a terminal would obey.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let shown: String = text.chars().take(LONGEST).collect();
    let more = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    format!("\"{}{more}\"", shown.escape_debug())
}

impl Value {
    /// Reads a single text, as it comes from a flag, a variable or a scalar of a file.
    pub(crate) fn parse(ty: &Type, text: &str) -> Result<Value, Mistake> {
        let wrong = || Mistake::wrong_type(ty, &quoted(text));
        match ty {
            Type::Bool => match text {
                "true" | "1" => Ok(Value::Bool(true)),
                "false" | "0" => Ok(Value::Bool(false)),
                _ => Err(wrong()),
            },
            Type::Integer { least, most } => match text.parse::<u64>() {
                Ok(number) if (*least..=*most).contains(&number) => Ok(Value::Integer(number)),
                Err(_) if !is_integer(text) => Err(wrong()),
                _ => Err(Mistake::out_of_range(ty, text)),
            },
            Type::Bytes { least, most } => {
                let bytes = text.parse::<bytesize::ByteSize>().map_err(|_| wrong())?.as_u64();
                if !has_unit(text) {
                    return Err(unitless(ty, text, "MiB"));
                }
                match (*least..=*most).contains(&bytes) {
                    true => Ok(Value::Bytes(bytes)),
                    false => Err(Mistake::out_of_range(ty, text)),
                }
            }
            Type::Duration { least, most } => {
                if !has_unit(text) && is_number(text) {
                    return Err(unitless(ty, text, "s"));
                }
                let duration = humantime::parse_duration(text).map_err(|_| wrong())?;
                match (*least..=*most).contains(&duration) {
                    true => Ok(Value::Duration(duration)),
                    false => Err(Mistake::out_of_range(ty, text)),
                }
            }
            Type::Word(words) => match words.iter().find(|word| word.name == text) {
                Some(word) => Ok(Value::Word(word.name)),
                None => Err(unknown_word(ty, words, text)),
            },
            Type::Text { .. } => full(ty, text).map(|text| Value::Text(text.to_owned())),
            Type::Folder => full(ty, text).map(|text| Value::Path(text.into())),
            Type::Texts { .. } => full(ty, text).map(|text| Value::Texts(vec![text.to_owned()])),
            Type::Folders => full(ty, text).map(|text| Value::Paths(vec![text.into()])),
        }
    }

    /// Reads what the system hands over: paths need not be UTF-8.
    pub(crate) fn parse_os(ty: &Type, text: &OsStr) -> Result<Value, Mistake> {
        match (text.to_str(), ty) {
            (Some(text), _) => Value::parse(ty, text),
            (None, Type::Folder) => Ok(Value::Path(text.into())),
            (None, Type::Folders) => Ok(Value::Paths(vec![text.into()])),
            (None, _) => Err(Mistake::wrong_type(ty, "bytes that are not UTF-8")),
        }
    }

    /// Reads several texts: all of a list, the only one of anything else.
    pub(crate) fn parse_all(ty: &Type, texts: &[impl AsRef<OsStr>]) -> Result<Value, Mistake> {
        let mut values = texts.iter().map(|text| Value::parse_os(ty, text.as_ref()));
        let Some(first) = values.next() else { return Err(Mistake::wrong_type(ty, "nothing")) };
        values.try_fold(first?, |all, next| Ok(all.joined(next?)))
    }

    /// One list of two; of anything else the latter.
    pub(crate) fn joined(self, next: Value) -> Value {
        match (self, next) {
            (Value::Texts(mut all), Value::Texts(more)) => {
                all.extend(more);
                Value::Texts(all)
            }
            (Value::Paths(mut all), Value::Paths(more)) => {
                all.extend(more);
                Value::Paths(all)
            }
            (_, next) => next,
        }
    }

    /// Paths as seen from a folder.
    pub(crate) fn within(self, folder: &std::path::Path) -> Value {
        match self {
            Value::Path(path) => Value::Path(folder.join(path)),
            Value::Paths(paths) => Value::Paths(paths.iter().map(|path| folder.join(path)).collect()),
            other => other,
        }
    }
}

fn full<'t>(ty: &Type, text: &'t str) -> Result<&'t str, Mistake> {
    match text.is_empty() {
        true => Err(Mistake::wrong_type(ty, "an empty text")),
        false => Ok(text),
    }
}

fn unknown_word(ty: &Type, words: &[Word], text: &str) -> Mistake {
    let mistake = Mistake { code: Code::BAD_VALUE, ..Mistake::wrong_type(ty, &quoted(text)) };
    match closest(text, words.iter().map(|word| word.name)) {
        Some(word) => mistake.with_help(format!("did you mean `{word}`?")),
        None => mistake,
    }
}

fn unitless(ty: &Type, text: &str, unit: &str) -> Mistake {
    Mistake::wrong_type(ty, &format!("{text} without a unit"))
        .with_help(format!("write `{text}{unit}` if that is meant"))
}

fn has_unit(text: &str) -> bool {
    text.ends_with(|c: char| c.is_ascii_alphabetic())
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// As it would be written.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(value) => write!(f, "{value}"),
            Value::Integer(value) => write!(f, "{value}"),
            Value::Bytes(bytes) => {
                let units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
                match units.iter().find(|(unit, _)| *bytes > 0 && bytes % unit == 0) {
                    Some((unit, name)) => write!(f, "{}{name}", bytes / unit),
                    None => write!(f, "{bytes}B"),
                }
            }
            Value::Duration(duration) => {
                f.write_str(&humantime::format_duration(*duration).to_string().replace(' ', ""))
            }
            Value::Word(word) => f.write_str(word),
            Value::Text(text) => f.write_str(text),
            Value::Path(path) => write!(f, "{}", path.display()),
            Value::Texts(texts) => f.write_str(&texts.join(",")),
            Value::Paths(paths) => {
                let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
                f.write_str(&paths.join(","))
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => serializer.serialize_u64(*value),
            Value::Texts(texts) => texts.serialize(serializer),
            Value::Paths(paths) => {
                serializer.collect_seq(paths.iter().map(|path| path.display().to_string()))
            }
            other => serializer.collect_str(other),
        }
    }
}

/// Rust's type for a value. `None` stands for a default that the program finds out.
pub(crate) trait Typed {
    fn of(value: Option<&Value>) -> Self;
}

macro_rules! typed {
    ($($ty:ty: $pattern:pat => $result:expr;)*) => {
        $(impl Typed for $ty {
            fn of(value: Option<&Value>) -> Self {
                match value {
                    Some($pattern) => $result,
                    other => unreachable!("invariant: `all.rs` gives this type to settings of its kind with a default, found {other:?}"),
                }
            }
        })*
    };
}

typed! {
    bool: Value::Bool(value) => *value;
    u64: Value::Integer(value) | Value::Bytes(value) => *value;
    u32: Value::Integer(value) => u32::try_from(*value).unwrap_or(u32::MAX);
    Duration: Value::Duration(value) => *value;
    String: Value::Text(text) => text.clone();
    PathBuf: Value::Path(path) => path.clone();
    Strict: Value::Word(word) => Strict::named(word).unwrap_or(Strict::Auto);
    Color: Value::Word(word) => Color::named(word).unwrap_or(Color::Auto);
    LogFormat: Value::Word(word) => LogFormat::named(word).unwrap_or(LogFormat::Text);
}

impl<T: Typed> Typed for Option<T> {
    fn of(value: Option<&Value>) -> Self {
        value.map(|value| T::of(Some(value)))
    }
}

impl Typed for Vec<String> {
    fn of(value: Option<&Value>) -> Self {
        match value {
            Some(Value::Texts(texts)) => texts.clone(),
            _ => Vec::new(),
        }
    }
}

impl Typed for Vec<PathBuf> {
    fn of(value: Option<&Value>) -> Self {
        match value {
            Some(Value::Paths(paths)) => paths.clone(),
            _ => Vec::new(),
        }
    }
}
