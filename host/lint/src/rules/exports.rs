//! What a source returns, and whether its entry's methods are among it.

use crate::rule;
use crate::subject::Findings;
use crate::tree::{Chunk, Expr, ExprKind, Field, Key, LocalId, Role, Stat, StatKind};
use crate::walk::{self, Visitor};
use perilune_registry::{FieldPath, Half, did_you_mean, quote};
use perilune_value::Value;
use std::collections::BTreeSet;

/// What a source returns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Exports {
    /// Nobody can tell.
    Unknown,
    /// A function, which serves any method.
    Function,
    /// A table with these names and no others.
    Table(BTreeSet<String>),
    /// Something else, in words.
    Other(&'static str),
}

/// Looks at `method` and `methods`.
pub(crate) fn check(exports: &Exports, to: &mut Findings<'_, '_>) {
    let entry = to.subject.entry;
    let method = entry.data().get("method").and_then(Value::as_str);
    match entry.kind() {
        "function.lua" | "process.lua" | "workflow.lua" => {
            one(method.unwrap_or("main"), FieldPath::from("method"), exports, to);
        }
        "module.lua" => {
            let methods = match entry.data().get("methods") {
                Some(Value::Array(methods)) => methods.as_slice(),
                _ => &[],
            };
            for (at, method) in methods.iter().enumerate() {
                if let Some(method) = method.as_str() {
                    one(method, FieldPath::from("methods").item(at), exports, to);
                }
            }
        }
        _ => {}
    }
}

fn one(method: &str, path: FieldPath, exports: &Exports, to: &mut Findings<'_, '_>) {
    let (message, help) = match exports {
        Exports::Unknown | Exports::Function => return,
        Exports::Table(names) if names.contains(method) => return,
        Exports::Table(names) => {
            let close = did_you_mean(method, names.iter().map(String::as_str));
            let help = close.unwrap_or_else(|| format!("return it: `return {{ {method} = … }}`"));
            (format!("the source returns no {}", quote(method)), help)
        }
        Exports::Other(what) => {
            let message = format!("the source returns {what}, not a function or a table of functions");
            (message, format!("return {} at its end: `return {{ {method} = … }}`", quote(method)))
        }
    };
    to.add_field(rule::NO_EXPORT, path, Half::Value, message, vec![help]);
}

impl Exports {
    /// What a source returns, as far as its text tells.
    pub(crate) fn of(chunk: &Chunk<'_>) -> Exports {
        let stats = chunk.block.stats.as_slice();
        let stats = match stats.split_last() {
            Some((Stat { kind: StatKind::Empty, .. }, rest)) => rest,
            _ => stats,
        };
        let (last, before) = match stats.split_last() {
            Some((Stat { kind: StatKind::Return(values), .. }, before)) => (Some(values), before),
            _ => (None, stats),
        };
        if before.iter().any(returns) {
            return Exports::Unknown;
        }
        match last.map(|values| values.first()) {
            None | Some(None) => Exports::Other("nothing"),
            Some(Some(value)) => value_of(value, chunk),
        }
    }
}

/// Whether a statement may return from the source.
fn returns(stat: &Stat<'_>) -> bool {
    match &stat.kind {
        StatKind::Return(_) => true,
        StatKind::Do(block)
        | StatKind::While { block, .. }
        | StatKind::Repeat { block, .. }
        | StatKind::For { block, .. } => block.stats.iter().any(returns),
        StatKind::If { arms, otherwise } => {
            arms.iter().map(|(_, block)| block).chain(otherwise).any(|block| block.stats.iter().any(returns))
        }
        _ => false,
    }
}

fn value_of(value: &Expr<'_>, chunk: &Chunk<'_>) -> Exports {
    match &value.bare().kind {
        ExprKind::Function(_) => Exports::Function,
        ExprKind::Table(fields) => table(fields).map_or(Exports::Unknown, Exports::Table),
        ExprKind::Nil => Exports::Other("nil"),
        ExprKind::Bool(_) => Exports::Other("a boolean"),
        ExprKind::Number(_) => Exports::Other("a number"),
        ExprKind::String(_) => Exports::Other("a string"),
        ExprKind::Local(id) if chunk.locals[*id].role == Role::Function => Exports::Function,
        ExprKind::Local(id) => variable(*id, chunk),
        _ => Exports::Unknown,
    }
}

/// The names that a constructor sets; `None` where it computes some.
fn table(fields: &[Field<'_>]) -> Option<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for field in fields {
        match &field.key {
            // Items of a list have no names.
            None if field.value.is_multiple() => return None,
            None => {}
            Some(key) => match (key.name(), key) {
                (Some((name, _)), _) => {
                    names.insert(name.to_owned());
                }
                (None, Key::Expr(key)) if matches!(key.kind, ExprKind::Number(_) | ExprKind::Bool(_)) => {}
                _ => return None,
            },
        }
    }
    Some(names)
}

/// A variable that holds a table which is filled in plain sight.
fn variable(id: LocalId, chunk: &Chunk<'_>) -> Exports {
    let mut filled = Filled { id, names: BTreeSet::new(), is_table: false, plain: 0, is_hidden: false };
    walk::block(&chunk.block, &mut filled);
    let local = &chunk.locals[id];
    // Each read is one as the object of a named field, or the `return`.
    if filled.is_table && !filled.is_hidden && local.writes == 0 && local.reads == filled.plain + 1 {
        Exports::Table(filled.names)
    } else {
        Exports::Unknown
    }
}

struct Filled {
    id: LocalId,
    names: BTreeSet<String>,
    /// Whether it begins as a constructor.
    is_table: bool,
    /// Reads that only look at a field or set one.
    plain: usize,
    is_hidden: bool,
}

impl Filled {
    fn is_it(&self, expr: &Expr<'_>) -> bool {
        matches!(expr.kind, ExprKind::Local(id) if id == self.id)
    }

    fn target(&mut self, target: &Expr<'_>) {
        if let ExprKind::Index { object, key } = &target.kind
            && self.is_it(object)
        {
            self.plain += 1;
            match key.name() {
                Some((name, _)) => {
                    self.names.insert(name.to_owned());
                }
                None => self.is_hidden = true,
            }
        }
    }
}

impl<'a> Visitor<'a> for Filled {
    fn stat(&mut self, stat: &Stat<'a>) {
        match &stat.kind {
            StatKind::Local { locals, values } => {
                let place = locals.iter().position(|local| *local == self.id);
                if let Some(Expr { kind: ExprKind::Table(fields), .. }) = place.and_then(|at| values.get(at))
                {
                    match table(fields) {
                        Some(names) => self.names.extend(names),
                        None => self.is_hidden = true,
                    }
                    self.is_table = true;
                }
            }
            StatKind::Assign { targets, .. } => targets.iter().for_each(|target| self.target(target)),
            StatKind::Function { name, .. } => self.target(name),
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Expr<'a>) {
        match &expr.kind {
            ExprKind::Index { object, .. } if self.is_it(object) => self.plain += 1,
            // A method may set fields of its object.
            ExprKind::Method { object, .. } if self.is_it(object) => self.is_hidden = true,
            // As metatables do not count, this gives the table itself back.
            ExprKind::Call { callee, args }
                if matches!(callee.kind, ExprKind::Global("setmetatable"))
                    && args.first().is_some_and(|first| self.is_it(first)) =>
            {
                self.plain += 1;
            }
            _ => {}
        }
    }
}
