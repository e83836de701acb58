//! Module `registry`: entries, versions and changes.

use crate::CallContext;
use crate::bindings::{Answer, answer, registry as wit};
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Identity, Module, Ticket};
use perilune_registry::{
    Applied, Entry, EntryId, Operation, Registry, Snapshot, Version, VersionId, build_delta, quote,
};
use perilune_value::{Failure, Kind, Value};
use std::collections::BTreeSet;
use std::sync::Arc;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "registry",
    summary: "Reads entries and their versions; changes them where the host allows it.",
    classes: &[Class::Nondeterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// What the module needs of the host.
pub trait RegistryAccess: Send + Sync {
    /// The entries.
    fn registry(&self) -> &Arc<Registry>;

    /// Whether a cell may change entries, those that it runs itself included.
    fn may_change(&self, cell: &Identity) -> bool;
}

/// The version that a cell means by a number, or by none.
fn snapshot(state: &CellState, version: Option<i64>) -> wasmtime::Result<Result<Snapshot, Failure>> {
    let registry = CallContext::of(state)?.host.registry.registry();
    Ok(match version {
        None => Ok(registry.snapshot()),
        Some(number) => VersionId::try_from(number).and_then(|id| registry.snapshot_at(id)),
    })
}

fn get(snapshot: &Snapshot, id: &str) -> Result<Vec<u8>, Failure> {
    let entry = EntryId::parse(id).ok().and_then(|id| snapshot.get(&id).cloned());
    let entry = entry.ok_or_else(|| Failure::not_found(format!("entry not found: {}", quote(id))))?;
    Ok(entry.to_value().to_msgpack())
}

/// Entries that the call may not read are as good as not there.
fn find(context: &CallContext, snapshot: &Snapshot, filter: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut found = snapshot.find(&Value::from_msgpack(filter)?)?;
    let nothing = Value::Map(Vec::new());
    found.retain(|entry| context.allows("registry.get", &entry.id().to_string(), &nothing));
    Ok(Value::Array(found.iter().map(|entry| entry.to_value()).collect()).to_msgpack())
}

/// The items of an array argument, each read by `read`.
fn items<T>(bytes: &[u8], what: &str, read: fn(&Value) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
    let items = match Value::from_msgpack(bytes)? {
        Value::Array(items) => items,
        Value::Map(fields) if fields.is_empty() => Vec::new(),
        other => {
            return Err(Failure::invalid(format!(
                "expected an array of {what}, found {}",
                other.type_name()
            )));
        }
    };
    let numbered = |(position, item): (usize, &Value)| {
        read(item).map_err(|failure| Failure {
            message: format!("{what}[{}]: {}", position + 1, failure.message),
            ..failure
        })
    };
    items.iter().enumerate().map(numbered).collect()
}

fn delta(old: &[u8], new: &[u8]) -> Result<Vec<u8>, Failure> {
    let read = |value: &Value| Entry::from_value(value).map(Arc::new);
    let (old, new) = (items(old, "entries", read)?, items(new, "entries", read)?);
    Ok(Value::Array(build_delta(&old, &new).iter().map(Operation::to_value).collect()).to_msgpack())
}

fn number(id: VersionId) -> i64 {
    // Versions are counted one by one: the number of none reaches the sign bit.
    id.number().cast_signed()
}

fn described(version: &Version) -> wit::Version {
    wit::Version {
        id: number(version.id),
        previous: version.previous.map(number),
        next: version.next.map(number),
    }
}

/// Carries out a change on a thread that may block: new code is parsed before it is let in.
async fn change(
    registry: Arc<Registry>,
    work: impl FnOnce(&Registry) -> Result<Applied, Failure> + Send + 'static,
) -> Result<i64, Failure> {
    match tokio::task::spawn_blocking(move || work(&registry)).await {
        Ok(applied) => applied.map(|applied| number(applied.version.id)),
        Err(_) => Err(Failure::internal("the host failed while it carried out the change")),
    }
}

/// The registry, for a cell that may change it. What policies may ask about the change is its `kinds`: those of the entries that
/// are written or deleted.
fn writable(
    state: &CellState,
    action: &str,
    kinds: impl FnOnce(&Registry) -> BTreeSet<String>,
) -> wasmtime::Result<Result<Arc<Registry>, Failure>> {
    let context = CallContext::of(state)?;
    let access = &context.host.registry;
    if !access.may_change(&state.identity) {
        let message =
            format!("{} may not change entries: this host's registry is read-only", state.identity.entry);
        return Ok(Err(Failure::new(Kind::PermissionDenied, message)));
    }
    let kinds = kinds(access.registry()).into_iter().map(Value::from).collect();
    let about = Value::from_iter([("kinds", Value::Array(kinds))]);
    Ok(context.check_with(action, "", &about).map(|()| access.registry().clone()))
}

/// The kinds that operations touch, before and after.
fn touched(registry: &Registry, operations: &[Operation]) -> BTreeSet<String> {
    let snapshot = registry.snapshot();
    let before = operations.iter().filter_map(|operation| snapshot.get(operation.id()));
    let after = operations.iter().filter_map(Operation::entry);
    before.chain(after).map(|entry| entry.kind().to_owned()).collect()
}

impl wit::Host for CellState {
    fn parse_id(&mut self, text: String) -> wasmtime::Result<wit::ParsedId> {
        let (ns, name) = EntryId::split(&text);
        Ok(wit::ParsedId { ns: ns.to_owned(), name: name.to_owned() })
    }

    fn current_version(&mut self) -> wasmtime::Result<i64> {
        Ok(number(CallContext::of(self)?.host.registry.registry().current_version().id))
    }

    fn versions(&mut self) -> wasmtime::Result<Vec<i64>> {
        let versions = CallContext::of(self)?.host.registry.registry().versions();
        Ok(versions.iter().map(|version| number(version.id)).collect())
    }

    fn describe_version(&mut self, id: i64) -> Answer<wit::Version> {
        answer(snapshot(self, Some(id))?.map(|snapshot| described(snapshot.version())))
    }

    fn get(&mut self, version: Option<i64>, id: String) -> Answer<Vec<u8>> {
        let snapshot = snapshot(self, version)?;
        // Before anything else, so that nobody learns whether there is such an entry.
        let allowed = CallContext::of(self)?.check("registry.get", &id);
        answer(allowed.and_then(|()| get(&snapshot?, &id)))
    }

    fn find(&mut self, version: Option<i64>, filter: Vec<u8>) -> Answer<Vec<u8>> {
        let (snapshot, context) = (snapshot(self, version)?, CallContext::of(self)?);
        answer(snapshot.and_then(|snapshot| find(context, &snapshot, &filter)))
    }

    fn build_delta(&mut self, old: Vec<u8>, new: Vec<u8>) -> Answer<Vec<u8>> {
        answer(delta(&old, &new))
    }

    fn start_apply(&mut self, base: i64, operations: Vec<u8>) -> wasmtime::Result<Ticket> {
        let operations = items(&operations, "operations", Operation::from_value);
        let registry = match &operations {
            Ok(operations) => writable(self, "registry.apply", |registry| touched(registry, operations))?,
            Err(failure) => Err(failure.clone()),
        };
        self.tickets.start(async move {
            let (registry, operations) = (registry?, operations?);
            let base = VersionId::try_from(base)?;
            change(registry, move |registry| registry.apply(&operations, Some(base))).await
        })
    }

    fn take_apply(&mut self, ticket: Ticket) -> Answer<i64> {
        Ok(self.tickets.take(ticket)?.map_err(failure_to_wit))
    }

    fn start_apply_version(&mut self, id: i64) -> wasmtime::Result<Ticket> {
        let registry = writable(self, "registry.apply_version", |_| BTreeSet::new())?;
        self.tickets.start(async move {
            let registry = registry?;
            let id = VersionId::try_from(id)?;
            change(registry, move |registry| registry.apply_version(id)).await
        })
    }

    fn take_apply_version(&mut self, ticket: Ticket) -> Answer<()> {
        let taken: Result<i64, Failure> = self.tickets.take(ticket)?;
        Ok(taken.map(drop).map_err(failure_to_wit))
    }
}
