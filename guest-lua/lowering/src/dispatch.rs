//! The branches from a throw or a failed call to its handler.

use crate::regions::Regions;
use crate::signal::Signal;
use wasm_encoder::{BlockType, InstructionSink};

/// A place in a body from which exceptions set out.
pub(crate) struct Place<'a> {
    pub(crate) signal: &'a Signal,
    pub(crate) regions: &'a Regions,
    pub(crate) tags: u32,
}

impl Place<'_> {
    /// The block round the block that stands for the function.
    fn exit(&self) -> u32 {
        self.regions.function_label() + 1
    }

    pub(crate) fn throw(&self, tag: u32, out: &mut InstructionSink) {
        self.signal.raise(tag, out);
        self.dispatch(Some(tag), 0, out);
    }

    pub(crate) fn throw_ref(&self, out: &mut InstructionSink) {
        if self.tags == 0 {
            // The reference can only be null, and there is no *pending* to write.
            out.unreachable();
            return;
        }
        self.signal.raise_again(out);
        self.dispatch(None, 0, out);
    }

    /// Follows a call that may throw. Values below the exit's operands, of which there are none, may stay on the stack.
    pub(crate) fn check_call(&self, out: &mut InstructionSink) {
        self.signal.test(out);
        if self.regions.handlers().next().is_none() {
            out.br_if(self.exit());
            return;
        }
        out.if_(BlockType::Empty);
        self.dispatch(None, 1, out);
        out.end();
    }

    /// Tries the handlers inside out. What follows is unreachable. `inside` counts the blocks opened since the place.
    fn dispatch(&self, thrown: Option<u32>, inside: u32, out: &mut InstructionSink) {
        for handler in self.regions.handlers() {
            match (handler.tag, thrown) {
                (Some(caught), Some(thrown)) if caught != thrown => {}
                (Some(caught), None) => {
                    self.signal.test_tag(caught, out);
                    out.if_(BlockType::Empty);
                    self.signal.take(handler.tag, handler.reference, out);
                    out.br(handler.label + inside + 1).end();
                }
                _ => {
                    self.signal.take(handler.tag, handler.reference, out);
                    out.br(handler.label + inside);
                    return;
                }
            }
        }
        if self.regions.catch(thrown, self.tags) {
            // One of the clauses took it: together they name every tag there is.
            out.unreachable();
        } else {
            out.br(self.exit() + inside);
        }
    }
}
