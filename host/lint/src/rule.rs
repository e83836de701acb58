//! The table of rules: one definition gives codes, severities, help and documentation.

use perilune_registry::{Code, Severity};
use std::fmt::Write;

/// One thing that is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Stable; texts may change.
    pub code: &'static str,
    /// A few words, for people.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One line: what is found.
    pub doc: &'static str,
    /// What to do about it.
    pub help: &'static str,
}

impl Rule {
    /// The rule of a code, in capitals or not.
    pub fn of(code: &str) -> Option<&'static Rule> {
        RULES.iter().copied().find(|rule| rule.code.eq_ignore_ascii_case(code))
    }

    /// The code as problems carry it.
    pub(crate) fn problem_code(&self) -> Code {
        Code::new(self.code)
    }

    /// `error` or `warning`.
    pub fn level(&self) -> &'static str {
        level(self.severity)
    }

    /// Code, name, severity and both texts as lines, for a terminal.
    pub fn explain(&self) -> String {
        let Rule { code, name, doc, help, .. } = self;
        format!(
            "{code}: {name} ({})\n\n{doc}\n\n{help}\n\nA line is left alone with `-- lint: allow {code}`, a source with `-- lint: allow-file {code}`.\n",
            self.level()
        )
    }
}

/// `error` or `warning`.
pub(crate) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

macro_rules! rules {
    ($($name:ident = $code:literal, $severity:ident, $words:literal, $doc:literal, $help:literal;)*) => {
        $(pub(crate) const $name: &Rule =
            &Rule { code: $code, name: $words, severity: Severity::$severity, doc: $doc, help: $help };)*

        /// Every rule, by code.
        pub const RULES: &[&Rule] = &[$($name),*];
    };
}

// L10x: reading sources. L11x: names. L12x: modules and imports. L13x: calls. L14x: code. L15x: entries among each other.
rules! {
    SYNTAX = "L101", Error, "syntax error",
        "The source is not Lua 5.4. Only the first mistake of a source is shown: those after it are often its consequences.",
        "Correct it where it is marked, or shortly before.";
    NOT_CHECKED = "L102", Warning, "not checked",
        "The source, or an expression in it, nests deeper or is longer than is looked at.",
        "Split the expression; Lua itself refuses what nests deeper than 200 levels.";
    COMMENT = "L103", Warning, "unknown code in a comment",
        "A comment `-- lint: …` names a code that there is not, or says something else than `allow` and `allow-file`.",
        "Write `-- lint: allow L114`, or remove the comment.";

    UNDEFINED = "L111", Error, "undefined global",
        "A name is read that is no local, no global of the sandbox, no listed module, no import, and that the source assigns nowhere.",
        "Correct the name, or list the module in `modules`.";
    NEW_GLOBAL = "L112", Warning, "assignment to an undefined global",
        "A value is assigned to a name that is no local. Functions that are defined by name at the top level are left alone.",
        "Write `local` in front of its first assignment.";
    ABSENT = "L113", Error, "not in the sandbox",
        "Something is used that other Lua has and the sandbox has not, such as `load`, `debug` or `os.execute`.",
        "Use what the message names instead.";
    UNUSED_LOCAL = "L114", Warning, "unused local",
        "A local variable or function is never read.",
        "Remove it, or let its name begin with `_`.";
    UNUSED_PARAMETER = "L115", Warning, "unused parameter",
        "A parameter is never read, and none after it is either.",
        "Remove it, or let its name begin with `_`.";
    UNUSED_LABEL = "L116", Warning, "unused label",
        "No `goto` leads to a label.",
        "Remove it, or let its name begin with `_`.";
    SHADOWED = "L117", Warning, "shadowed local",
        "A local has the name of another one outside of its block, which cannot be reached any more.",
        "Rename one of the two.";

    UNLISTED = "L121", Error, "require of what is not listed",
        "`require` names neither a module in `modules` nor an alias in `imports`: it fails when it runs.",
        "List the module in `modules`, or the entry in `imports`.";
    DYNAMIC = "L122", Warning, "require of a computed name",
        "What `require` is given is no literal, so nobody can tell what the entry needs.",
        "Write the name as a literal.";
    UNUSED_MODULE = "L123", Warning, "unused module",
        "An entry lists a module that its source never uses.",
        "Remove it from `modules`: an entry should reach no more than it needs.";
    UNUSED_IMPORT = "L124", Warning, "unused import",
        "An entry imports another that its source never uses.",
        "Remove it from `imports`.";

    NO_FUNCTION = "L131", Error, "unknown name in a module",
        "A module or a table of Lua's library has no such function or constant.",
        "Correct the name.";
    NO_METHOD = "L132", Error, "unknown method",
        "An object whose class is known has no such method.",
        "Correct the name.";
    ARGUMENTS = "L133", Error, "wrong number of arguments",
        "A known function is given fewer arguments than it needs, or more than it takes.",
        "Look at its parameters in docs/modules/.";
    IGNORED = "L134", Warning, "ignored error",
        "A call that waits for the host can fail, returns `nil` and an error then, and both are dropped. What closes, ends or sends is left alone.",
        "Write `assert(…)` around it, look at its results, or name them: `local _, _ = …`.";

    NO_EXPORT = "L141", Error, "method is not exported",
        "`method` or `methods` names a function that the source does not return.",
        "Return it: `return { main = main }`.";
    UNREACHABLE = "L142", Warning, "unreachable code",
        "Statements follow one that never goes on: `return`, `break`, `goto`, `error(…)`, a loop without an end.",
        "Remove them.";
    DUPLICATE_KEY = "L143", Warning, "duplicate key",
        "A table constructor sets one key twice; the first value is lost.",
        "Remove one of the two.";
    CONSTANT = "L144", Warning, "comparison that never changes",
        "A comparison is always true or always false, whatever the values: with NaN, with a new table or function, of `not x` or a length with `nil`, of values of two types.",
        "Write what was meant: `x ~= x` asks for NaN, `not (x == y)` and `next(t) == nil` for the others.";

    UNREACHED = "L151", Warning, "unreachable entry",
        "Nothing leads to a library, or to a resource such as a host or a database: no import, no field, no text in a source that holds its id.",
        "Remove the entry.";
}

/// What stands on the page.
const NOTE: &str = "<!-- Made from host/lint/src/rule.rs by `UPDATE_DOCS=1 cargo test -p perilune-lint`. -->";

/// The page for people, docs/lint.md.
pub fn markdown() -> String {
    let mut out = format!("{NOTE}\n\n{}", include_str!("intro.md"));
    out.push_str("\n## All rules\n\n| code | severity | name |\n|---|---|---|\n");
    // Writing to a string cannot fail.
    for rule in RULES {
        let _ = writeln!(out, "| [{}](#{}) | {} | {} |", rule.code, anchor(rule), rule.level(), rule.name);
    }
    for rule in RULES {
        let Rule { code, name, doc, help, .. } = rule;
        let _ = write!(out, "\n## {code}: {name}\n\n{doc}\n\n{help}\n");
    }
    out
}

/// How a heading is named in links.
fn anchor(rule: &Rule) -> String {
    format!("{} {}", rule.code, rule.name).to_lowercase().replace(' ', "-")
}
