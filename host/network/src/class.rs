//! Which addresses are public.

use ipnet::{Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Somewhere in the internet.
    Public,
    /// On this machine or in a network of its owner: reached by an item with its name or its network.
    Private(&'static str),
    /// Nothing that a name should ever stand for, such as the address where clouds hand out credentials: reached only by an
    /// item with its network. Whoever owns a name that is allowed cannot point it there.
    Special(&'static str),
}

use Class::{Private, Special};

/// All of IPv4 but these is public (IANA's registry of special-purpose addresses).
const V4: &[(Ipv4Net, Class)] = &[
    (v4(0, 0, 0, 0, 8), Special("an unspecified address")),
    (v4(10, 0, 0, 0, 8), Private("a private address")),
    (v4(100, 64, 0, 0, 10), Private("an address shared behind a provider")),
    (v4(127, 0, 0, 0, 8), Private("this machine")),
    (v4(169, 254, 0, 0, 16), Special("a link-local address")),
    (v4(172, 16, 0, 0, 12), Private("a private address")),
    (v4(192, 0, 0, 0, 24), Special("a reserved address")),
    (v4(192, 0, 2, 0, 24), Special("an address for documentation")),
    (v4(192, 88, 99, 0, 24), Special("a reserved address")),
    (v4(192, 168, 0, 0, 16), Private("a private address")),
    (v4(198, 18, 0, 0, 15), Special("an address for measurements")),
    (v4(198, 51, 100, 0, 24), Special("an address for documentation")),
    (v4(203, 0, 113, 0, 24), Special("an address for documentation")),
    (v4(224, 0, 0, 0, 4), Special("a multicast address")),
    (v4(240, 0, 0, 0, 4), Special("a reserved address")),
];

/// What is given out of IPv6 for public use; all else is reserved.
const PUBLIC_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Translates to the IPv4 address in its last four bytes: all that a network without IPv4 has of the old internet.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

const V6: &[(Ipv6Net, Class)] = &[
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), Special("an unspecified address")),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), Private("this machine")),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), Private("a private address")),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), Special("a link-local address")),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), Special("a multicast address")),
    // Teredo among them, which wraps any IPv4 address.
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), Special("a reserved address")),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), Special("an address for documentation")),
    // 6to4, which wraps any IPv4 address.
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), Special("an address that wraps another one")),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), Special("an address for documentation")),
];

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(parts: [u16; 8], bits: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = parts;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), bits)
}

impl Class {
    /// What an address is. One of IPv4 in the clothes of IPv6 (`::ffff:10.0.0.1`) is the IPv4 address.
    pub fn of(address: IpAddr) -> Class {
        match address.to_canonical() {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

fn of_v4(address: Ipv4Addr) -> Class {
    V4.iter().find(|(net, _)| net.contains(&address)).map_or(Class::Public, |(_, class)| *class)
}

fn of_v6(address: Ipv6Addr) -> Class {
    if NAT64.contains(&address) {
        let [.., a, b, c, d] = address.octets();
        return match of_v4(Ipv4Addr::new(a, b, c, d)) {
            Class::Public => Class::Public,
            Private(_) | Special(_) => Special("an address that wraps another one"),
        };
    }
    let listed = V6.iter().find(|(net, _)| net.contains(&address));
    match listed {
        Some((_, class)) => *class,
        None if PUBLIC_V6.contains(&address) => Class::Public,
        None => Special("a reserved address"),
    }
}
