//! Cells outside any runtime.

use perilune_cell::{
    Cell, CellSpec, Chunk, Engine, EngineOptions, Form, Guest, Hibernated, Host, Identity, Image, Limits,
    Pid, Template,
};
use perilune_modules::{ALWAYS, MODULES};
use std::sync::Arc;
use std::time::Duration;

/// A host without surroundings.
struct Nothing;

impl Host for Nothing {
    fn print(&self, _cell: &Identity, _line: &[u8], _location: &str) {}
}

/// Makes cells.
pub struct Cells {
    template: Arc<Template>,
}

impl Cells {
    /// With room for so many at the same time.
    ///
    /// # Errors
    ///
    /// When the machine has no room for them.
    pub fn new(max_cells: u32) -> anyhow::Result<Self> {
        let engine = Engine::new(EngineOptions { max_cells, ..EngineOptions::default() })?;
        let guest = Guest::new(&engine, perilune_guest_lua::COMPONENT, ALWAYS, MODULES)?;
        Ok(Cells { template: guest.template(["json"])? })
    }

    /// The image of an entry.
    ///
    /// # Errors
    ///
    /// When there is no place for a cell or the entry does not load.
    pub async fn image(&self, source: &str) -> anyhow::Result<Image> {
        Ok(self.template.image(Self::spec(), &[Self::chunk(source)]).await?)
    }

    /// A cell with an image's memory.
    ///
    /// # Errors
    ///
    /// When there is no place for it.
    pub async fn from_image(&self, image: &Image) -> anyhow::Result<Cell> {
        Ok(self.template.from_image(Self::spec(), image).await?)
    }

    /// A cell that goes on where it went to sleep.
    ///
    /// # Errors
    ///
    /// When there is no place for it.
    pub async fn revive(&self, hibernated: &Hibernated) -> anyhow::Result<Cell> {
        Ok(self.template.revive(hibernated).await?)
    }

    /// A cell with an entry loaded.
    ///
    /// # Errors
    ///
    /// When there is no place for it or the entry does not load.
    pub async fn loaded(&self, source: &str) -> anyhow::Result<Cell> {
        let mut cell = self.template.instantiate(Self::spec()).await?;
        cell.load(&[Self::chunk(source)]).await??;
        Ok(cell)
    }

    fn spec() -> CellSpec {
        let limits = Limits { memory: 1 << 30, cpu: Duration::from_secs(600), timeout: None };
        CellSpec {
            identity: Identity { entry: "bench:entry".into(), pid: Pid::numbered("bench".into(), 1) },
            limits,
            host: Arc::new(Nothing),
            context: Arc::new(()),
            extensions: Arc::new([]),
        }
    }

    fn chunk(source: &str) -> Chunk {
        Chunk {
            id: "bench:entry".to_owned(),
            form: Form::Text,
            source: source.as_bytes().to_vec(),
            modules: vec!["json".to_owned()],
            imports: Vec::new(),
            surface: None,
        }
    }
}
