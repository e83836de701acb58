//! Processes that services start.

use super::commands::decode;
use crate::runtime::Inner;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_modules::process::Order;
use perilune_process::{Run, Table};
use perilune_resource::{Child, Spawn, SpawnOrder};
use perilune_value::{Failure, Kind, Value, args_to_msgpack};
use std::sync::{Arc, Weak};

/// Starts processes for services. It must not keep the runtime alive.
pub(crate) struct ForServices {
    pub(crate) inner: Weak<Inner>,
    pub(crate) table: Arc<Table>,
}

impl Spawn for ForServices {
    fn spawn(&self, order: SpawnOrder) -> BoxFuture<'static, Result<Box<dyn Child>, Failure>> {
        let (inner, table) = (self.inner.clone(), self.table.clone());
        async move {
            let gone = || Failure::new(Kind::Unavailable, "the host is shutting down");
            let run = inner.upgrade().ok_or_else(gone)?.spawn(Order::new(
                order.process.to_string(),
                order.host.to_string(),
                args_to_msgpack(&order.input),
                order.authority,
            ))?;
            Ok(Box::new(Started { run, table }) as Box<dyn Child>)
        }
        .boxed()
    }
}

/// A process that a service has started.
struct Started {
    run: Arc<Run>,
    table: Arc<Table>,
}

impl Child for Started {
    fn pid(&self) -> String {
        self.run.pid.to_string()
    }

    fn cancel(&self, reason: &str) {
        // Who has ended already needs not be asked.
        let _ = self.table.cancel(&self.run, "", Some(reason));
    }

    fn terminate(&self) {
        self.run.kill(Failure::new(Kind::Canceled, "process terminated"));
    }

    fn ended(&self) -> BoxFuture<'static, Result<Value, Failure>> {
        let outcome = self.run.outcome();
        async move { decode(outcome.await?.to_vec()) }.boxed()
    }
}
