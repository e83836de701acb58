//! Module `http_client`: requests to other servers.
//!
//! | file | holds |
//! |---|---|
//! | `request.rs` | a request, read from Lua's options |
//! | `exchange.rs` | carrying it out, redirect after redirect |
//! | `clients.rs` | reqwest's clients and the connections that they keep |
//! | `response.rs` | what Lua gets |

mod clients;
mod exchange;
mod request;
mod response;

use crate::bindings::{Answer, answer, http_client as wit};
use crate::network::{Access, apart};
use crate::streams;
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Module, Ticket};
use perilune_value::Failure;
use request::Request;
use response::Response;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "http_client",
    summary: "Sends requests to HTTP servers that the host allows.",
    classes: &[Class::Network, Class::Nondeterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Reads a request and asks for what it needs permission for.
fn prepare(
    state: &CellState,
    method: &str,
    url: &str,
    options: &[u8],
    contents: Vec<Vec<u8>>,
) -> wasmtime::Result<Result<(Access, Request), Failure>> {
    let access = Access::of(state)?;
    Ok(access.and_then(|access| {
        let request = Request::read(method, url, options, contents, &|reader| streams::find(state, reader))?;
        let context = access.context();
        if request.tls.is_insecure {
            context.check("http_client.insecure_tls", request.url.as_str())?;
        }
        if let Some(path) = &request.unix_socket {
            context.check("http_client.unix_socket", &path.to_string_lossy())?;
        }
        Ok((access, request))
    }))
}

impl wit::Host for CellState {
    fn start_request(
        &mut self,
        method: String,
        url: String,
        options: Vec<u8>,
        contents: Vec<Vec<u8>>,
    ) -> wasmtime::Result<Ticket> {
        let sent = self.hold(options.len() + contents.iter().map(Vec::len).sum::<usize>())?;
        let prepared = prepare(self, &method, &url, &options, contents)?;
        let held = self.held.clone();
        self.tickets.start::<Response>(async move {
            let (access, request) = prepared?;
            apart(async move {
                let _sent = sent;
                exchange::carry_out(access, request, held).await
            })
            .await
        })
    }

    fn take_request(&mut self, ticket: Ticket) -> Answer<wit::Response> {
        let response = match self.tickets.take::<Response>(ticket)? {
            Ok(response) => response,
            Err(failure) => return Ok(Err(failure_to_wit(failure))),
        };
        let opened = response.stream.map(|stream| streams::open(self, stream)).transpose();
        answer(opened.map(|opened| wit::Response {
            status_code: response.status,
            url: response.url,
            headers: response.headers,
            cookies: response.cookies,
            body_size: response.body.as_ref().map_or(-1, |body| body.len() as i64),
            body: response.body.filter(|body| !body.is_empty()),
            opened,
        }))
    }
}
