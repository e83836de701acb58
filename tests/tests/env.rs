//! Module `env` and kinds `env.*`, as Lua sees them. Storages and placeholders have their own tests beside crate
//! `perilune-environment`.

use perilune::{Actor, Allowed, Authority, Call, Policy, Scope, Value};
use perilune_security::{Decision, Question, Rule};
use perilune_tests::App;
use std::fs;
use std::sync::Arc;

/// Cargo sets it for tests.
const SET: &str = "CARGO_PKG_NAME";

const ENTRIES: &str = "
version: '1.0'
namespace: app
entries:
  - {name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [env, fs]}
  - {name: memory, kind: env.storage.memory}
  - {name: system, kind: env.storage.os}
  - {name: file, kind: env.storage.file, file_path: .env, auto_create: true}
  - {name: url, kind: env.variable, variable: URL, storage: memory, default: 'http://localhost'}
  - {name: port, kind: env.variable, variable: PORT, storage: memory, default: 8080, readonly: true}
  - {name: unset, kind: env.variable, variable: UNSET, storage: memory}
  - {name: secret, kind: env.variable, storage: memory, default: hidden}
  - {name: package, kind: env.variable, variable: CARGO_PKG_NAME, storage: system}
  - {name: path, kind: env.variable, variable: PATH, storage: system}
  - {name: saved, kind: env.variable, variable: SAVED, storage: file}
  - {name: folder, kind: env.variable, variable: FOLDER, storage: memory, default: one}
  - {name: files, kind: fs.directory, directory: '${env:FOLDER}', auto_init: true}
  - {name: broken, kind: fs.directory, directory: '${env:UNSET}'}
";

/// An application whose function has `env`; of the host's environment it may read one variable.
fn app(body: &str) -> App {
    let source = format!("return function(...)\nlocal env = require('env')\n{body}\nend\n");
    let allowed = Allowed { environment: vec![SET.to_owned()], ..Allowed::default() };
    App::with(&[("app.yaml", ENTRIES), ("main.lua", &source)], |builder| builder.allow(allowed))
}

macro_rules! env_tests {
    ($($name:ident $body:literal)*) => {
        $(#[tokio::test]
        async fn $name() {
            app($body).main().await;
        })*
    };
}

env_tests! {
    variables_are_read_by_public_name_or_id r#"
        assert(env.get("URL") == "http://localhost" and env.get("app:url") == "http://localhost")
        assert(env.get("PORT") == "8080" and env.get("app:secret") == "hidden")
        for name, kind in pairs({
            [""] = "Invalid", ["NONE"] = "NotFound", ["UNSET"] = "NotFound", ["secret"] = "NotFound", ["app:main"] = "NotFound",
            ["app:none"] = "NotFound", ["HOME"] = "NotFound", ["a\0b"] = "NotFound", [string.rep("x", 100000)] = "NotFound",
        }) do
            local none, err = env.get(name)
            assert(none == nil and err:kind() == kind and #err:message() < 300, name:sub(1, 10) .. ": " .. tostring(err))
        end
        assert(not pcall(env.get) and not pcall(env.get, {}))
    "#

    of_the_hosts_environment_only_what_is_allowed_is_seen r#"
        assert(env.get("CARGO_PKG_NAME") == "perilune-tests")
        local none, err = env.get("PATH")
        assert(none == nil and err:kind() == errors.PERMISSION_DENIED and err:message():find("--allow-env PATH", 1, true))
        local done, refused = env.set("CARGO_PKG_NAME", "x")
        assert(not done and refused:kind() == errors.PERMISSION_DENIED)
    "#

    variables_are_set_where_they_may_be r#"
        assert(env.set("URL", "http://example.com") == true and env.get("URL") == "http://example.com")
        assert(env.set("app:secret", "") == true and env.get("app:secret") == "")
        for name, kind in pairs({ PORT = "PermissionDenied", NONE = "NotFound", [""] = "Invalid" }) do
            local done, err = env.set(name, "x")
            assert(not done and err:kind() == kind, name)
        end
        for _, value in ipairs({ "a\0b", string.rep("x", 200000) }) do
            local done, err = env.set("URL", value)
            assert(not done and err:kind() == errors.INVALID)
        end
        assert(not pcall(env.set, "URL") and not pcall(env.set, "URL", {}) and not pcall(env.set, "URL", "\xff"))
    "#

    all_that_have_a_public_name_and_a_value_are_listed r#"
        local all, names = env.get_all(), {}
        for name in pairs(all) do names[#names + 1] = name end
        table.sort(names)
        assert(table.concat(names, " ") == "CARGO_PKG_NAME FOLDER PORT URL", table.concat(names, " "))
        assert(all.PORT == "8080")
    "#

    what_was_opened_with_a_variable_is_opened_anew_when_it_is_set r#"
        local fs = require("fs")
        assert(fs.get("app:files"):writefile("f", "in one"))
        assert(env.set("FOLDER", "two"))
        local files = fs.get("app:files")
        assert(not files:exists("f") and files:writefile("f", "in two"))
        assert(env.set("FOLDER", "one") and fs.get("app:files"):readfile("f") == "in one")
        assert(files:readfile("f") == "in two")
        assert(env.set("FOLDER", "../.."))
        local none, err = fs.get("app:files")
        assert(none == nil and err:kind() == errors.PERMISSION_DENIED, tostring(err))
    "#

    an_entry_whose_variable_is_not_set_says_which r#"
        local none, err = require("fs").get("app:broken")
        assert(none == nil and err:kind() == errors.INVALID)
        assert(err:message():find("^app:broken: field `directory`: the variable UNSET is not set"), err:message())
        assert(err:details().variable == "UNSET" and err:details().field == "directory")
    "#
}

#[tokio::test]
async fn a_file_keeps_what_is_set() {
    let app = app("
        assert(select(2, env.get('SAVED')):kind() == errors.NOT_FOUND)
        assert(env.set('SAVED', 'it\\'s $HOME') and env.get('SAVED') == 'it\\'s $HOME')");
    app.main().await;
    assert_eq!(fs::read_to_string(app.path().join(".env")).expect("read"), "SAVED=\"it's \\$HOME\"\n");
}

struct OnlyUrl;

impl Rule for OnlyUrl {
    fn evaluate(&self, question: &Question<'_>) -> Decision {
        match (question.action, question.resource) {
            ("env.get", "URL" | "app:secret") => Decision::Allow,
            _ => Decision::Undefined,
        }
    }
}

#[tokio::test]
async fn policies_know_a_variable_by_one_name() {
    let app = app("
        assert(env.get('URL') and env.get('app:url') and env.get('app:secret'))
        for _, name in ipairs({ 'PORT', 'app:port', 'NONE', 'app:none' }) do
            local none, err = env.get(name)
            assert(none == nil and err:kind() == errors.PERMISSION_DENIED, name)
        end
        local done, err = env.set('URL', 'x')
        assert(not done and err:kind() == errors.PERMISSION_DENIED)
        local all = env.get_all()
        assert(next(all) == 'URL' and next(all, 'URL') == nil)
        return true");
    let scope = Scope::new([Policy::new("test:url", OnlyUrl)]);
    let authority = Authority { actor: Some(Arc::new(Actor::new("user:1"))), scope: Some(scope) };
    assert_eq!(
        app.runtime.call_with(Call::new("app:main").authority(authority)).await,
        Ok(Value::Bool(true))
    );
}
