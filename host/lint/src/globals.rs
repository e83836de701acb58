//! What the sandbox has under global names, and what a source does with them.

use crate::tree::{Chunk, Expr, ExprKind, Key, Op, Span, Stat, StatKind, Unary};
use crate::walk::{self, Visitor};
use perilune_api::{Api, Subject as ApiSubject};
use std::collections::{BTreeMap, BTreeSet};

/// Names that every source has.
pub(crate) fn built_in() -> BTreeSet<&'static str> {
    let api = Api::built_in();
    let mut names = BTreeSet::from(["_ENV"]);
    for (_, one) in api.descriptions() {
        match &one.subject {
            ApiSubject::Global(name) if name == ApiSubject::BASE => names.extend(one.names()),
            ApiSubject::Global(name) => {
                names.insert(name);
            }
            ApiSubject::Module(_) | ApiSubject::Objects => {}
        }
    }
    names
}

/// What `require` gives although an entry does not list it: tables that every source has, and `stream`.
pub(crate) fn is_always_there(name: &str) -> bool {
    name == "stream" || (name != ApiSubject::BASE && Api::built_in().global(name).is_some())
}

/// What other Lua has and the sandbox has not, and what to use instead.
pub(crate) const ABSENT: &[(&str, &str)] = &[
    ("arg", "a command's arguments are those of its `method`: `function(...)`"),
    ("bit", "use the operators `&`, `|`, `~`, `<<` and `>>`"),
    ("bit32", "use the operators `&`, `|`, `~`, `<<` and `>>`"),
    ("collectgarbage", "memory is collected by itself; `limits.memory` says how much there is"),
    ("coroutine.running_main", "use `coroutine.running`"),
    ("debug", "`errors.call_stack(err)` says where an error was made"),
    ("dofile", "import the file as an entry of kind `library.lua`"),
    ("getfenv", "Lua 5.4 has `_ENV`"),
    ("io", "list module `io` for the terminal, or `fs` for files"),
    ("jit", "there is no LuaJIT here"),
    ("load", "no code is made at run time; module `expr` evaluates expressions"),
    ("loadfile", "import the file as an entry of kind `library.lua`"),
    ("loadstring", "no code is made at run time; module `expr` evaluates expressions"),
    ("module", "return a table at the end of the source"),
    ("newproxy", "use a table with a metatable"),
    ("os.execute", "no programs are started from the sandbox"),
    ("os.exit", "return from `method`, or use `system.exit` of module `system`"),
    ("os.getenv", "list module `env`, which reads entries of kind `env.variable`"),
    ("os.remove", "list module `fs`"),
    ("os.rename", "list module `fs`"),
    ("os.setlocale", "there is one locale; module `time` has layouts"),
    ("os.tmpname", "list module `fs`"),
    ("package.loaded", "use `require`"),
    ("package.loadlib", "no native code is loaded"),
    ("package.preload", "use `imports`"),
    ("package.searchers", "use `imports`"),
    ("package.searchpath", "use `imports`"),
    ("rawlen", "use `#` on a table without a metatable"),
    ("setfenv", "Lua 5.4 has `_ENV`"),
    ("string.dump", "no bytecode is made at run time"),
    ("table.foreach", "use `for … in pairs(…)`"),
    ("table.foreachi", "use `for … in ipairs(…)`"),
    ("utf8", "list module `text`"),
    ("warn", "list module `logger`, or use `print`"),
];

/// What to use instead of a name, or of a dotted one, that is missing on purpose.
pub(crate) fn absent(name: &str) -> Option<&'static str> {
    ABSENT.iter().find(|(absent, _)| *absent == name).map(|(_, instead)| *instead)
}

/// What a source does with globals.
#[derive(Debug, Default)]
pub(crate) struct Globals<'a> {
    /// Where each is read.
    pub(crate) reads: Vec<(&'a str, Span)>,
    pub(crate) read: BTreeSet<&'a str>,
    /// Where each is assigned, and whether that is meant: a function defined by name at the top level, or `_G.name = …`.
    pub(crate) writes: Vec<(&'a str, Span, bool)>,
    pub(crate) written: BTreeSet<&'a str>,
    /// Those that are asked for whether they are there.
    pub(crate) tested: BTreeSet<&'a str>,
    /// Whether names are computed, or the table of globals is handed around: then nobody can tell.
    pub(crate) is_dynamic: bool,
    /// `require` of literals, with the text's place.
    pub(crate) required: BTreeMap<String, Vec<Span>>,
    /// Names that `pcall(require, …)` tries.
    pub(crate) tried: BTreeSet<String>,
    /// `require` of anything else.
    pub(crate) computed: Vec<Span>,
    /// Functions that are defined by name at the top level.
    top_level: BTreeSet<Span>,
    /// Tables of globals that are still to be met as the object of `_G.name`.
    named: usize,
}

impl<'a> Globals<'a> {
    pub(crate) fn of(chunk: &Chunk<'a>) -> Self {
        let mut globals = Globals::default();
        let env = chunk.locals.iter().any(|local| local.name.text == "_ENV");
        globals.is_dynamic = env;
        for stat in &chunk.block.stats {
            if let StatKind::Function { name: Expr { kind: ExprKind::Global(_), span }, .. } = &stat.kind {
                globals.top_level.insert(*span);
            }
        }
        walk::block(&chunk.block, &mut globals);
        globals.written.extend(globals.writes.iter().map(|(name, ..)| *name));
        globals.read.extend(globals.reads.iter().map(|(name, _)| *name));
        globals
    }

    fn write(&mut self, target: &Expr<'a>) {
        match &target.kind {
            ExprKind::Global(name) => {
                self.writes.push((name, target.span, self.top_level.contains(&target.span)));
            }
            ExprKind::Index { object, key: Key::Name(name) } if is_table_of_globals(object) => {
                self.named += 1;
                self.writes.push((name.text, name.span, true));
            }
            _ => {}
        }
    }

    fn test(&mut self, expr: &Expr<'a>) {
        if let ExprKind::Global(name) = &expr.bare().kind {
            self.tested.insert(name);
        }
    }

    fn require(&mut self, args: &[Expr<'a>]) {
        match args {
            [Expr { kind: ExprKind::String(Some(name)), span }] => {
                self.required.entry(name.to_string()).or_default().push(*span);
            }
            [] => {}
            [first, ..] => self.computed.push(first.span),
        }
    }
}

fn is_table_of_globals(expr: &Expr<'_>) -> bool {
    matches!(expr.kind, ExprKind::Global("_G" | "_ENV"))
}

impl<'a> Visitor<'a> for Globals<'a> {
    fn stat(&mut self, stat: &Stat<'a>) {
        match &stat.kind {
            StatKind::Assign { targets, .. } => targets.iter().for_each(|target| self.write(target)),
            StatKind::Function { name, .. } => self.write(name),
            StatKind::If { arms, .. } => arms.iter().for_each(|(condition, _)| self.test(condition)),
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Expr<'a>) {
        match &expr.kind {
            ExprKind::Index { object, key: Key::Name(name) } if is_table_of_globals(object) => {
                self.named += 1;
                // It may be absent: nil then.
                self.tested.insert(name.text);
                self.reads.push((name.text, name.span));
            }
            ExprKind::Global("_G" | "_ENV") if self.named > 0 => self.named -= 1,
            ExprKind::Global("_G" | "_ENV") => self.is_dynamic = true,
            ExprKind::Global(name) => self.reads.push((name, expr.span)),
            ExprKind::Call { callee, args } => match &callee.kind {
                ExprKind::Global("require") => self.require(args),
                ExprKind::Global("type" | "tostring") => args.iter().for_each(|arg| self.test(arg)),
                ExprKind::Global("pcall") => {
                    if let [Expr { kind: ExprKind::Global("require"), .. }, name] = args.as_slice() {
                        match &name.kind {
                            // It may fail.
                            ExprKind::String(Some(name)) => {
                                self.tried.insert(name.to_string());
                            }
                            _ => self.is_dynamic = true,
                        }
                    }
                }
                _ => {}
            },
            ExprKind::Unary { op: Unary::Not, operand } => self.test(operand),
            ExprKind::Binary { op: Op::And | Op::Or | Op::Equal | Op::NotEqual, left, right } => {
                self.test(left);
                self.test(right);
            }
            _ => {}
        }
    }
}
