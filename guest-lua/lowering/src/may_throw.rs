//! Which functions may throw: the least set that holds all that throw, and all that call one of it unguarded.

use crate::survey::{Callee, Function, Survey};
use std::mem::replace;

/// The solution, over functions and over the signatures that indirect calls go by.
pub(crate) struct MayThrow {
    functions: Vec<bool>,
    shapes: Vec<bool>,
}

impl MayThrow {
    pub(crate) fn solve(survey: &Survey) -> Self {
        let mut callers = vec![Vec::new(); survey.function_types.len()];
        let mut callers_by_shape = vec![Vec::new(); survey.shape_count()];
        let mut queue = Vec::new();
        for (index, function) in survey.defined() {
            if function.throws {
                queue.push(index);
            }
            // A tail call leaves every region of its function before it calls, so all of them count.
            for callee in function.calls.iter().chain(&function.tail_calls) {
                match *callee {
                    Callee::Function(callee) => callers[callee as usize].push(index),
                    Callee::Shape(shape) => callers_by_shape[shape as usize].push(index),
                }
            }
        }

        let mut solved =
            MayThrow { functions: vec![false; callers.len()], shapes: vec![false; callers_by_shape.len()] };
        while let Some(index) = queue.pop() {
            let function = index as usize;
            if replace(&mut solved.functions[function], true) {
                continue;
            }
            queue.append(&mut callers[function]);
            if survey.escaping[function] {
                let shape = survey.shape_of(index) as usize;
                solved.shapes[shape] = true;
                queue.append(&mut callers_by_shape[shape]);
            }
        }
        solved
    }

    pub(crate) fn none(&self) -> bool {
        !self.functions.contains(&true)
    }

    pub(crate) fn function(&self, index: u32) -> bool {
        self.functions[index as usize]
    }

    pub(crate) fn callee(&self, callee: Callee) -> bool {
        match callee {
            Callee::Function(index) => self.function(index),
            Callee::Shape(shape) => self.shapes[shape as usize],
        }
    }

    /// Whether an exception may leave the body other than by a tail call, which leaves nothing to check here.
    pub(crate) fn exits(&self, function: &Function) -> bool {
        function.throws || function.calls.iter().any(|callee| self.callee(*callee))
    }
}
