//! What a statement's first word tells.

use perilune_value::Failure;

/// A statement longer than this is no statement: parsers take time and memory in proportion.
const LONGEST: usize = 1 << 20;

/// Words that begin, end or divide a transaction.
const TRANSACTION: &[&str] =
    &["abort", "begin", "commit", "end", "release", "rollback", "savepoint", "start", "xa"];

/// Words of statements that leave nothing on their connection.
const PLAIN: &[&str] = &[
    "alter", "analyze", "create", "delete", "drop", "explain", "insert", "merge", "replace", "select",
    "show", "table", "truncate", "update", "values", "with",
];

/// What a plain statement may do besides: settings, locks and temporary tables last as long as the connection.
const TRACES: &[&str] = &["@", "advisory", "get_lock", "set_config", "temp"];

/// Refuses what no driver should see.
///
/// A transaction's beginning and end must be known here: a connection that was left inside of one would carry the next
/// caller's statements into it.
pub(crate) fn check(sql: &str) -> Result<(), Failure> {
    if sql.len() > LONGEST {
        return Err(Failure::invalid(format!("a statement has {LONGEST} bytes at most, not {}", sql.len())));
    }
    if sql.contains('\0') {
        return Err(Failure::invalid("a statement cannot hold NUL bytes"));
    }
    let word = first_word(sql);
    let ends_it = TRANSACTION.contains(&word.as_str())
        || (word == "set" && contains(sql, "autocommit"))
        || (word == "prepare" && contains(sql, "transaction"));
    if word.is_empty() {
        let message =
            "a statement begins with a word such as SELECT, perhaps after plain comments; this one does not";
        return Err(Failure::invalid(message));
    }
    if ends_it {
        let message = format!(
            "`{}` would change the connection's transaction: use db:begin() and its methods commit, rollback, savepoint, \
             rollback_to and release",
            word.to_uppercase()
        );
        return Err(Failure::invalid(message));
    }
    Ok(())
}

/// Whether something of a statement may stay on its connection, such as a setting, a lock or a temporary table. Says yes too
/// often rather than too rarely.
pub(crate) fn leaves_traces(sql: &str) -> bool {
    !PLAIN.contains(&first_word(sql).as_str()) || TRACES.iter().any(|trace| contains(sql, trace))
}

/// Whether a statement only reads as a rule.
pub(crate) fn seems_to_read(sql: &str) -> bool {
    matches!(first_word(sql).as_str(), "select" | "values" | "with" | "explain" | "pragma")
}

/// Whether it may change tables, views or indexes, and with them what other statements mean.
pub(crate) fn changes_schema(sql: &str) -> bool {
    !matches!(
        first_word(sql).as_str(),
        "select" | "values" | "with" | "explain" | "insert" | "update" | "delete" | "replace"
    )
}

/// Whether it inserts.
pub(crate) fn inserts(sql: &str) -> bool {
    matches!(first_word(sql).as_str(), "insert" | "replace" | "with")
}

fn contains(sql: &str, lower: &str) -> bool {
    sql.as_bytes().windows(lower.len()).any(|part| part.eq_ignore_ascii_case(lower.as_bytes()))
}

/// The first word in small letters, after blanks, comments and parentheses; empty when there is none.
pub(crate) fn first_word(sql: &str) -> String {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(' || c == ';');
        let skipped = if let Some(comment) = rest.strip_prefix("--").or_else(|| rest.strip_prefix('#')) {
            comment.split_once('\n').map(|(_, after)| after)
        } else if rest.starts_with("/*!") || rest.starts_with("/*M!") {
            // MySQL carries such comments out.
            return String::new();
        } else if rest.starts_with("/*") {
            after_comment(rest)
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            return rest[..end].to_ascii_lowercase();
        };
        let Some(after) = skipped else { return String::new() };
        rest = after;
    }
}

/// What follows a comment. PostgreSQL lets comments nest; after a nested one no word is found here, which [`check`] refuses.
fn after_comment(text: &str) -> Option<&str> {
    let (_, after) = text[2..].split_once("*/")?;
    Some(after)
}

/// A savepoint's name, quoted by `quote`.
pub(crate) fn savepoint(name: &str, quote: char) -> Result<String, Failure> {
    /// PostgreSQL cuts longer names.
    const LONGEST_NAME: usize = 63;
    let fine = (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if fine {
        return Ok(format!("{quote}{name}{quote}"));
    }
    let shown: String = name.chars().take(LONGEST_NAME).collect();
    Err(Failure::invalid(format!(
        "`{shown}` cannot name a savepoint: a name has 1 to {LONGEST_NAME} letters, digits and underscores"
    )))
}
