//! Kind `process.service`: a process that is kept running.
//!
//! | how the process ended | the service |
//! |---|---|
//! | returned a value | exited |
//! | returned an error, raised one, reached a limit, was ended by somebody else | failed |
//! | could not be started: no such process or host | given up |
//! | could not be started for another reason, or not in time | failed |
//! | was asked to by [`Service::stop`] | stopped |
//!
//! What follows is said by `restart.rs`.

use crate::{
    Child, Ended, LIFECYCLE, Lifecycle, Opened, Opening, ResourceKind, Security, Service, SpawnOrder, Spawner,
};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, pending};
use perilune_registry::{EntryId, Field, Fields, KindSpec, Type};
use perilune_value::{Failure, Value};
use serde::Deserialize;
use std::sync::{Arc, Mutex, PoisonError};

const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

pub(crate) const KIND: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "process.service",
        doc: "A process that starts with the application and is kept running",
        fields: Fields::Known(&[
            Field {
                name: "process",
                ty: Type::Entry(&["process.lua", "process.wasm"]),
                required: true,
                doc: "the process",
                ..FIELD
            },
            Field {
                name: "host",
                ty: Type::Entry(&["process.host", "terminal.host"]),
                required: true,
                doc: "what runs it; it starts before",
                ..FIELD
            },
            Field { name: "input", ty: Type::List, default: "none", doc: "its arguments", ..FIELD },
            LIFECYCLE,
        ]),
        placeholders: true,
        ..KindSpec::EMPTY
    },
    open,
};

#[derive(Deserialize)]
struct Config {
    process: String,
    host: String,
    #[serde(default)]
    input: Vec<Value>,
    #[serde(default)]
    lifecycle: Lifecycle,
}

fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let config: Config = opening.config()?;
    // A host that is made anew cancels its processes: this stops before, and starts again after it.
    let (host, _) = opening.follow(&config.host)?;
    Ok(Opened::service(Arc::new(ProcessService {
        spawner: opening.shared().get::<Spawner>(),
        process: opening.resolve(&config.process)?,
        host,
        input: config.input,
        security: Security::of(opening, &config.lifecycle)?,
        running: Arc::default(),
    })))
}

struct ProcessService {
    spawner: Arc<Spawner>,
    process: EntryId,
    host: EntryId,
    input: Vec<Value>,
    security: Security,
    running: Arc<Mutex<Option<Running>>>,
}

/// The process of the last start.
#[derive(Clone)]
struct Running {
    child: Arc<dyn Child>,
    /// Several wait for it.
    ended: Shared<BoxFuture<'static, Result<Value, Failure>>>,
}

impl ProcessService {
    fn running(&self) -> Option<Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Service for ProcessService {
    fn start(&self) -> BoxFuture<'static, Result<(), Failure>> {
        let order = self.security.authority().map(|authority| SpawnOrder {
            process: self.process.clone(),
            host: self.host.clone(),
            input: self.input.clone(),
            authority,
        });
        let (spawner, place) = (self.spawner.clone(), self.running.clone());
        Box::pin(async move {
            let child: Arc<dyn Child> = spawner.spawn()?.spawn(order?).await?.into();
            let ended = child.ended().shared();
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(Running { child, ended });
            Ok(())
        })
    }

    fn address(&self) -> Option<String> {
        self.running().map(|running| running.child.pid())
    }

    fn ended(&self) -> BoxFuture<'static, Ended> {
        let running = self.running();
        Box::pin(async move {
            let Some(running) = running else { return pending().await };
            match running.ended.await {
                Ok(_) => Ended::Exited,
                Err(failure) => Ended::Failed(failure),
            }
        })
    }

    fn stop(&self) -> BoxFuture<'static, ()> {
        let running = self.running();
        Box::pin(async move {
            let Some(Running { child, ended }) = running else { return };
            child.cancel("service stopping");
            // However it ends, nobody asks any more.
            let _ = ended.await;
        })
    }

    fn terminate(&self) -> BoxFuture<'static, ()> {
        let running = self.running();
        Box::pin(async move {
            let Some(Running { child, ended }) = running else { return };
            child.terminate();
            let _ = ended.await;
        })
    }
}

impl Drop for ProcessService {
    fn drop(&mut self) {
        // Nobody would know of it any more.
        if let Some(running) = self.running().filter(|running| running.ended.peek().is_none()) {
            running.child.terminate();
        }
    }
}
