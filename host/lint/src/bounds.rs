//! A cheap look at the tokens, before anything recurses: how deep a source nests, and what parsing it takes.

use crate::tree::Span;
use emmylua_parser::{LexerConfig, LuaLanguageLevel, LuaLexer, LuaTokenKind as Token, Reader, SourceRange};

/// Blocks and brackets inside of each other: Lua's own limit (`LUAI_MAXCCALLS`).
const MAX_DEPTH: usize = 200;

/// Operators and suffixes on top of each other, in all that is around: what rules recurse through. A tree of this height took
/// less than a tenth of [`STACK`], not optimised.
const MAX_HEIGHT: usize = 1_000;

/// The stack of the thread that reads sources.
pub(crate) const STACK: usize = 128 << 20;

/// White space and comments included. The parser takes up to 285 bytes and 1.4 µs for each, so this many take 285 MB and 1.4 s.
const MAX_TOKENS: usize = 1_000_000;

/// Squares of the heights of all expressions. The parser's tree remembers its nodes by hashes that go down to the leaves, and computes
/// them anew whenever its table grows: what it takes for a chain grows so, 60 ms for one of 1,000 calls, which is 3,000 high. This much
/// is 330 chains of 100 calls each, and takes a fifth of a second.
const MAX_WORK: usize = 30_000_000;

/// What a look at the tokens gives.
pub(crate) struct Scan {
    /// Comments of one line, without the dashes.
    pub(crate) comments: Vec<Span>,
    /// Why the source is not parsed.
    pub(crate) refusal: Option<(Span, String)>,
}

/// Looks at the tokens of a text.
pub(crate) fn scan(text: &str) -> Scan {
    let config = LexerConfig::new(LuaLanguageLevel::Lua54);
    let tokens = LuaLexer::new(Reader::new(text), config, None).tokenize();
    let mut scan = Scan { comments: Vec::new(), refusal: None };
    let mut measure = Measure::default();
    for (number, token) in tokens.iter().enumerate() {
        let refusal = match token.kind {
            Token::TkShortComment => {
                scan.comments.push(span(token.range));
                None
            }
            _ if number == MAX_TOKENS => Some(format!("the source has more than {MAX_TOKENS} tokens")),
            kind => measure.step(kind),
        };
        if scan.refusal.is_none() {
            scan.refusal = refusal.map(|refusal| (span(token.range), refusal));
        }
    }
    scan
}

fn span(range: SourceRange) -> Span {
    Span { start: range.start_offset, end: range.end_offset() }
}

/// The heights of what is open.
#[derive(Default)]
struct Measure {
    /// Of the expression at hand, and of the highest before it, for each block or bracket around.
    around: Vec<(usize, usize)>,
    height: usize,
    highest: usize,
    work: usize,
    /// Whether the token before ended an operand, so that a bracket is a suffix of it.
    after_operand: bool,
}

impl Measure {
    /// Takes the next token; why the source is not parsed, if that is certain now.
    fn step(&mut self, token: Token) -> Option<String> {
        let was_operand = std::mem::replace(&mut self.after_operand, false);
        match token {
            Token::TkWhitespace | Token::TkEndOfLine | Token::TkLongComment | Token::TkShebang => {
                self.after_operand = was_operand;
                return None;
            }
            Token::TkLeftParen | Token::TkLeftBrace | Token::TkLeftBracket => {
                self.height += usize::from(was_operand);
                self.open();
            }
            Token::TkFunction | Token::TkIf | Token::TkDo | Token::TkRepeat => {
                if was_operand || token != Token::TkFunction {
                    self.next();
                }
                self.open();
            }
            Token::TkRightParen | Token::TkRightBrace | Token::TkRightBracket | Token::TkEnd => {
                self.close();
                self.after_operand = true;
            }
            Token::TkUntil => self.close(),
            Token::TkString | Token::TkLongString => {
                self.height += usize::from(was_operand);
                self.after_operand = true;
            }
            Token::TkName
            | Token::TkInt
            | Token::TkFloat
            | Token::TkNil
            | Token::TkTrue
            | Token::TkFalse
            | Token::TkDots => {
                if was_operand {
                    self.next();
                }
                self.after_operand = true;
            }
            Token::TkComma
            | Token::TkSemicolon
            | Token::TkAssign
            | Token::TkDbColon
            | Token::TkLocal
            | Token::TkReturn
            | Token::TkBreak
            | Token::TkGoto
            | Token::TkWhile
            | Token::TkFor
            | Token::TkIn
            | Token::TkThen
            | Token::TkElse
            | Token::TkElseIf => self.next(),
            // Operators, dots and colons.
            _ => self.height += 1,
        }
        self.refusal()
    }

    fn refusal(&self) -> Option<String> {
        if self.around.len() > MAX_DEPTH {
            return Some(format!("blocks and brackets nest deeper than {MAX_DEPTH} levels"));
        }
        if self.height > MAX_HEIGHT {
            return Some(format!(
                "an expression is too long to check: more than {MAX_HEIGHT} operators and calls"
            ));
        }
        (self.work > MAX_WORK).then(|| "the source has too many long expressions to check".to_owned())
    }

    /// Another expression begins.
    fn next(&mut self) {
        self.work = self.work.saturating_add(self.height * self.height);
        self.highest = self.highest.max(self.height);
        self.height = 0;
    }

    fn open(&mut self) {
        self.around.push((self.height, self.highest));
        (self.height, self.highest) = (0, 0);
    }

    fn close(&mut self) {
        self.next();
        let inner = self.highest;
        // One that closes nothing is the parser's to tell.
        let Some((height, highest)) = self.around.pop() else { return };
        self.height = height.max(inner) + 1;
        self.highest = highest;
    }
}
