//! What is refused, where and why.

use crate::may_throw::MayThrow;
use crate::survey::Survey;
use std::fmt;
use wasmparser::{AbstractHeapType, FuncType, HeapType, Operator, ValType};

/// Why a module was not lowered.
#[derive(Debug, thiserror::Error)]
pub enum LowerError {
    /// Not a valid core module, with every proposal allowed that is named in a [`Reason`].
    #[error("[invalid-module] {0}")]
    Invalid(#[from] wasmparser::Error),
    /// Valid, but not lowered.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The encoder's own refusal of what the decoder had accepted.
    #[error("[not-encodable] {0}")]
    NotEncodable(String),
}

impl LowerError {
    /// Stable: `invalid-module`, `not-encodable`, or that of the [`Reason`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            LowerError::Invalid(_) => "invalid-module",
            LowerError::Refused(refusal) => refusal.reason.code(),
            LowerError::NotEncodable(_) => "not-encodable",
        }
    }
}

impl From<wasm_encoder::reencode::Error> for LowerError {
    fn from(error: wasm_encoder::reencode::Error) -> Self {
        match error {
            wasm_encoder::reencode::Error::ParseError(error) => LowerError::Invalid(error),
            other => LowerError::NotEncodable(other.to_string()),
        }
    }
}

/// Something that is not lowered, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it is.
    pub reason: Reason,
    /// Index of the function whose body holds it, counted with imported functions.
    pub function: Option<u32>,
    /// Bytes from the start of the module.
    pub offset: u64,
}

impl Refusal {
    pub(crate) fn new(reason: Reason, function: impl Into<Option<u32>>, offset: u64) -> Self {
        Refusal { reason, function: function.into(), offset }
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.reason.code(), self.reason)?;
        match self.function {
            Some(function) => write!(f, " (function {function}, byte {:#x})", self.offset),
            None => write!(f, " (byte {:#x})", self.offset),
        }
    }
}

/// What cannot be lowered with equal results.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Others could throw it.
    #[error("tags cannot be imported: an import must not throw")]
    ImportedTag,
    /// Others could throw or catch it.
    #[error("tags cannot be exported: nobody outside can take part in a throw")]
    ExportedTag,
    /// `try`, `catch`, `rethrow`, `delegate`: the form before `try_table`.
    #[error("`{0}` is of the legacy exceptions: compile with the standard ones")]
    LegacyExceptions(&'static str),
    /// Continuations carry exceptions by ways of their own.
    #[error("`{0}` is of stack switching, which is not lowered")]
    StackSwitching(&'static str),
    /// Subtypes would let an indirect call reach functions of another signature.
    #[error("`{0}` is of the garbage-collection proposal, which is not lowered")]
    GarbageCollection(&'static str),
    /// A reference is 64 bits: the tag, and no more than an `i32`.
    #[error("a reference to an exception of tag {tag} is made, whose payload is more than one `i32`")]
    ReferenceToPayload {
        /// Its index.
        tag: u32,
    },
    /// The instruction's type would change.
    #[error("`{0}` on an `exnref` is not lowered")]
    ReferenceTest(&'static str),
    /// Tables hold references only.
    #[error("a table of `exnref` is not lowered")]
    ReferenceTable,
    /// Others could not tell it from a number.
    #[error("an `exnref` crosses the module's boundary through {0}")]
    ReferenceCrosses(&'static str),
    /// Its type would become equal to that of a function with `i64`.
    #[error("a function with `exnref` in its signature is called indirectly")]
    ReferenceIndirect,
    /// Somebody outside could call a function that may throw, past its wrapper.
    #[error(
        "function references cross the module's boundary through {0}: a throwing function could be called around the check"
    )]
    FunctionCrosses(&'static str),
    /// A global needs a value before the first throw.
    #[error("tag {tag} carries a reference that is never null")]
    PayloadWithoutDefault {
        /// Its index.
        tag: u32,
    },
    /// A function must return something also while an exception passes through.
    #[error("a function that may throw returns a reference that is never null")]
    ResultWithoutDefault,
}

impl Reason {
    /// Stable, in kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Reason::ImportedTag => "imported-tag",
            Reason::ExportedTag => "exported-tag",
            Reason::LegacyExceptions(_) => "legacy-exceptions",
            Reason::StackSwitching(_) => "stack-switching",
            Reason::GarbageCollection(_) => "garbage-collection",
            Reason::ReferenceToPayload { .. } => "exnref-payload",
            Reason::ReferenceTest(_) => "exnref-test",
            Reason::ReferenceTable => "exnref-table",
            Reason::ReferenceCrosses(_) => "exnref-crosses",
            Reason::ReferenceIndirect => "exnref-indirect",
            Reason::FunctionCrosses(_) => "funcref-crosses",
            Reason::PayloadWithoutDefault { .. } => "payload-without-default",
            Reason::ResultWithoutDefault => "result-without-default",
        }
    }
}

/// Proposals whose instructions are refused wherever they stand.
pub(crate) fn instruction(operator: &Operator) -> Option<Reason> {
    macro_rules! by_proposal {
        ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match operator {
                $( Operator::$op { .. } => by_proposal!(reason $proposal $op), )*
                // Vector instructions, which the macro leaves out.
                _ => None,
            }
        };
        (reason legacy_exceptions $op:ident) => { Some(Reason::LegacyExceptions(stringify!($op))) };
        (reason stack_switching $op:ident) => { Some(Reason::StackSwitching(stringify!($op))) };
        (reason gc $op:ident) => { Some(Reason::GarbageCollection(stringify!($op))) };
        (reason $proposal:ident $op:ident) => { None };
    }
    wasmparser::for_each_operator!(by_proposal)
}

/// Instructions whose type follows from their operand, an `exnref` here.
pub(crate) fn test_of_reference(operator: &Operator) -> Option<&'static str> {
    Some(match operator {
        Operator::RefIsNull => "ref.is_null",
        Operator::RefAsNonNull => "ref.as_non_null",
        Operator::BrOnNull { .. } => "br_on_null",
        Operator::BrOnNonNull { .. } => "br_on_non_null",
        _ => return None,
    })
}

/// What depends on which functions may throw: who could call them unseen, and what they return meanwhile.
pub(crate) fn boundary(survey: &Survey, may_throw: &MayThrow) -> Result<(), Refusal> {
    if may_throw.none() {
        return Ok(());
    }
    if let Some((what, offset)) = survey.function_crossings.first() {
        return Err(Refusal::new(Reason::FunctionCrosses(what), None, *offset));
    }
    for (index, function) in survey.defined() {
        let results = survey.signature(index).results();
        if may_throw.exits(function) && !results.iter().all(|ty| has_default(*ty)) {
            return Err(Refusal::new(Reason::ResultWithoutDefault, index, function.body.range().start));
        }
    }
    Ok(())
}

pub(crate) fn is_exnref(ty: ValType) -> bool {
    heap(ty).is_some_and(|heap| {
        matches!(heap, HeapType::Abstract { ty: AbstractHeapType::Exn | AbstractHeapType::NoExn, .. })
    })
}

/// Structs and arrays are refused, so a type by index is a function's.
pub(crate) fn is_funcref(ty: ValType) -> bool {
    heap(ty).is_some_and(|heap| match heap {
        HeapType::Abstract { ty, .. } => matches!(ty, AbstractHeapType::Func | AbstractHeapType::NoFunc),
        HeapType::Concrete(_) | HeapType::Exact(_) => true,
    })
}

/// An `exnref` becomes a number, which has one in any case.
pub(crate) fn has_default(ty: ValType) -> bool {
    ty.is_defaultable() || is_exnref(ty)
}

pub(crate) fn mentions(signature: &FuncType, what: fn(ValType) -> bool) -> bool {
    signature.params().iter().chain(signature.results()).any(|ty| what(*ty))
}

fn heap(ty: ValType) -> Option<HeapType> {
    match ty {
        ValType::Ref(reference) => Some(reference.heap_type()),
        _ => None,
    }
}
