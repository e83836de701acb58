//! Recorded histories: as the server's tools export them, and as protobuf bytes.

use prost::Message;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions,
};
use std::error::Error;
use std::sync::LazyLock;
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::protos::temporal::api::history::v1::{
    History, WorkflowExecutionStartedEventAttributes,
};

/// A history that was recorded, of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded(pub(crate) History);

/// Why a text or bytes are no history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("[TEMPORAL_HISTORY] {0}")]
pub struct RecordedError(String);

/// The message `History`, with all that is in it.
static HISTORY: LazyLock<MessageDescriptor> = LazyLock::new(|| {
    let bytes: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/history.bin"));
    let pool = DescriptorPool::decode(bytes).expect("invariant: the build script wrote whole descriptors");
    pool.get_message_by_name("temporal.api.history.v1.History")
        .expect("invariant: it wrote this message's file")
});

impl Recorded {
    /// Reads what `temporal workflow show -o json`, the server's pages and other SDKs export (proto3 JSON), what the Rust SDK's
    /// `WorkflowHistory::to_json` gives (plain serde JSON), or protobuf bytes.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with line and column for JSON.
    pub fn read(bytes: &[u8]) -> Result<Self, RecordedError> {
        let json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        let history = if !json {
            History::decode(bytes)
                .map_err(|error| RecordedError(format!("neither JSON nor protobuf: {error}")))?
        } else if let Ok(history) = serde_json::from_slice::<History>(bytes) {
            history
        } else {
            from_json(bytes)?
        };
        let recorded = Recorded(history);
        match recorded.started() {
            Some(_) => Ok(recorded),
            None => Err(RecordedError(
                "the first event is not the start of a workflow: a history must be whole".to_owned(),
            )),
        }
    }

    /// As `temporal workflow show -o json` writes it.
    pub fn to_json(&self) -> String {
        let mut dynamic = DynamicMessage::new(HISTORY.clone());
        dynamic
            .transcode_from(&self.0)
            .expect("invariant: the descriptors are those that the type was made from");
        let mut text = Vec::new();
        let mut to = serde_json::Serializer::pretty(&mut text);
        dynamic
            .serialize_with_options(&mut to, &SerializeOptions::new())
            .expect("invariant: such a message has a JSON form, and memory can be written");
        String::from_utf8(text).expect("invariant: JSON is UTF-8")
    }

    /// Protobuf bytes: the smallest form.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.encode_to_vec()
    }

    /// What was run.
    pub fn workflow_type(&self) -> &str {
        self.started().and_then(|started| started.workflow_type.as_ref()).map_or("", |kind| &kind.name)
    }

    /// The workflow's id, where the history says it; servers before 1.24 did not.
    pub fn workflow_id(&self) -> &str {
        self.started().map_or("", |started| &started.workflow_id)
    }

    /// The run.
    pub fn run_id(&self) -> &str {
        self.started().map_or("", |started| &started.original_execution_run_id)
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.0.events.len()
    }

    /// Whether there are none; never true of one that was read.
    pub fn is_empty(&self) -> bool {
        self.0.events.is_empty()
    }

    /// The events, as [`Backend::history`](perilune_workflow::Backend::history) gives them.
    pub fn events(&self) -> Vec<perilune_workflow::Event> {
        crate::convert::event::events(self.run_id(), &self.0.events)
    }

    /// Whether the code of the workflow has done anything yet.
    pub(crate) fn has_completed_task(&self) -> bool {
        self.0.events.iter().any(|event| event.event_type() == EventType::WorkflowTaskCompleted)
    }

    fn started(&self) -> Option<&WorkflowExecutionStartedEventAttributes> {
        match self.0.events.first()?.attributes.as_ref()? {
            Attributes::WorkflowExecutionStartedEventAttributes(started) => Some(started),
            _ => None,
        }
    }
}

fn from_json(bytes: &[u8]) -> Result<History, RecordedError> {
    let mut from = serde_json::Deserializer::from_slice(bytes);
    // Newer servers have fields that this host does not know, and replay does not need.
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    let failed = |error: &dyn Error| RecordedError(format!("no history as JSON: {error}"));
    let dynamic = DynamicMessage::deserialize_with_options(HISTORY.clone(), &mut from, &options)
        .and_then(|dynamic| from.end().map(|()| dynamic))
        .map_err(|error| failed(&error))?;
    dynamic.transcode_to().map_err(|error| failed(&error))
}
