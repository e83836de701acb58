//! Recorded runs against today's code.

use super::Application;
use crate::arguments::Host;
use crate::control::text::shown;
use crate::exit::Exit;
use crate::output;
use perilune::Replayed;
use perilune::workflow::Target;
use perilune_control::workflow::Action;
use std::path::Path;

pub(super) async fn replay(application: &Application<'_>, host: &Host, what: &str) -> Result<Exit, Exit> {
    let file = match Path::new(what).is_file() {
        true => {
            std::fs::read(what).map_err(|error| Exit::failed(format!("`{what}` cannot be read: {error}")))?
        }
        false => {
            let target = Target::from(what);
            let exported = application.ask(host, Action::Export { target }).await?;
            super::read::<String>(exported)?.into_bytes()
        }
    };
    let runtime = application.load()?;
    let replayed = runtime.replay_workflow(&file).await.map_err(|failure| Exit::of_failure(&failure))?;
    match replayed {
        Replayed::Same { events } => {
            output::line(
                format!("{what}: today's code does what the history says ({events} events)").as_bytes(),
            );
            Ok(Exit::done())
        }
        Replayed::Differs(difference) => {
            let parted = match difference.event {
                Some(id) => format!("event {id} differs"),
                None => "code and history differ".to_owned(),
            };
            let line = difference.position.map(|line| format!("\n  line      {}", shown(&line)));
            let message = format!(
                "[WF_NONDETERMINISM] {what}: {parted}\n  expected  {}\n  got       {}{}",
                shown(&difference.expected),
                shown(&difference.got),
                line.unwrap_or_default()
            );
            Err(Exit::failed(message)
                .with_help("bring back the old code, or guard the change with `workflow.version`"))
        }
        Replayed::Failed { code, message } => {
            Err(Exit::failed(format!("[{code}] {what}: the code could not be run: {}", shown(&message))))
        }
    }
}
