//! One run as a file: kept beside the code as a fixture, sent to whoever looks for a defect.

use crate::{Event, EventKind};
use serde::{Deserialize, Serialize};

/// The form of the file.
const FORMAT: u32 = 1;

/// A run that was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// The form of the file; 1.
    perilune_history: u32,
    /// The workflow.
    pub workflow_id: String,
    /// The run.
    pub run_id: String,
    /// What was run.
    pub workflow_type: String,
    /// All that happened.
    pub events: Vec<Event>,
}

/// Why a text is no recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("[WF_RECORDING] {0}")]
pub struct RecordingError(String);

impl Recording {
    /// A run's events; none where they do not begin with its start.
    pub fn of(events: Vec<Event>) -> Option<Self> {
        let EventKind::WorkflowExecutionStarted(started) = &events.first()?.kind else { return None };
        let (workflow_id, run_id) = (started.workflow_id.clone(), started.run_id.clone());
        let workflow_type = started.workflow_type.clone();
        Some(Recording { perilune_history: FORMAT, workflow_id, run_id, workflow_type, events })
    }

    /// As JSON.
    ///
    /// # Errors
    ///
    /// When memory does not suffice: everything in it has a JSON form.
    pub fn to_json(&self) -> Result<String, RecordingError> {
        serde_json::to_string_pretty(self).map_err(|error| RecordingError(error.to_string()))
    }

    /// Whether a text is meant to be a recording, whole or not.
    pub fn is_meant(text: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Head {
            perilune_history: u32,
        }
        serde_json::from_slice::<Head>(text).is_ok_and(|head| head.perilune_history > 0)
    }

    /// Reads what [`Recording::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, with line and column.
    pub fn read(text: &[u8]) -> Result<Self, RecordingError> {
        let recording: Recording =
            serde_json::from_slice(text).map_err(|error| RecordingError(format!("no recording: {error}")))?;
        if recording.perilune_history != FORMAT {
            let format = recording.perilune_history;
            let message =
                format!("the recording has format {format}, and this program knows format {FORMAT}");
            return Err(RecordingError(message));
        }
        Ok(recording)
    }
}
