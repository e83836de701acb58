//! Events survive being stored.

use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{
    ActivityOptions, Event, EventKind, Fields, Recording, ScheduleActivity, Signal, Timestamp,
};

fn kept(kind: EventKind) {
    let event = Event { id: 7, at: Timestamp(-5), position: Some("app:order:12".into()), kind };
    let bytes = rmp_serde::to_vec_named(&event).unwrap();
    assert_eq!(rmp_serde::from_slice::<Event>(&bytes).unwrap(), event);
    let text = serde_json::to_string(&event).unwrap();
    assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event, "{text}");
}

#[test]
fn a_recording_of_another_format_is_refused() {
    let text =
        br#"{"perilune_history": 2, "workflow_id": "a", "run_id": "b", "workflow_type": "c", "events": []}"#;
    assert_eq!(
        Recording::read(text).unwrap_err().to_string(),
        "[WF_RECORDING] the recording has format 2, and this program knows format 1"
    );
}

#[test]
fn values_keep_their_types() {
    let args = vec![
        Value::Integer(1),
        Value::Float(1.0),
        Value::String(vec![0, 255]),
        Value::Array(vec![Value::Nil]),
        Failure::not_found("gone").with_detail("cause", Failure::internal("deep")).into(),
    ];
    let headers = Fields::from([("who".to_owned(), Value::from("me"))]);
    kept(EventKind::WorkflowExecutionSignaled(Signal {
        name: "go".into(),
        args,
        headers,
        sender: Some("{app:host|1}".into()),
    }));
}

#[test]
fn failures_keep_what_they_say() {
    let failure =
        Failure { stack: Some("a:1".into()), retryable: None, ..Failure::new(Kind::Timeout, "late") };
    kept(EventKind::ActivityTaskFailed { seq: 3, failure: failure.clone() });
    kept(EventKind::ActivityTaskStarted {
        seq: 3,
        attempt: 2,
        started_at: Timestamp(9),
        last_failure: Some(failure.clone()),
    });
    for outcome in [Ok(Value::Nil), Err(failure)] {
        kept(EventKind::WorkflowExecutionUpdateCompleted { update_id: "u".into(), outcome });
    }
}

#[test]
fn options_keep_what_they_say() {
    kept(EventKind::ActivityTaskScheduled(Box::new(ScheduleActivity {
        seq: 1,
        activity_type: "app:charge".into(),
        args: vec![],
        headers: Fields::new(),
        activity_id: None,
        options: ActivityOptions::default(),
    })));
}
