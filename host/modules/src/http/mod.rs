//! Module `http`: the exchange that a call answers, which its attachment is.

mod request;
mod response;

use crate::bindings::{Answer, answer, http as wit};
use crate::{CallContext, streams};
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Handle, Module, Ticket};
use perilune_http::{BodyReader, Exchange, Reply, Upload, not_entered};
use perilune_value::{Failure, Value};
use request::{Held, limits};
use std::sync::Arc;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "http",
    summary: "The HTTP request that a call answers, and its response.",
    classes: &[Class::Network, Class::Io],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Bytes up to which JSON is written where it is asked for: well below a millisecond.
const QUICK: usize = 64 << 10;

type Found<T> = Result<T, Failure>;

/// The exchange of a call: an inner failure where it has none.
fn exchange(state: &CellState) -> wasmtime::Result<Found<Arc<Exchange>>> {
    Ok(CallContext::of(state)?.attachment::<Exchange>().ok_or_else(not_entered))
}

/// Answers a question about the request.
fn ask<T>(state: &CellState, question: impl FnOnce(&Exchange) -> T) -> Answer<T> {
    answer(exchange(state)?.map(|exchange| question(&exchange)))
}

/// Does something about the response.
fn act<T>(state: &CellState, action: impl FnOnce(&Reply) -> Found<T>) -> Answer<T> {
    answer(exchange(state)?.and_then(|exchange| action(exchange.reply())))
}

/// The body of the call's request, within limits.
fn body(state: &CellState, limits_of: wit::BodyLimits) -> wasmtime::Result<Found<BodyReader>> {
    Ok(exchange(state)?.and_then(|exchange| exchange.take_body(limits(limits_of))))
}

impl wit::Host for CellState {
    fn check(&mut self) -> Answer<()> {
        ask(self, |_| ())
    }

    fn method(&mut self) -> Answer<String> {
        ask(self, |exchange| exchange.method().as_str().to_owned())
    }

    fn path(&mut self) -> Answer<String> {
        ask(self, |exchange| exchange.uri().path().to_owned())
    }

    fn host(&mut self) -> Answer<String> {
        ask(self, |exchange| exchange.host().to_owned())
    }

    fn remote_addr(&mut self) -> Answer<String> {
        ask(self, |exchange| exchange.client().to_string())
    }

    fn header(&mut self, name: Vec<u8>) -> Answer<Option<Vec<u8>>> {
        ask(self, |exchange| exchange.header(std::str::from_utf8(&name).ok()?))
    }

    fn query(&mut self, name: Vec<u8>) -> Answer<Option<Vec<u8>>> {
        ask(self, |exchange| {
            let mut all = exchange.query();
            all.find(|(key, _)| key.as_bytes() == name).map(|(_, value)| value.into_owned().into_bytes())
        })
    }

    fn query_params(&mut self) -> Answer<Vec<u8>> {
        ask(self, |exchange| request::joined(exchange).to_msgpack())
    }

    fn param(&mut self, name: Vec<u8>) -> Answer<Option<Vec<u8>>> {
        ask(self, |exchange| {
            let found = exchange.params().iter().find(|(key, _)| key.as_bytes() == name);
            found.map(|(_, value)| value.clone())
        })
    }

    fn params(&mut self) -> Answer<Vec<u8>> {
        ask(self, |exchange| {
            let params = exchange.params().iter();
            params
                .map(|(name, value)| (name.as_str(), Value::from(value.as_slice())))
                .collect::<Value>()
                .to_msgpack()
        })
    }

    fn content_length(&mut self) -> Answer<Option<u64>> {
        ask(self, Exchange::length)
    }

    fn accepts(&mut self, content_type: Vec<u8>) -> Answer<bool> {
        ask(self, |exchange| std::str::from_utf8(&content_type).is_ok_and(|wanted| exchange.accepts(wanted)))
    }

    fn start_body(&mut self, limits: wit::BodyLimits) -> wasmtime::Result<Ticket> {
        let (body, held) = (body(self, limits)?, self.held.clone());
        self.tickets.start::<Held>(async move { request::whole(body?, &held).await })
    }

    fn take_body(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        Ok(self.tickets.take::<Held>(ticket)?.map(|held| held.bytes).map_err(failure_to_wit))
    }

    fn start_json(&mut self, limits: wit::BodyLimits) -> wasmtime::Result<Ticket> {
        let (body, held) = (body(self, limits)?, self.held.clone());
        self.tickets.start::<Held>(async move { request::json(body?, &held).await })
    }

    fn take_json(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        self.take_body(ticket)
    }

    fn body_stream(&mut self, limits: wit::BodyLimits) -> Answer<Handle> {
        let body = body(self, limits)?;
        answer(body.and_then(|body| streams::open(self, body.into_stream())))
    }

    fn start_form(&mut self, limits: wit::BodyLimits, memory: u64) -> wasmtime::Result<Ticket> {
        let (body, held) = (body(self, limits)?, self.held.clone());
        self.tickets.start::<request::HeldForm>(async move { request::form(body?, memory, &held).await })
    }

    fn take_form(&mut self, ticket: Ticket) -> Answer<wit::Form> {
        let form = self.tickets.take::<request::HeldForm>(ticket)?;
        answer(form.and_then(|form| request::handed_out(self, form)))
    }

    fn file_header(&mut self, file: Handle, name: Vec<u8>) -> Answer<Option<Vec<u8>>> {
        answer(self.handles.get::<request::HeldUpload>(file, "file").map(|file| {
            let name = std::str::from_utf8(&name).ok()?;
            Upload::header(&file.upload, name).map(<[u8]>::to_vec)
        }))
    }

    fn file_stream(&mut self, file: Handle) -> Answer<Handle> {
        let file = self.handles.get::<request::HeldUpload>(file, "file");
        answer(file.and_then(|file| streams::open(self, file.upload.open())))
    }

    fn set_status(&mut self, code: i64) -> Answer<()> {
        act(self, |reply| reply.set_status(u16::try_from(code).unwrap_or(0)))
    }

    fn set_header(&mut self, name: Vec<u8>, value: Vec<u8>) -> Answer<()> {
        act(self, |reply| reply.set_header(&name, &value))
    }

    fn set_transfer(&mut self, mode: wit::Transfer) -> Answer<()> {
        act(self, |reply| reply.set_transfer(response::transfer(mode)))
    }

    fn write(&mut self, data: Vec<u8>, is_json: bool) -> Answer<wit::Written> {
        act(self, |reply| response::write(reply, &data, is_json))
    }

    fn write_json(&mut self, value: Vec<u8>) -> Answer<wit::Written> {
        act(self, |reply| response::write_json(reply, &value))
    }

    fn write_event(&mut self, name: Vec<u8>, data: Vec<u8>) -> Answer<wit::Written> {
        act(self, |reply| response::write_event(reply, &name, &data))
    }

    fn flush(&mut self) -> Answer<()> {
        act(self, Reply::flush)
    }

    fn start_room(&mut self) -> wasmtime::Result<Ticket> {
        let exchange = exchange(self)?;
        self.tickets.start::<()>(async move { exchange?.reply().clone().room().await })
    }

    fn take_room(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take::<()>(ticket)?.map_err(failure_to_wit))
    }

    fn start_encode(&mut self, value: Vec<u8>) -> wasmtime::Result<Ticket> {
        let (reserved, held) = (self.hold(value.len())?, self.held.clone());
        self.tickets.start::<Held>(async move { response::encode(value, reserved, &held).await })
    }

    fn take_encode(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        self.take_body(ticket)
    }

    fn response_stream(&mut self) -> Answer<Handle> {
        let exchange = exchange(self)?;
        answer(exchange.and_then(|exchange| streams::open(self, exchange.reply().clone().into_stream())))
    }
}
