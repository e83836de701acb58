//! What of a component is called.

use crate::Refusal;
use crate::values::unpassable;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, Type};

/// The interface of values as JSON.
const ENTRY: &str = "perilune:component/entry@0.1.0";

/// A command's. Later versions of WASI 0.2 are found by this one as well.
const RUN: &str = "wasi:cli/run@0.2.0";

/// Names of exports that a message shows.
const SHOWN: usize = 12;

/// How a component is called.
#[derive(Clone)]
pub(crate) enum Export {
    /// `run` of `perilune:component/entry`: JSON in and out.
    Entry(ComponentExportIndex),
    /// `run` of `wasi:cli/run`: a program.
    Command(ComponentExportIndex),
    /// A function of its own, whose parameters and result have types.
    Function(ComponentExportIndex, ComponentFunc),
}

/// Finds the function that an entry names, or the one that is known by its interface.
pub(crate) fn find(component: &Component, method: Option<&str>) -> Result<Export, Refusal> {
    if let Some(name) = method {
        let missing = || Refusal::NoExport { wanted: Some(name.to_owned()), exports: callable(component) };
        let found = match name.rsplit_once('#') {
            Some((interface, function)) => component
                .get_export_index(None, interface)
                .and_then(|interface| component.get_export(Some(&interface), function)),
            None => component.get_export(None, name),
        };
        return match found.ok_or_else(missing)? {
            (ComponentItem::ComponentFunc(ty), index) => {
                check(name, &ty).map(|()| Export::Function(index, ty))
            }
            _ => Err(missing()),
        };
    }
    let known = |interface| {
        let interface = component.get_export_index(None, interface)?;
        match component.get_export(Some(&interface), "run")? {
            (ComponentItem::ComponentFunc(ty), index) => Some((ty, index)),
            _ => None,
        }
    };
    if let Some((ty, index)) = known(ENTRY) {
        let is_text = |ty: &Type| matches!(ty, Type::String);
        let takes = ty.params().map(|(_, ty)| ty).collect::<Vec<_>>();
        let gives = ty.results().collect::<Vec<_>>();
        let fits = match (&takes[..], &gives[..]) {
            ([takes], [Type::Result(result)]) => {
                is_text(takes)
                    && [result.ok(), result.err()].iter().flatten().filter(|ty| is_text(ty)).count() == 2
            }
            _ => false,
        };
        let function = format!("{ENTRY}#run");
        let reason = "it is not `func(arguments: string) -> result<string, string>`".to_owned();
        return if fits { Ok(Export::Entry(index)) } else { Err(Refusal::Signature { function, reason }) };
    }
    match known(RUN) {
        Some((ty, index)) if ty.params().len() == 0 => Ok(Export::Command(index)),
        _ => Err(Refusal::NoExport { wanted: None, exports: callable(component) }),
    }
}

fn check(name: &str, ty: &ComponentFunc) -> Result<(), Refusal> {
    let all = ty.params().map(|(_, ty)| ty).chain(ty.results());
    match all.filter_map(|ty| unpassable(&ty)).next() {
        None => Ok(()),
        Some(what) => Err(Refusal::Signature {
            function: name.to_owned(),
            reason: format!("its type has {what}, which is no value"),
        }),
    }
}

/// Names of functions that `method` could name.
fn callable(component: &Component) -> Vec<String> {
    let engine = component.engine();
    let ty = component.component_type();
    let mut names = Vec::new();
    for (name, item) in ty.exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(_) => names.push(name.to_owned()),
            ComponentItem::ComponentInstance(instance) => {
                for (function, item) in instance.exports(engine) {
                    if matches!(item.ty, ComponentItem::ComponentFunc(_)) {
                        names.push(format!("{name}#{function}"));
                    }
                }
            }
            _ => {}
        }
    }
    names.truncate(SHOWN);
    names
}
