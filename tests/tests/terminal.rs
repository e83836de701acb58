//! Module `io` and `terminal.host`: what a process reads and writes, and who has no terminal.

use perilune::{Failure, Kind, LONGEST_LINE, Terminal, Value};
use perilune_tests::{App, PATIENCE};
use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::sync::{Arc, Mutex};

const ENTRIES: &str = "version: '1.0'
namespace: app
entries:
  - {name: screen, kind: terminal.host, hide_logs: true}
  - {name: host, kind: process.host}
  - {name: main, kind: process.lua, source: 'file://main.lua', method: main, modules: [io, funcs, time], meta: {command: {name: main}}}
  - {name: tries, kind: function.lua, source: 'file://tries.lua', method: main, modules: [io]}
  - {name: trier, kind: process.lua, source: 'file://tries.lua', method: main, modules: [io]}
  - {name: start, kind: function.lua, source: 'return function(id) return process.exec(id, \"app:screen\") end', method: main}
";

/// Tries everything, and says what each attempt failed with.
const TRIES: &str = "local io = require('io')
return function()
  local failed = {}
  for _, name in ipairs({ 'write', 'print', 'eprint', 'read', 'readline', 'flush', 'raw' }) do
    local _, err = io[name]()
    failed[#failed + 1] = name .. '=' .. (err and err:kind() or 'fine')
  end
  return table.concat(failed, ' ') .. ' args=' .. #io.args()
end";

const NOTHING: &str = "write=Unavailable print=Unavailable eprint=Unavailable read=Unavailable \
                       readline=Unavailable flush=Unavailable raw=Unavailable args=0";

/// Bytes that were written, for whoever looks later.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no writer panics").clone()).expect("it is UTF-8")
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn app_of(yaml: &str, body: &str, terminal: Terminal) -> (App, Arc<Terminal>) {
    let main = format!(
        "local io, funcs, time = require('io'), require('funcs'), require('time')\nreturn function(...)\n{body}\nend"
    );
    let terminal = Arc::new(terminal);
    let given = terminal.clone();
    let files = [("app.yaml", yaml), ("main.lua", main.as_str()), ("tries.lua", TRIES)];
    (App::with(&files, |builder| builder.terminal(given)), terminal)
}

fn app(body: &str, terminal: Terminal) -> (App, Arc<Terminal>) {
    app_of(ENTRIES, body, terminal)
}

async fn run(app: &App) -> Result<Value, Failure> {
    tokio::time::timeout(PATIENCE, app.runtime.run_command("main", &[])).await.expect("it ends")
}

/// What the command returned, and what it wrote to either stream.
async fn ran(
    body: &str,
    input: impl AsRef<[u8]> + Send + 'static,
) -> (Result<Value, Failure>, String, String) {
    let (output, errors) = (Written::default(), Written::default());
    let terminal = Terminal::new(Cursor::new(input), output.clone(), errors.clone())
        .args(["one".to_owned(), "-x".to_owned()]);
    let (app, terminal) = app(body, terminal);
    let result = run(&app).await;
    terminal.drain().await;
    (result, output.text(), errors.text())
}

async fn returned(body: &str, input: impl AsRef<[u8]> + Send + 'static) -> Value {
    ran(body, input).await.0.expect("the command succeeds")
}

#[tokio::test]
async fn lines_are_read_without_their_ends_until_the_end() {
    let body = "local lines = {}
      while true do
        local line, err = io.readline()
        if not line then return table.concat(lines, '|') .. ' ' .. err:kind() .. ' ' .. err:message() end
        lines[#lines + 1] = line
      end";
    assert_eq!(returned(body, "one\r\n\ntwo words\nlast").await, "one||two words|last NotFound EOF".into());
    assert_eq!(returned(body, "").await, " NotFound EOF".into());
}

#[tokio::test]
async fn bytes_are_read_in_pieces_of_any_size() {
    let body = "local first, rest = io.read(3), {}
      while true do
        local piece = io.read()
        if not piece then return first .. '|' .. #table.concat(rest) end
        assert(#piece <= 1024)
        rest[#rest + 1] = piece
      end";
    assert_eq!(returned(body, vec![b'x'; 200_000]).await, "xxx|199997".into());
    let body = "for _, bad in ipairs({ 0, -1, 1.5, 1048577, 'x', {} }) do
        local none, err = io.read(bad)
        assert(none == nil and err:kind() == errors.INVALID, tostring(bad))
      end";
    returned(body, "unread").await;
}

#[tokio::test]
async fn what_is_written_arrives_in_order_on_its_stream() {
    let body = "assert(io.write('a', 1, nil, true) == true)
      assert(io.print('b', 2.5, nil))
      assert(io.print() and io.eprint('wrong', '\\255'))
      assert(io.flush() == true)
      assert(io.write() and io.write(''))";
    let (output, errors) = (Written::default(), Written::default());
    let (app, terminal) = app(body, Terminal::new(io::empty(), output.clone(), errors.clone()));
    run(&app).await.expect("the command succeeds");
    terminal.drain().await;
    assert_eq!(output.text(), "a1niltrueb\t2.5\tnil\n\n");
    assert_eq!(*errors.0.lock().expect("no writer panics"), b"wrong\t\xff\n");
}

#[tokio::test]
async fn arguments_are_those_of_the_command_line() {
    assert_eq!(returned("return table.concat(io.args(), ' ')", "").await, "one -x".into());
}

#[tokio::test]
async fn reading_holds_up_only_its_own_coroutine() {
    let (input, mut typed) = io::pipe().expect("a pipe");
    let (shown, output) = io::pipe().expect("a pipe");
    let body = "local line = channel.new(1)
      coroutine.spawn(function() line:send(io.readline()) end)
      for i = 1, 3 do time.sleep('1ms') io.print('alive', i) end
      return line:receive()";
    let (app, _) = app(body, Terminal::new(input, output, io::sink()));
    let typing = tokio::task::spawn_blocking(move || {
        let lines: Vec<_> = BufReader::new(shown).lines().take(3).map_while(Result::ok).collect();
        typed.write_all(b"typed\n").expect("somebody reads");
        lines
    });
    assert_eq!(run(&app).await, Ok("typed".into()));
    assert_eq!(typing.await.expect("it ends"), ["alive\t1", "alive\t2", "alive\t3"]);
}

#[tokio::test]
async fn a_line_without_an_end_is_refused_and_can_be_read_in_pieces() {
    let body = "local none, err = io.readline()
      assert(none == nil and err:kind() == errors.RATE_LIMITED and err:details().limit == 'line', tostring(err))
      local size = 0
      while true do
        local piece = io.read(1048576)
        if not piece then return size end
        size = size + #piece
      end";
    assert_eq!(returned(body, vec![b'x'; 3 * LONGEST_LINE]).await, Value::from(3 * LONGEST_LINE as i64));
    let body = "return #io.readline()";
    let mut line = vec![b'x'; LONGEST_LINE];
    line.push(b'\n');
    assert_eq!(returned(body, line).await, Value::from(LONGEST_LINE as i64));
}

#[tokio::test]
async fn a_writer_waits_for_whoever_reads() {
    let (mut shown, output) = io::pipe().expect("a pipe");
    let body = "for i = 1, 50 do assert(io.write(('x'):rep(100000))) end
      assert(io.write(('y'):rep(3000000)))
      return 'done'";
    let (app, terminal) = app(body, Terminal::new(io::empty(), output, io::sink()));
    let reading = tokio::task::spawn_blocking(move || {
        let mut all = vec![0; 8_000_000];
        shown.read_exact(&mut all).map(|()| all)
    });
    assert_eq!(run(&app).await, Ok("done".into()));
    terminal.drain().await;
    let all = reading.await.expect("it ends").expect("all comes");
    assert!(
        all[..5_000_000].iter().all(|byte| *byte == b'x')
            && all[5_000_000..].iter().all(|byte| *byte == b'y')
    );
}

#[tokio::test]
async fn a_reader_that_goes_away_is_an_error_and_who_ignores_it_is_ended() {
    let closed = || {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        Terminal::new(io::empty(), writer, io::sink())
    };
    let body = "io.print('lost')
      local none, err = io.flush()
      assert(none == nil and err:kind() == errors.UNAVAILABLE, tostring(err))
      none, err = io.print('more')
      assert(none == nil and err:kind() == errors.UNAVAILABLE, tostring(err))
      assert(io.eprint('the other stream works'))
      return err:message()";
    let (app, _) = app(body, closed());
    assert_eq!(run(&app).await, Ok("the terminal's output: nobody reads it any more".into()));
    let (app, _) = self::app("while true do io.print('y') coroutine.yield() end", closed());
    let failure = run(&app).await.expect_err("it is ended");
    assert_eq!(failure.message, "process ended: it went on writing to a terminal that is closed");
}

#[tokio::test]
async fn only_the_process_itself_has_its_terminal() {
    let body = "local lines = { (funcs.call('app:tries')), (process.exec('app:trier', 'app:host')) }
      lines[3] = io.readline()
      return table.concat(lines, '\\n')";
    let expected = format!("{NOTHING}\n{NOTHING}\nmine");
    assert_eq!(returned(body, "mine\n").await, expected.into());
}

#[tokio::test]
async fn without_a_terminal_everything_says_so() {
    let app = App::new(&[("app.yaml", ENTRIES), ("main.lua", "return {}"), ("tries.lua", TRIES)]);
    for target in ["app:tries", "app:trier"] {
        assert_eq!(app.call(target, &[]).await, Ok(NOTHING.into()));
    }
    assert_eq!(app.call("app:start", &["app:trier".into()]).await, Ok(NOTHING.into()));
    let yaml = ENTRIES.replace("  - {name: screen, kind: terminal.host, hide_logs: true}\n", "");
    let terminal = Terminal::new(Cursor::new("secret\n"), io::sink(), io::sink());
    let (app, _) = app_of(&yaml, "local _, err = io.readline() return err:kind()", terminal);
    assert_eq!(
        run(&app).await,
        Ok("Unavailable".into()),
        "a command runs by itself where there is no such host"
    );
}

#[tokio::test]
async fn a_terminal_host_runs_one_process_at_a_time() {
    let body = "local none, err = process.spawn('app:trier', 'app:screen')
      assert(none == nil and err:kind() == errors.RATE_LIMITED and err:details().limit == 'max_processes', tostring(err))
      return io.readline()";
    let terminal = Terminal::new(Cursor::new("one\ntwo\n"), io::sink(), io::sink());
    let (app, terminal) = app(body, terminal);
    assert_eq!(run(&app).await, Ok("one".into()));
    assert_eq!(run(&app).await, Ok("two".into()), "what one has not read is there for the next");
    assert!(!terminal.hides_logs());
}

#[tokio::test]
async fn logs_are_hidden_while_the_process_has_the_terminal() {
    let (input, mut typed) = io::pipe().expect("a pipe");
    let (shown, output) = io::pipe().expect("a pipe");
    let (app, terminal) =
        app("io.print('ready') return io.readline()", Terminal::new(input, output, io::sink()));
    assert!(!terminal.hides_logs());
    let seen = terminal.clone();
    let typing = tokio::task::spawn_blocking(move || {
        let ready = BufReader::new(shown).lines().next();
        let hidden = ready.is_some() && seen.hides_logs();
        typed.write_all(b"go on\n").expect("somebody reads");
        hidden
    });
    assert_eq!(run(&app).await, Ok("go on".into()));
    assert!(typing.await.expect("it ends") && !terminal.hides_logs());
}

#[tokio::test]
async fn among_several_terminal_hosts_one_is_named() {
    let yaml = format!("{ENTRIES}  - {{name: other, kind: terminal.host}}\n");
    let terminal = Terminal::new(Cursor::new("line\n"), io::sink(), io::sink());
    let (app, _) = app_of(&yaml, "return process.pid():match('^{(.*)|') .. ' ' .. io.readline()", terminal);
    let failure = run(&app).await.expect_err("nobody can choose");
    assert_eq!(failure.kind, Kind::Invalid);
    insta::assert_snapshot!(failure.message, @"the application has several hosts with a terminal: say which of app:other, app:screen is to run the command");
    let on = async |host| app.runtime.run_command_on(Some(host), Default::default(), "main", &[]).await;
    assert_eq!(on("app:other").await, Ok("app:other line".into()));
    insta::assert_snapshot!(on("app:host").await.expect_err("it is none").message, @"app:host is no terminal.host; the application has app:other, app:screen");
}

#[tokio::test]
async fn an_upgrade_keeps_the_terminal() {
    let body = "if select('#', ...) == 0 then return process.upgrade(nil, io.readline()) end
      return (...) .. ' ' .. io.readline()";
    assert_eq!(returned(body, "one\ntwo\n").await, "one two".into());
}

#[tokio::test]
async fn what_a_terminal_cannot_do_is_said() {
    let body = "local _, problem = io.readline() return problem:message()";
    assert_eq!(
        returned(body, vec![b'x'; 3 * LONGEST_LINE]).await,
        "a line is longer than 1024 KiB: read it in pieces".into()
    );
    assert_eq!(
        returned("local _, problem = io.raw() return problem:message()", "").await,
        "the input is no terminal, which alone has a raw mode".into()
    );
}

#[tokio::test]
async fn raw_mode_ends_when_nobody_wants_it_any_more() {
    let modes = Arc::new(Mutex::new(Vec::new()));
    for body in [
        "assert(io.raw() and io.raw(true) and io.raw(false)) assert(io.raw(false) and io.raw(false))",
        "assert(io.raw()) error('it leaves it on')",
    ] {
        let set = modes.clone();
        let terminal = Terminal::new(io::empty(), io::sink(), io::sink()).raw_by(move |enable| {
            set.lock().expect("no test panics here").push(enable);
            Ok(())
        });
        let (app, _) = app(body, terminal);
        let _ = run(&app).await;
    }
    assert_eq!(*modes.lock().expect("no test panics here"), [true, false, true, false]);
}

#[tokio::test]
async fn stopping_asks_the_command_to_end() {
    let body = "return process.events():receive().reason";
    let (app, _) = app(body, Terminal::new(io::empty(), io::sink(), io::sink()));
    let runtime = app.runtime.clone();
    let running = tokio::spawn(async move { runtime.run_command("main", &[]).await });
    while app.runtime.processes_at_rest(false) == 0 {
        tokio::task::yield_now().await;
    }
    app.runtime.stop().await;
    assert_eq!(running.await.expect("it ends"), Ok("the application is stopping".into()));
}
