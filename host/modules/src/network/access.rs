//! What one call may reach, and at which addresses.

use super::Network;
use super::lanes::Lane;
use crate::CallContext;
use crate::context::SESSION;
use perilune_cell::CellState;
use perilune_network::{Class, Host, List, Policy, Refusal, Target};
use perilune_registry::{EntryId, LuaEntry};
use perilune_value::{Failure, Kind};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// One call's way into the network.
#[derive(Clone)]
pub(crate) struct Access {
    network: Arc<Network>,
    context: Arc<CallContext>,
    entry: Arc<str>,
    policy: Policy,
    lane: Arc<Lane>,
}

/// Where a target is, checked.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// Addresses that may be connected to, at least one.
    pub(crate) addresses: Arc<[SocketAddr]>,
    /// Whether one of them is not public.
    pub(crate) is_private: bool,
}

impl Access {
    /// The access of the call that a cell runs.
    ///
    /// # Errors
    ///
    /// The inner one is `PermissionDenied` for an entry that is gone, since nobody knows how it was narrowed.
    pub(crate) fn of(state: &CellState) -> wasmtime::Result<Result<Access, Failure>> {
        CallContext::of(state)?;
        let Ok(context) = state.context.clone().downcast::<CallContext>() else {
            return Err(wasmtime::Error::msg("invariant: the context has just been looked at"));
        };
        let entry = state.identity.entry.clone();
        let network = Network::of(&context);
        Ok(own_list(&context, &entry).map(|own| Access {
            policy: Policy::new(network.allowed.clone(), own),
            lane: network.lanes.of(&entry),
            network,
            context,
            entry,
        }))
    }

    /// What it may reach; connections are shared only between calls with the same policy.
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The call.
    pub(crate) fn context(&self) -> &CallContext {
        &self.context
    }

    /// Waits until the entry may have another connection. Given back by dropping.
    pub(crate) async fn connection(&self) -> OwnedSemaphorePermit {
        self.lane.connection().await
    }

    /// Where a target is. `private_action` is what the call needs permission for when that is no public address.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` when it may not be reached; `Internal` when it has no address.
    pub(crate) async fn route(
        &self,
        target: &Target,
        private_action: Option<&str>,
    ) -> Result<Route, Failure> {
        self.policy.may_resolve(target).map_err(|refusal| self.refused(target, &refusal))?;
        let addresses = match &target.host {
            Host::Address(address) => [*address].into(),
            Host::Name(name) => self.network.names.resolve(name, &self.lane).await?,
        };
        let (mut admitted, mut is_private, mut first_refusal) = (Vec::new(), false, None);
        for address in addresses.iter().copied() {
            let is_public = Class::of(address) == Class::Public;
            let checked =
                self.policy.may_connect(target, address).map_err(|refusal| self.refused(target, &refusal));
            let checked = checked.and_then(|()| match private_action {
                Some(action) if !is_public => self.context.check(action, &address.to_string()),
                _ => Ok(()),
            });
            match checked {
                Ok(()) => {
                    is_private |= !is_public;
                    admitted.push(SocketAddr::new(address, target.port));
                }
                Err(failure) => first_refusal = first_refusal.or(Some(failure)),
            }
        }
        match first_refusal {
            Some(failure) if admitted.is_empty() => Err(failure),
            _ => Ok(Route { addresses: admitted.into(), is_private }),
        }
    }

    fn refused(&self, target: &Target, refusal: &Refusal) -> Failure {
        let message = format!("{} may not reach `{target}`: {refusal}", self.entry);
        Failure::new(Kind::PermissionDenied, message)
            .with_detail("entry", &*self.entry)
            .with_detail("host", target.host.to_string())
    }
}

/// The entry's own list, from its current version.
fn own_list(context: &CallContext, entry: &str) -> Result<Option<Arc<List>>, Failure> {
    let snapshot = context.host.registry.registry().snapshot();
    let found = EntryId::parse(entry).ok().and_then(|id| snapshot.get(&id).cloned());
    if found.is_none() && entry == SESSION {
        return Ok(None);
    }
    let Some(found) = found else {
        let message =
            format!("{entry} is gone from the registry, and with it what it may reach in the network");
        return Err(Failure::new(Kind::PermissionDenied, message).with_detail("entry", entry));
    };
    let Some(items) = LuaEntry::network(&found)? else { return Ok(None) };
    let list =
        List::parse(&items).map_err(|error| Failure::invalid(format!("{entry}: network.allow: {error}")))?;
    Ok(Some(Arc::new(list)))
}
