//! Calls of what is described: names, numbers of arguments, errors that are dropped.

use crate::everything::Everything;
use crate::globals::absent;
use crate::rule;
use crate::rules::exports::Exports;
use crate::subject::{Findings, Program};
use crate::tree::{Expr, ExprKind, Ident, Key, Op, Span, Stat, StatKind, Unary};
use crate::types::{Known, Type, Types, member};
use crate::walk::{self, Visitor};
use perilune_api::{Api, Description, Parameter};
use perilune_registry::{EntryId, closest, did_you_mean, quote};
use std::collections::HashSet;

/// What ends something, or hands something to whoever still listens: that it fails often changes nothing for who calls it.
const DROPPED: [&str; 15] = [
    "ack",
    "cancel",
    "close",
    "destroy",
    "flush",
    "nack",
    "release",
    "rollback",
    "rollback_to",
    "send",
    "stop",
    "terminate",
    "unlisten",
    "unsubscribe",
    "yield",
];

pub(crate) fn check<'a>(program: &Program<'_, 'a>, all: &Everything<'_>, to: &mut Findings<'_, 'a>) {
    let types = Types::new(to.subject, program.globals, program.chunk, &all.exports);
    walk::block(&program.chunk.block, &mut Calls { to, types, tested: HashSet::new() });
}

struct Calls<'f, 's, 'p, 'a> {
    to: &'f mut Findings<'s, 'a>,
    types: Types<'p, 'a>,
    /// Fields that are asked for whether they are there.
    tested: HashSet<Span>,
}

impl<'a> Visitor<'a> for Calls<'_, '_, '_, 'a> {
    fn stat(&mut self, stat: &Stat<'a>) {
        match &stat.kind {
            StatKind::Call(call) => self.ignored(call),
            StatKind::If { arms, .. } => {
                self.tested.extend(arms.iter().map(|(condition, _)| condition.bare().span));
            }
            _ => {}
        }
    }

    fn after(&mut self, stat: &Stat<'a>) {
        self.types.declare(stat);
    }

    fn expr(&mut self, expr: &Expr<'a>) {
        match &expr.kind {
            ExprKind::Unary { op: Unary::Not, operand } => {
                self.tested.insert(operand.bare().span);
            }
            ExprKind::Binary { op: Op::And | Op::Or | Op::Equal | Op::NotEqual, left, right } => {
                self.tested.extend([left.bare().span, right.bare().span]);
            }
            ExprKind::Index { object, key: Key::Name(name) } => {
                if !self.tested.contains(&expr.span)
                    && let Type::Table { of, prefix } = self.types.of(object)
                {
                    self.table(of, &prefix, name);
                }
            }
            ExprKind::Call { callee, args } => self.call(callee, args),
            ExprKind::Method { object, name, args } => self.method(object, name, args),
            _ => {}
        }
    }
}

impl<'a> Calls<'_, '_, '_, 'a> {
    fn call(&mut self, callee: &Expr<'a>, args: &[Expr<'a>]) {
        match &callee.kind {
            ExprKind::Global("type" | "tostring") => {
                self.tested.extend(args.iter().map(|arg| arg.bare().span));
            }
            ExprKind::Index { object, key: Key::Name(name) } => match self.types.of(object) {
                Type::Library(id, exports) => self.library(id, exports, name),
                of @ Type::Object(..) => {
                    if let Some(known) = self.types.method(&of, name.text)
                        && !is_same(args.first(), object)
                    {
                        let message = format!("{} is a method", quote(&known.name));
                        let help = format!("call it with a colon: `:{}(…)`", name.text);
                        self.to.add(rule::ARGUMENTS, name.span, message, vec![help]);
                    }
                    return;
                }
                _ => {}
            },
            _ => {}
        }
        if let Type::Function(known) = self.types.of(callee) {
            if known.takes_self
                && let ExprKind::Index { object, key: Key::Name(name) } = &callee.kind
                && !is_same(args.first(), object)
            {
                let message = format!("{} takes its table first", quote(&known.name));
                let help = format!("call it with a colon: `:{}(…)`", name.text);
                return self.to.add(rule::ARGUMENTS, name.span, message, vec![help]);
            }
            self.arguments(&known, &known.function.params, callee.span, args);
        }
    }

    fn method(&mut self, object: &Expr<'a>, name: &Ident<'a>, args: &[Expr<'a>]) {
        let of = self.types.of(object);
        if let Some(known) = self.types.method(&of, name.text) {
            let params = &known.function.params[usize::from(known.takes_self)..];
            return self.arguments(&known, params, name.span, args);
        }
        match &of {
            Type::Object(class, known)
                if !known.methods.is_empty() && !known.fields.contains_key(name.text) =>
            {
                let message = format!("{} has no method {}", quote(class), quote(name.text));
                let close = did_you_mean(name.text, known.methods.keys().map(String::as_str));
                self.to.add(rule::NO_METHOD, name.span, message, close.into_iter().collect());
            }
            Type::Text => {
                let Some(string) = Api::built_in().global("string") else { return };
                if string.names().all(|known| known != name.text) {
                    let message = format!("strings have no method {}", quote(name.text));
                    let close = did_you_mean(name.text, string.names());
                    self.to.add(rule::NO_METHOD, name.span, message, close.into_iter().collect());
                }
            }
            Type::Table { of, prefix } => match member(of, prefix, name.text) {
                None => self.table(of, prefix, name),
                Some(Type::Function(known)) => {
                    let message = format!("{} does not take its table", quote(&known.name));
                    let help = format!("call it with a dot: `.{}(…)`", name.text);
                    self.to.add(rule::ARGUMENTS, name.span, message, vec![help]);
                }
                Some(_) => {}
            },
            Type::Library(id, exports) => self.library(id, exports, name),
            _ => {}
        }
    }

    /// A name in a module or a table of Lua's library.
    fn table(&mut self, of: &'static Description, prefix: &str, name: &Ident<'a>) {
        if member(of, prefix, name.text).is_some() {
            return;
        }
        let table = format!("{}.{prefix}", of.name().unwrap_or_default());
        let full = format!("{table}{}", name.text);
        if let Some(instead) = absent(&full) {
            let message = format!("{} is not in the sandbox", quote(&full));
            return self.to.add(rule::ABSENT, name.span, message, vec![instead.to_owned()]);
        }
        let table = table.trim_end_matches('.');
        let message = format!("{} has no {}", quote(table), quote(name.text));
        let names = of.names().filter_map(|known| known.strip_prefix(prefix));
        let help = match closest(name.text, names) {
            Some(close) => format!("did you mean `{table}.{close}`?"),
            None => format!("`perilune editor` lets an editor list what `{table}` has"),
        };
        self.to.add(rule::NO_FUNCTION, name.span, message, vec![help]);
    }

    /// A function of what another entry returns.
    fn library(&mut self, id: &EntryId, exports: &Exports, name: &Ident<'a>) {
        let Exports::Table(names) = exports else { return };
        if names.contains(name.text) {
            return;
        }
        let message = format!("{} returns no {}", quote(&id.to_string()), quote(name.text));
        let close = did_you_mean(name.text, names.iter().map(String::as_str));
        self.to.add(rule::NO_FUNCTION, name.span, message, close.into_iter().collect());
    }

    fn arguments(&mut self, known: &Known, params: &[Parameter], span: Span, args: &[Expr<'a>]) {
        let is_open = args.last().is_some_and(Expr::is_multiple);
        let takes_more = params.last().is_some_and(|last| last.name == "...");
        let needed = params.iter().rposition(is_needed).map_or(0, |last| last + 1);
        let name = quote(&known.name);
        let signature = params.iter().map(|param| match is_needed(param) || param.name == "..." {
            true => param.name.clone(),
            false => format!("{}?", param.name),
        });
        let signature = format!("({})", signature.collect::<Vec<_>>().join(", "));
        if !is_open && args.len() < needed {
            let missing = params.get(args.len()).map_or("", |param| param.name.as_str());
            let message = format!("{name} needs {}, got {}", count(needed), args.len());
            let help = format!("its parameters are {}: {} is missing", quote(&signature), quote(missing));
            self.to.add(rule::ARGUMENTS, span, message, vec![help]);
        } else if !takes_more && args.len() > params.len() + usize::from(is_open) {
            let message = format!("{name} takes {}, got {}", count(params.len()), args.len());
            let help = format!("its parameters are {}", quote(&signature));
            self.to.add(rule::ARGUMENTS, args[params.len()].span, message, vec![help]);
        }
    }

    /// A statement that drops what a call gives.
    fn ignored(&mut self, call: &Expr<'a>) {
        let (known, name) = match &call.kind {
            ExprKind::Call { callee, .. } => match (self.types.of(callee), &callee.kind) {
                (Type::Function(known), ExprKind::Index { key: Key::Name(name), .. }) => (known, *name),
                _ => return,
            },
            ExprKind::Method { object, name, .. } => {
                match self.types.method(&self.types.of(object), name.text) {
                    Some(known) => (known, *name),
                    None => return,
                }
            }
            _ => return,
        };
        if known.function.fails && known.function.yields && !DROPPED.contains(&name.text) {
            let message = format!("nobody learns when {} fails", quote(&known.name));
            self.to.add(rule::IGNORED, name.span, message, Vec::new());
        }
    }
}

/// Whether an argument is the very variable that a function was found in.
fn is_same(argument: Option<&Expr<'_>>, object: &Expr<'_>) -> bool {
    match (argument.map(|argument| &argument.kind), &object.kind) {
        (Some(ExprKind::Local(one)), ExprKind::Local(other)) => one == other,
        (Some(ExprKind::Global(one)), ExprKind::Global(other)) => one == other,
        // What several values hold, nobody knows.
        (Some(ExprKind::Dots), _) => true,
        _ => false,
    }
}

/// Whether nil will not do.
fn is_needed(param: &Parameter) -> bool {
    let ty = param.ty.as_str();
    let may_be_nil = ty.ends_with('?') || ty.split('|').any(|part| matches!(part.trim(), "nil" | "any"));
    !param.optional && param.name != "..." && !may_be_nil
}

fn count(number: usize) -> String {
    format!("{number} argument{}", if number == 1 { "" } else { "s" })
}
