//! Changes of the registry as events: system `registry`, kind `entry.create`, `entry.update` or `entry.delete`, the entry's id as
//! path, `{version = n}` as data.

use crate::{Bus, Event};
use perilune_registry::{Operation, Registry, VersionId, build_delta};
use perilune_value::{Packed, Value};
use std::sync::{Arc, Mutex, PoisonError};

/// The system of these events. Nobody else sends events of it.
pub const SYSTEM: &str = "registry";

/// Sends an event for each entry that changes, for as long as the bus exists.
pub fn announce_changes(bus: &Bus, registry: &Arc<Registry>) {
    let (bus, weak) = (bus.downgrade(), Arc::downgrade(registry));
    let last = Mutex::new(registry.snapshot());
    registry.watch(move |version| {
        let (Some(bus), Some(registry)) = (bus.upgrade(), weak.upgrade()) else { return false };
        let now = registry.snapshot();
        let before =
            std::mem::replace(&mut *last.lock().unwrap_or_else(PoisonError::into_inner), now.clone());
        if bus.has_listener(SYSTEM) {
            for operation in build_delta(before.entries(), now.entries()) {
                bus.send(event(&operation, version));
            }
        }
        true
    });
}

fn event(operation: &Operation, version: VersionId) -> Event {
    let kind = match operation {
        Operation::Create(_) => "entry.create",
        Operation::Update(_) => "entry.update",
        Operation::Delete(_) => "entry.delete",
    };
    let data = Value::from_iter([("version", version.number().cast_signed())]);
    Event {
        system: SYSTEM.to_owned(),
        kind: kind.to_owned(),
        path: operation.id().to_string(),
        data: Packed::from(&data),
    }
}
