//! What databases promise, as tests against real ones.

mod behaviour;
mod cancelling;
mod mysql;
mod params;
mod paths;
mod postgres;
mod quick;
mod servers;
mod sqlite;
mod support;
mod tls;
mod transactions;
