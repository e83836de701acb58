//! Module `text`: crate `perilune-text` for cells.

use crate::bindings::{Answer, answer, text as wit};
use crate::{CallContext, compute};
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Module, Ticket};
use perilune_text::diff::{self, Differ};
use perilune_text::regexp::{Bound, Cache, Regexp};
use perilune_text::splitter::{QUICK_TEXT, Splitter};
use perilune_value::{Failure, Value, from_value};
use std::sync::Arc;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "text",
    summary: "Regular expressions, differences and patches, cutting into chunks.",
    classes: &[Class::Deterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Bytes of what one search finds or makes.
const MAX_FOUND: usize = 64 << 20;

/// Bytes of a list of texts.
fn texts(list: &[String]) -> usize {
    list.iter().map(|text| text.len() + size_of::<String>()).sum()
}

fn cache(state: &CellState) -> wasmtime::Result<Arc<Cache>> {
    Ok(CallContext::of(state)?.shared().get::<Cache>())
}

/// What a search comes to, or none when it takes long.
fn quickly<T>(
    state: &CellState,
    pattern: &str,
    search: impl FnOnce(&Regexp) -> Option<T>,
) -> wasmtime::Result<Result<Option<T>, Failure>> {
    let regexp = cache(state)?.quick(pattern);
    Ok(regexp.map(|regexp| regexp.and_then(|regexp| search(&regexp))))
}

fn differ(options: &[u8]) -> Result<Differ, Failure> {
    let options = match Value::from_msgpack(options)? {
        Value::Nil => diff::Options::default(),
        options => from_value(options)
            .map_err(|error| Failure::invalid(format!("options of the differ: {error}")))?,
    };
    Differ::new(&options)
}

fn splitter(way: wit::Way, options: &[u8]) -> Result<Splitter, Failure> {
    let options = Value::from_msgpack(options)?;
    match way {
        wit::Way::Recursive => Splitter::recursive(options),
        wit::Way::Markdown => Splitter::markdown(options),
    }
}

fn compare(options: &[u8], old: &[u8], new: &[u8]) -> Result<Vec<wit::Piece>, Failure> {
    let pieces = differ(options)?.compare(old, new)?;
    Ok(pieces.into_iter().map(|piece| wit::Piece { operation: piece.operation.to_owned(), text: piece.text }).collect())
}

impl wit::Host for CellState {
    fn compile(&mut self, pattern: String) -> Answer<Option<Vec<String>>> {
        answer(quickly(self, &pattern, |regexp| Some(regexp.names()))?)
    }

    fn start_long_compile(&mut self, pattern: String) -> wasmtime::Result<Ticket> {
        let cache = cache(self)?;
        compute::start_sized(self, pattern.len(), |list: &Vec<String>| texts(list), move |_| Ok(cache.get(&pattern)?.names()))
    }

    fn take_long_compile(&mut self, ticket: Ticket) -> Answer<Vec<String>> {
        Ok(compute::take_sized(self, ticket)?.map_err(failure_to_wit))
    }

    fn search(&mut self, pattern: String, text: Vec<u8>, groups: bool, most: u32) -> Answer<Option<Vec<i32>>> {
        answer(quickly(self, &pattern, |regexp| {
            regexp.spans(&text, groups, most as usize, Bound::quick()).ok()
        })?)
    }

    fn start_long_search(
        &mut self,
        pattern: String,
        text: Vec<u8>,
        groups: bool,
        most: u32,
    ) -> wasmtime::Result<Ticket> {
        let cache = cache(self)?;
        let size = |found: &Vec<i32>| found.len() * size_of::<i32>();
        compute::start_sized(self, pattern.len() + text.len(), size, move |_| {
            Ok(cache.get(&pattern)?.spans(&text, groups, most as usize, Bound::long(MAX_FOUND))?)
        })
    }

    fn take_long_search(&mut self, ticket: Ticket) -> Answer<Vec<i32>> {
        Ok(compute::take_sized(self, ticket)?.map_err(failure_to_wit))
    }

    fn replace(&mut self, pattern: String, text: Vec<u8>, replacement: Vec<u8>) -> Answer<Option<Vec<u8>>> {
        answer(quickly(self, &pattern, |regexp| regexp.replace_all(&text, &replacement, Bound::quick()).ok())?)
    }

    fn start_long_replace(
        &mut self,
        pattern: String,
        text: Vec<u8>,
        replacement: Vec<u8>,
    ) -> wasmtime::Result<Ticket> {
        let cache = cache(self)?;
        compute::start_sized(self, pattern.len() + text.len() + replacement.len(), Vec::len, move |_| {
            Ok(cache.get(&pattern)?.replace_all(&text, &replacement, Bound::long(MAX_FOUND))?)
        })
    }

    fn take_long_replace(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        Ok(compute::take_sized(self, ticket)?.map_err(failure_to_wit))
    }

    fn check_differ(&mut self, options: Vec<u8>) -> Answer<()> {
        answer(differ(&options).map(drop))
    }

    fn compare(&mut self, options: Vec<u8>, old: Vec<u8>, new: Vec<u8>) -> Answer<Option<Vec<wit::Piece>>> {
        if !diff::is_quick(&old, &new) {
            return Ok(Ok(None));
        }
        answer(compare(&options, &old, &new).map(Some))
    }

    fn start_long_compare(&mut self, options: Vec<u8>, old: Vec<u8>, new: Vec<u8>) -> wasmtime::Result<Ticket> {
        let size = |pieces: &Vec<wit::Piece>| pieces.iter().map(|piece| piece.text.len() + size_of::<wit::Piece>()).sum();
        compute::start_sized(self, options.len() + old.len() + new.len(), size, move |_| compare(&options, &old, &new))
    }

    fn take_long_compare(&mut self, ticket: Ticket) -> Answer<Vec<wit::Piece>> {
        Ok(compute::take_sized(self, ticket)?.map_err(failure_to_wit))
    }

    fn start_make_patches(&mut self, options: Vec<u8>, old: Vec<u8>, new: Vec<u8>) -> wasmtime::Result<Ticket> {
        compute::start_sized(self, options.len() + old.len() + new.len(), |list: &Vec<String>| texts(list), move |_| {
            differ(&options)?.make(&old, &new)
        })
    }

    fn take_make_patches(&mut self, ticket: Ticket) -> Answer<Vec<String>> {
        Ok(compute::take_sized(self, ticket)?.map_err(failure_to_wit))
    }

    fn start_apply_patches(
        &mut self,
        options: Vec<u8>,
        patches: Vec<String>,
        text: Vec<u8>,
    ) -> wasmtime::Result<Ticket> {
        let bytes = options.len() + texts(&patches) + text.len();
        let size = |(text, _): &(String, bool)| text.len();
        compute::start_sized(self, bytes, size, move |_| differ(&options)?.apply(&patches, &text))
    }

    fn take_apply_patches(&mut self, ticket: Ticket) -> Answer<(String, bool)> {
        Ok(compute::take_sized(self, ticket)?.map_err(failure_to_wit))
    }

    fn check_splitter(&mut self, way: wit::Way, options: Vec<u8>) -> Answer<()> {
        answer(splitter(way, &options).map(drop))
    }

    fn split(&mut self, way: wit::Way, options: Vec<u8>, text: Vec<u8>) -> Answer<Option<Vec<String>>> {
        if text.len() > QUICK_TEXT {
            return Ok(Ok(None));
        }
        answer(splitter(way, &options).and_then(|splitter| splitter.split(&text)).map(Some))
    }

    fn start_long_split(&mut self, way: wit::Way, options: Vec<u8>, text: Vec<u8>) -> wasmtime::Result<Ticket> {
        compute::start_sized(self, options.len() + text.len(), |list: &Vec<String>| texts(list), move |_| splitter(way, &options)?.split(&text))
    }

    fn take_long_split(&mut self, ticket: Ticket) -> Answer<Vec<String>> {
        Ok(compute::take_sized(self, ticket)?.map_err(failure_to_wit))
    }
}
