//! What a cell is between two turns is in its linear memory alone: images, resets and hibernation keep nothing else.

use wasmparser::{Operator, Parser, Payload};

/// The stack pointer, and what says that an exception is on its way; both have their first values between turns.
const KNOWN_GLOBALS: usize = 2;

#[test]
fn nothing_but_linear_memory_changes_while_the_guest_runs() {
    let (mut mutable, mut memories, mut others) = (0, 0, Vec::new());
    for payload in Parser::new(0).parse_all(perilune_guest_lua::COMPONENT) {
        match payload.expect("a valid component") {
            Payload::MemorySection(section) => memories += section.count(),
            Payload::GlobalSection(globals) => {
                mutable +=
                    globals.into_iter().filter(|global| global.as_ref().is_ok_and(|g| g.ty.mutable)).count();
            }
            Payload::CodeSectionEntry(body) => {
                let operators = body.get_operators_reader().expect("a valid body");
                others.extend(
                    operators.into_iter().filter_map(|operator| changes(&operator.expect("an operator"))),
                );
            }
            _ => {}
        }
    }
    assert_eq!((mutable, memories), (KNOWN_GLOBALS, 1));
    assert!(others.is_empty(), "these change tables or segments: {others:?}");
}

/// The name of an instruction that changes something besides memory, globals and locals.
fn changes(operator: &Operator<'_>) -> Option<&'static str> {
    match operator {
        Operator::TableSet { .. } => Some("table.set"),
        Operator::TableGrow { .. } => Some("table.grow"),
        Operator::TableFill { .. } => Some("table.fill"),
        Operator::TableCopy { .. } => Some("table.copy"),
        Operator::TableInit { .. } => Some("table.init"),
        Operator::ElemDrop { .. } => Some("elem.drop"),
        Operator::DataDrop { .. } => Some("data.drop"),
        _ => None,
    }
}
