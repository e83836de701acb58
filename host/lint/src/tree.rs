//! The syntax tree that rules look at, with names resolved.

use std::borrow::Cow;

/// Bytes of the source, from the first to behind the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A name where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ident<'a> {
    pub(crate) text: &'a str,
    pub(crate) span: Span,
}

/// The number of a local variable in [`Chunk::locals`].
pub(crate) type LocalId = usize;

/// A source.
#[derive(Debug, Default)]
pub(crate) struct Chunk<'a> {
    pub(crate) block: Block<'a>,
    pub(crate) locals: Vec<Local<'a>>,
    pub(crate) labels: Vec<Label<'a>>,
    /// What the parser lets pass and Lua does not.
    pub(crate) mistakes: Vec<(Span, String)>,
}

/// What a local variable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// `local x`, and the variables of `for`.
    Variable,
    /// `local function x`.
    Function,
    /// A parameter, with the number of its function and its place.
    Parameter { function: usize, place: usize },
    /// The `self` of a function that is defined with a colon.
    Receiver,
}

/// A local variable.
#[derive(Clone, Debug)]
pub(crate) struct Local<'a> {
    pub(crate) name: Ident<'a>,
    pub(crate) role: Role,
    pub(crate) reads: usize,
    pub(crate) writes: usize,
    /// `<const>` or `<close>`.
    pub(crate) is_constant: bool,
    pub(crate) is_closed: bool,
    /// The local of this name outside of the block, if it is hidden for no evident reason.
    pub(crate) hides: Option<LocalId>,
}

/// A label.
#[derive(Clone, Debug)]
pub(crate) struct Label<'a> {
    pub(crate) name: Ident<'a>,
    pub(crate) uses: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Block<'a> {
    pub(crate) stats: Vec<Stat<'a>>,
}

#[derive(Debug)]
pub(crate) struct Stat<'a> {
    pub(crate) span: Span,
    pub(crate) kind: StatKind<'a>,
}

#[derive(Debug)]
pub(crate) enum StatKind<'a> {
    Local {
        locals: Vec<LocalId>,
        values: Vec<Expr<'a>>,
    },
    Assign {
        targets: Vec<Expr<'a>>,
        values: Vec<Expr<'a>>,
    },
    Call(Expr<'a>),
    /// `function a.b:c() … end`
    Function {
        name: Expr<'a>,
        body: Function<'a>,
    },
    LocalFunction {
        body: Function<'a>,
    },
    If {
        arms: Vec<(Expr<'a>, Block<'a>)>,
        otherwise: Option<Block<'a>>,
    },
    While {
        condition: Expr<'a>,
        block: Block<'a>,
    },
    Repeat {
        block: Block<'a>,
        condition: Expr<'a>,
    },
    Do(Block<'a>),
    /// Either `for`: its values, then its block.
    For {
        values: Vec<Expr<'a>>,
        block: Block<'a>,
    },
    Return(Vec<Expr<'a>>),
    Break,
    Goto,
    Label,
    Empty,
}

#[derive(Debug)]
pub(crate) struct Function<'a> {
    pub(crate) block: Block<'a>,
}

#[derive(Debug)]
pub(crate) struct Expr<'a> {
    pub(crate) span: Span,
    pub(crate) kind: ExprKind<'a>,
}

#[derive(Debug)]
pub(crate) enum ExprKind<'a> {
    Nil,
    Bool(bool),
    Number(&'a str),
    /// Its value; `None` where escapes make it one that is no text.
    String(Option<Cow<'a, str>>),
    Dots,
    Local(LocalId),
    Global(&'a str),
    Index {
        object: Box<Expr<'a>>,
        key: Key<'a>,
    },
    Call {
        callee: Box<Expr<'a>>,
        args: Vec<Expr<'a>>,
    },
    Method {
        object: Box<Expr<'a>>,
        name: Ident<'a>,
        args: Vec<Expr<'a>>,
    },
    Function(Box<Function<'a>>),
    Table(Vec<Field<'a>>),
    Binary {
        op: Op,
        left: Box<Expr<'a>>,
        right: Box<Expr<'a>>,
    },
    Unary {
        op: Unary,
        operand: Box<Expr<'a>>,
    },
    Paren(Box<Expr<'a>>),
    /// What could not be read; the parser has said so.
    Bad,
}

/// What stands behind an object: `.name`, or `[…]`.
#[derive(Debug)]
pub(crate) enum Key<'a> {
    Name(Ident<'a>),
    Expr(Box<Expr<'a>>),
}

impl Key<'_> {
    /// The name that is meant, in either notation, and where it stands.
    pub(crate) fn name(&self) -> Option<(&str, Span)> {
        match self {
            Key::Name(name) => Some((name.text, name.span)),
            Key::Expr(key) => match &key.kind {
                ExprKind::String(Some(text)) => Some((text, key.span)),
                _ => None,
            },
        }
    }
}

/// An item of a table constructor.
#[derive(Debug)]
pub(crate) struct Field<'a> {
    /// `None` for items of the list.
    pub(crate) key: Option<Key<'a>>,
    pub(crate) value: Expr<'a>,
}

/// Operators, as far as rules tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    NotEqual,
    /// `<`, `<=`, `>`, `>=`
    Order,
    And,
    Or,
    Concat,
    Divide,
    /// The rest: of numbers.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Length,
    Minus,
    Complement,
}

impl<'a> Expr<'a> {
    /// Without parentheses.
    pub(crate) fn bare(&self) -> &Expr<'a> {
        let mut expr = self;
        while let ExprKind::Paren(inner) = &expr.kind {
            expr = inner;
        }
        expr
    }

    /// Whether it may be several values or none.
    pub(crate) fn is_multiple(&self) -> bool {
        matches!(self.kind, ExprKind::Call { .. } | ExprKind::Method { .. } | ExprKind::Dots | ExprKind::Bad)
    }
}
