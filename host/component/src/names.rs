//! Names that a component looks up: those of its list alone, and each with the addresses that it had.
//!
//! A list of hosts names most of them, and a socket knows addresses only. So what a name turned out to be is kept, and an address may be
//! connected to under each of its names.

use crate::Network;
use crate::state::State;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    Host, HostResolveAddressStream, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode, IpAddress};
use wasmtime_wasi::p2::{DynPollable, Network as NetworkHandle, SocketError};
use wasmtime_wasi::sockets::{SocketAddrUse, WasiSocketsView};

/// Addresses whose names are kept.
const MOST_ADDRESSES: usize = 1024;

/// Names of one address.
const MOST_NAMES: usize = 16;

/// Addresses with the names that they were found by.
#[derive(Clone, Default)]
pub(crate) struct Names(Arc<Mutex<HashMap<IpAddr, Vec<String>>>>);

impl Names {
    fn of(&self, address: IpAddr) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&address).cloned().unwrap_or_default()
    }

    fn add(&self, address: IpAddr, name: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST_ADDRESSES || known.contains_key(&address) {
            let names = known.entry(address).or_default();
            if names.len() < MOST_NAMES && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
}

/// Lets a component connect to what its list admits, and never be connected to.
pub(crate) fn admit(wasi: &mut WasiCtxBuilder, network: Option<Arc<dyn Network>>, names: &Names) {
    let Some(network) = network else {
        wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        return;
    };
    wasi.allow_tcp(true).allow_udp(true).allow_ip_name_lookup(true);
    let names = names.clone();
    wasi.socket_addr_check(move |to, purpose| {
        let is_admitted = match purpose {
            SocketAddrUse::TcpConnect | SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => {
                network.may_connect(&names.of(to.ip().to_canonical()), to)
            }
            // Whoever connects is bound to somewhere first, by himself or by the system.
            SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => is_anywhere(to),
            SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => false,
        };
        Box::pin(std::future::ready(is_admitted))
    });
}

fn is_anywhere(address: SocketAddr) -> bool {
    address.ip().is_unspecified() && address.port() == 0
}

impl network::Host for State {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.sockets().convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.sockets().network_error_code(error)
    }
}

impl network::HostNetwork for State {
    fn drop(&mut self, network: Resource<NetworkHandle>) -> wasmtime::Result<()> {
        network::HostNetwork::drop(&mut self.sockets(), network)
    }
}

/// The interface `wasi:sockets/ip-name-lookup`.
pub(crate) struct Lookup;

impl HasData for Lookup {
    type Data<'a> = &'a mut State;
}

impl Host for State {
    fn resolve_addresses(
        &mut self,
        network: Resource<NetworkHandle>,
        name: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        if !self.network.as_ref().is_some_and(|network| network.may_look_up(&name)) {
            return Err(ErrorCode::AccessDenied.into());
        }
        let stream = self.sockets().resolve_addresses(network, name.clone())?;
        self.lookups.insert(stream.rep(), name);
        Ok(stream)
    }
}

impl HostResolveAddressStream for State {
    fn resolve_next_address(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        let name = self.lookups.get(&stream.rep()).cloned();
        let address = self.sockets().resolve_next_address(stream)?;
        if let (Some(name), Some(address)) = (name, &address) {
            self.names.add(plain(address), &name);
        }
        Ok(address)
    }

    fn subscribe(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.sockets().subscribe(stream)
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        self.lookups.remove(&stream.rep());
        HostResolveAddressStream::drop(&mut self.sockets(), stream)
    }
}

fn plain(address: &IpAddress) -> IpAddr {
    match *address {
        IpAddress::Ipv4((a, b, c, d)) => IpAddr::from([a, b, c, d]),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => IpAddr::from([a, b, c, d, e, f, g, h]).to_canonical(),
    }
}
