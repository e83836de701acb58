//! The terminal of the host: standard input, output and errors, for one process at a time.
//!
//! Reading and writing block, so each has a thread of its own, which begins when it is first needed: a host whose processes
//! never read takes nothing from its input. What is written is queued within [`QUEUE`]; what is read ahead is bounded as well.

use perilune_value::{Failure, Kind};
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Bytes that wait to be written. Beyond it the writer waits: whoever reads the output decides how fast it comes.
const QUEUE: usize = 1 << 20;

/// Bytes of a piece that is read or written at once.
const PIECE: usize = 64 << 10;

/// The longest line that is read as one: a line without an end must not fill the host's memory. Longer ones can be read in pieces.
pub const LONGEST_LINE: usize = 1 << 20;

/// A script that ignores errors would write for ever to somebody who has gone away, as in `… | head -1`: so many writes may fail.
const MOST_REFUSED: u32 = 1000;

/// Where bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Output,
    /// Standard errors.
    Errors,
}

/// Sets whether the terminal hands over each key as it is pressed, without showing it.
type SetRaw = Box<dyn Fn(bool) -> io::Result<()> + Send + Sync>;

/// The terminal of a host.
pub struct Terminal {
    input: tokio::sync::Mutex<Input>,
    output: Output,
    args: Vec<String>,
    set_raw: Option<SetRaw>,
    is_attached: AtomicBool,
    hides_logs: AtomicBool,
}

impl Terminal {
    /// A terminal that is read and written through these.
    pub fn new(
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
        errors: impl Write + Send + 'static,
    ) -> Self {
        Terminal {
            input: tokio::sync::Mutex::new(Input::new(Box::new(input))),
            output: Output::new(Box::new(output), Box::new(errors)),
            args: Vec::new(),
            set_raw: None,
            is_attached: AtomicBool::new(false),
            hides_logs: AtomicBool::new(false),
        }
    }

    /// With the arguments of the command line.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = String>) -> Self {
        self.args = args.into_iter().collect();
        self
    }

    /// With a way to hand over each key as it is pressed.
    #[must_use]
    pub fn raw_by(mut self, set_raw: impl Fn(bool) -> io::Result<()> + Send + Sync + 'static) -> Self {
        self.set_raw = Some(Box::new(set_raw));
        self
    }

    /// Whether the process that has it wants no log records to be shown.
    pub fn hides_logs(&self) -> bool {
        self.hides_logs.load(Ordering::Relaxed)
    }

    /// Waits until all that was written has arrived. What can be written no more counts as arrived.
    pub async fn drain(&self) {
        // Why it could not be written was told to whoever wrote it.
        let _ = self.output.flush().await;
    }

    /// Gives it to a process, unless another one has it.
    pub fn attach(self: &Arc<Self>, hide_logs: bool) -> Option<Attached> {
        if self.is_attached.swap(true, Ordering::Acquire) {
            return None;
        }
        self.hides_logs.store(hide_logs, Ordering::Relaxed);
        Some(Attached { terminal: self.clone(), raw: Mutex::new(0), refused: AtomicU32::new(0) })
    }
}

/// The terminal in the hands of a process. Dropping it gives it back, as it was.
pub struct Attached {
    terminal: Arc<Terminal>,
    /// How often raw mode was asked for.
    raw: Mutex<u32>,
    refused: AtomicU32,
}

impl Attached {
    /// The arguments of the command line.
    pub fn args(&self) -> &[String] {
        &self.terminal.args
    }

    /// At most so many bytes, as soon as there is one; nothing at the end. Cancel-safe.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the input cannot be read.
    pub async fn read(&self, most: usize) -> Result<Option<Vec<u8>>, Failure> {
        let mut input = self.terminal.input.lock().await;
        if input.unread().is_empty() && !input.fill().await? {
            return Ok(None);
        }
        let most = input.unread().len().min(most);
        Ok(Some(input.take(most)))
    }

    /// The next line without its end, the last one with or without; nothing at the end. Cancel-safe.
    ///
    /// # Errors
    ///
    /// `RateLimited` for a line longer than [`LONGEST_LINE`], which is left to [`Attached::read`]; else as there.
    pub async fn read_line(&self) -> Result<Option<Vec<u8>>, Failure> {
        let mut input = self.terminal.input.lock().await;
        let mut seen = 0;
        loop {
            let unread = input.unread();
            if let Some(end) = unread[seen..].iter().position(|byte| *byte == b'\n') {
                let mut line = input.take(seen + end + 1);
                line.pop();
                return Ok(Some(without_return(line)));
            }
            seen = unread.len();
            if seen > LONGEST_LINE {
                let message = format!("a line is longer than {} KiB: read it in pieces", LONGEST_LINE >> 10);
                return Err(Failure::new(Kind::RateLimited, message).with_detail("limit", "line"));
            }
            if !input.fill().await? {
                return Ok((seen > 0).then(|| without_return(input.take(seen))));
            }
        }
    }

    /// Takes bytes that there is room for at once. False when there is none.
    ///
    /// # Errors
    ///
    /// `Unavailable` when nobody reads the output any more.
    pub fn offer(&self, to: Target, bytes: &[u8]) -> Result<bool, Failure> {
        self.counted(self.terminal.output.offer(to, bytes))
    }

    /// Writes bytes as there comes room for them. In the order of writes, whichever stream they go to.
    ///
    /// # Errors
    ///
    /// As [`Attached::offer`].
    pub async fn write(&self, to: Target, bytes: &[u8]) -> Result<(), Failure> {
        for piece in bytes.chunks(PIECE) {
            self.counted(self.terminal.output.write(to, piece).await)?;
        }
        Ok(())
    }

    /// Waits until all that was written has arrived.
    ///
    /// # Errors
    ///
    /// As [`Attached::offer`].
    pub async fn flush(&self) -> Result<(), Failure> {
        self.counted(self.terminal.output.flush().await)
    }

    /// Whether so many writes have failed that whoever writes does not look at errors.
    pub fn is_ignored(&self) -> bool {
        self.refused.load(Ordering::Relaxed) > MOST_REFUSED
    }

    /// Asks for raw mode, or takes that back; it ends when it was taken back as often as it was asked for.
    ///
    /// # Errors
    ///
    /// `Unavailable` where there is no terminal that has such a mode.
    pub fn raw(&self, enable: bool) -> Result<(), Failure> {
        let missing = || unavailable("the input is no terminal, which alone has a raw mode");
        let set = self.terminal.set_raw.as_ref().ok_or_else(missing)?;
        let mut count = self.raw.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = if enable { count.saturating_add(1) } else { count.saturating_sub(1) };
        if (wanted > 0) != (*count > 0) {
            set(wanted > 0).map_err(|error| unavailable(&format!("raw mode: {error}")))?;
        }
        *count = wanted;
        Ok(())
    }

    fn counted<T>(&self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        if outcome.is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        outcome
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let count = *self.raw.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = self.terminal.set_raw.as_ref().filter(|_| count > 0) {
            // A terminal that has gone away needs no mode.
            let _ = set(false);
        }
        self.terminal.hides_logs.store(false, Ordering::Relaxed);
        self.terminal.is_attached.store(false, Ordering::Release);
    }
}

fn unavailable(message: &str) -> Failure {
    Failure::new(Kind::Unavailable, message)
}

fn without_return(mut line: Vec<u8>) -> Vec<u8> {
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    line
}

/// What comes in: bytes that were read ahead, and the thread that reads more when it is asked to.
struct Input {
    source: Option<Box<dyn Read + Send>>,
    reader: Option<Reader>,
    bytes: Vec<u8>,
    /// Where in `bytes` begins what nobody has taken.
    from: usize,
}

struct Reader {
    more: mpsc::Sender<()>,
    pieces: tokio::sync::mpsc::Receiver<io::Result<Vec<u8>>>,
    /// Whether it has been asked for a piece that has not come.
    is_asked: bool,
}

impl Input {
    fn new(source: Box<dyn Read + Send>) -> Self {
        Input { source: Some(source), reader: None, bytes: Vec::new(), from: 0 }
    }

    fn unread(&self) -> &[u8] {
        &self.bytes[self.from..]
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let taken = self.unread()[..count].to_vec();
        self.from += count;
        taken
    }

    /// Adds a piece. False at the end.
    async fn fill(&mut self) -> Result<bool, Failure> {
        let gone = || unavailable("the terminal's input cannot be read any more");
        if let Some(source) = self.source.take() {
            self.reader = Some(Reader::start(source).map_err(|error| unavailable(&error.to_string()))?);
        }
        let reader = self.reader.as_mut().ok_or_else(gone)?;
        if !reader.is_asked {
            reader.more.send(()).map_err(|_| gone())?;
            reader.is_asked = true;
        }
        let piece = reader.pieces.recv().await.ok_or_else(gone)?;
        reader.is_asked = false;
        let piece = piece.map_err(|error| unavailable(&format!("the terminal's input: {error}")))?;
        self.bytes.drain(..std::mem::take(&mut self.from));
        self.bytes.extend_from_slice(&piece);
        Ok(!piece.is_empty())
    }
}

impl Reader {
    fn start(mut source: Box<dyn Read + Send>) -> io::Result<Self> {
        let (more, asked) = mpsc::channel();
        let (sender, pieces) = tokio::sync::mpsc::channel(1);
        let read = move || {
            let mut piece = vec![0; PIECE];
            while asked.recv().is_ok() {
                let read = loop {
                    match source.read(&mut piece) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        read => break read,
                    }
                };
                if sender.blocking_send(read.map(|count| piece[..count].to_vec())).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("terminal input".to_owned()).spawn(read)?;
        Ok(Reader { more, pieces, is_asked: false })
    }
}

type Sinks = (Box<dyn Write + Send>, Box<dyn Write + Send>);

/// What goes out: a queue, and the thread that empties it.
struct Output {
    sinks: Mutex<Option<Sinks>>,
    queue: OnceLock<mpsc::Sender<Command>>,
    /// Bytes that still fit into the queue.
    room: Arc<Semaphore>,
    /// Why a stream can be written no more.
    broken: Arc<Broken>,
}

#[derive(Default)]
struct Broken([OnceLock<String>; 2]);

enum Command {
    Write(Target, Vec<u8>, OwnedSemaphorePermit),
    Flush(oneshot::Sender<()>),
}

impl Broken {
    fn check(&self, to: Target) -> Result<(), Failure> {
        match self.0[to as usize].get() {
            None => Ok(()),
            Some(why) => Err(unavailable(why)),
        }
    }

    fn note(&self, to: Target, error: &io::Error) {
        let name = match to {
            Target::Output => "output",
            Target::Errors => "errors",
        };
        let why = match error.kind() {
            io::ErrorKind::BrokenPipe => "nobody reads it any more".to_owned(),
            _ => error.to_string(),
        };
        self.0[to as usize].get_or_init(|| format!("the terminal's {name}: {why}"));
    }
}

impl Output {
    fn new(output: Box<dyn Write + Send>, errors: Box<dyn Write + Send>) -> Self {
        Output {
            sinks: Mutex::new(Some((output, errors))),
            queue: OnceLock::new(),
            room: Arc::new(Semaphore::new(QUEUE)),
            broken: Arc::default(),
        }
    }

    fn offer(&self, to: Target, bytes: &[u8]) -> Result<bool, Failure> {
        self.broken.check(to)?;
        if bytes.is_empty() {
            return Ok(true);
        }
        let Ok(permit) = self.room.clone().try_acquire_many_owned(weight(bytes)) else { return Ok(false) };
        // More than the queue holds goes there in pieces.
        if bytes.len() > QUEUE {
            return Ok(false);
        }
        self.enqueue(Command::Write(to, bytes.to_vec(), permit)).map(|()| true)
    }

    async fn write(&self, to: Target, bytes: &[u8]) -> Result<(), Failure> {
        self.broken.check(to)?;
        let permit = self.room.clone().acquire_many_owned(weight(bytes)).await;
        let permit = permit.map_err(|_| unavailable("the terminal is closed"))?;
        self.broken.check(to)?;
        self.enqueue(Command::Write(to, bytes.to_vec(), permit))
    }

    async fn flush(&self) -> Result<(), Failure> {
        if self.queue.get().is_none() {
            return Ok(());
        }
        let (done, flushed) = oneshot::channel();
        self.enqueue(Command::Flush(done))?;
        flushed.await.map_err(|_| unavailable("the terminal is closed"))?;
        self.broken.check(Target::Output)?;
        self.broken.check(Target::Errors)
    }

    fn enqueue(&self, command: Command) -> Result<(), Failure> {
        if self.queue.get().is_none() {
            self.start(&mut self.sinks.lock().unwrap_or_else(PoisonError::into_inner))?;
        }
        let closed = || unavailable("the terminal is closed");
        self.queue.get().ok_or_else(closed)?.send(command).map_err(|_| closed())
    }

    fn start(&self, sinks: &mut MutexGuard<'_, Option<Sinks>>) -> Result<(), Failure> {
        let Some(sinks) = sinks.take() else { return Ok(()) };
        let (sender, commands) = mpsc::channel();
        let broken = self.broken.clone();
        std::thread::Builder::new()
            .name("terminal output".to_owned())
            .spawn(move || write_all(sinks, &commands, &broken))
            .map_err(|error| unavailable(&error.to_string()))?;
        self.queue.get_or_init(|| sender);
        Ok(())
    }
}

/// A permit for each byte; no write takes more than there are.
fn weight(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len().min(QUEUE)).unwrap_or(u32::MAX)
}

/// Carries out commands until nobody is left who could give one; flushes whenever nothing more is queued.
fn write_all((mut output, mut errors): Sinks, commands: &mpsc::Receiver<Command>, broken: &Broken) {
    let flush = |output: &mut Box<dyn Write + Send>, errors: &mut Box<dyn Write + Send>| {
        for (to, sink) in [(Target::Output, output), (Target::Errors, errors)] {
            if let Err(error) = sink.flush() {
                broken.note(to, &error);
            }
        }
    };
    let mut next = commands.recv().ok();
    while let Some(command) = next {
        match command {
            Command::Write(to, bytes, permit) => {
                let sink = if to == Target::Output { &mut output } else { &mut errors };
                if broken.check(to).is_ok()
                    && let Err(error) = sink.write_all(&bytes)
                {
                    broken.note(to, &error);
                }
                drop(permit);
            }
            Command::Flush(done) => {
                flush(&mut output, &mut errors);
                // Who has stopped waiting does not want to know.
                let _ = done.send(());
            }
        }
        next = match commands.try_recv() {
            Ok(command) => Some(command),
            Err(_) => {
                flush(&mut output, &mut errors);
                commands.recv().ok()
            }
        };
    }
}
