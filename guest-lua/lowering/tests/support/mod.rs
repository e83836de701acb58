//! Runs a module with exceptions, and the lowered one in an engine that has none.

use perilune_lowering::lower_exceptions;
use std::fmt::Write;
use std::sync::LazyLock;
use wasmtime::{Config, Engine, Instance, Module, Store, ThrownException, Trap, Val, ValType};

static THROWING: LazyLock<Engine> = LazyLock::new(|| engine(true));
static PLAIN: LazyLock<Engine> = LazyLock::new(|| engine(false));

fn engine(exceptions: bool) -> Engine {
    let mut config = Config::new();
    config
        .wasm_exceptions(exceptions)
        .wasm_gc(false)
        .wasm_function_references(true)
        .wasm_tail_call(true)
        .wasm_memory64(true)
        .wasm_multi_memory(true);
    Engine::new(&config).expect("an engine")
}

/// What the module does before and after: the two are to be equal, line by line.
pub(crate) fn before_and_after(wat: &str, inputs: std::ops::Range<i32>) -> (String, String) {
    let module = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    let lowered = lower_exceptions(&module).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    (transcript(&THROWING, &module, inputs.clone()), transcript(&PLAIN, &lowered, inputs))
}

/// Every exported function, called with each input for all of its parameters, in one instance: what one call leaves behind
/// shows in the next.
fn transcript(engine: &Engine, module: &[u8], inputs: std::ops::Range<i32>) -> String {
    let module = Module::new(engine, module).unwrap_or_else(|error| panic!("{error:#}"));
    let mut text = String::new();
    let mut store = Store::new(engine, ());
    let instance = match Instance::new(&mut store, &module, &[]) {
        Ok(instance) => instance,
        Err(error) => return format!("start: {}\n", ending(&mut store, &error)),
    };
    for input in inputs {
        for export in module.exports() {
            let Some(function) = instance.get_func(&mut store, export.name()) else { continue };
            let ty = function.ty(&store);
            let parameters: Vec<Val> = ty.params().map(|ty| value(&ty, input)).collect();
            let mut results = vec![Val::I32(0); ty.results().len()];
            let said = match function.call(&mut store, &parameters, &mut results) {
                Ok(()) => format!("{results:?}"),
                Err(error) => ending(&mut store, &error),
            };
            writeln!(text, "{}({input}): {said}", export.name()).expect("a string takes all");
        }
    }
    text
}

fn value(ty: &ValType, input: i32) -> Val {
    match ty {
        ValType::I64 => Val::I64(input.into()),
        ValType::F64 => Val::F64(f64::from(input).to_bits()),
        _ => Val::I32(input),
    }
}

/// An exception that nobody caught is a trap afterwards, the one of `unreachable`; so is a `throw_ref` of null.
fn ending(store: &mut Store<()>, error: &wasmtime::Error) -> String {
    if error.is::<ThrownException>() {
        store.take_pending_exception();
        return Trap::UnreachableCodeReached.to_string();
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::NullReference) => Trap::UnreachableCodeReached.to_string(),
        Some(trap) => trap.to_string(),
        None => format!("{error:#}"),
    }
}
