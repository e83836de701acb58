//! `perilune workflow …`: durable workflows of an application, whether it runs or not.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | the commands, and whom they ask |
//! | `list.rs`, `show.rs` | runs, and one of them, as text |
//! | `replay.rs` | recorded runs against today's code |

mod list;
mod replay;
mod show;

use crate::arguments::{Host, What, Which, Workflow};
use crate::control::json;
use crate::exit::Exit;
use crate::{application, output};
use perilune::Runtime;
use perilune::workflow::{Filter, Status, Target};
use perilune_control::workflow::{About, Action, OfHost, Shown, Whose, perform};
use perilune_control::{ControlError, Order};
use perilune_settings::Settings;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;

/// Whom the commands ask.
struct Application<'a> {
    directory: &'a Path,
    settings: &'a Settings,
}

pub(crate) async fn workflow(directory: &Path, settings: &Settings, command: Workflow) -> Exit {
    if let Err(exit) = application::check(directory) {
        return exit;
    }
    let application = Application { directory, settings };
    match carry_out(&application, command).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn carry_out(application: &Application<'_>, command: Workflow) -> Result<Exit, Exit> {
    let text: String = match command {
        Workflow::List { host, workflow_type, status, prefix, limit, format } => {
            let status = status.and_then(|status| Status::ALL.into_iter().find(|one| one.as_str() == status));
            let filter = Filter { workflow_type, status, id_prefix: prefix, limit, after: None };
            let lists = application.ask(&host, Action::List { filter }).await?;
            let answered = read::<Vec<OfHost>>(lists.clone())?;
            let text = match format.json {
                true => lists.to_string(),
                false => list::render(&answered, output::stdout_color()),
            };
            output::line(text.as_bytes());
            let is_whole = answered.iter().all(|list| list.problem.is_none());
            return Ok(if is_whole { Exit::done() } else { Exit::code(1) });
        }
        Workflow::Start { id, entry, values } => {
            let values = json(&values).map_err(Exit::usage)?;
            read(application.ask(&Host { host: None }, Action::Start { entry, id, values }).await?)?
        }
        Workflow::Show { which, json } => {
            let (host, target) = which.meant();
            match json {
                true => read(application.ask(&host, Action::Export { target }).await?)?,
                false => show::render(
                    &read::<Shown>(application.ask(&host, Action::Show { target }).await?)?,
                    output::stdout_color(),
                ),
            }
        }
        Workflow::Signal { which, what } => {
            let (host, target) = which.meant();
            let (name, values) = what.meant()?;
            application.ask(&host, Action::Signal { target, name, values }).await?;
            return Ok(Exit::done());
        }
        Workflow::Query { which, what } => {
            let (host, target) = which.meant();
            let (name, values) = what.meant()?;
            application.ask(&host, Action::Query { target, name, values }).await?.to_string()
        }
        Workflow::Update { which, what } => {
            let (host, target) = which.meant();
            let (name, values) = what.meant()?;
            application.ask(&host, Action::Update { target, name, values }).await?.to_string()
        }
        Workflow::Cancel { which, reason } => {
            let (host, target) = which.meant();
            application.ask(&host, Action::Cancel { target, reason }).await?;
            return Ok(Exit::done());
        }
        Workflow::Terminate { which, reason } => {
            let (host, target) = which.meant();
            application.ask(&host, Action::Terminate { target, reason }).await?;
            return Ok(Exit::done());
        }
        Workflow::Replay { host, what } => return replay::replay(application, &host, &what).await,
    };
    output::line(text.as_bytes());
    Ok(Exit::done())
}

impl Which {
    /// The host and the run: a pid names both.
    fn meant(self) -> (Host, Target) {
        let Which { host, run: run_id, id } = self;
        let pid = id.strip_prefix('{').and_then(|id| id.strip_suffix('}')).and_then(|id| id.split_once('|'));
        match pid {
            Some((of, id)) => {
                let host = Host { host: host.host.or_else(|| Some(of.to_owned())) };
                (host, Target { workflow_id: id.to_owned(), run_id })
            }
            None => (host, Target { workflow_id: id, run_id }),
        }
    }
}

impl What {
    fn meant(self) -> Result<(String, Vec<Value>), Exit> {
        Ok((self.name, json(&self.values).map_err(Exit::usage)?))
    }
}

impl Application<'_> {
    /// Asks the application that runs; where none does, looks into the one that is there.
    async fn ask(&self, host: &Host, action: Action) -> Result<Value, Exit> {
        let about = About { host: host.host.clone(), action };
        let order = Order::Workflow { about: about.clone() };
        match perilune_control::ask::<Value>(self.directory, &order) {
            Err(ControlError::NotRunning(_) | ControlError::Unsupported) => {}
            answer => {
                return answer.map_err(|error| Exit::failed(format!("{error} [{}]", error.code())));
            }
        }
        let runtime = self.load()?;
        perform(&runtime, &about, Whose::AtRest).await.map_err(|failure| Exit::of_failure(&failure))
    }

    fn load(&self) -> Result<Runtime, Exit> {
        application::load(self.directory, self.settings, None)
    }
}

fn read<T: DeserializeOwned>(answer: Value) -> Result<T, Exit> {
    serde_json::from_value(answer).map_err(|error| {
        Exit::failed(format!("the application answers something else than this program expects: {error}"))
    })
}
