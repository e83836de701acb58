//! Which addresses are public.

use crate::address;
use perilune_network::Class;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[test]
fn addresses_of_the_internet_are_public() {
    for public in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2a00::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ] {
        assert_eq!(Class::of(address(public)), Class::Public, "{public}");
    }
}

#[test]
fn addresses_of_this_machine_and_its_networks_are_private() {
    for private in [
        "127.0.0.1",
        "127.255.255.255",
        "10.0.0.1",
        "10.255.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "100.127.255.255",
        "::1",
        "fc00::1",
        "fdff::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
    ] {
        assert!(matches!(Class::of(address(private)), Class::Private(_)), "{private}");
    }
}

#[test]
fn addresses_that_no_name_should_stand_for_are_special() {
    for special in [
        // Where clouds hand out credentials, in all its clothes.
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "2002:a9fe:a9fe::1",
        "::169.254.169.254",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "192.88.99.1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "3fff::1",
        "5f00::1",
        "100::1",
        "64:ff9b:1::1",
        "4000::1",
        // Private ones in wrappings that the system might take off.
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "::127.0.0.1",
        "2001:0:7f00:1::",
    ] {
        assert!(matches!(Class::of(address(special)), Class::Special(_)), "{special}");
    }
}

proptest! {
    #[test]
    fn the_clothes_of_an_address_change_nothing(bits: u32) {
        let address = Ipv4Addr::from(bits);
        prop_assert_eq!(Class::of(IpAddr::V6(address.to_ipv6_mapped())), Class::of(IpAddr::V4(address)));
    }

    #[test]
    fn only_what_was_given_out_is_public_in_ipv6(bits: u128) {
        let address = Ipv6Addr::from(bits);
        let given_out = address.segments()[0] >> 13 == 1;
        let translated = address.segments()[..2] == [0x64, 0xff9b];
        let mapped = address.to_ipv4_mapped().is_some();
        prop_assert!(given_out || translated || mapped || Class::of(address.into()) != Class::Public);
    }
}
