//! How an exception is represented on its way.
//!
//! *Pending* is an `i64`: one more than the tag's index in its upper half, and in its lower half the payload of a tag that
//! carries one `i32`. So a number is all there is to an exception of most tags, to an `exnref` too, and 0 is none. What
//! other tags carry lies in globals of their own: only one exception is ever on its way.
//!
//! It is no `i32` because partial evaluators of interpreters take globals of that type to be constants after the first.

use crate::erase::Erase;
use crate::survey::Survey;
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{BlockType, ConstExpr, GlobalSection, GlobalType, HeapType, InstructionSink, ValType};

/// Indices of the globals, which are added behind those of the module.
pub(crate) struct Signal {
    pending: u32,
    tags: Vec<Payload>,
    /// Types of the globals behind `pending`.
    carried: Vec<ValType>,
}

enum Payload {
    Nothing,
    Word,
    Globals { first: u32, count: u32 },
}

impl Signal {
    pub(crate) fn new(survey: &Survey) -> Result<Self, Error> {
        let pending = survey.globals;
        let mut carried = Vec::new();
        let mut tags = Vec::new();
        let index = |count: usize| u32::try_from(count).expect("invariant: indices are 32 bits");
        for tag in &survey.tags {
            tags.push(match tag.params() {
                [] => Payload::Nothing,
                [wasmparser::ValType::I32] => Payload::Word,
                types => {
                    let first = pending + 1 + index(carried.len());
                    for ty in types {
                        carried.push(Erase.val_type(*ty)?);
                    }
                    Payload::Globals { first, count: index(types.len()) }
                }
            });
        }
        Ok(Signal { pending, tags, carried })
    }

    pub(crate) fn declare(&self, globals: &mut GlobalSection) {
        for ty in std::iter::once(&ValType::I64).chain(&self.carried) {
            let mut initial = Vec::new();
            default_value(&mut InstructionSink::new(&mut initial), *ty);
            let ty = GlobalType { val_type: *ty, mutable: true, shared: false };
            globals.global(ty, &ConstExpr::raw(initial));
        }
    }

    /// Takes the payload from the stack.
    pub(crate) fn raise(&self, tag: u32, out: &mut InstructionSink) {
        let head = i64::from(tag + 1) << 32;
        match self.tags[tag as usize] {
            Payload::Nothing => out.i64_const(head),
            Payload::Word => out.i64_extend_i32_u().i64_const(head).i64_or(),
            Payload::Globals { first, count } => {
                for global in (first..first + count).rev() {
                    out.global_set(global);
                }
                out.i64_const(head)
            }
        };
        out.global_set(self.pending);
    }

    /// Takes an `exnref` from the stack, and traps on null.
    pub(crate) fn raise_again(&self, out: &mut InstructionSink) {
        out.global_set(self.pending).global_get(self.pending).i64_eqz();
        out.if_(BlockType::Empty).unreachable().end();
    }

    /// Whether there is an exception.
    pub(crate) fn test(&self, out: &mut InstructionSink) {
        out.global_get(self.pending).i64_const(0).i64_ne();
    }

    /// Whether the exception is of this tag.
    pub(crate) fn test_tag(&self, tag: u32, out: &mut InstructionSink) {
        out.global_get(self.pending).i64_const(32).i64_shr_u();
        out.i64_const(i64::from(tag + 1)).i64_eq();
    }

    /// Ends the exception's way: leaves its payload on the stack, and a reference to it.
    pub(crate) fn take(&self, tag: Option<u32>, reference: bool, out: &mut InstructionSink) {
        match tag.map(|tag| &self.tags[tag as usize]) {
            None | Some(Payload::Nothing) => {}
            Some(Payload::Word) => {
                out.global_get(self.pending).i32_wrap_i64();
            }
            Some(Payload::Globals { first, count }) => {
                for global in *first..first + count {
                    out.global_get(global);
                }
            }
        }
        if reference {
            out.global_get(self.pending);
        }
        self.clear(out);
    }

    pub(crate) fn clear(&self, out: &mut InstructionSink) {
        out.i64_const(0).global_set(self.pending);
    }
}

/// What stands in where nobody looks.
pub(crate) fn default_value(out: &mut InstructionSink, ty: ValType) {
    match ty {
        ValType::I32 => out.i32_const(0),
        ValType::I64 => out.i64_const(0),
        ValType::F32 => out.f32_const(0.0.into()),
        ValType::F64 => out.f64_const(0.0.into()),
        ValType::V128 => out.v128_const(0),
        ValType::Ref(reference) => out.ref_null(match reference.heap_type {
            HeapType::Exact(index) => HeapType::Concrete(index),
            other => other,
        }),
    };
}
