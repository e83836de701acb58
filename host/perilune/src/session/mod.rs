//! Sessions: Lua that somebody types, input after input, in one sandbox that keeps its globals.
//!
//! A session is a cell under the limits of calls. Each input is a chunk of its own, loaded into that cell and run there. After an input
//! the session keeps how the memory differs from its beginning, as for a process that hibernates: when the cell dies of an input, or
//! the input is given up, the next one goes on from there.
//!
//! | file | holds |
//! |---|---|
//! | `session.lua` | what the cell begins with: how values are shown, `require` |
//! | `code.rs` | what the session's chunks are made of: modules, and the application's code |
//! | `wording.rs` | inputs as chunks, and what they require |

mod code;
mod wording;

use crate::processes::decode;
use crate::program::Program;
use crate::runtime::{Inner, Runtime};
use code::Code;
use perilune_cell::{CallSpec, Cell, Chunk, Death, Form, Hibernated, Identity, ImportAlias, Limits};
use perilune_modules::CallContext;
use perilune_process::{Birth, Nature, Table};
use perilune_security::Authority;
use perilune_value::{Failure, Value, args_to_msgpack};
use std::sync::Arc;
use std::time::Instant;
use wording::Wording;

/// How a session begins.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// Modules that it may require; all of them without it, or those of `entry`.
    pub modules: Option<Vec<String>>,
    /// An entry that it takes the place of: its modules, imports and limits are the session's, and its value the global `entry`.
    pub entry: Option<String>,
    /// What it acts with.
    pub authority: Authority,
}

/// What becomes of an input.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It goes on in the next line.
    Incomplete,
    /// What its values look like; `None` where it has none.
    Done(Option<String>),
    /// It failed. The session goes on.
    Failed(Failure, Lost),
}

/// What a session lost when its cell ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Nothing: the cell lives.
    Nothing,
    /// What the input did: the globals are as they were before it.
    ThisInput,
    /// What so many inputs did, this one included: those before it left something open, which cannot be kept.
    Inputs(u64),
}

/// Lua that is typed, input after input: [`Runtime::session`] begins one.
pub struct Session {
    inner: Arc<Inner>,
    authority: Authority,
    code: Code,
    program: Arc<Program>,
    /// None before the first input, and after one that ended it or was given up.
    cell: Option<Cell>,
    /// What was loaded into it.
    loaded: Loaded,
    checkpoint: Option<Checkpoint>,
    /// Inputs that were run since the checkpoint.
    inputs: u64,
}

/// The application's code in a cell.
#[derive(Clone, Default)]
struct Loaded {
    /// Ids of the chunks.
    ids: Vec<String>,
    /// Names that inputs required, and what they mean.
    names: Vec<ImportAlias>,
}

struct Checkpoint {
    cell: Hibernated,
    loaded: Loaded,
}

impl Runtime {
    /// Begins a session in which somebody types Lua, under the limits of calls.
    ///
    /// # Errors
    ///
    /// `NotFound` for an entry or a module that is not there, and what loading the entry's code raised.
    pub async fn session(&self, options: SessionOptions) -> Result<Session, Failure> {
        let inner = self.inner.clone();
        let snapshot = inner.registry.snapshot();
        let (code, program) = Code::of(&inner, snapshot, options.modules, options.entry.as_deref())?;
        let (program, loaded) = (Arc::new(program), Loaded::default());
        let mut session = Session {
            inner,
            authority: options.authority,
            code,
            program,
            cell: None,
            loaded,
            checkpoint: None,
            inputs: 0,
        };
        session.cell = Some(session.fresh().await?);
        Ok(session)
    }
}

impl Session {
    /// What each input may take.
    pub fn limits(&self) -> Limits {
        self.program.limits()
    }

    /// Modules that it may require, sorted.
    pub fn modules(&self) -> &[String] {
        self.code.modules()
    }

    /// Runs an input, or says that it is not complete. `name` and `line` say where it stands: errors name them.
    ///
    /// Dropping the future gives the input up, and [`Session::recover`] tells what went with it.
    pub async fn run(&mut self, name: &str, line: usize, text: &str) -> Answer {
        let tried = self.attempt(name, line, text).await;
        match tried {
            Ok(answer) => answer,
            Err(failure) => match self.recover().await {
                Ok(lost) => Answer::Failed(failure, lost),
                Err(worse) => Answer::Failed(worse, Lost::Nothing),
            },
        }
    }

    /// Goes on after an input that was given up or ended the cell, and tells what was lost.
    ///
    /// # Errors
    ///
    /// Why there is no new cell.
    pub async fn recover(&mut self) -> Result<Lost, Failure> {
        if self.cell.is_some() {
            return Ok(Lost::Nothing);
        }
        match &self.checkpoint {
            Some(checkpoint) => {
                self.cell = Some(self.program.revive(&checkpoint.cell).await?);
                self.loaded = checkpoint.loaded.clone();
            }
            None => {
                self.cell = Some(self.fresh().await?);
                self.loaded = Loaded::default();
            }
        }
        Ok(match std::mem::take(&mut self.inputs) {
            0 | 1 => Lost::ThisInput,
            several => Lost::Inputs(several),
        })
    }

    /// The names that may follow a path of names, such as `json` or `string`: of its fields, functions with `(`.
    pub async fn names(&mut self, path: &[&str]) -> Vec<String> {
        if self.recover().await.is_err() {
            return Vec::new();
        }
        let Some(mut cell) = self.cell.take() else { return Vec::new() };
        let args: Vec<Value> = path.iter().map(|name| Value::from(*name)).collect();
        self.begin(&mut cell);
        let names = cell.run_on("names", &args_to_msgpack(&args), None).await;
        if !cell.is_dead() {
            self.cell = Some(cell);
        }
        match names.and_then(decode) {
            Ok(Value::Array(names)) => {
                names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// An answer, or the failure of an input whose cell may be gone.
    async fn attempt(&mut self, name: &str, line: usize, text: &str) -> Result<Answer, Failure> {
        self.recover().await?;
        let required = self.code.required(self.inner.pools.linker(), text, &self.loaded)?;
        // Whoever drops this future drops the cell.
        let Some(mut cell) = self.cell.take() else { return Ok(Answer::Incomplete) };
        let outcome = self.run_in(&mut cell, &Wording { name, line, text }, required).await;
        if cell.is_dead() {
            return outcome;
        }
        if let Some(image) = self.program.loaded().cloned()
            && !matches!(outcome, Ok(Answer::Incomplete))
            && let Some(kept) = cell.checkpoint(&image).await
        {
            self.checkpoint = Some(Checkpoint { cell: kept, loaded: self.loaded.clone() });
            self.inputs = 0;
        }
        if !cell.is_dead() {
            self.cell = Some(cell);
        }
        outcome
    }

    async fn run_in(
        &mut self,
        cell: &mut Cell,
        wording: &Wording<'_>,
        required: code::Required,
    ) -> Result<Answer, Failure> {
        let born = self.begin(cell);
        let dead = |death: Death| death.into_failure(self.program.name());
        let as_expression = wording.expression();
        let chunk = match cell.check(wording.name, as_expression.as_bytes()).await.map_err(dead)? {
            Ok(()) => wording.expression_chunk(),
            Err(no_expression) => {
                match cell.check(wording.name, wording.statement().as_bytes()).await.map_err(dead)? {
                    Ok(()) => wording.statements_chunk(),
                    Err(failure) if [&failure, &no_expression].into_iter().any(wording::is_unfinished) => {
                        return Ok(Answer::Incomplete);
                    }
                    Err(failure) => return Err(failure),
                }
            }
        };
        self.inputs += 1;
        if !required.chunks.is_empty() {
            cell.load(&required.chunks).await.map_err(dead)??;
            self.loaded.ids.extend(required.chunks.into_iter().map(|chunk| chunk.id));
        }
        self.loaded.names.extend(required.names);
        let imports = [code::own_import()].into_iter().chain(self.loaded.names.iter().cloned()).collect();
        let chunk = Chunk {
            id: wording.name.to_owned(),
            form: Form::Text,
            source: chunk.into_bytes(),
            modules: Vec::new(),
            imports,
            surface: None,
        };
        cell.load(&[chunk]).await.map_err(dead)??;
        let mut born = born;
        let result = cell.run_on("run", &args_to_msgpack(&[]), Some(&mut born.mailbox)).await;
        born.end_with(|| result.as_ref().map(|bytes| bytes.as_slice().into()).map_err(Clone::clone));
        Ok(Answer::Done(match decode(result?)? {
            Value::String(shown) => Some(String::from_utf8_lossy(&shown).into_owned()),
            _ => None,
        }))
    }

    /// Makes the cell ready for the next input.
    fn begin(&self, cell: &mut Cell) -> perilune_process::Born {
        let (name, began) = (self.program.name(), Instant::now());
        let born = self.inner.runs.begin(Birth {
            nature: Nature::Call,
            host: self.program.host(),
            entry: name,
            code: None,
            actor: self.authority.actor.clone(),
            parent: None,
            began,
            messages: Table::MESSAGES,
            bytes: Table::BYTES,
        });
        let context = CallContext {
            authority: self.authority.clone(),
            entry: name.clone(),
            ..CallContext::new(self.inner.modules.clone())
        };
        let identity = Identity { entry: name.clone(), pid: born.run.pid.clone() };
        cell.begin_call(CallSpec { identity, limits: self.limits(), context: Arc::new(context), began });
        born
    }

    /// A cell as the session began with.
    async fn fresh(&self) -> Result<Cell, Failure> {
        let mut cell = self.program.cell().await?;
        let _born = self.begin(&mut cell);
        self.program.finish_loading(&mut cell).await?;
        Ok(cell)
    }
}
