//! Module `html`: sanitising by policies that scripts put together.

use crate::bindings::{Answer, answer, html as wit};
use crate::{CallContext, compute};
use perilune_cell::interfaces::failure_to_wit;
use lru::LruCache;
use perilune_cell::{CellState, Class, Module, Ticket};
use perilune_text::html::{Policy, Rules, sanitize};
use perilune_text::regexp::{Cache, Regexp};
use perilune_value::{Failure, Value, from_value};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "html",
    summary: "Removes from HTML what a policy does not allow.",
    classes: &[Class::Security, Class::Deterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Policies that are kept ready; each takes 1 MiB at the most.
const MOST: NonZeroUsize = NonZeroUsize::new(32).expect("invariant: 32 is not 0");

/// Bytes of a policy: ten times the most generous one.
const MAX_POLICY: usize = 64 << 10;

/// The policies used lately, by their MessagePack.
struct Policies(Mutex<LruCache<Box<[u8]>, Arc<Rules>>>);

impl Default for Policies {
    fn default() -> Self {
        Policies(Mutex::new(LruCache::new(MOST)))
    }
}

fn rules(state: &CellState, policy: &[u8]) -> wasmtime::Result<Result<Arc<Rules>, Failure>> {
    let policies = CallContext::of(state)?.shared().get::<Policies>();
    let mut kept = policies.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(rules) = kept.get(policy) {
        return Ok(Ok(rules.clone()));
    }
    drop(kept);
    let made = read(policy);
    if let Ok(rules) = &made {
        policies.0.lock().unwrap_or_else(PoisonError::into_inner).put(policy.into(), rules.clone());
    }
    Ok(made)
}

fn read(policy: &[u8]) -> Result<Arc<Rules>, Failure> {
    if policy.len() > MAX_POLICY {
        return Err(Failure::invalid(format!("a policy takes at most {MAX_POLICY} bytes, this one {}", policy.len())));
    }
    let policy: Policy = from_value(Value::from_msgpack(policy)?)
        .map_err(|error| Failure::invalid(format!("not a policy: {error}")))?;
    Rules::new(policy).map(Arc::new)
}

impl wit::Host for CellState {
    fn check_pattern(&mut self, pattern: String) -> Answer<()> {
        let cache = CallContext::of(self)?.shared().get::<Cache>();
        answer(cache.quick(&pattern).and_then(|regexp: Option<Arc<Regexp>>| match regexp {
            Some(_) => Ok(()),
            None => Err(Failure::invalid("the pattern is too large for a policy; repeat less often in it")),
        }))
    }

    fn check(&mut self, policy: Vec<u8>) -> Answer<()> {
        answer(rules(self, &policy)?.map(drop))
    }

    fn sanitize(&mut self, policy: Vec<u8>, text: Vec<u8>) -> Answer<Option<String>> {
        answer(rules(self, &policy)?.and_then(|rules| sanitize(&rules, &text, true)))
    }

    fn start_long_sanitize(&mut self, policy: Vec<u8>, text: Vec<u8>) -> wasmtime::Result<Ticket> {
        let rules = rules(self, &policy)?;
        compute::start_sized(self, policy.len() + text.len(), String::len, move |_| {
            sanitize(&rules?, &text, false)?.ok_or_else(|| Failure::internal("the text was not sanitised"))
        })
    }

    fn take_long_sanitize(&mut self, ticket: Ticket) -> Answer<String> {
        Ok(compute::take_sized(self, ticket)?.map_err(failure_to_wit))
    }
}
