//! Types and instructions that only need another spelling.

use crate::check::is_exnref;
use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{Instruction, NameSection, ValType};
use wasmparser::{AbstractHeapType, HeapType, Name, Operator};

/// Passes everything through, but `exnref` as `i64`, and regions as blocks.
pub(crate) struct Erase;

impl Reencode for Erase {
    type Error = Infallible;

    fn val_type(&mut self, ty: wasmparser::ValType) -> Result<ValType, Error> {
        if is_exnref(ty) {
            return Ok(ValType::I64);
        }
        utils::val_type(self, ty)
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, Error> {
        match operator {
            Operator::TryTable { try_table } => Ok(Instruction::Block(self.block_type(try_table.ty)?)),
            Operator::RefNull {
                hty: HeapType::Abstract { ty: AbstractHeapType::Exn | AbstractHeapType::NoExn, .. },
            } => Ok(Instruction::I64Const(0)),
            other => utils::instruction(self, other),
        }
    }

    fn parse_custom_name_subsection(
        &mut self,
        names: &mut NameSection,
        subsection: Name<'_>,
    ) -> Result<(), Error> {
        match subsection {
            Name::Label(_) | Name::Tag(_) | Name::TagParameter(_) => Ok(()),
            other => utils::parse_custom_name_subsection(self, names, other),
        }
    }
}
