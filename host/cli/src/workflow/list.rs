//! Runs, as text.

use super::show::moment;
use crate::control::table::Table;
use crate::control::text::{shown, time};
use perilune::workflow::Summary;
use perilune_control::workflow::OfHost;

/// A run a line; hosts only where there are several.
pub(super) fn render(lists: &[OfHost], color: bool) -> String {
    let several = lists.len() > 1;
    let mut table = Table::new(["ID", "TYPE", "STATUS", "STARTED", "TOOK", "EVENTS", "RUN"]);
    let mut notes = Vec::new();
    for list in lists {
        for run in &list.page.runs {
            table.add(line(run, several.then_some(list.host.as_str())));
        }
        if let Some(problem) = &list.problem {
            notes.push(format!("{}: {}", list.host, shown(problem)));
        }
        if list.page.next.is_some() {
            notes.push(format!("{}: there are more; ask for them with --limit", list.host));
        }
    }
    std::iter::once(table.render(color)).chain(notes).collect::<Vec<_>>().join("\n")
}

fn line(run: &Summary, host: Option<&str>) -> [String; 7] {
    let id = match host {
        Some(host) => format!("{{{host}|{}}}", run.workflow_id),
        None => run.workflow_id.clone(),
    };
    let took = run.closed_at.map(|closed| closed.since(run.started_at));
    let took = took.and_then(|took| u64::try_from(took.as_millis()).ok());
    [
        shown(&id),
        shown(&run.workflow_type),
        run.status.as_str().to_owned(),
        moment(run.started_at),
        took.map_or_else(|| "-".to_owned(), time),
        run.history_length.to_string(),
        shown(&run.run_id),
    ]
}
