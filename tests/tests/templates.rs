//! Module `templates` and its kinds of entries. What the two syntaxes mean has its tests beside crate `perilune-text`.

use perilune::{Entry, EntryId, Kind, Operation, Value};
use perilune_tests::App;

const LUA: &str = "
    local set = assert(require('templates').get('app:pages'))
    return function(name, data)
        local page, err = set:render(name, data)
        if err then
            return { kind = err:kind(), message = err:message() }
        end
        return page
    end";

/// An application with the set `app:pages`, one function that renders, and these templates: name, further fields, text.
fn app(engine: &str, templates: &[(&str, &str, &str)]) -> App {
    let mut yaml = format!(
        "version: '1.0'\nnamespace: app\nentries:\n  - {{name: pages, kind: template.set{engine}}}\n  - {{name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [templates]}}\n"
    );
    let mut files = Vec::new();
    for (name, fields, text) in templates {
        yaml += &format!("  - {{name: {name}, source: 'file://{name}.txt', {fields}}}\n");
        files.push((format!("{name}.txt"), *text));
    }
    let mut all = vec![("app.yaml", yaml.as_str()), ("main.lua", LUA)];
    all.extend(files.iter().map(|(path, text)| (path.as_str(), *text)));
    App::new(&all)
}

async fn render(app: &App, name: &str, data: Value) -> Value {
    app.call("app:main", &[name.into(), data]).await.expect("the function returns")
}

fn user() -> Value {
    Value::from_iter([("name", Value::from("<ann>"))])
}

const JET: &str = "kind: template.jet, set: pages";
const JINJA: &str = "kind: template.jinja, set: 'app:pages'";

#[tokio::test]
async fn templates_are_entries_of_both_syntaxes() {
    let app = app(
        "",
        &[
            ("layout", JET, "<html>{{ yield body() }}</html>\n"),
            ("home", JET, "{{ extends \"layout\" }}{{ block body() }}Hello {{ .name }}${x}{{ end }}"),
            ("mail", JINJA, "{% if name %}Dear {{ name }}{% endif %}"),
            ("named", "kind: template.jet, set: pages, meta: {name: other/name}", "{{ include \"mail\" }}!"),
        ],
    );
    assert_eq!(render(&app, "home", user()).await, "<html>Hello &lt;ann&gt;${x}</html>\n".into());
    assert_eq!(render(&app, "mail", user()).await, "Dear &lt;ann&gt;".into());
    assert_eq!(render(&app, "other/name", user()).await, "Dear &lt;ann&gt;!".into());
    assert_eq!(render(&app, "mail", Value::Nil).await, "".into());
}

#[tokio::test]
async fn a_set_says_how_templates_are_read() {
    let engine = ", engine: {delimiters: {left: '[[', right: ']]'}, extensions: [.html], globals: {site: {name: Moon}}, development_mode: true}";
    let template =
        ("page", "kind: template.jet, set: pages, meta: {name: page.html}", "[[ site.name ]] {{ name }}");
    let app = app(engine, &[template]);
    assert_eq!(render(&app, "page", user()).await, "Moon {{ name }}".into());
}

#[tokio::test]
async fn what_goes_wrong_names_template_and_line() {
    let app = app("", &[("a", JET, "x\n{{ 1 / .zero }}"), ("b", JET, "b")]);
    let error =
        |value: &Value, field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let zero = Value::from_iter([("zero", Value::from(0))]);
    let failed = render(&app, "a", zero).await;
    assert_eq!(error(&failed, "kind"), "Internal");
    assert!(error(&failed, "message").contains("template `a`, line 2"), "{failed:?}");
    for (name, kind) in [("nowhere", "NotFound"), ("", "Invalid")] {
        assert_eq!(error(&render(&app, name, Value::Nil).await, "kind"), kind, "{name}");
    }
}

/// One template that cannot be read makes its set useless, and says so.
#[tokio::test]
async fn a_malformed_template_is_named() {
    let app = app("", &[("a", JET, "fine"), ("b", JET, "x\n\n{{ if }}")]);
    let failed = render(&app, "a", Value::Nil).await;
    let message = failed.get("message").and_then(Value::as_str).expect("a message");
    assert!(message.contains("app:pages") && message.contains("template `b`, line 3"), "{message}");
}

#[tokio::test]
async fn a_malformed_jinja_template_is_refused_at_load() {
    let yaml = "version: '1.0'\nnamespace: app\nentries:\n  - {name: s, kind: template.set}\n  - {name: t, kind: template.jinja, set: s, source: \"a\\n{% if %}\"}\n";
    let Err(error) = App::try_new(&[("app.yaml", yaml)]) else { panic!("it is refused") };
    let text = perilune_tests::render(&error);
    assert!(text.contains("E404") && text.contains("app:t"), "{text}");
}

#[tokio::test]
async fn a_template_belongs_to_a_set_that_exists() {
    for (set, code) in [("nowhere", "E309"), ("other", "E310")] {
        let yaml = format!(
            "version: '1.0'\nnamespace: app\nentries:\n  - {{name: other, kind: registry.entry}}\n  - {{name: t, kind: template.jet, set: {set}, source: x}}\n"
        );
        let Err(error) = App::try_new(&[("app.yaml", &yaml)]) else { panic!("it is refused") };
        assert!(perilune_tests::render(&error).contains(code), "{}", perilune_tests::render(&error));
    }
}

/// Templates come and go while the application runs.
#[tokio::test]
async fn a_set_follows_the_registry() {
    let app = app("", &[("a", JET, "{{ include \"b\" }}"), ("b", JET, "old")]);
    assert_eq!(render(&app, "a", Value::Nil).await, "old".into());
    let registry = app.runtime.registry();
    let entry = |name: &str, text: &str| {
        let id = EntryId::new("app", name).expect("an id");
        Entry::new(id, "template.jet").with_field("set", "app:pages").with_field("source", text)
    };
    registry
        .apply(
            &[Operation::Update(entry("b", "new").into()), Operation::Create(entry("c", "third").into())],
            None,
        )
        .expect("applied");
    assert_eq!(render(&app, "a", Value::Nil).await, "new".into());
    assert_eq!(render(&app, "c", Value::Nil).await, "third".into());
}

#[tokio::test]
async fn sets_are_got_by_id_and_released() {
    let body = "
        local templates = require('template')
        assert(templates == require('templates'))
        for id, kind in pairs({ [''] = 'Invalid', ['app:nowhere'] = 'NotFound', ['app:main'] = 'Invalid', ['x'] = 'Invalid' }) do
            local set, err = templates.get(id)
            assert(set == nil and err:kind() == kind, id .. tostring(err) .. err:kind())
        end
        assert(select(2, templates.get(5)):kind() == 'Invalid')
        local set = templates.get('app:pages')
        assert(set:render('a') == 'x' and select(2, set:render(5)):kind() == 'Invalid')
        assert(select(2, set:render('a', { f = print })):kind() == 'Invalid')
        assert(set:release() == true and set:release() == true)
        assert(select(2, set:render('a')):kind() == 'Internal')";
    let yaml = "version: '1.0'\nnamespace: app\nentries:\n  - {name: pages, kind: template.set}\n  - {name: a, kind: template.jet, set: pages, source: x}\n  - {name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [template, templates]}\n";
    let app = App::new(&[("app.yaml", yaml), ("main.lua", &format!("return function() {body} end"))]);
    app.main().await;
}

#[tokio::test]
async fn a_page_that_takes_too_much_fails_alone() {
    let app = app(
        "",
        &[
            (
                "endless",
                JINJA,
                "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}",
            ),
            (
                "deep",
                JINJA,
                "{% set x = namespace(v=1) %}{% for a in range(10000) %}{% set x.v = [x.v] %}{% endfor %}{{ x.v }}",
            ),
            ("fine", JET, "fine"),
        ],
    );
    let failed = render(&app, "endless", Value::Nil).await;
    assert_eq!(failed.get("kind"), Some(&"RateLimited".into()));
    assert!(render(&app, "deep", Value::Nil).await.as_str().is_some_and(|page| page.len() > 20_000));
    assert_eq!(render(&app, "fine", Value::Nil).await, "fine".into());
}

#[tokio::test]
async fn one_template_is_no_set() {
    let app = app("", &[("a", JET, "x")]);
    let call = app.runtime.call("app:main", [Value::from("a"), Value::Nil]).await;
    assert_eq!(call, Ok("x".into()));
    let lua = App::lua("templates", "return require('templates').get('app:main')");
    assert_eq!(lua.main_fails().await.kind, Kind::Invalid);
}
