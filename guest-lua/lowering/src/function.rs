//! One body, rewritten.

use crate::check::LowerError;
use crate::dispatch::Place;
use crate::erase::Erase;
use crate::may_throw::MayThrow;
use crate::regions::Regions;
use crate::signal::{Signal, default_value};
use crate::survey::{Function, Survey};
use wasm_encoder::reencode::Reencode;
use wasm_encoder::{BlockType, ValType};
use wasmparser::Operator;

/// What all bodies share.
pub(crate) struct Context<'a> {
    pub(crate) survey: &'a Survey<'a>,
    pub(crate) may_throw: &'a MayThrow,
    pub(crate) signal: &'a Signal,
}

impl Context<'_> {
    /// A function that exceptions leave is wrapped in two blocks. The inner takes over the function's label; from inside,
    /// the outer is the exit:
    ///
    /// ```wat
    /// block $exit
    ///   block $function (result …)
    ///     …
    ///   end
    ///   return
    /// end
    /// <zeros>
    /// ```
    pub(crate) fn rewrite(
        &self,
        index: u32,
        function: &Function,
        block_types: &mut BlockTypes,
    ) -> Result<wasm_encoder::Function, LowerError> {
        let mut out = Erase.new_function_with_parsed_locals(&function.body)?;
        let results = Erase.val_types(self.survey.signature(index).results().to_vec())?;
        let exits = self.may_throw.exits(function);
        if exits {
            let inner = block_types.without_parameters(&results);
            out.instructions().block(BlockType::Empty).block(inner);
        }

        let mut regions = Regions::default();
        let mut operators = function.body.get_operators_reader()?;
        while !operators.eof() {
            let operator = operators.read()?;
            let place = Place { signal: self.signal, regions: &regions, tags: self.survey.tag_count() };
            match operator {
                Operator::Throw { tag_index } => place.throw(tag_index, &mut out.instructions()),
                Operator::ThrowRef => place.throw_ref(&mut out.instructions()),
                _ => {
                    out.instruction(&Erase.instruction(operator.clone())?);
                    if self.survey.callee(&operator).is_some_and(|callee| self.may_throw.callee(callee)) {
                        place.check_call(&mut out.instructions());
                    }
                }
            }
            regions.step(&operator);
        }

        if exits {
            let mut end = out.instructions();
            end.return_().end();
            for ty in &results {
                default_value(&mut end, *ty);
            }
            end.end();
        }
        Ok(out)
    }

    /// Calls the function for somebody who cannot check: an exception that arrives here is a trap.
    pub(crate) fn wrapper(&self, index: u32) -> wasm_encoder::Function {
        let mut out = wasm_encoder::Function::new([]);
        let mut body = out.instructions();
        for (parameter, _) in (0..).zip(self.survey.signature(index).params()) {
            body.local_get(parameter);
        }
        body.call(index);
        self.signal.test(&mut body);
        body.if_(BlockType::Empty);
        self.signal.clear(&mut body);
        body.unreachable().end().end();
        out
    }
}

/// Types of blocks without parameters. Those with several results need an entry in the type section.
pub(crate) struct BlockTypes {
    next: u32,
    added: Vec<Vec<ValType>>,
}

impl BlockTypes {
    pub(crate) fn after(types: usize) -> Self {
        let next = u32::try_from(types).expect("invariant: indices are 32 bits");
        BlockTypes { next, added: Vec::new() }
    }

    fn without_parameters(&mut self, results: &[ValType]) -> BlockType {
        match results {
            [] => BlockType::Empty,
            [one] => BlockType::Result(*one),
            several => {
                let known = self.added.iter().position(|types| types == several);
                let position = known.unwrap_or_else(|| {
                    self.added.push(several.to_vec());
                    self.added.len() - 1
                });
                let position = u32::try_from(position).expect("invariant: indices are 32 bits");
                BlockType::FunctionType(self.next + position)
            }
        }
    }

    pub(crate) fn added(self) -> Vec<Vec<ValType>> {
        self.added
    }
}
