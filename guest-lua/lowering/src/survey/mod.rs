//! Reads and validates the module: what throws and calls where.

mod body;
mod sections;

use crate::check::LowerError;
use std::collections::BTreeSet;
use wasmparser::{
    FuncType, FuncValidatorAllocations, FunctionBody, Operator, Parser, ValType, ValidPayload, Validator,
    WasmFeatures,
};

/// The last two are not lowered: they are allowed here so that the refusal can name them.
const FEATURES: WasmFeatures = WasmFeatures::WASM3
    .union(WasmFeatures::THREADS)
    .union(WasmFeatures::LEGACY_EXCEPTIONS)
    .union(WasmFeatures::STACK_SWITCHING);

/// Whom an instruction calls.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Callee {
    Function(u32),
    /// Any escaping function whose signature has this shape.
    Shape(u32),
}

/// A body, and what may leave it.
pub(crate) struct Function<'a> {
    pub(crate) body: FunctionBody<'a>,
    /// Whether it holds a throw that it does not itself catch.
    pub(crate) throws: bool,
    /// Calls from which an exception would leave the function.
    pub(crate) calls: Vec<Callee>,
    /// Calls in place of a return.
    pub(crate) tail_calls: Vec<Callee>,
}

/// The module, as far as exceptions are concerned.
#[derive(Default)]
pub(crate) struct Survey<'a> {
    pub(crate) types: Vec<FuncType>,
    /// By type index.
    shapes: Vec<u32>,
    /// Type index of each function, imported ones first.
    pub(crate) function_types: Vec<u32>,
    imported_functions: u32,
    pub(crate) globals: u32,
    pub(crate) tags: Vec<FuncType>,
    /// Functions that can be called through a reference.
    pub(crate) escaping: Vec<bool>,
    pub(crate) exported: BTreeSet<u32>,
    pub(crate) start: Option<u32>,
    bodies: Vec<Function<'a>>,
    /// Where references to functions may pass between this module and others.
    pub(crate) function_crossings: Vec<(&'static str, u64)>,
    tables: Vec<ValType>,
    global_types: Vec<ValType>,
}

impl<'a> Survey<'a> {
    pub(crate) fn read(module: &'a [u8]) -> Result<Self, LowerError> {
        let mut survey = Survey::default();
        let mut validator = Validator::new_with_features(FEATURES);
        let mut allocations = FuncValidatorAllocations::default();
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            let validated = validator.payload(&payload)?;
            survey.section(&payload)?;
            if let ValidPayload::Func(function, body) = validated {
                let mut validator = function.into_validator(allocations);
                survey.body(body, &mut validator)?;
                allocations = validator.into_allocations();
            }
        }
        survey.indirect_references()?;
        Ok(survey)
    }

    /// Defined functions with their indices.
    pub(crate) fn defined(&self) -> impl Iterator<Item = (u32, &Function<'a>)> {
        (self.imported_functions..).zip(&self.bodies)
    }

    pub(crate) fn signature(&self, function: u32) -> &FuncType {
        &self.types[self.function_types[function as usize] as usize]
    }

    pub(crate) fn shape_of(&self, function: u32) -> u32 {
        self.shapes[self.function_types[function as usize] as usize]
    }

    pub(crate) fn shape_count(&self) -> usize {
        self.types.len()
    }

    pub(crate) fn tag_count(&self) -> u32 {
        u32::try_from(self.tags.len()).expect("invariant: indices are 32 bits")
    }

    /// `None` for all that is no call, or is one in place of a return.
    pub(crate) fn callee(&self, operator: &Operator) -> Option<Callee> {
        Some(match *operator {
            Operator::Call { function_index } => Callee::Function(function_index),
            Operator::CallIndirect { type_index, .. } | Operator::CallRef { type_index } => {
                Callee::Shape(self.shapes[type_index as usize])
            }
            _ => return None,
        })
    }

    fn tail_callee(&self, operator: &Operator) -> Option<Callee> {
        Some(match *operator {
            Operator::ReturnCall { function_index } => Callee::Function(function_index),
            Operator::ReturnCallIndirect { type_index, .. } | Operator::ReturnCallRef { type_index } => {
                Callee::Shape(self.shapes[type_index as usize])
            }
            _ => return None,
        })
    }
}
