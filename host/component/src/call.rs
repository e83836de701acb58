//! What one call of a component brings along.

use cap_std::fs::Dir;
use futures_util::future::BoxFuture;
use perilune_cell::{Host, Identity, Inbox, Limits};
use perilune_value::Failure;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// What a component is called for. It matters to commands alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A result: a command reads its arguments as JSON from stdin and writes its result as JSON to stdout.
    Result,
    /// What it does: a command gets its arguments as such, and what it writes to stdout is printed.
    Effect,
}

/// One call.
pub struct Call {
    /// Whose call it is.
    pub identity: Identity,
    /// What it may use.
    pub limits: Limits,
    /// When the caller began to wait: the wall-clock limit counts from here.
    pub began: Instant,
    /// Who prints its lines.
    pub host: Arc<dyn Host>,
    /// What a command is run for.
    pub purpose: Purpose,
    /// MessagePack, an array of values.
    pub args: Vec<u8>,
    /// Variables of its environment.
    pub env: Vec<(String, String)>,
    /// Directories that it sees.
    pub mounts: Vec<Mounted>,
    /// What it may reach; nothing where there is none.
    pub network: Option<Arc<dyn Network>>,
    /// What it does to other runs.
    pub peers: Arc<dyn Peers>,
    /// Its messages, and the end that somebody else puts to it.
    pub inbox: Inbox,
    /// Set when it has computed for a whole tick, so that its driver may move it to where it disturbs nobody.
    pub ticked: Arc<AtomicBool>,
}

/// A directory that a component sees.
#[derive(Debug)]
pub struct Mounted {
    /// On the machine.
    pub directory: Dir,
    /// Where the component finds it.
    pub path: String,
    /// Whether it may change what lies there.
    pub writable: bool,
}

/// What a component may reach in the network.
pub trait Network: Send + Sync {
    /// Whether the addresses of a name may be asked for.
    fn may_look_up(&self, name: &str) -> bool;

    /// Whether a connection may be made. `names` are those that the component has looked up and that had this address.
    fn may_connect(&self, names: &[String], to: SocketAddr) -> bool;
}

/// What a run does to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Asks it to end by itself.
    Cancel(Option<String>),
    /// Ends it.
    Terminate,
    /// Learns of its end, or no longer.
    Monitor(bool),
    /// Fails with it, or no longer.
    Link(bool),
}

/// The other runs, as one of them sees them. Arguments and payloads are MessagePack, arrays of values.
pub trait Peers: Send + Sync {
    /// Puts a message into a mailbox.
    fn send(&self, to: String, topic: String, payloads: Vec<u8>) -> BoxFuture<'static, Result<(), Failure>>;

    /// Starts a process and gives its pid.
    fn spawn(
        &self,
        entry: String,
        host: String,
        args: Vec<u8>,
    ) -> BoxFuture<'static, Result<String, Failure>>;

    /// Calls an entry; MessagePack, one value, is its result. Dropping the future ends the callee.
    fn call(
        &self,
        target: String,
        args: Vec<u8>,
        timeout: Option<Duration>,
    ) -> BoxFuture<'static, Result<Vec<u8>, Failure>>;

    /// Does something to another run.
    fn act(&self, whom: &str, act: Act) -> Result<(), Failure>;

    /// Whether failures of linked runs are events from now on.
    fn trap_links(&self, trap: bool);

    /// Gives this run a name.
    fn register(&self, name: &str) -> Result<(), Failure>;

    /// Takes a name from this run; false when it does not have it.
    fn unregister(&self, name: &str) -> Result<bool, Failure>;

    /// The pid of the run that has a name.
    fn lookup(&self, name: &str) -> Result<String, Failure>;

    /// The run waits for a message or a result from now on, with so many bytes of memory.
    fn waits(&self, memory: usize);

    /// It has one, and computes as soon as this is done.
    fn goes_on(&self) -> BoxFuture<'static, Result<(), Failure>>;
}
