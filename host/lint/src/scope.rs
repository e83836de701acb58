//! Which variable a name means, and what Lua says of labels, constants and `break`.

use crate::tree::{Ident, Label, Local, LocalId, Role, Span};
use std::collections::HashMap;

/// The blocks around what is being read.
#[derive(Default)]
pub(crate) struct Scopes<'a> {
    pub(crate) locals: Vec<Local<'a>>,
    pub(crate) labels: Vec<Label<'a>>,
    pub(crate) mistakes: Vec<(Span, String)>,
    frames: Vec<Frame<'a>>,
    /// Locals that can be seen, the innermost last.
    active: Vec<LocalId>,
    by_name: HashMap<&'a str, Vec<LocalId>>,
    functions: usize,
}

/// What a block is.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Around {
    Block,
    Loop,
    Function { takes_more: bool },
}

struct Frame<'a> {
    around: Around,
    /// How many locals could be seen where it begins.
    visible: usize,
    labels: Vec<Mark<'a>>,
    gotos: Vec<Mark<'a>>,
}

/// A label or a goto, with how many locals can be seen there.
#[derive(Clone, Copy)]
struct Mark<'a> {
    name: Ident<'a>,
    visible: usize,
    /// The number of a label.
    number: usize,
}

/// A local to declare, and whether its name is read to make its value, or another name of the statement is new.
#[derive(Clone, Copy)]
pub(crate) struct New<'a> {
    pub(crate) name: Ident<'a>,
    pub(crate) role: Role,
    /// Why a name may be there again: it is hardly an accident.
    pub(crate) may_hide: bool,
}

impl<'a> Scopes<'a> {
    pub(crate) fn open(&mut self, around: Around) {
        let visible = self.active.len();
        self.frames.push(Frame { around, visible, labels: Vec::new(), gotos: Vec::new() });
        self.functions += usize::from(matches!(around, Around::Function { .. }));
    }

    /// The number of the function that was opened last.
    pub(crate) fn function(&self) -> usize {
        self.functions
    }

    /// Ends a block. `ends_at` is how many locals could be seen where labels begin that only more labels follow.
    pub(crate) fn close(&mut self, ends_at: Option<Span>) {
        let Some(frame) = self.frames.pop() else { return };
        let Frame { around, visible, labels, gotos } = frame;
        for goto in gotos {
            let label = labels.iter().find(|label| label.name.text == goto.name.text);
            match label {
                Some(label) => {
                    self.labels[label.number].uses += 1;
                    let is_last = ends_at.is_some_and(|at| label.name.span >= at);
                    if label.visible > goto.visible && !is_last {
                        let hidden = self.active.get(goto.visible).map(|id| self.locals[*id].name.text);
                        let text = format!(
                            "`goto {}` jumps into the scope of local `{}`",
                            goto.name.text,
                            hidden.unwrap_or_default()
                        );
                        self.mistakes.push((goto.name.span, text));
                    }
                }
                None => self.pass_on(goto, around, visible),
            }
        }
        for id in self.active.drain(visible..).rev() {
            if let Some(same) = self.by_name.get_mut(self.locals[id].name.text) {
                same.pop();
            }
        }
    }

    /// A goto without a label in its block means one of a block around it, but none of another function.
    fn pass_on(&mut self, goto: Mark<'a>, around: Around, visible: usize) {
        match self.frames.last_mut() {
            Some(parent) if !matches!(around, Around::Function { .. }) => {
                parent.gotos.push(Mark { visible: goto.visible.min(visible), ..goto });
            }
            _ => {
                let text = format!("no visible label `{}` for `goto`", goto.name.text);
                self.mistakes.push((goto.name.span, text));
            }
        }
    }

    pub(crate) fn declare(&mut self, new: New<'a>) -> LocalId {
        let New { name, role, may_hide } = new;
        let same = self.by_name.entry(name.text).or_default();
        let hides = same.last().copied().filter(|_| !may_hide && !name.text.starts_with('_'));
        let id = self.locals.len();
        same.push(id);
        self.active.push(id);
        self.locals.push(Local {
            name,
            role,
            reads: 0,
            writes: 0,
            is_constant: false,
            is_closed: false,
            hides,
        });
        id
    }

    /// The variable that a name means here; `None` for a global.
    pub(crate) fn find(&self, name: &str) -> Option<LocalId> {
        self.by_name.get(name)?.last().copied()
    }

    /// Whether a local that can be seen was declared in the block that is open.
    pub(crate) fn is_in_block(&self, id: LocalId) -> bool {
        let visible = self.frames.last().map_or(0, |frame| frame.visible);
        self.active.get(visible).is_some_and(|first| *first <= id)
    }

    pub(crate) fn read(&mut self, id: LocalId) {
        self.locals[id].reads += 1;
    }

    pub(crate) fn write(&mut self, id: LocalId, span: Span) {
        let local = &mut self.locals[id];
        local.writes += 1;
        if local.is_constant {
            let text = format!("attempt to assign to const variable `{}`", local.name.text);
            self.mistakes.push((span, text));
        }
    }

    /// What `<…>` behind a local says.
    pub(crate) fn attribute(&mut self, id: LocalId, word: Ident<'a>) {
        let local = &mut self.locals[id];
        local.is_constant = true;
        match word.text {
            "const" => {}
            "close" => local.is_closed = true,
            other => {
                let text = format!("unknown attribute `{other}`: there are `const` and `close`");
                self.mistakes.push((word.span, text));
            }
        }
    }

    pub(crate) fn label(&mut self, name: Ident<'a>) {
        let own = self.frames.iter().rev();
        let mut is_known = false;
        for frame in own {
            is_known |= frame.labels.iter().any(|label| label.name.text == name.text);
            if matches!(frame.around, Around::Function { .. }) {
                break;
            }
        }
        if is_known {
            self.mistakes.push((name.span, format!("label `{}` is already defined", name.text)));
        }
        let mark = Mark { name, visible: self.active.len(), number: self.labels.len() };
        self.labels.push(Label { name, uses: 0 });
        if let Some(frame) = self.frames.last_mut() {
            frame.labels.push(mark);
        }
    }

    pub(crate) fn goto(&mut self, name: Ident<'a>) {
        let mark = Mark { name, visible: self.active.len(), number: 0 };
        if let Some(frame) = self.frames.last_mut() {
            frame.gotos.push(mark);
        }
    }

    pub(crate) fn check_break(&mut self, span: Span) {
        let own = self.frames.iter().rev().map(|frame| frame.around);
        let around = own.clone().find(|around| *around != Around::Block);
        if around != Some(Around::Loop) {
            self.mistakes.push((span, "`break` outside of a loop".to_owned()));
        }
    }

    pub(crate) fn check_dots(&mut self, span: Span) {
        let mut functions = self.frames.iter().rev().filter_map(|frame| match frame.around {
            Around::Function { takes_more } => Some(takes_more),
            _ => None,
        });
        if functions.next() == Some(false) {
            self.mistakes.push((span, "cannot use `...` outside of a function that takes it".to_owned()));
        }
    }
}
