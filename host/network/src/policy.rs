//! What one entry may reach.

use crate::{Class, Host, List, Target};
use std::net::IpAddr;
use std::sync::Arc;

/// The host's list, and the entry's own, which narrows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    host: Arc<List>,
    own: Option<Arc<List>>,
}

/// Why a target may not be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No item of the host's list says so.
    #[error("this host does not allow it; start it with `--allow-net {0}`")]
    NotAllowed(String),
    /// An item would, if the address were public.
    #[error(
        "its address is {what}, which must be allowed by its name; start the host with `--allow-net {item}`"
    )]
    NotPublic {
        /// What the address is.
        what: &'static str,
        /// The item that would admit it.
        item: String,
    },
    /// The address is one that no name reaches.
    #[error("its address is {0}, which must be allowed by the address itself")]
    Special(&'static str),
    /// The host does, but no item of the entry's own list.
    #[error("the entry's own `network.allow` does not list it; add `{0}`")]
    NotListed(String),
}

impl Policy {
    /// The host's list, and the entry's own if it has one.
    pub fn new(host: Arc<List>, own: Option<Arc<List>>) -> Self {
        Policy { host, own }
    }

    /// Whether the addresses of a host may be asked for by something that does not say which port it wants.
    pub fn may_look_up(&self, host: &Host) -> bool {
        self.host.concerns_host(host) && self.own.as_ref().is_none_or(|own| own.concerns_host(host))
    }

    /// Whether the addresses of a target may be asked for. What may not be reached at any address is not even looked up.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn may_resolve(&self, target: &Target) -> Result<(), Refusal> {
        if !self.host.concerns(target) {
            return Err(Refusal::NotAllowed(target.to_string()));
        }
        match &self.own {
            Some(own) if !own.concerns(target) => Err(Refusal::NotListed(target.to_string())),
            _ => Ok(()),
        }
    }

    /// Whether a connection may be made by something that asks for addresses by itself, such as the driver of a database: only
    /// to what an item names, since nobody can look at the addresses in between.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn may_delegate(&self, target: &Target) -> Result<(), Refusal> {
        if !self.host.names(target) {
            return Err(Refusal::NotAllowed(target.to_string()));
        }
        match &self.own {
            Some(own) if !own.names(target) => Err(Refusal::NotListed(target.to_string())),
            _ => Ok(()),
        }
    }

    /// Whether a connection may be made to a target at one of its addresses.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn may_connect(&self, target: &Target, address: IpAddr) -> Result<(), Refusal> {
        self.may_resolve(target)?;
        if !self.host.admits(target, address) {
            return Err(match Class::of(address) {
                Class::Private(what) => Refusal::NotPublic { what, item: target.to_string() },
                Class::Special(what) => Refusal::Special(what),
                Class::Public => Refusal::NotAllowed(target.to_string()),
            });
        }
        match &self.own {
            Some(own) if !own.admits(target, address) => Err(Refusal::NotListed(target.to_string())),
            _ => Ok(()),
        }
    }
}
