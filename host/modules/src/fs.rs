//! Module `fs`: directories and their files.

use crate::bindings::{Answer, answer, fs as wit};
use crate::{CallContext, streams};
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Handle, Held, Module, Reservation, Ticket};
use perilune_files::{Access, Directory, File, FileType, Item, Metadata, VirtualPath};
use perilune_resource::Stream;
use perilune_value::{Failure, Kind};
use std::sync::Arc;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "fs",
    summary: "Reads and writes the files of `fs.directory` entries.",
    classes: &[Class::Io],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Names that `readdir` gives: they cross at once, and a directory with more is not one to look through name by name.
const MOST_ITEMS: usize = 100_000;

/// What moves at once from a stream into a file, and from a file into memory.
const PIECE: usize = 256 * 1024;

/// What an open file counts for among the bytes that the host keeps for a cell: with the usual 64 MiB, 128 files are open at
/// once, a quarter of what a directory has for all cells together.
const OPEN_FILE: usize = 512 * 1024;

/// Bytes with the right to keep them.
type Whole = (Vec<u8>, Vec<Reservation>);

/// Starts an operation on a path of a directory.
fn start<T: Send + 'static, F: Future<Output = Result<T, Failure>> + Send + 'static>(
    state: &mut CellState,
    of: Handle,
    current: &str,
    path: &[u8],
    operation: impl FnOnce(Arc<Directory>, VirtualPath) -> F + Send + 'static,
) -> wasmtime::Result<Ticket> {
    let directory = state.handles.get::<Directory>(of, "directory");
    let path = match std::str::from_utf8(path) {
        Ok(path) => VirtualPath::parse_from(current, path),
        Err(_) => {
            let shown = perilune_registry::quote(&String::from_utf8_lossy(path));
            Err(Failure::invalid(format!("the path {shown} is not UTF-8")))
        }
    };
    state.tickets.start(async move { operation(directory?, path?).await })
}

/// All of a file. What is kept of it is counted before it is read: a sparse file is larger than any disk.
async fn read_whole(file: &File, held: &Arc<Held>) -> Result<Whole, Failure> {
    let size = usize::try_from(file.metadata().await?.size).unwrap_or(usize::MAX);
    let mut reserved = vec![held.reserve(size).ok_or_else(streams::too_much)?];
    let mut bytes = Vec::with_capacity(size);
    while let Some(piece) = file.read(PIECE).await? {
        // It may grow meanwhile.
        if bytes.len() + piece.len() > size {
            reserved.push(held.reserve(piece.len()).ok_or_else(streams::too_much)?);
        }
        bytes.extend(piece);
    }
    Ok((bytes, reserved))
}

async fn copy(source: &dyn Stream, file: &File) -> Result<(), Failure> {
    while let Some(piece) = source.read(PIECE).await? {
        file.write(piece).await?;
    }
    Ok(())
}

fn of_access(access: wit::Access) -> Access {
    match access {
        wit::Access::R => Access::Read,
        wit::Access::W => Access::Write,
        wit::Access::Wx => Access::Create,
        wit::Access::A => Access::Append,
    }
}

fn of_type(file_type: FileType) -> wit::FileType {
    match file_type {
        FileType::File => wit::FileType::File,
        FileType::Directory => wit::FileType::Dir,
        FileType::Link => wit::FileType::Link,
        FileType::Other => wit::FileType::Other,
    }
}

fn described(metadata: Metadata) -> wit::Metadata {
    wit::Metadata {
        size: metadata.size,
        mode: metadata.mode,
        modified: metadata.modified_seconds(),
        is_dir: metadata.file_type == FileType::Directory,
        type_: of_type(metadata.file_type),
        name: metadata.name,
    }
}

impl wit::Host for CellState {
    fn start_get(&mut self, id: String) -> wasmtime::Result<Ticket> {
        let context = CallContext::of(self)?;
        let allowed = context.check("fs.get", &id);
        let resources = context.host.resources.clone();
        self.tickets.start(async move {
            allowed?;
            // What its fields refer to may have to be read from files.
            let found = tokio::task::spawn_blocking(move || resources.get::<Directory>(&id)).await;
            let directory = found.map_err(|_| Failure::internal("the host failed to open the directory"))??;
            directory.ready().await?;
            Ok(directory)
        })
    }

    fn take_get(&mut self, ticket: Ticket) -> Answer<Handle> {
        let taken = self.tickets.take::<Arc<Directory>>(ticket)?;
        // A process that runs for months may ask for the same directory again and again.
        answer(taken.and_then(|directory| match self.handles.find(&directory) {
            Some(handle) => Ok(handle),
            None => self.handles.insert(directory),
        }))
    }

    fn start_enter(&mut self, of: Handle, current: String, path: Vec<u8>) -> wasmtime::Result<Ticket> {
        start(self, of, &current, &path, |directory, path| async move {
            match directory.metadata(&path).await?.file_type {
                FileType::Directory => Ok(path.to_string()),
                _ => Err(Failure::invalid(format!("{} is no directory", perilune_registry::quote(&path.to_string())))),
            }
        })
    }

    fn take_enter(&mut self, ticket: Ticket) -> Answer<String> {
        Ok(self.tickets.take(ticket)?.map_err(failure_to_wit))
    }

    fn start_open(
        &mut self,
        of: Handle,
        current: String,
        path: Vec<u8>,
        access: wit::Access,
    ) -> wasmtime::Result<Ticket> {
        let held = self.held.clone();
        start(self, of, &current, &path, move |directory, path| async move {
            let reserved = held.reserve(OPEN_FILE).ok_or_else(|| {
                let message = "too many files are open for the cell's `limits.memory`: close some";
                Failure::new(Kind::RateLimited, message).with_detail("limit", "files")
            })?;
            Ok(directory.open(&path, of_access(access)).await?.holding(reserved))
        })
    }

    fn take_open(&mut self, ticket: Ticket) -> Answer<Handle> {
        let taken = self.tickets.take::<File>(ticket)?;
        answer(taken.and_then(|file| streams::open(self, Arc::new(file))))
    }

    fn start_stat(&mut self, of: Handle, current: String, path: Vec<u8>) -> wasmtime::Result<Ticket> {
        start(self, of, &current, &path, |directory, path| async move { directory.metadata(&path).await })
    }

    fn take_stat(&mut self, ticket: Ticket) -> Answer<wit::Metadata> {
        Ok(self.tickets.take(ticket)?.map(described).map_err(failure_to_wit))
    }

    fn start_list(&mut self, of: Handle, current: String, path: Vec<u8>) -> wasmtime::Result<Ticket> {
        let held = self.held.clone();
        start(self, of, &current, &path, |directory, path| async move {
            let items = directory.list(&path, MOST_ITEMS).await?;
            let bytes = items.iter().map(|item| size_of::<Item>() + item.name.len()).sum();
            let reserved = held.reserve(bytes).ok_or_else(streams::too_much)?;
            Ok((items, reserved))
        })
    }

    fn take_list(&mut self, ticket: Ticket) -> Answer<Vec<wit::Item>> {
        let taken = self.tickets.take::<(Vec<Item>, Reservation)>(ticket)?;
        let item = |item: Item| wit::Item { name: item.name, type_: of_type(item.file_type) };
        Ok(taken.map(|(items, _)| items.into_iter().map(item).collect()).map_err(failure_to_wit))
    }

    fn start_mkdir(&mut self, of: Handle, current: String, path: Vec<u8>) -> wasmtime::Result<Ticket> {
        start(self, of, &current, &path, |directory, path| async move {
            directory.create_directory(&path).await
        })
    }

    fn take_mkdir(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take(ticket)?.map_err(failure_to_wit))
    }

    fn start_remove(&mut self, of: Handle, current: String, path: Vec<u8>) -> wasmtime::Result<Ticket> {
        start(self, of, &current, &path, |directory, path| async move { directory.remove(&path).await })
    }

    fn take_remove(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take(ticket)?.map_err(failure_to_wit))
    }

    fn start_read_file(&mut self, of: Handle, current: String, path: Vec<u8>) -> wasmtime::Result<Ticket> {
        let held = self.held.clone();
        start(self, of, &current, &path, |directory, path| async move {
            read_whole(&directory.open(&path, Access::Read).await?, &held).await
        })
    }

    fn take_read_file(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        let taken = self.tickets.take::<Whole>(ticket)?;
        Ok(taken.map(|(bytes, _)| bytes).map_err(failure_to_wit))
    }

    fn start_write_file(
        &mut self,
        of: Handle,
        current: String,
        path: Vec<u8>,
        access: wit::Access,
        data: Vec<u8>,
    ) -> wasmtime::Result<Ticket> {
        let held = self.hold(data.len())?;
        start(self, of, &current, &path, move |directory, path| async move {
            let _held = held;
            directory.open(&path, of_access(access)).await?.write(data).await
        })
    }

    fn take_write_file(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take(ticket)?.map_err(failure_to_wit))
    }

    fn start_copy_file(
        &mut self,
        of: Handle,
        current: String,
        path: Vec<u8>,
        access: wit::Access,
        source: Handle,
    ) -> wasmtime::Result<Ticket> {
        let source = streams::find(self, source);
        start(self, of, &current, &path, move |directory, path| async move {
            let source = source?;
            copy(&*source, &directory.open(&path, of_access(access)).await?).await
        })
    }

    fn take_copy_file(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take(ticket)?.map_err(failure_to_wit))
    }

    fn start_stat_file(&mut self, file: Handle) -> wasmtime::Result<Ticket> {
        let file = streams::find_as::<File>(self, file, "file");
        self.tickets.start(async move { file?.metadata().await })
    }

    fn take_stat_file(&mut self, ticket: Ticket) -> Answer<wit::Metadata> {
        Ok(self.tickets.take(ticket)?.map(described).map_err(failure_to_wit))
    }

    fn start_sync_file(&mut self, file: Handle) -> wasmtime::Result<Ticket> {
        let file = streams::find_as::<File>(self, file, "file");
        self.tickets.start(async move { file?.sync().await })
    }

    fn take_sync_file(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take(ticket)?.map_err(failure_to_wit))
    }
}
