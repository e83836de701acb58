//! What values are, as far as the descriptions of modules tell.

use crate::globals::Globals;
use crate::rules::exports::Exports;
use crate::subject::Subject;
use crate::tree::{Chunk, Expr, ExprKind, Key, LocalId, Span, Stat, StatKind};
use perilune_api::{Api, Class, Description, Function, Subject as ApiSubject};
use perilune_registry::{EntryId, Import};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// A module may be listed under another name, as in `perilune_modules::ALIASES`.
const ALIASES: [(&str, &str); 1] = [("template", "templates")];

/// What is known of a value.
#[derive(Clone, Debug)]
pub(crate) enum Type<'p> {
    Unknown,
    /// A module, a table of Lua's library, or a table in one: the names in it begin with `prefix`.
    Table {
        of: &'static Description,
        prefix: String,
    },
    Function(Known),
    /// An object of a class, with the class's name.
    Object(&'static str, &'static Class),
    Text,
    /// What another entry returns.
    Library(&'p EntryId, &'p Exports),
}

/// A function that is described.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// As scripts write it: `fs.get`.
    pub(crate) name: String,
    pub(crate) function: &'static Function,
    /// Whether its first parameter is the table that it stands in.
    pub(crate) takes_self: bool,
}

/// The types of what a source holds.
pub(crate) struct Types<'p, 'a> {
    subject: &'p Subject<'a>,
    globals: &'p Globals<'a>,
    chunk: &'p Chunk<'a>,
    libraries: &'p BTreeMap<EntryId, Exports>,
    locals: BTreeMap<LocalId, Type<'p>>,
    /// What was found out: each link of a chain is asked for by all that are above it.
    known: RefCell<HashMap<Span, Type<'p>>>,
}

impl<'p, 'a> Types<'p, 'a> {
    pub(crate) fn new(
        subject: &'p Subject<'a>,
        globals: &'p Globals<'a>,
        chunk: &'p Chunk<'a>,
        libraries: &'p BTreeMap<EntryId, Exports>,
    ) -> Self {
        Types { subject, globals, chunk, libraries, locals: BTreeMap::new(), known: RefCell::default() }
    }

    /// Takes note of what a `local` statement declares.
    pub(crate) fn declare(&mut self, stat: &Stat<'a>) {
        let StatKind::Local { locals, values } = &stat.kind else { return };
        let mut types: Vec<Type<'p>> = Vec::new();
        for (place, value) in values.iter().enumerate() {
            match place + 1 == values.len() {
                true => types.extend(self.results(value)),
                false => types.push(self.of(value)),
            }
        }
        for (local, ty) in locals.iter().zip(types) {
            // What is assigned to later may be anything.
            if self.chunk.locals[*local].writes == 0 && !matches!(ty, Type::Unknown) {
                self.locals.insert(*local, ty);
            }
        }
    }

    /// The type of an expression's first value.
    pub(crate) fn of(&self, expr: &Expr<'a>) -> Type<'p> {
        match &expr.kind {
            ExprKind::String(_) => Type::Text,
            ExprKind::Paren(inner) => self.of(inner),
            ExprKind::Local(id) => self.locals.get(id).cloned().unwrap_or(Type::Unknown),
            ExprKind::Global(name) => self.global(name),
            ExprKind::Index { .. } | ExprKind::Call { .. } | ExprKind::Method { .. } => {
                if let Some(known) = self.known.borrow().get(&expr.span) {
                    return known.clone();
                }
                let ty = match &expr.kind {
                    ExprKind::Index { object, key: Key::Name(name) } => {
                        self.field(&self.of(object), name.text)
                    }
                    ExprKind::Index { .. } => Type::Unknown,
                    _ => self.results(expr).into_iter().next().unwrap_or(Type::Unknown),
                };
                self.known.borrow_mut().insert(expr.span, ty.clone());
                ty
            }
            _ => Type::Unknown,
        }
    }

    /// The types of all that a call gives.
    fn results(&self, expr: &Expr<'a>) -> Vec<Type<'p>> {
        let known = match &expr.kind {
            ExprKind::Call { callee, args } => match (&callee.kind, args.as_slice()) {
                (ExprKind::Global("require"), [name]) if !self.globals.written.contains("require") => {
                    return vec![self.required(name)];
                }
                (ExprKind::Global("assert"), [first, ..]) if !self.globals.written.contains("assert") => {
                    return self.results(first);
                }
                _ => match self.of(callee) {
                    Type::Function(known) => known,
                    _ => return Vec::new(),
                },
            },
            ExprKind::Method { object, name, .. } => match self.method(&self.of(object), name.text) {
                Some(known) => known,
                None => return Vec::new(),
            },
            _ => return vec![self.of(expr)],
        };
        let function = known.function;
        let mut types: Vec<Type<'p>> = function.returns.iter().map(|result| named(&result.ty)).collect();
        if function.fails && types.len() <= 1 {
            types.resize(1, Type::Unknown);
            types.push(named("Error"));
        }
        types
    }

    fn required(&self, name: &Expr<'a>) -> Type<'p> {
        let ExprKind::String(Some(name)) = &name.kind else { return Type::Unknown };
        match self.named(name) {
            Type::Unknown => global(name),
            found => found,
        }
    }

    fn global(&self, name: &str) -> Type<'p> {
        if self.globals.is_dynamic || self.globals.written.contains(name) {
            return Type::Unknown;
        }
        match self.named(name) {
            Type::Unknown => global(name),
            found => found,
        }
    }

    /// What the entry lists under a name.
    fn named(&self, name: &str) -> Type<'p> {
        match self.subject.imports.get(name) {
            Some(Import::Module(module)) => module_of(module),
            Some(Import::Entry(id)) => match self.libraries.get_key_value(id) {
                Some((id, exports)) => Type::Library(id, exports),
                None => Type::Unknown,
            },
            None if self.subject.names(name) => module_of(name),
            None => Type::Unknown,
        }
    }

    /// The type of a field.
    fn field(&self, object: &Type<'p>, name: &str) -> Type<'p> {
        match object {
            Type::Table { of, prefix } => member(of, prefix, name).unwrap_or(Type::Unknown),
            Type::Object(_, class) => class.fields.get(name).map_or(Type::Unknown, |field| named(&field.ty)),
            _ => Type::Unknown,
        }
    }

    /// The function that `object:name(…)` calls.
    pub(crate) fn method(&self, object: &Type<'p>, name: &str) -> Option<Known> {
        match object {
            Type::Object(class, methods) => {
                let function = methods.methods.get(name)?;
                Some(Known { name: format!("{class}:{name}"), function, takes_self: false })
            }
            Type::Table { of, prefix } => match member(of, prefix, name)? {
                Type::Function(known) if known.takes_self => Some(known),
                _ => None,
            },
            _ => None,
        }
    }
}

/// What a table of a module holds under a name; `None` where there is nothing.
pub(crate) fn member(of: &'static Description, prefix: &str, name: &str) -> Option<Type<'static>> {
    let full = format!("{prefix}{name}");
    if let Some(function) = of.function(&full) {
        let takes_self = function.params.first().is_some_and(|first| first.name == "self");
        let name = format!("{}.{full}", of.name().unwrap_or_default());
        return Some(Type::Function(Known { name, function, takes_self }));
    }
    if let Some(field) = of.fields.get(&full) {
        return Some(named(&field.ty));
    }
    let inner = format!("{full}.");
    if of.names().any(|known| known == full) {
        return Some(Type::Unknown);
    }
    of.names().any(|known| known.starts_with(&inner)).then_some(Type::Table { of, prefix: inner })
}

fn module_of(name: &str) -> Type<'static> {
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, own)| own);
    match Api::built_in().module(name) {
        Some(of) => Type::Table { of, prefix: String::new() },
        None => global(name),
    }
}

/// What every source has under a name.
fn global(name: &str) -> Type<'static> {
    let api = Api::built_in();
    if name != ApiSubject::BASE
        && let Some(of) = api.global(name)
    {
        return Type::Table { of, prefix: String::new() };
    }
    let function = api.global(ApiSubject::BASE).and_then(|base| base.function(name));
    function.map_or(Type::Unknown, |function| {
        Type::Function(Known { name: name.to_owned(), function, takes_self: false })
    })
}

/// A type by the name that descriptions give it. What may be nil is taken for what it is otherwise.
fn named(ty: &str) -> Type<'static> {
    let mut parts = ty.split('|').map(|part| part.trim().trim_end_matches('?')).filter(|part| *part != "nil");
    let (Some(name), None) = (parts.next(), parts.next()) else { return Type::Unknown };
    // What types call the class `error`, so that it is not taken for the function.
    let name = if name == "Error" { "error" } else { name };
    if name == "string" {
        return Type::Text;
    }
    classes().get_key_value(name).map_or(Type::Unknown, |(name, class)| Type::Object(name, class))
}

/// The classes of all descriptions.
fn classes() -> &'static HashMap<&'static str, &'static Class> {
    static CLASSES: LazyLock<HashMap<&str, &Class>> = LazyLock::new(|| {
        let all = Api::built_in().descriptions().flat_map(|(_, one)| &one.classes);
        all.map(|(name, class)| (name.as_str(), class)).collect()
    });
    &CLASSES
}
