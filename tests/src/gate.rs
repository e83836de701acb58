//! A slow function that a test holds open: instead of sleeping, tests wait for what they are about.

use crate::PATIENCE;
use perilune::{Extension, Value};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Module `gate` for Lua: `wait()` enters and returns when the gate is opened; `entered()` and `left()` wait until a call of
/// `wait` has begun, or has ended in whatever way; `open()` lets one return.
#[derive(Clone)]
pub struct Gate {
    entered: Arc<Semaphore>,
    opened: Arc<Semaphore>,
    left: Arc<Semaphore>,
}

impl Default for Gate {
    fn default() -> Self {
        let closed = || Arc::new(Semaphore::new(0));
        Gate { entered: closed(), opened: closed(), left: closed() }
    }
}

/// Says that a call of `wait` is over, also when its future was dropped.
struct Leave(Arc<Semaphore>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

impl Gate {
    /// The module.
    pub fn module(&self) -> Extension {
        let (wait, entered, left, open) = (self.clone(), self.clone(), self.clone(), self.clone());
        Extension::new("gate")
            .function("open", move |_| {
                open.open();
                Ok(Value::Nil)
            })
            .slow_function("wait", move |_| {
                let gate = wait.clone();
                async move {
                    let _leave = Leave(gate.left.clone());
                    gate.entered.add_permits(1);
                    pass(&gate.opened).await;
                    Ok(Value::Nil)
                }
            })
            .slow_function("entered", move |_| {
                let gate = entered.clone();
                async move {
                    gate.entered().await;
                    Ok(Value::Nil)
                }
            })
            .slow_function("left", move |_| {
                let gate = left.clone();
                async move {
                    gate.left().await;
                    Ok(Value::Nil)
                }
            })
    }

    /// Waits until one more call of `wait` has begun.
    pub async fn entered(&self) {
        pass(&self.entered).await;
    }

    /// Lets one call of `wait` return.
    pub fn open(&self) {
        self.opened.add_permits(1);
    }

    /// Waits until one more call of `wait` has returned or was dropped.
    pub async fn left(&self) {
        pass(&self.left).await;
    }
}

async fn pass(semaphore: &Semaphore) {
    let passed = tokio::time::timeout(PATIENCE, semaphore.acquire()).await.expect("what is awaited happens");
    passed.expect("it is never closed").forget();
}
