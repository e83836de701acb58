//! Module `fs` and kind `fs.directory`, as Lua sees them. What paths and links reach has its own tests beside crate
//! `perilune-files`.

use perilune::{Actor, Allowed, Authority, Call, Kind, Policy, Scope, Value};
use perilune_security::{Decision, Question, Rule};
use perilune_tests::App;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const ENTRIES: &str = "
version: '1.0'
namespace: app
entries:
  - {name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [fs, time, funcs]}
  - {name: other, kind: function.lua, source: 'file://other.lua', method: main, modules: [fs]}
  - {name: files, kind: fs.directory, directory: data, auto_init: true}
  - {name: reading, kind: fs.directory, directory: data, mode: '0555'}
  - {name: elsewhere, kind: fs.directory, directory: /}
";

/// An application whose function has `fs`, and `files`: an empty directory `data` below its folder.
fn app(body: &str) -> App {
    let source = format!(
        "return function(...)\nlocal fs = require('fs')\nlocal files = assert(fs.get('app:files'))\n{body}\nend\n"
    );
    App::new(&[("app.yaml", ENTRIES), ("main.lua", &source), ("other.lua", "return function() end")])
}

/// Declares tests of Lua that checks itself.
macro_rules! files_tests {
    ($($name:ident $body:literal)*) => {
        $(#[tokio::test]
        async fn $name() {
            app($body).main().await;
        })*
    };
}

files_tests! {
    files_are_written_and_read_whole r#"
        assert(files:writefile("a.txt", "one") == true and files:write_file("/a.txt", " two\0", "a") == true)
        assert(files:readfile("a.txt") == "one two\0" and files:read_file("a.txt") == "one two\0")
        local done, err = files:writefile("a.txt", "x", "wx")
        assert(done == false and err:kind() == errors.ALREADY_EXISTS)
        local text, missing = files:readfile("b.txt")
        assert(text == nil and missing:kind() == errors.NOT_FOUND)
        assert(files:writefile("empty", "") and files:readfile("empty") == "")
    "#

    files_are_opened_read_and_moved_in r#"
        assert(files:writefile("digits", "0123456789"))
        local file = files:open("digits", "r")
        assert(file:read(3) == "012" and file:seek("cur", 2) == 5 and file:read(2) == "56")
        assert(file:seek(fs.seek.END, -1) == 9 and file:read() == "9")
        local rest, err = file:read()
        assert(rest == nil and err:kind() == errors.NOT_FOUND and err:message() == "EOF")
        assert(file:seek("set", 0) == 0 and file:read(100) == "0123456789")
        for _, wrong in ipairs({ 0, -1, 1.5, "x" }) do
            assert(select(2, file:read(wrong)):kind() == errors.INVALID)
        end
        local at, problem = file:seek("middle", 0)
        assert(at == -1 and problem:kind() == errors.INVALID)
        assert(select(2, file:write("x")):kind() == errors.INVALID)
        assert(file:close() == true and file:close() == true)
        assert(select(2, file:read()):kind() == errors.INVALID)
    "#

    files_are_written_piece_by_piece r#"
        local file = files:open("log", "w")
        assert(file:write("one\n") == true and file:write("two\n") == true and file:sync() == true)
        local done, err = file:write("")
        assert(done == false and err:kind() == errors.INVALID)
        local stat = file:stat()
        assert(stat.name == "log" and stat.size == 8 and stat.is_dir == false and stat.type == fs.type.FILE)
        assert(select(2, file:read()):kind() == errors.INVALID)
        file:close()
        local more = files:open("log", "a")
        more:write("three\n")
        more:close()
        assert(files:readfile("log") == "one\ntwo\nthree\n")
        assert(select(2, files:open("log", "wx")):kind() == errors.ALREADY_EXISTS)
        for _, mode in ipairs({ "rw", "r+", "", "x" }) do
            local none, problem = files:open("log", mode)
            assert(none == nil and problem:kind() == errors.INVALID, mode)
        end
    "#

    a_large_file_is_read_whole_however_it_is_asked_for r#"
        local text = string.rep("0123456789abcdef", 3 * 65536)
        assert(files:writefile("large", text) and files:readfile("large") == text)
        local file = files:open("large")
        assert(#file:read(2500000) == 2500000 and #file:read(2500000) == #text - 2500000)
    "#

    lines_words_bytes_and_runes_are_scanned r#"
        assert(files:writefile("text", "one two\r\nthrée\n\nlast"))
        local function all(mode)
            local found, file = {}, files:open("text")
            local scanner = file:scanner(mode)
            while scanner:scan() do found[#found + 1] = scanner:text() end
            assert(scanner:err() == nil)
            file:close()
            return table.concat(found, "|")
        end
        assert(all() == "one two|thrée||last" and all("words") == "one|two|thrée|last")
        assert(all("runes"):find("r|é|e", 1, true) and #all("bytes") == 2 * 21 - 1)
        local none, err = files:open("text"):scanner("pages")
        assert(none == nil and err:kind() == errors.INVALID)
    "#

    a_file_serves_where_a_stream_is_read r#"
        assert(files:writefile("a", "the content"))
        local source = files:open("a")
        source:read(4)
        assert(files:writefile("b", source) == true and files:readfile("b") == "content")
        for _, wrong in ipairs({ 5, {}, true }) do
            assert(not pcall(files.writefile, files, "c", wrong))
        end
        assert(not pcall(files.writefile, files, "c"))
        source:close()
        local done, err = files:writefile("c", source)
        assert(done == false and err:kind() == errors.INVALID)
    "#

    directories_are_made_listed_and_removed r#"
        assert(files:mkdir("d") == true and files:mkdir("d/e") == true and files:writefile("d/f", "text"))
        local done, err = files:mkdir("d")
        assert(done == false and err:kind() == errors.ALREADY_EXISTS)
        assert(select(2, files:mkdir("x/y")):kind() == errors.NOT_FOUND)
        local found = {}
        for item in files:readdir("d") do found[#found + 1] = item.name .. ":" .. item.type end
        assert(table.concat(found, " ") == "e:dir f:file")
        local stat = files:stat("d")
        assert(stat.name == "d" and stat.is_dir and stat.type == fs.type.DIR and math.type(stat.modified) == "integer")
        assert(math.type(stat.mode) == "integer" and stat.modified > 1700000000)
        local kept, problem = files:remove("d")
        assert(kept == false and problem:kind() == errors.INVALID)
        assert(files:remove("d/f") and files:remove("d/e") and files:remove("d") and not files:exists("d"))
        assert(select(2, files:remove("d")):kind() == errors.NOT_FOUND)
        assert(select(2, files:remove("/")):kind() == errors.INVALID)
        local none, missing = files:readdir("d")
        assert(none == nil and missing:kind() == errors.NOT_FOUND)
        assert(select(2, files:stat("d")):kind() == errors.NOT_FOUND)
    "#

    what_exists_is_told_from_what_does_not r#"
        files:mkdir("d")
        files:writefile("f", "")
        assert(files:exists("d") == true and files:exists("f") == true and files:exists("x") == false)
        assert(select('#', files:exists("x")) == 1)
        assert(files:isdir("d") == true and files:isdir("f") == false and files:isdir("/") == true)
        local is, err = files:isdir("x")
        assert(is == false and err:kind() == errors.NOT_FOUND)
    "#

    paths_begin_at_the_current_directory r#"
        assert(files:pwd() == "/" and files:mkdir("a") and files:mkdir("a/b"))
        assert(files:chdir("a/b") == true and files:pwd() == "/a/b")
        assert(files:writefile("f", "deep") and files:readfile("/a/b/f") == "deep" and files:readfile("../b/./f") == "deep")
        assert(files:chdir("..") and files:pwd() == "/a" and files:chdir("/") and files:pwd() == "/")
        for path, kind in pairs({
            [".."] = "Invalid", [""] = "Invalid", ["a/b/f"] = "Invalid", ["x"] = "NotFound", ["a\0"] = "Invalid",
        }) do
            local done, err = files:chdir(path)
            assert(done == false and err:kind() == kind and files:pwd() == "/", path)
        end
        assert(fs.get("app:files"):pwd() == "/")
    "#

    hostile_paths_are_errors_of_every_function r#"
        for _, path in ipairs({
            "", "..", "../x", "/..", "a/../../x", "a\0b", "\0", "\xff\xfe", string.rep("a", 300), string.rep("a/", 3000),
            string.rep("../", 5000), string.rep("x", 1000000),
        }) do
            local outcomes = {
                { files:open(path) }, { files:open(path, "w") }, { files:stat(path) }, { files:mkdir(path) },
                { files:remove(path) }, { files:readdir(path) }, { files:exists(path) }, { files:isdir(path) },
                { files:readfile(path) }, { files:writefile(path, "x") }, { files:chdir(path) },
            }
            for number, outcome in ipairs(outcomes) do
                local shown = number .. " " .. path:sub(1, 20)
                assert(not outcome[1] and outcome[2] and outcome[2]:kind() == errors.INVALID, shown)
                assert(#outcome[2]:message() < 500, shown)
            end
        end
        for _, wrong in ipairs({ 5, {}, true }) do
            for _, name in ipairs({ "open", "stat", "mkdir", "remove", "readdir", "exists", "readfile", "writefile", "chdir" }) do
                local fine, problem = pcall(files[name], files, wrong, "")
                assert(not fine and tostring(problem):find("bad argument #1 to '" .. name .. "' (string expected", 1, true))
            end
        end
    "#

    a_directory_is_got_by_the_id_of_its_entry r#"
        for id, kind in pairs({
            [""] = "Invalid", ["files"] = "Invalid", ["app:none"] = "NotFound", ["app:main"] = "Invalid",
            ["app:elsewhere"] = "PermissionDenied",
        }) do
            local none, err = fs.get(id)
            assert(none == nil and err:kind() == kind, id .. ": " .. tostring(err))
        end
        local reading = fs.get("app:reading")
        assert(files:writefile("f", "text") and reading:readfile("f") == "text")
        local done, err = reading:writefile("f", "x")
        assert(done == false and err:kind() == errors.PERMISSION_DENIED)
    "#

    handles_are_bounded r#"
        files:writefile("f", "text")
        local open, problem = {}, nil
        for number = 1, 2000 do
            local file, err = files:open("f")
            if not file then
                problem = err
                break
            end
            open[number] = file
        end
        assert(problem:kind() == errors.RATE_LIMITED and #open == 128, #open)
        open[1]:close()
        assert(files:open("f"))
    "#

    a_directory_may_be_asked_for_again_and_again r#"
        assert(files:mkdir("d") and files:chdir("d"))
        for _ = 1, 2000 do
            assert(assert(fs.get("app:files")):pwd() == "/")
        end
        assert(files:pwd() == "/d" and fs.get("app:reading"):isdir("d"))
    "#

    a_sparse_file_is_not_read_whole r#"
        local file = files:open("sparse", "w")
        assert(file:seek("set", 1 << 40) == 1 << 40 and file:write("end"))
        file:close()
        local text, err = files:readfile("sparse")
        assert(text == nil and err:kind() == errors.RATE_LIMITED)
        local reader = files:open("sparse")
        assert(reader:seek("end", -3) == 1 << 40 and reader:read() == "end")
    "#

    operations_suspend_their_coroutine_only r#"
        local time = require("time")
        local order, done = {}, channel.new(2)
        files:writefile("f", string.rep("x", 1000000))
        coroutine.spawn(function()
            files:readfile("f")
            order[#order + 1] = "read"
            done:send(true)
        end)
        order[#order + 1] = "main"
        done:receive()
        assert(table.concat(order, " ") == "main read")
    "#
}

#[tokio::test]
async fn files_close_with_the_call_and_mean_nothing_in_another() {
    let app = app("
        kept = kept or {}
        files:writefile('f', 'text')
        for number = 1, 100 do kept[number] = assert(files:open('f')) end
        return nil");
    // More calls than files may be open.
    for _ in 0..20 {
        app.main().await;
    }
    let open = fs::read_dir("/proc/self/fd").map(|fds| {
        let names = fds.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
        names.filter(|name| name.starts_with(app.path())).count()
    });
    assert!(open.is_ok_and(|open| open == 0));
}

#[tokio::test]
async fn a_file_cannot_be_handed_to_another_call() {
    let app = app("
        files:writefile('f', 'text')
        local file = files:open('f')
        return select(2, require('funcs').call('app:other', file)):kind()");
    assert_eq!(app.main().await, Value::from("Invalid"));
}

struct Only(&'static str);

impl Rule for Only {
    fn evaluate(&self, question: &Question<'_>) -> Decision {
        match question.action == "fs.get" && question.resource == self.0 {
            true => Decision::Allow,
            false => Decision::Undefined,
        }
    }
}

#[tokio::test]
async fn policies_say_who_gets_which_directory() {
    let app = app("local other, err = fs.get('app:reading') return { other == nil, err:kind() }");
    let scope = Scope::new([Policy::new("test:files", Only("app:files"))]);
    let authority = Authority { actor: Some(Arc::new(Actor::new("user:1"))), scope: Some(scope) };
    let call = Call::new("app:main").authority(authority);
    let expected = Value::Array(vec![true.into(), "PermissionDenied".into()]);
    assert_eq!(app.runtime.call_with(call).await, Ok(expected));
}

#[tokio::test]
async fn the_host_allows_directories_outside_of_the_application() {
    let outside = tempfile::tempdir().expect("a temporary folder");
    fs::write(outside.path().join("f"), "outside").expect("written");
    let yaml = format!(
        "version: '1.0'\nnamespace: app\nentries:\n  - {{name: main, kind: function.lua, source: 'file://main.lua', method: main, \
         modules: [fs]}}\n  - {{name: files, kind: fs.directory, directory: '{}'}}\n",
        outside.path().display()
    );
    let source = "return function()
        local files, err = require('fs').get('app:files')
        if not files then return nil, err end
        return files:readfile('f')
    end";
    let files = [("app.yaml", yaml.as_str()), ("main.lua", source)];
    let failure = App::new(&files).main_fails().await;
    assert_eq!(failure.kind, Kind::PermissionDenied);
    assert!(failure.message.starts_with("app:files: field `directory`: "), "{failure}");
    assert!(failure.message.contains("`--allow-dir "), "{failure}");
    let directories = vec![outside.path().to_owned()];
    let app = App::with(&files, |builder| builder.allow(Allowed { directories, ..Allowed::default() }));
    assert_eq!(app.main().await, Value::from("outside"));
}

#[cfg(unix)]
#[tokio::test]
async fn links_that_lead_out_are_refused() {
    use std::os::unix::fs::symlink;
    let app = app("
        local found = {}
        for _, path in ipairs({ 'file', 'dir/secret', 'chain/secret', 'proc/etc/passwd', 'loop', 'dangling' }) do
            local outcomes = {
                { files:readfile(path) }, { files:open(path) }, { files:writefile(path, 'x') }, { files:stat(path) },
                { files:exists(path) }, { files:remove(path .. '/x') }, { files:mkdir(path .. '/x') },
            }
            for number, outcome in ipairs(outcomes) do
                assert(not outcome[1] and outcome[2], path .. number)
                local kind = outcome[2]:kind()
                local expected = path == 'loop' and 'Invalid' or 'PermissionDenied'
                assert(kind == expected, path .. number .. ': ' .. tostring(outcome[2]))
            end
        end
        for item in files:readdir('/') do found[#found + 1] = item.type end
        return table.concat(found, ' ')");
    let data = app.path().join("data");
    fs::create_dir_all(&data).expect("made");
    fs::create_dir(app.path().join("outside")).expect("made");
    fs::write(app.path().join("outside/secret"), "canary").expect("written");
    symlink("../outside/secret", data.join("file")).expect("linked");
    symlink(app.path().join("outside"), data.join("dir")).expect("linked");
    symlink("dir", data.join("chain")).expect("linked");
    symlink("/proc/self/root", data.join("proc")).expect("linked");
    symlink("loop", data.join("loop")).expect("linked");
    symlink("../outside/new", data.join("dangling")).expect("linked");
    assert_eq!(app.main().await, Value::from("link link link link link link"));
    assert_eq!(fs::read_to_string(app.path().join("outside/secret")).expect("read"), "canary");
    assert!(!app.path().join("outside/new").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_is_refused_and_not_waited_for() {
    let app = app("
        for _, mode in ipairs({ 'r', 'w', 'a' }) do
            local none, err = files:open('pipe', mode)
            assert(none == nil and err:kind() == errors.INVALID, tostring(err))
        end
        assert(select(2, files:readfile('pipe')):kind() == errors.INVALID and files:stat('pipe').type == 'other')");
    fs::create_dir_all(app.path().join("data")).expect("made");
    let made = std::process::Command::new("mkfifo").arg(app.path().join("data/pipe")).status();
    assert!(made.is_ok_and(|status| status.success()));
    app.main().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_swapped_for_a_link_does_not_lead_out() {
    let app = app("
        local seen = {}
        for _ = 1, 2000 do
            local text, err = files:readfile('dir/f')
            local what = text or err:kind()
            seen[what] = (seen[what] or 0) + 1
        end
        return seen");
    let data = app.path().join("data");
    fs::create_dir_all(data.join("dir")).expect("made");
    fs::write(data.join("dir/f"), "inside").expect("written");
    fs::create_dir(app.path().join("outside")).expect("made");
    fs::write(app.path().join("outside/f"), "canary").expect("written");
    let done = Arc::new(AtomicBool::new(false));
    let (swapping, folder) = (done.clone(), data.clone());
    let swapper = std::thread::spawn(move || {
        while !swapping.load(Ordering::Relaxed) {
            fs::rename(folder.join("dir"), folder.join("aside")).expect("moved");
            std::os::unix::fs::symlink("../outside", folder.join("dir")).expect("linked");
            fs::remove_file(folder.join("dir")).expect("removed");
            fs::rename(folder.join("aside"), folder.join("dir")).expect("moved back");
        }
    });
    let seen = app.main().await;
    done.store(true, Ordering::Relaxed);
    swapper.join().expect("swapped to the end");
    assert!(seen.get("inside").is_some() && seen.get("canary").is_none(), "{seen:?}");
}
