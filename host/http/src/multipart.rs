//! Forms with files: `multipart/form-data`.
//!
//! Small files stay in memory; what goes beyond the memory that the handler allows is put into files without a name, which are
//! gone with the form.

use crate::exchange::BodyReader;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, stream};
use http::HeaderMap;
use multer::Multipart;
use perilune_resource::stream::{Stat, Stream as ByteStream, Whence};
use perilune_value::Failure;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

/// Parts of one form. A page has a few dozen.
const MOST_PARTS: usize = 1_000;

/// Bytes that may come before a part begins, its headers included: the parser keeps them all until then.
const MOST_BETWEEN: usize = 64 << 10;

/// What a form consists of.
#[derive(Default)]
pub struct Form {
    /// Names and texts of plain fields, in order.
    pub values: Vec<(String, Vec<u8>)>,
    /// Files, in order.
    pub files: Vec<Arc<Upload>>,
}

/// A file in a form.
pub struct Upload {
    /// The name of its field.
    pub field: String,
    /// What the client calls it. It may be anything, also a path.
    pub name: String,
    headers: HeaderMap,
    content: Content,
    size: u64,
}

#[derive(Clone)]
enum Content {
    Memory(Bytes),
    /// What stands from here on in the file of the form, which all of them share: forms have many parts, and hosts few descriptors.
    Disk {
        file: Arc<Mutex<File>>,
        begin: u64,
    },
}

impl Upload {
    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// A header of its part.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name).map(|value| value.as_bytes())
    }

    /// Its content from the beginning.
    pub fn open(&self) -> Arc<dyn ByteStream> {
        Arc::new(Opened {
            content: self.content.clone(),
            size: self.size,
            position: Arc::default(),
            turn: Arc::default(),
        })
    }
}

impl Form {
    /// Reads a form, keeping so many bytes in memory.
    ///
    /// # Errors
    ///
    /// `Invalid` when the body is no form, or its fields are larger than `memory`; `Internal` when it is malformed; else as
    /// [`BodyReader::next`].
    pub async fn read(body: BodyReader, memory: usize) -> Result<Form, Failure> {
        let exchange = body.exchange().clone();
        let content_type = exchange.content_type().and_then(|value| std::str::from_utf8(value).ok());
        let boundary = multer::parse_boundary(content_type.unwrap_or_default()).map_err(|_| {
            Failure::invalid("the body is no form: its content type is not `multipart/form-data`")
        })?;
        let broken = Arc::new(Mutex::new(None));
        let between = Arc::new(AtomicUsize::new(0));
        let pieces =
            Paced { pieces: Box::pin(pieces(body, broken.clone(), between.clone())), has_come: false };
        let mut parts = Multipart::new(pieces, boundary);
        let mut reading = Reading { form: Form::default(), left: memory, disk: None, written: 0 };
        let outcome = reading.all(&mut parts, &between).await;
        // What the body failed with says more than what the parser made of it.
        if let Some(failure) = broken.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(failure);
        }
        outcome.map(|()| reading.form)
    }
}

/// The body as the parser wants it.
fn pieces(
    body: BodyReader,
    broken: Arc<Mutex<Option<Failure>>>,
    between: Arc<AtomicUsize>,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send {
    stream::try_unfold((body, broken, between), |(mut body, broken, between)| async move {
        let failed = |failure: Failure| {
            *broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
            std::io::Error::other("the body broke off")
        };
        let Some(piece) = body.next().await.map_err(failed)? else { return Ok(None) };
        if between.fetch_add(piece.len(), Ordering::Relaxed) > MOST_BETWEEN {
            let message = format!("a part of the form does not begin within {MOST_BETWEEN} bytes");
            return Err(failed(Failure::invalid(message)));
        }
        Ok(Some((piece, (body, broken, between))))
    })
}

/// A stream that is never ready twice in a row: the parser takes all that is ready before it looks at any.
struct Paced<S> {
    pieces: Pin<Box<S>>,
    has_come: bool,
}

impl<S: Stream> Stream for Paced<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        if std::mem::take(&mut self.has_come) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = self.pieces.as_mut().poll_next(context);
        self.has_come = matches!(polled, Poll::Ready(Some(_)));
        polled
    }
}

struct Reading {
    form: Form,
    /// Bytes that may still be kept in memory.
    left: usize,
    /// What the memory has no room for, one upload behind the other.
    disk: Option<Arc<Mutex<File>>>,
    /// Its bytes.
    written: u64,
}

impl Reading {
    async fn all(&mut self, parts: &mut Multipart<'_>, between: &AtomicUsize) -> Result<(), Failure> {
        while let Some(part) = parts.next_field().await.map_err(malformed)? {
            between.store(0, Ordering::Relaxed);
            if self.form.values.len() + self.form.files.len() >= MOST_PARTS {
                return Err(Failure::invalid(format!("the form has more than {MOST_PARTS} parts")));
            }
            let field = part.name().unwrap_or_default().to_owned();
            match part.file_name().map(str::to_owned) {
                Some(name) => self.file(field, name, part, between).await?,
                None => self.value(field, part, between).await?,
            }
        }
        Ok(())
    }

    async fn value(
        &mut self,
        field: String,
        mut part: multer::Field<'_>,
        between: &AtomicUsize,
    ) -> Result<(), Failure> {
        let mut value = Vec::new();
        self.take(field.len())?;
        while let Some(piece) = part.chunk().await.map_err(malformed)? {
            between.store(0, Ordering::Relaxed);
            self.take(piece.len())?;
            value.extend_from_slice(&piece);
        }
        self.form.values.push((field, value));
        Ok(())
    }

    fn take(&mut self, bytes: usize) -> Result<(), Failure> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            Failure::invalid("the fields of the form are larger than the memory allowed for them")
                .with_detail("limit", "memory")
        })?;
        Ok(())
    }

    async fn file(
        &mut self,
        field: String,
        name: String,
        mut part: multer::Field<'_>,
        between: &AtomicUsize,
    ) -> Result<(), Failure> {
        self.take(field.len() + name.len())?;
        let headers = part.headers().clone();
        let mut kept = Vec::new();
        let mut on_disk = None;
        let mut size = 0_u64;
        while let Some(piece) = part.chunk().await.map_err(malformed)? {
            between.store(0, Ordering::Relaxed);
            size += piece.len() as u64;
            match on_disk {
                None if kept.len() + piece.len() <= self.left => kept.extend_from_slice(&piece),
                None => {
                    on_disk = Some(self.written);
                    let mut begin = std::mem::take(&mut kept);
                    begin.extend_from_slice(&piece);
                    self.put(Bytes::from(begin)).await?;
                }
                Some(_) => self.put(piece).await?,
            }
        }
        self.left -= kept.len().min(self.left);
        let content = match (on_disk, &self.disk) {
            (Some(begin), Some(file)) => Content::Disk { file: file.clone(), begin },
            _ => Content::Memory(Bytes::from(kept)),
        };
        self.form.files.push(Arc::new(Upload { field, name, headers, content, size }));
        Ok(())
    }

    /// Appends to the file of the form, which has no name and is made when it is first needed.
    async fn put(&mut self, bytes: Bytes) -> Result<(), Failure> {
        let (file, more) = (self.disk.take(), bytes.len() as u64);
        let write = move || {
            let file = match file {
                Some(file) => file,
                None => Arc::new(Mutex::new(tempfile::tempfile()?)),
            };
            lock(&file).write_all(&bytes)?;
            Ok(file)
        };
        self.disk = Some(blocking(write).await?);
        self.written += more;
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::internal(format!("an uploaded file could not be kept: {error}"))
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| failed(&error)),
        Err(error) => Err(failed(&error)),
    }
}

fn malformed(error: multer::Error) -> Failure {
    Failure::internal(format!("the form is malformed: {error}"))
}

/// A file of a form, read from the beginning.
struct Opened {
    content: Content,
    size: u64,
    position: Arc<AtomicU64>,
    /// Held by the operation that moves the position.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl ByteStream for Opened {
    fn read(&self, most: usize) -> BoxFuture<'static, Result<Option<Vec<u8>>, Failure>> {
        let (content, position, turn) = (self.content.clone(), self.position.clone(), self.turn.clone());
        let size = self.size;
        async move {
            let _turn = turn.lock().await;
            let at = position.load(Ordering::Relaxed);
            let bytes = match content {
                Content::Memory(bytes) => {
                    let begin = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                    bytes[begin..bytes.len().min(begin.saturating_add(most))].to_vec()
                }
                Content::Disk { file, begin } => {
                    let most = size.saturating_sub(at).min(most as u64);
                    blocking(move || read_at(&file, begin + at, most)).await?
                }
            };
            position.store(at + bytes.len() as u64, Ordering::Relaxed);
            Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
        }
        .boxed()
    }

    fn seek(&self, whence: Whence, offset: i64) -> BoxFuture<'static, Result<u64, Failure>> {
        let (size, position, turn) = (self.size, self.position.clone(), self.turn.clone());
        async move {
            let _turn = turn.lock().await;
            let from = match whence {
                Whence::Set => 0,
                Whence::Current => position.load(Ordering::Relaxed),
                Whence::End => size,
            };
            let to = from.checked_add_signed(offset);
            let to = to.ok_or_else(|| Failure::internal("this is before the beginning of the file"))?;
            position.store(to, Ordering::Relaxed);
            Ok(to)
        }
        .boxed()
    }

    fn stat(&self) -> Stat {
        Stat {
            size: Some(self.size),
            position: self.position.load(Ordering::Relaxed),
            readable: true,
            writable: false,
            seekable: true,
        }
    }
}

fn lock(file: &Mutex<File>) -> MutexGuard<'_, File> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_at(file: &Mutex<File>, at: u64, most: u64) -> std::io::Result<Vec<u8>> {
    let mut file = lock(file);
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    (&mut *file).take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
