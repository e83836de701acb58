//! The network: connections to what a call may reach, by the names that it was found by, and to nothing else.

use crate::support::{SOCKETS, Setting, load};
use perilune_component::Network;
use perilune_value::Value;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

/// `access-denied`, as the guest tells errors.
const DENIED: Value = Value::Integer(2);
const CONNECTED: Value = Value::Integer(0);

/// Names that may be looked up, and addresses with the names that they must have been found by.
struct Reach {
    names: &'static [&'static str],
    address: Ipv4Addr,
    by: Option<&'static str>,
}

impl Network for Reach {
    fn may_look_up(&self, name: &str) -> bool {
        self.names.contains(&name)
    }

    fn may_connect(&self, names: &[String], to: SocketAddr) -> bool {
        to.ip() == self.address && self.by.is_none_or(|by| names.iter().any(|name| name == by))
    }
}

async fn call(method: &str, args: &[Value], reach: Reach) -> Value {
    let program = load(SOCKETS, Some(method));
    let program = program.unwrap_or_else(|refusal| panic!("the component fits: {refusal}"));
    let mut setting = Setting::new();
    setting.network = Some(Arc::new(reach));
    setting.call(&program, args).await.unwrap()
}

fn server() -> (TcpListener, Value) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    (server, Value::Integer(port.into()))
}

fn local(port: &Value) -> Vec<Value> {
    [127, 0, 0, 1].map(Value::Integer).into_iter().chain([port.clone()]).collect()
}

const ANYBODY_AT: Reach = Reach { names: &[], address: Ipv4Addr::LOCALHOST, by: None };

#[tokio::test]
async fn an_address_that_may_be_reached_is_connected_to_and_no_other() {
    let (_server, port) = server();
    assert_eq!(call("connect", &local(&port), ANYBODY_AT).await, CONNECTED);
    let elsewhere = Reach { address: Ipv4Addr::new(192, 0, 2, 1), ..ANYBODY_AT };
    assert_eq!(call("connect", &local(&port), elsewhere).await, DENIED);
}

#[tokio::test]
async fn a_call_without_a_network_reaches_nothing_although_its_component_has_sockets() {
    let (_server, port) = server();
    let program = load(SOCKETS, Some("connect")).expect("it fits");
    assert_ne!(Setting::new().call(&program, &local(&port)).await.unwrap_or(DENIED), CONNECTED);
}

#[tokio::test]
async fn only_names_of_the_list_are_looked_up() {
    let (_server, port) = server();
    let args = [Value::from("localhost"), port];
    assert_eq!(call("connect-name", &args, ANYBODY_AT).await, DENIED);
}

#[tokio::test]
async fn an_address_is_connected_to_under_the_name_that_it_was_found_by() {
    let (_server, port) = server();
    let named = || Reach { names: &["localhost"], by: Some("localhost"), ..ANYBODY_AT };
    assert_eq!(call("connect-name", &[Value::from("localhost"), port.clone()], named()).await, CONNECTED);
    // The same address, which the call did not find by that name.
    assert_eq!(call("connect", &local(&port), named()).await, DENIED);
}

#[tokio::test]
async fn nobody_connects_to_a_component() {
    let anywhere = Reach { address: Ipv4Addr::UNSPECIFIED, ..ANYBODY_AT };
    assert_eq!(call("serve", &[], anywhere).await, DENIED);
}
