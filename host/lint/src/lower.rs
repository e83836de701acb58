//! From the parser's tree to the one that rules look at.

use crate::scope::{Around, New, Scopes};
use crate::tree::{
    Block, Chunk, Expr, ExprKind, Field, Function, Ident, Key, LocalId, Op, Role, Span, Stat, StatKind, Unary,
};
use emmylua_parser::{
    BinaryOperator, LuaAstNode, LuaAstToken, LuaBlock, LuaCallExpr, LuaChunk, LuaClosureExpr, LuaExpr,
    LuaIndexExpr, LuaLiteralExpr, LuaLiteralToken, LuaLocalStat, LuaNameToken, LuaStat, LuaTableExpr,
    LuaTableField, LuaTokenKind, UnaryOperator,
};
use std::borrow::Cow;

/// Reads a tree without mistakes. Recurses as deep as the tree is high: [`crate::bounds`] has measured it before.
pub(crate) fn lower<'a>(text: &'a str, root: &LuaChunk) -> Chunk<'a> {
    let mut lower = Lower { text, scopes: Scopes::default() };
    lower.scopes.open(Around::Function { takes_more: true });
    let (block, end) = lower.stats(root.get_block());
    lower.scopes.close(end);
    let Scopes { locals, labels, mistakes, .. } = lower.scopes;
    Chunk { block, locals, labels, mistakes }
}

struct Lower<'a> {
    text: &'a str,
    scopes: Scopes<'a>,
}

fn span(node: &impl LuaAstNode) -> Span {
    let range = node.get_range();
    Span { start: range.start().into(), end: range.end().into() }
}

impl<'a> Lower<'a> {
    fn name(&self, token: Option<LuaNameToken>) -> Ident<'a> {
        let range = token.map(|token| token.get_range());
        let span = range.map_or_else(Span::default, |range| Span {
            start: range.start().into(),
            end: range.end().into(),
        });
        Ident { text: &self.text[span.start..span.end], span }
    }

    fn block(&mut self, around: Around, block: Option<LuaBlock>) -> Block<'a> {
        self.scopes.open(around);
        let (block, end) = self.stats(block);
        self.scopes.close(end);
        block
    }

    /// The statements, and where the labels begin that nothing follows.
    fn stats(&mut self, block: Option<LuaBlock>) -> (Block<'a>, Option<Span>) {
        let mut stats: Vec<Stat<'a>> = Vec::new();
        for stat in block.iter().flat_map(LuaBlock::get_stats) {
            let span = span(&stat);
            let kind = self.stat(stat);
            stats.push(Stat { span, kind });
        }
        let last =
            stats.iter().rev().take_while(|stat| matches!(stat.kind, StatKind::Label | StatKind::Empty));
        let end = last.last().map(|stat| stat.span);
        (Block { stats }, end)
    }

    fn stat(&mut self, stat: LuaStat) -> StatKind<'a> {
        match stat {
            LuaStat::LocalStat(stat) => self.local(&stat),
            LuaStat::AssignStat(stat) => {
                let (targets, values) = stat.get_var_and_expr_list();
                let values = self.exprs(values);
                let targets = targets.into_iter().map(|target| self.target(target.into())).collect();
                StatKind::Assign { targets, values }
            }
            LuaStat::CallExprStat(stat) => match stat.get_call_expr() {
                Some(call) => StatKind::Call(self.expr(LuaExpr::CallExpr(call))),
                None => StatKind::Empty,
            },
            LuaStat::FuncStat(stat) => {
                let name = stat.get_func_name().map(LuaExpr::from);
                let is_method = matches!(&name, Some(LuaExpr::IndexExpr(index)) if is_colon(index));
                let name = match name {
                    Some(name) => self.target(name),
                    None => Expr { span: span(&stat), kind: ExprKind::Bad },
                };
                StatKind::Function { name, body: self.function(stat.get_closure(), is_method) }
            }
            LuaStat::LocalFuncStat(stat) => {
                let name = self.name(stat.get_local_name().and_then(|name| name.get_name_token()));
                self.scopes.declare(New { name, role: Role::Function, may_hide: false });
                StatKind::LocalFunction { body: self.function(stat.get_closure(), false) }
            }
            LuaStat::IfStat(stat) => {
                let mut arms = vec![(
                    self.maybe(stat.get_condition_expr(), &stat),
                    self.block(Around::Block, stat.get_block()),
                )];
                for clause in stat.get_else_if_clause_list() {
                    let condition = self.maybe(clause.get_condition_expr(), &clause);
                    arms.push((condition, self.block(Around::Block, clause.get_block())));
                }
                let otherwise = stat.get_else_clause();
                let otherwise = otherwise.map(|clause| self.block(Around::Block, clause.get_block()));
                StatKind::If { arms, otherwise }
            }
            LuaStat::WhileStat(stat) => {
                let condition = self.maybe(stat.get_condition_expr(), &stat);
                StatKind::While { condition, block: self.block(Around::Loop, stat.get_block()) }
            }
            LuaStat::RepeatStat(stat) => {
                self.scopes.open(Around::Loop);
                let (block, _) = self.stats(stat.get_block());
                let condition = self.maybe(stat.get_condition_expr(), &stat);
                // Locals of the block can be seen in the condition, so a label at its end is not behind them.
                self.scopes.close(None);
                StatKind::Repeat { block, condition }
            }
            LuaStat::DoStat(stat) => StatKind::Do(self.block(Around::Block, stat.get_block())),
            LuaStat::ForStat(stat) => {
                let values = self.exprs(stat.get_iter_expr());
                let name = self.name(stat.get_var_name());
                StatKind::For { values, block: self.loop_over(&[name], stat.get_block()) }
            }
            LuaStat::ForRangeStat(stat) => {
                let values = self.exprs(stat.get_expr_list());
                let names: Vec<_> = stat.get_var_name_list().map(|token| self.name(Some(token))).collect();
                StatKind::For { values, block: self.loop_over(&names, stat.get_block()) }
            }
            LuaStat::ReturnStat(stat) => StatKind::Return(self.exprs(stat.get_expr_list())),
            LuaStat::BreakStat(stat) => {
                self.scopes.check_break(span(&stat));
                StatKind::Break
            }
            LuaStat::GotoStat(stat) => {
                let name = self.name(stat.get_label_name_token());
                self.scopes.goto(name);
                StatKind::Goto
            }
            LuaStat::LabelStat(stat) => {
                let name = self.name(stat.get_label_name_token());
                self.scopes.label(name);
                StatKind::Label
            }
            // The latter two are of other versions of Lua: the parser has refused them.
            LuaStat::EmptyStat(_) | LuaStat::GlobalStat(_) | LuaStat::ContinueStat(_) => StatKind::Empty,
        }
    }

    fn local(&mut self, stat: &LuaLocalStat) -> StatKind<'a> {
        let names: Vec<_> = stat
            .get_local_name_list()
            .map(|name| {
                let word = name.get_attrib().map(|attribute| self.name(attribute.get_name_token()));
                (self.name(name.get_name_token()), word)
            })
            .collect();
        let before: Vec<_> = names.iter().map(|(name, _)| self.reads_of(name.text)).collect();
        let values = self.exprs(stat.get_value_exprs());
        // `local a, err = …` behind `local b, err = …` means the same `err`, as it does in languages that have `:=`.
        let is_free = |name: &str| self.scopes.find(name).is_none_or(|id| self.scopes.is_in_block(id));
        let has_new = names.len() > 1 && names.iter().any(|(name, _)| is_free(name.text));
        let mut locals: Vec<LocalId> = Vec::with_capacity(names.len());
        let mut closed = 0;
        let hidden: Vec<_> = names
            .iter()
            .zip(&before)
            .map(|((name, _), before)| has_new || self.reads_of(name.text) > *before)
            .collect();
        for ((name, word), may_hide) in names.into_iter().zip(hidden) {
            let local = self.scopes.declare(New { name, role: Role::Variable, may_hide });
            if let Some(word) = word {
                self.scopes.attribute(local, word);
                closed += usize::from(word.text == "close");
                if closed > 1 {
                    let text = "one `local` statement has several variables to close".to_owned();
                    self.scopes.mistakes.push((word.span, text));
                }
            }
            locals.push(local);
        }
        StatKind::Local { locals, values }
    }

    /// How often the variable of a name was read; 0 where there is none.
    fn reads_of(&self, name: &str) -> usize {
        self.scopes.find(name).map_or(0, |id| self.scopes.locals[id].reads)
    }

    fn loop_over(&mut self, names: &[Ident<'a>], block: Option<LuaBlock>) -> Block<'a> {
        self.scopes.open(Around::Loop);
        for name in names {
            self.scopes.declare(New { name: *name, role: Role::Variable, may_hide: false });
        }
        let (block, end) = self.stats(block);
        self.scopes.close(end);
        block
    }

    fn function(&mut self, closure: Option<LuaClosureExpr>, is_method: bool) -> Function<'a> {
        let Some(closure) = closure else { return Function { block: Block::default() } };
        let params: Vec<_> = closure.get_params_list().iter().flat_map(|list| list.get_params()).collect();
        let takes_more = params.iter().any(|param| param.is_dots());
        self.scopes.open(Around::Function { takes_more });
        let function = self.scopes.function();
        if is_method {
            let at = usize::from(closure.get_range().start());
            let name = Ident { text: "self", span: Span { start: at, end: at } };
            self.scopes.declare(New { name, role: Role::Receiver, may_hide: true });
        }
        for (place, param) in params.iter().filter(|param| !param.is_dots()).enumerate() {
            let name = self.name(param.get_name_token());
            let role = Role::Parameter { function, place };
            self.scopes.declare(New { name, role, may_hide: name.text == "self" });
        }
        let (block, end) = self.stats(closure.get_block());
        self.scopes.close(end);
        Function { block }
    }

    fn exprs(&mut self, exprs: impl IntoIterator<Item = LuaExpr>) -> Vec<Expr<'a>> {
        exprs.into_iter().map(|expr| self.expr(expr)).collect()
    }

    fn maybe(&mut self, expr: Option<LuaExpr>, around: &impl LuaAstNode) -> Expr<'a> {
        expr.map_or_else(|| Expr { span: span(around), kind: ExprKind::Bad }, |expr| self.expr(expr))
    }

    fn boxed(&mut self, expr: Option<LuaExpr>, around: &impl LuaAstNode) -> Box<Expr<'a>> {
        Box::new(self.maybe(expr, around))
    }

    /// What is assigned to.
    fn target(&mut self, expr: LuaExpr) -> Expr<'a> {
        let LuaExpr::NameExpr(name) = &expr else { return self.expr(expr) };
        let name = self.name(name.get_name_token());
        let kind = match self.scopes.find(name.text) {
            Some(id) => {
                self.scopes.write(id, name.span);
                ExprKind::Local(id)
            }
            None => ExprKind::Global(name.text),
        };
        Expr { span: name.span, kind }
    }

    fn expr(&mut self, expr: LuaExpr) -> Expr<'a> {
        let span = span(&expr);
        let kind = match expr {
            LuaExpr::NameExpr(name) => {
                let name = self.name(name.get_name_token());
                match self.scopes.find(name.text) {
                    Some(id) => {
                        self.scopes.read(id);
                        ExprKind::Local(id)
                    }
                    None => ExprKind::Global(name.text),
                }
            }
            LuaExpr::LiteralExpr(literal) => self.literal(&literal, span),
            LuaExpr::ParenExpr(paren) => ExprKind::Paren(self.boxed(paren.get_expr(), &paren)),
            LuaExpr::IndexExpr(index) => {
                let (object, key) = self.index(&index);
                ExprKind::Index { object, key }
            }
            LuaExpr::CallExpr(call) => self.call(&call),
            LuaExpr::ClosureExpr(closure) => {
                ExprKind::Function(Box::new(self.function(Some(closure), false)))
            }
            LuaExpr::TableExpr(table) => ExprKind::Table(self.table(&table)),
            LuaExpr::BinaryExpr(binary) => {
                let op = binary.get_op_token().map_or(BinaryOperator::OpNop, |token| token.get_op());
                match binary.get_exprs() {
                    Some((left, right)) => ExprKind::Binary {
                        op: operator(op),
                        left: Box::new(self.expr(left)),
                        right: Box::new(self.expr(right)),
                    },
                    None => ExprKind::Bad,
                }
            }
            LuaExpr::UnaryExpr(unary) => {
                let op = match unary.get_op_token().map(|token| token.get_op()) {
                    Some(UnaryOperator::OpNot) => Unary::Not,
                    Some(UnaryOperator::OpLen) => Unary::Length,
                    Some(UnaryOperator::OpBNot) => Unary::Complement,
                    _ => Unary::Minus,
                };
                ExprKind::Unary { op, operand: self.boxed(unary.get_expr(), &unary) }
            }
            // Of other languages: the parser has refused it.
            LuaExpr::TernaryExpr(_) => ExprKind::Bad,
        };
        Expr { span, kind }
    }

    fn literal(&mut self, literal: &LuaLiteralExpr, span: Span) -> ExprKind<'a> {
        let text = &self.text[span.start..span.end];
        match literal.get_literal() {
            Some(LuaLiteralToken::Nil(_)) => ExprKind::Nil,
            Some(LuaLiteralToken::Bool(token)) => ExprKind::Bool(token.is_true()),
            Some(LuaLiteralToken::Number(_)) => ExprKind::Number(text),
            Some(LuaLiteralToken::String(_)) => ExprKind::String(string(text).map(Cow::Borrowed)),
            Some(LuaLiteralToken::Dots(_)) => {
                self.scopes.check_dots(span);
                ExprKind::Dots
            }
            _ => ExprKind::Bad,
        }
    }

    fn index(&mut self, index: &LuaIndexExpr) -> (Box<Expr<'a>>, Key<'a>) {
        let mut inner = index.children::<LuaExpr>();
        let object = self.boxed(inner.next(), index);
        let is_bracket = index.get_index_token().is_some_and(|token| token.is_left_bracket());
        let key = match inner.next() {
            Some(key) if is_bracket => Key::Expr(Box::new(self.expr(key))),
            _ => Key::Name(self.name(index.get_name_token())),
        };
        (object, key)
    }

    fn call(&mut self, call: &LuaCallExpr) -> ExprKind<'a> {
        let prefix = call.get_prefix_expr();
        let args: Vec<LuaExpr> = call.get_args_list().iter().flat_map(|list| list.get_args()).collect();
        if let Some(LuaExpr::IndexExpr(index)) = &prefix
            && is_colon(index)
        {
            let (object, key) = self.index(index);
            let Key::Name(name) = key else { return ExprKind::Bad };
            return ExprKind::Method { object, name, args: self.exprs(args) };
        }
        let callee = self.boxed(prefix, call);
        ExprKind::Call { callee, args: self.exprs(args) }
    }

    fn table(&mut self, table: &LuaTableExpr) -> Vec<Field<'a>> {
        table.get_fields().map(|field| self.field(&field)).collect()
    }

    fn field(&mut self, field: &LuaTableField) -> Field<'a> {
        let mut inner = field.children::<LuaExpr>();
        let first = inner.next();
        if field.is_value_field() {
            return Field { key: None, value: self.maybe(first, field) };
        }
        match field.token_by_kind(LuaTokenKind::TkLeftBracket) {
            Some(_) => {
                let key = Key::Expr(self.boxed(first, field));
                Field { key: Some(key), value: self.maybe(inner.next(), field) }
            }
            None => {
                let key = Key::Name(self.name(field.token()));
                Field { key: Some(key), value: self.maybe(first, field) }
            }
        }
    }
}

fn is_colon(index: &LuaIndexExpr) -> bool {
    index.get_index_token().is_some_and(|token| token.is_colon())
}

fn operator(op: BinaryOperator) -> Op {
    match op {
        BinaryOperator::OpEq => Op::Equal,
        BinaryOperator::OpNe => Op::NotEqual,
        BinaryOperator::OpLt | BinaryOperator::OpLe | BinaryOperator::OpGt | BinaryOperator::OpGe => {
            Op::Order
        }
        BinaryOperator::OpAnd => Op::And,
        BinaryOperator::OpOr => Op::Or,
        BinaryOperator::OpConcat => Op::Concat,
        BinaryOperator::OpDiv => Op::Divide,
        _ => Op::Other,
    }
}

/// The value of a literal; `None` where it has escapes.
fn string(text: &str) -> Option<&str> {
    if let Some(long) = text.strip_prefix('[') {
        let level = long.bytes().take_while(|byte| *byte == b'=').count();
        let inner = long.get(level + 1..long.len().checked_sub(level + 2)?)?;
        return Some(inner.strip_prefix("\r\n").or_else(|| inner.strip_prefix('\n')).unwrap_or(inner));
    }
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    (!inner.contains('\\')).then_some(inner)
}
