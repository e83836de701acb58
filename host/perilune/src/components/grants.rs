//! What a call of a component brings along: variables, directories and hosts that its entry grants and its policies allow.

use super::Callee;
use perilune_component::{Mounted, Network};
use perilune_environment::{Variable, find};
use perilune_files::Directory;
use perilune_modules::CallContext;
use perilune_network::{Host, List, Policy, Target};
use perilune_value::Failure;
use std::net::SocketAddr;
use std::sync::Arc;

/// What one call may use.
pub(super) struct Granted {
    pub(super) env: Vec<(String, String)>,
    pub(super) mounts: Vec<Mounted>,
    pub(super) network: Option<Arc<dyn Network>>,
}

impl Granted {
    /// Asks for all that an entry grants. What the call may not use fails it: a component could not tell that from what is missing.
    pub(super) async fn of(callee: &Arc<Callee>, context: &Arc<CallContext>) -> Result<Self, Failure> {
        if callee.env.is_empty() && callee.mounts.is_empty() && callee.network.is_none() {
            return Ok(Granted { env: Vec::new(), mounts: Vec::new(), network: None });
        }
        let (callee, context) = (callee.clone(), context.clone());
        // Values may be in files, and directories are opened.
        let asked = tokio::task::spawn_blocking(move || Self::ask(&callee, &context)).await;
        asked.unwrap_or_else(|_| {
            Err(Failure::internal("the host failed while it looked at what an entry grants"))
        })
    }

    fn ask(callee: &Callee, context: &Arc<CallContext>) -> Result<Self, Failure> {
        let resources = &context.host.resources;
        let mut env = Vec::new();
        for id in &callee.env {
            let (found, known_as) = find(resources, &id.to_string())?;
            context.check("env.get", &known_as)?;
            let name = if known_as.contains(':') { found.name().to_owned() } else { known_as };
            // A variable without a value is none.
            if let Some(value) = resources.get::<Variable>(&found.to_string())?.get()? {
                env.push((name, value));
            }
        }
        let mut mounts = Vec::new();
        for mount in &callee.mounts {
            let id = mount.directory.to_string();
            context.check("fs.get", &id)?;
            let directory = resources.get::<Directory>(&id)?.capability(mount.writable)?;
            mounts.push(Mounted { directory, path: mount.path.clone(), writable: mount.writable });
        }
        let network = match &callee.network {
            None => None,
            Some(own) => Some(Arc::new(Reach::new(callee, own, context)?) as Arc<dyn Network>),
        };
        Ok(Granted { env, mounts, network })
    }
}

/// What one call may reach in the network.
struct Reach {
    policy: Policy,
    context: Arc<CallContext>,
}

impl Reach {
    fn new(callee: &Callee, own: &[String], context: &Arc<CallContext>) -> Result<Self, Failure> {
        let wrong = |error| Failure::invalid(format!("{}: network.allow: {error}", callee.name()));
        let own = List::parse(own).map_err(wrong)?;
        let host = List::parse(&context.allowed().network).map_err(wrong)?;
        Ok(Reach { policy: Policy::new(Arc::new(host), Some(Arc::new(own))), context: context.clone() })
    }
}

impl Network for Reach {
    fn may_look_up(&self, name: &str) -> bool {
        Host::parse(name).is_some_and(|host| self.policy.may_look_up(&host))
    }

    fn may_connect(&self, names: &[String], to: SocketAddr) -> bool {
        let address = to.ip().to_canonical();
        let hosts = names.iter().filter_map(|name| Host::parse(name)).chain([Host::Address(address)]);
        let mut targets = hosts.map(|host| Target { host, port: to.port() });
        targets.any(|target| {
            self.policy.may_connect(&target, address).is_ok()
                && self.context.check("socket.connect", &format!("{}:{}", target.host, target.port)).is_ok()
        })
    }
}
