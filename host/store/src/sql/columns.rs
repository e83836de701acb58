//! The names of the table and its columns. They become part of statements, so they are plain words, and quoted besides.

use perilune_registry::{Code, Entry, Problem, quote};
use perilune_sql::Dialect;
use perilune_value::{Failure, Value};

/// Where a store keeps its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// Perhaps with a schema before it.
    pub(super) table: String,
    pub(super) key: String,
    pub(super) value: String,
    pub(super) expires: String,
}

/// Fields with names, and what each is where nobody says.
pub(super) const FIELDS: [(&str, &str); 3] =
    [("id_column_name", "key"), ("payload_column_name", "value"), ("expire_column_name", "expires_at")];

/// The two ways to name the table.
pub(super) const TABLE: [&str; 2] = ["table_name", "table"];

impl Columns {
    /// Reads the fields of an entry.
    ///
    /// # Errors
    ///
    /// `Invalid` with the field that is no name.
    pub(super) fn of(data: &Value) -> Result<Self, Failure> {
        let text = |field| data.get(field).and_then(Value::as_str);
        let wrong =
            |field: &str, name: &str| Failure::invalid(format!("`{field}` is {}: {RULE}", quote(name)));
        let table = TABLE.into_iter().find_map(|field| Some((field, text(field)?)));
        let (field, table) =
            table.ok_or_else(|| Failure::invalid("the table is missing: add `table_name`"))?;
        if !is_table(table) {
            return Err(wrong(field, table));
        }
        let mut names = Vec::new();
        for (field, default) in FIELDS {
            let name = text(field).unwrap_or(default);
            if !is_name(name) {
                return Err(wrong(field, name));
            }
            names.push(name.to_owned());
        }
        match <[String; 3]>::try_from(names) {
            Ok([key, value, expires]) => Ok(Columns { table: table.to_owned(), key, value, expires }),
            Err(_) => Err(Failure::internal("a store has three columns")),
        }
    }

    /// The names as they stand in statements.
    pub(super) fn quoted(&self, dialect: Dialect) -> Columns {
        let mark = if dialect == Dialect::MySql { '`' } else { '"' };
        let quoted = |name: &str| format!("{mark}{name}{mark}");
        Columns {
            table: self.table.split('.').map(quoted).collect::<Vec<_>>().join("."),
            key: quoted(&self.key),
            value: quoted(&self.value),
            expires: quoted(&self.expires),
        }
    }
}

const RULE: &str = "a name has 1 to 63 letters, digits and underscores, and begins with no digit";

fn is_name(text: &str) -> bool {
    /// PostgreSQL cuts longer names.
    const LONGEST: usize = 63;
    (1..=LONGEST).contains(&text.len())
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// `table` or `schema.table`.
fn is_table(text: &str) -> bool {
    match text.split_once('.') {
        Some((schema, table)) => is_name(schema) && is_name(table),
        None => is_name(text),
    }
}

/// What the table of fields cannot say.
pub(super) fn check(entry: &Entry) -> Vec<Problem> {
    let text = |field| entry.data().get(field).and_then(Value::as_str);
    let mut problems = Vec::new();
    match TABLE.map(text) {
        [None, None] => problems.push(
            Problem::in_field(entry, "table_name", Code::MISSING_FIELD, "the table is missing")
                .help("add `table_name`, the name of a table with columns for key, value and expiry"),
        ),
        [Some(one), Some(other)] if one != other => {
            let message = "`table` and `table_name` name different tables";
            problems
                .push(Problem::in_field(entry, "table", Code::BAD_VALUE, message).help("keep one of them"));
        }
        _ => {}
    }
    let rules = FIELDS.map(|(field, _)| (field, is_name as fn(&str) -> bool));
    for (field, rule) in TABLE.map(|field| (field, is_table as fn(&str) -> bool)).into_iter().chain(rules) {
        // A placeholder is known when the store is opened.
        if let Some(name) = text(field).filter(|name| !name.contains("${") && !rule(name)) {
            let message = format!("{} cannot name a table or column", quote(name));
            problems.push(Problem::in_field(entry, field, Code::BAD_VALUE, message).help(RULE));
        }
    }
    problems
}
