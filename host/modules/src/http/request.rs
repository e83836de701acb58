//! Bodies: whole, as JSON, as forms. What is kept of them for a cell is counted.

use crate::bindings::http as wit;
use crate::streams::too_much;
use perilune_cell::{CellState, Reservation};
use perilune_http::{BodyLimits, BodyReader, Exchange, Form, Upload};
use perilune_resource::in_proportion;
use perilune_value::{Failure, Kind, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Bytes that wait for the cell.
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    _reserved: Vec<Reservation>,
}

impl Held {
    pub(super) fn new(bytes: Vec<u8>, held: &Arc<perilune_cell::Held>) -> Result<Self, Failure> {
        let reserved = held.reserve(bytes.len()).ok_or_else(too_much)?;
        Ok(Held { bytes, _reserved: vec![reserved] })
    }
}

/// A form that waits for the cell.
pub(super) struct HeldForm {
    form: Form,
    /// Shared by its files: it lasts as long as one of them.
    reserved: Arc<Reservation>,
}

/// A file of a form, which the cell has a handle of.
pub(super) struct HeldUpload {
    pub(super) upload: Arc<Upload>,
    _reserved: Arc<Reservation>,
}

pub(super) fn limits(limits: wit::BodyLimits) -> BodyLimits {
    BodyLimits { most: limits.most, timeout: Duration::from_millis(limits.timeout) }
}

/// The query as a map; of several values of a name it holds all, joined by commas.
pub(super) fn joined(exchange: &Exchange) -> Value {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (name, value) in exchange.query() {
        match places.get(&*name) {
            Some(&at) => {
                let (_, joined): &mut (String, String) = &mut all[at];
                joined.push(',');
                joined.push_str(&value);
            }
            None => {
                places.insert(name.clone().into_owned(), all.len());
                all.push((name.into_owned(), value.into_owned()));
            }
        }
    }
    all.into_iter().map(|(name, value)| (name, Value::from(value))).collect()
}

/// All of a body.
pub(super) async fn whole(mut body: BodyReader, held: &Arc<perilune_cell::Held>) -> Result<Held, Failure> {
    let mut whole = Held { bytes: Vec::new(), _reserved: Vec::new() };
    while let Some(piece) = body.next().await? {
        whole._reserved.push(held.reserve(piece.len()).ok_or_else(too_much)?);
        whole.bytes.extend_from_slice(&piece);
    }
    Ok(whole)
}

/// All of a body as the MessagePack of its JSON.
pub(super) async fn json(body: BodyReader, held: &Arc<perilune_cell::Held>) -> Result<Held, Failure> {
    let text = whole(body, held).await?;
    let decoded = in_proportion(text.bytes.len(), move || json::decode_to_msgpack(&text.bytes)).await;
    let decoded = decoded.map_err(|failure| Failure {
        kind: Kind::Invalid,
        message: format!("the body is no JSON: {}", failure.message),
        ..failure
    })?;
    Held::new(decoded, held)
}

/// A body as a form, with at most so many bytes of it in memory.
pub(super) async fn form(
    body: BodyReader,
    memory: u64,
    held: &Arc<perilune_cell::Held>,
) -> Result<HeldForm, Failure> {
    let memory = body.length().map_or(memory, |length| length.min(memory));
    let memory = usize::try_from(memory).unwrap_or(usize::MAX);
    let reserved = Arc::new(held.reserve(memory).ok_or_else(too_much)?);
    Ok(HeldForm { form: Form::read(body, memory).await?, reserved })
}

/// A form as the cell sees it, its files by handle.
pub(super) fn handed_out(state: &mut CellState, held: HeldForm) -> Result<wit::Form, Failure> {
    let HeldForm { form, reserved } = held;
    let values = form.values.into_iter().map(|(name, value)| wit::FormValue { name, value }).collect();
    let mut files = Vec::with_capacity(form.files.len());
    for upload in form.files {
        let (field, name, size) = (upload.field.clone(), upload.name.clone(), upload.size());
        let file = state.handles.insert(Arc::new(HeldUpload { upload, _reserved: reserved.clone() }))?;
        files.push(wit::FormFile { field, name, size, file });
    }
    Ok(wit::Form { values, files })
}
