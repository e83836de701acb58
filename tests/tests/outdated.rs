//! Processes that want to know when their code has changed.

use perilune::{Entry, EntryId, Operation, Value};
use perilune_tests::App;
use std::sync::Arc;

const ENTRIES: &str = "version: '1.0'
namespace: app
entries:
  - {name: host, kind: process.host, hibernate_after: 1ms}
  - {name: main, kind: process.lua, source: 'file://main.lua', method: main, imports: {words: app:words}}
  - {name: words, kind: library.lua, source: 'return {word = \"old\"}'}
  - {name: other, kind: library.lua, source: 'return {}'}
  - {name: start, kind: function.lua, source: 'return function(...) return process.spawn(\"app:main\", \"app:host\", ...) end', method: main}
  - {name: ask, kind: function.lua, source: 'file://ask.lua', method: main}
  - {name: options, kind: function.lua, source: 'file://options.lua', method: main}
";

/// Answers with the events that it has seen and with its word; upgrades when it is told.
const MAIN: &str = "local words = require('words')
return function(upgradable)
  assert(process.set_options({ upgradable = upgradable ~= false }))
  local seen, events, inbox = {}, process.events(), process.inbox()
  while true do
    local picked = channel.select({ events:case_receive(), inbox:case_receive() })
    local value = picked.value
    if picked.channel == events then
      assert(value.kind == process.event.OUTDATED and value.from == '' and value.at > 1.7e9)
      seen[#seen + 1] = table.concat(value.sources, '+')
    elseif value:topic() == 'upgrade' then
      process.upgrade()
    elseif value:topic() == 'forget' then
      process.set_options({ upgradable = false })
    else
      process.send(value:from(), 'answer', words.word .. ': ' .. table.concat(seen, ', '))
    end
  end
end";

const ASK: &str = "return function(pid, ...)
  local answers = process.listen('answer')
  for _, topic in ipairs({ ... }) do assert(process.send(pid, topic)) end
  assert(process.send(pid, 'ask'))
  return answers:receive()
end";

const OPTIONS: &str = "return function()
  assert(process.get_options().upgradable == false)
  local fine, err = process.set_options({ upgradable = true })
  assert(fine == false and err:kind() == errors.INVALID, tostring(err))
  fine, err = process.set_options({ upgradable = 1 })
  assert(fine == false and err:message() == 'option upgradable is a boolean, not a number', tostring(err))
  fine, err = process.set_options({ upgradeable = true })
  assert(fine == false)
  return err:message()
end";

fn app() -> App {
    App::new(&[("app.yaml", ENTRIES), ("main.lua", MAIN), ("ask.lua", ASK), ("options.lua", OPTIONS)])
}

fn library(app: &App, name: &str, source: &str) {
    let id = EntryId::new("app", name).expect("a valid id");
    let entry = Entry::new(id, "library.lua").with_field("source", source);
    app.runtime.registry().apply(&[Operation::Update(Arc::new(entry))], None).expect("it is applied");
}

async fn started(app: &App) -> Value {
    let pid = app.call("app:start", &[]).await.expect("it starts");
    assert_eq!(asked(app, &pid, &[]).await, "old: ");
    pid
}

async fn asked(app: &App, pid: &Value, first: &[&str]) -> String {
    let mut args = vec![pid.clone()];
    args.extend(first.iter().map(|topic| Value::from(*topic)));
    let answer = app.call("app:ask", &args).await.expect("it answers");
    answer.as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn a_change_of_what_it_imports_is_an_event_and_an_upgrade_brings_it() {
    let app = app();
    let pid = started(&app).await;
    library(&app, "words", "return {word = 'new'}");
    assert_eq!(asked(&app, &pid, &[]).await, "old: app:words");
    assert_eq!(asked(&app, &pid, &["upgrade"]).await, "new: ", "it is as it should be");
    library(&app, "words", "return {word = 'newer'}");
    assert_eq!(asked(&app, &pid, &[]).await, "new: app:words");
}

#[tokio::test]
async fn a_change_of_something_else_is_none() {
    let app = app();
    let pid = started(&app).await;
    library(&app, "other", "return {changed = true}");
    assert_eq!(asked(&app, &pid, &[]).await, "old: ");
    library(&app, "words", "return {word = 'new'}");
    library(&app, "other", "return {changed = 'again'}");
    assert_eq!(asked(&app, &pid, &[]).await, "old: app:words", "and it is told once");
}

#[tokio::test]
async fn changes_that_it_has_not_looked_at_are_one_event() {
    let app = app();
    let pid = started(&app).await;
    // Nothing runs between them: this thread is the only one.
    for word in 0..100 {
        library(&app, "words", &format!("return {{word = '{word}'}}"));
    }
    assert_eq!(asked(&app, &pid, &[]).await, "old: app:words");
}

#[tokio::test]
async fn who_did_not_ask_is_not_told() {
    let app = app();
    let silent = app.call("app:start", &[Value::Bool(false)]).await.expect("it starts");
    let forgetful = started(&app).await;
    assert_eq!(asked(&app, &forgetful, &["forget"]).await, "old: ");
    library(&app, "words", "return {word = 'new'}");
    for pid in [silent, forgetful] {
        assert_eq!(asked(&app, &pid, &[]).await, "old: ");
    }
}

#[tokio::test]
async fn options_are_for_processes_and_are_named() {
    let message = app().call("app:options", &[]).await.expect("it checks itself");
    assert_eq!(message, "option upgradeable is not supported; there are trap_links and upgradable".into());
}
