//! Calls of components: each in an instance of its own, as many at once as the entry's pool says.

use super::grants::Granted;
use super::peers::{Neighbours, Rest};
use super::{Callee, FUNCTION_WASM};
use crate::functions::{deadline, limited, outcome};
use crate::runtime::Inner;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use perilune_cell::Identity;
use perilune_component::{Call, Purpose};
use perilune_modules::CallContext;
use perilune_process::{Birth, Nature, Table};
use perilune_value::Failure;
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Inner {
    /// Runs a call to its end. Dropping the future ends it.
    pub(crate) async fn call_component(
        &self,
        callee: Arc<Callee>,
        args: Vec<u8>,
        mut context: CallContext,
        timeout: Option<Duration>,
        began: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let limits = limited(callee.limits(), timeout);
        // An entry that is called back by one that it calls must not wait for its own place.
        let is_called_back = context.chain.contains(callee.name());
        let lease = match callee.pool().filter(|_| !is_called_back) {
            None => None,
            Some(pool) => Some(match pool.try_lease() {
                Some(lease) => lease,
                None => pool.lease(deadline(limits, began)).await?,
            }),
        };
        let program = callee.program().await?;
        let running = self.runs.begin(Birth {
            nature: Nature::Call,
            host: &callee.runs_on,
            entry: callee.name(),
            code: None,
            actor: context.authority.actor.clone(),
            parent: None,
            began,
            messages: Table::MESSAGES,
            bytes: Table::BYTES,
        });
        context.entry = callee.name().clone();
        let context = Arc::new(context);
        let pid = running.run.pid.clone();
        let inbox = running.mailbox.inbox();
        let ticked = Arc::default();
        let call = {
            let ticked = Arc::clone(&ticked);
            async move {
                let granted = Granted::of(&callee, &context).await;
                let result = match granted {
                    Err(failure) => Err(failure),
                    Ok(Granted { env, mounts, network }) => {
                        let call = Call {
                            identity: Identity { entry: callee.name().clone(), pid: pid.clone() },
                            limits,
                            began,
                            host: callee.host.clone(),
                            purpose: match callee.kind() {
                                FUNCTION_WASM => Purpose::Result,
                                _ => Purpose::Effect,
                            },
                            args,
                            env,
                            mounts,
                            network,
                            peers: Arc::new(Neighbours { pid, context, rest: Busy }),
                            inbox,
                            ticked,
                        };
                        program.run(call).await
                    }
                };
                running.end_with(|| outcome(&result));
                result
            }
        };
        let result = self.heavy.run(call, ticked).await;
        if let Some(lease) = lease {
            lease.finish();
        }
        result
    }
}

/// A call keeps its place in the pool while it waits.
struct Busy;

impl Rest for Busy {
    fn waits(&self, _: usize) {}

    fn goes_on(&self) -> BoxFuture<'static, Result<(), Failure>> {
        ready(Ok(())).boxed()
    }
}
