//! What the benchmarks share: a cell outside any runtime, and the floor beneath it.

use perilune_cell::{Cell, CellSpec, Chunk, Engine, EngineOptions, Guest, Host, Identity, Limits, Template};
use perilune_modules::{ALWAYS, MODULES};
use perilune_value::Failure;
use std::sync::Arc;
use std::time::Duration;

/// A host without surroundings.
struct Nothing;

impl Host for Nothing {
    fn print(&self, _cell: &Identity, _line: &[u8], _location: &str) {}

    fn send(&self, _cell: &Identity, to: &str, _topic: &str, _payloads: Vec<u8>) -> Result<(), Failure> {
        Err(Failure::not_found(to))
    }
}

/// Makes cells.
pub struct Bench {
    template: Arc<Template>,
    /// Runs their futures.
    pub runtime: tokio::runtime::Runtime,
}

impl Default for Bench {
    fn default() -> Self {
        let engine =
            Engine::new(EngineOptions { max_cells: 64, ..EngineOptions::default() }).expect("an engine");
        let guest =
            Guest::new(&engine, perilune_guest_lua::COMPONENT, ALWAYS, MODULES).expect("the guest compiles");
        let template = guest.template(["json"]).expect("the guest links");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Bench { template, runtime }
    }
}

impl Bench {
    /// A fresh cell, nothing loaded.
    pub async fn cell(&self) -> Cell {
        let limits = Limits { memory: 1 << 30, cpu: Duration::from_secs(600), timeout: None };
        let spec = CellSpec {
            identity: Identity { entry: "bench:entry".to_owned(), pid: "{bench|1}".to_owned() },
            limits,
            host: Arc::new(Nothing),
            context: Arc::new(()),
            extensions: Arc::new([]),
        };
        self.template.instantiate(spec).await.expect("a place for a cell")
    }

    /// A cell with an entry loaded.
    pub async fn loaded(&self, source: &str) -> Cell {
        let mut cell = self.cell().await;
        cell.load(&[chunk(source)]).await.expect("the cell lives").expect("the entry loads");
        cell
    }

    /// Calls `main` without limits of time.
    pub async fn main(&self, cell: &mut Cell, args: &[u8]) -> Vec<u8> {
        cell.run("main", args, None).await.expect("main returns")
    }
}

/// An entry without imports.
pub fn chunk(source: &str) -> Chunk {
    Chunk {
        id: "bench:entry".to_owned(),
        source: source.as_bytes().to_vec(),
        modules: vec!["json".to_owned()],
        imports: Vec::new(),
        surface: None,
    }
}
