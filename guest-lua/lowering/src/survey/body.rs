//! What a body throws, and whom it calls outside of its regions.

use super::{Callee, Function, Survey};
use crate::check::{self, LowerError, Reason, Refusal, is_exnref, mentions};
use crate::regions::Regions;
use wasmparser::{
    Catch, FuncValidator, FunctionBody, Operator, OperatorsReader, ValType, ValidatorResources,
};

impl<'a> Survey<'a> {
    pub(super) fn body(
        &mut self,
        body: FunctionBody<'a>,
        validator: &mut FuncValidator<ValidatorResources>,
    ) -> Result<(), LowerError> {
        let index = validator.index();
        let mut regions = Regions::default();
        let mut function =
            Function { body: body.clone(), throws: false, calls: Vec::new(), tail_calls: Vec::new() };
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        let mut operators = OperatorsReader::new(reader);
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            let refuse = |reason| Err(Refusal::new(reason, index, offset).into());
            if let Some(reason) = check::instruction(&operator) {
                return refuse(reason);
            }
            if let Some(name) = check::test_of_reference(&operator)
                && validator.get_operand_type(0).flatten().is_some_and(is_exnref)
            {
                return refuse(Reason::ReferenceTest(name));
            }
            validator.op(offset, &operator)?;
            if let Some(reason) = self.clauses(&operator) {
                return refuse(reason);
            }
            if let Some(reason) = self.calls_with_reference(&operator) {
                return refuse(reason);
            }
            self.follow(&operator, &regions, &mut function);
            regions.step(&operator);
        }
        operators.finish()?;
        function.calls.sort_unstable_by_key(order);
        function.calls.dedup();
        self.bodies.push(function);
        Ok(())
    }

    /// Notes what the instruction means for exceptions.
    fn follow(&mut self, operator: &Operator, regions: &Regions, function: &mut Function<'a>) {
        let tags = self.tag_count();
        match operator {
            Operator::Throw { tag_index } => function.throws |= !regions.catch(Some(*tag_index), tags),
            Operator::ThrowRef => function.throws |= !regions.catch(None, tags),
            Operator::RefFunc { function_index } => self.escapes(*function_index),
            _ => {
                function.tail_calls.extend(self.tail_callee(operator));
                if let Some(callee) = self.callee(operator)
                    && !regions.catch(None, tags)
                {
                    function.calls.push(callee);
                }
            }
        }
    }

    /// A clause that makes a reference to more than a reference can hold.
    fn clauses(&self, operator: &Operator) -> Option<Reason> {
        let Operator::TryTable { try_table } = operator else { return None };
        let wide = |tag: &u32| !matches!(self.tags[*tag as usize].params(), [] | [ValType::I32]);
        let tag = try_table.catches.iter().find_map(|clause| match clause {
            Catch::OneRef { tag, .. } => Some(*tag).filter(wide),
            Catch::AllRef { .. } => (0..self.tag_count()).find(wide),
            _ => None,
        });
        tag.map(|tag| Reason::ReferenceToPayload { tag })
    }

    fn calls_with_reference(&self, operator: &Operator) -> Option<Reason> {
        let (Operator::CallIndirect { type_index, .. }
        | Operator::CallRef { type_index }
        | Operator::ReturnCallIndirect { type_index, .. }
        | Operator::ReturnCallRef { type_index }) = operator
        else {
            return None;
        };
        mentions(&self.types[*type_index as usize], is_exnref).then_some(Reason::ReferenceIndirect)
    }

    /// An escaping function with an `exnref` could be called as one with an `i64` afterwards.
    pub(super) fn indirect_references(&self) -> Result<(), LowerError> {
        for (index, function) in self.defined() {
            if self.escaping[index as usize] && mentions(self.signature(index), is_exnref) {
                let offset = function.body.range().start;
                return Err(Refusal::new(Reason::ReferenceIndirect, index, offset).into());
            }
        }
        Ok(())
    }
}

fn order(callee: &Callee) -> (bool, u32) {
    match *callee {
        Callee::Function(index) => (false, index),
        Callee::Shape(shape) => (true, shape),
    }
}
