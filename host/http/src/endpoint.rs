//! From a request to the call of a function and back.
//!
//! | the call | nothing sent yet | its response has begun |
//! |---|---|---|
//! | returned, response touched | what it made of it | the body ends |
//! | returned a value | 200, the value as JSON; 204 without one | – |
//! | failed, having made the response an error itself | that | cut off |
//! | failed | an error of [`error`](crate::error) | cut off |
//!
//! A failed call never looks like one that went well.

use crate::body::Body;
use crate::error::{failed, refused};
use crate::exchange::Exchange;
use crate::message::{Request, Response, empty};
use crate::router::Endpoint;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use perilune_resource::{Invocation, Invoke};
use perilune_value::{Failure, Value, json};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// Bodies up to this size are read before the function is called: a client that sends slowly then holds a connection, not a
/// worker of the pool.
const FETCHED: u64 = 64 << 10;

/// Values in a result up to which it is written as JSON where it is: a few hundred microseconds of a connection's thread.
const QUICK: usize = 10_000;

type Called = Result<Value, Failure>;

/// What happened first.
enum Step {
    Returned(Called),
    Streaming,
}

/// Answers a request that was matched with an endpoint.
pub(crate) async fn answer(functions: &dyn Invoke, endpoint: &Endpoint, mut request: Request) -> Response {
    let is_small = request.body.length().is_some_and(|length| (1..=FETCHED).contains(&length));
    let ready = match is_small {
        true => request.body.fetch().await,
        false => request.body.check(),
    };
    if let Err(error) = ready {
        return refused(error);
    }
    let authority = request.authority.clone();
    let exchange = Arc::new(Exchange::new(request));
    let mut call = functions.invoke(Invocation {
        authority,
        attachment: Some(exchange.clone()),
        ..Invocation::new(endpoint.function.as_str())
    });
    match first(&mut call, &exchange).await {
        Step::Returned(called) => finish(called, &exchange, endpoint).await,
        Step::Streaming => {
            let id = endpoint.id.clone();
            let rest = exchange.clone();
            let task = tokio::spawn(async move {
                let called = call.await;
                if let Err(failure) = &called {
                    crate::error::log(failure, &id, &rest);
                }
                rest.reply().end(called.is_ok());
            });
            exchange.reply().streamed(task.abort_handle())
        }
    }
}

async fn first(call: &mut BoxFuture<'static, Called>, exchange: &Exchange) -> Step {
    poll_fn(|context| {
        if let Poll::Ready(called) = call.poll_unpin(context) {
            return Poll::Ready(Step::Returned(called));
        }
        exchange.reply().poll_streaming(context).map(|()| Step::Streaming)
    })
    .await
}

async fn finish(called: Called, exchange: &Arc<Exchange>, endpoint: &Endpoint) -> Response {
    let reply = exchange.reply();
    match called {
        Ok(_) if reply.is_touched() => reply.whole(),
        Ok(Value::Nil) => empty(StatusCode::NO_CONTENT),
        Ok(value) => match returned(value).await {
            Ok(response) => response,
            Err(failure) => failed(&failure, &endpoint.id, exchange),
        },
        Err(failure) if reply.reports_error() => {
            crate::error::log(&failure, &endpoint.id, exchange);
            reply.whole()
        }
        Err(failure) => failed(&failure, &endpoint.id, exchange),
    }
}

async fn returned(value: Value) -> Result<Response, Failure> {
    let mut left = QUICK;
    let text = match is_small(&value, &mut left) {
        true => json::encode(&value),
        false => tokio::task::spawn_blocking(move || json::encode(&value))
            .await
            .map_err(|error| Failure::internal(format!("the result could not be written: {error}")))?,
    };
    let mut response = Response::new(Body::from(text?));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Whether a value has no more parts than are left. A long text counts as many.
fn is_small(value: &Value, left: &mut usize) -> bool {
    let weight = match value {
        Value::String(bytes) => 1 + bytes.len() / 16,
        _ => 1,
    };
    let Some(less) = left.checked_sub(weight) else { return false };
    *left = less;
    match value {
        Value::Array(items) => items.iter().all(|item| is_small(item, left)),
        Value::Map(fields) => fields.iter().all(|(key, value)| is_small(key, left) && is_small(value, left)),
        _ => true,
    }
}
