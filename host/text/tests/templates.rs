//! Templates in both syntaxes.

use perilune_text::templates::{self, Delimiters, MAX_SOURCE, Set, Settings, Source, Syntax};
use perilune_value::{Failure, Kind, Value, json};
use proptest::prelude::*;

fn source<'a>(name: &'a str, syntax: Syntax, text: &'a str) -> Source<'a> {
    Source { name, syntax, text }
}

fn data(text: &str) -> Value {
    json::decode(text.as_bytes()).expect("the data is JSON")
}

fn set(templates: &[(&str, &str)]) -> Set {
    let sources: Vec<Source<'_>> =
        templates.iter().map(|(name, text)| source(name, Syntax::Jet, text)).collect();
    Set::new(&Settings::default(), &sources).unwrap_or_else(|failure| panic!("{templates:?}: {failure}"))
}

fn render(text: &str, json: &str) -> Result<String, Failure> {
    set(&[("main", text)]).render("main", &data(json))
}

/// Template, data, page.
fn renders(table: &[(&str, &str, &str)]) {
    for (text, json, page) in table {
        assert_eq!(render(text, json).as_deref(), Ok(*page), "{text}");
    }
}

#[test]
fn values_are_printed_and_escaped() {
    renders(&[
        ("Hello {{ name }}!", r#"{"name": "<moon>"}"#, "Hello &lt;moon&gt;!"),
        ("{{ .name }} {{.user.name}} {{ user.name }}", r#"{"name": "a", "user": {"name": "b"}}"#, "a b b"),
        ("{{ name | raw }}{{ name | unsafe }}", r#"{"name": "<b>"}"#, "<b><b>"),
        ("{{ n }} {{ f }} {{ yes }} {{ 1.5 }}", r#"{"n": 7, "f": 2.5, "yes": true}"#, "7 2.5 true 1.5"),
        ("{{ . }}", r#""text""#, "text"),
        ("{{ \"a\\\"b\\n\" }}{{ `c\"` }}", "{}", "a&quot;b\nc&quot;"),
        (
            "{{ user[\"first name\"] }} {{ list[0] }} {{ list[1:] | join: \"-\" }}",
            r#"{"user": {"first name": "x"}, "list": [1, 2, 3]}"#,
            "x 1 2-3",
        ),
    ]);
}

#[test]
fn what_is_missing_is_empty() {
    renders(&[
        ("[{{ a }}{{ .b }}{{ a.b.c }}{{ .b[1].c }}{{ nil }}]", "{}", "[]"),
        ("{{ range missing }}x{{ end }}{{ range i, v := missing }}x{{ else }}none{{ end }}", "{}", "none"),
        ("{{ len(missing) }}{{ missing | upper }}", "{}", "0"),
        (
            "{{ isset(a) }} {{ isset(b) }} {{ isset(.a, a.x.y) }} {{ isset(a.z) }}",
            r#"{"a": {"z": 1}}"#,
            "true false false true",
        ),
    ]);
}

#[test]
fn text_that_looks_like_another_syntax_is_text() {
    renders(&[
        ("{% if %} {# note #} {%- x -%} { {x} ${y} a{", "{}", "{% if %} {# note #} {%- x -%} { {x} ${y} a{"),
        ("{ {{ name }} }\n", r#"{"name": "x"}"#, "{ x }\n"),
    ]);
}

#[test]
fn comments_and_white_space_go() {
    renders(&[
        ("a{* {{ b }} *}c", "{}", "ac"),
        ("a  {{- 1 -}}  b", "{}", "a1b"),
        ("a {{- if true -}} b {{- end -}} c", "{}", "abc"),
        ("{{ 3 -1 }}", "{}", "2"),
    ]);
}

#[test]
fn conditions_choose() {
    let text = "{{ if a > 1 && b }}one{{ else if a == 1 || !b }}two{{ else }}three{{ end }}";
    renders(&[
        (text, r#"{"a": 2, "b": true}"#, "one"),
        (text, r#"{"a": 1, "b": true}"#, "two"),
        (text, r#"{"a": 2, "b": false}"#, "two"),
        (text, r#"{"a": 0, "b": true}"#, "three"),
        ("{{ if x := a + 1; x > 2 }}{{ x }}{{ end }}", r#"{"a": 2}"#, "3"),
        ("{{ a ? \"yes\" : b ? \"maybe\" : \"no\" }}", r#"{"b": true}"#, "maybe"),
        ("{{ (a ? 1 : 2) + 1 }}", "{}", "3"),
    ]);
}

#[test]
fn expressions_hold_together_as_in_jet() {
    for (expression, result) in [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 2 - 3", "5"),
        ("7 / 2", "3"),
        ("7 / 2.0", "3.5"),
        ("-7 / 2 * 2", "-6"),
        ("7 % 4", "3"),
        ("1 < 2 == true", "true"),
        ("!(1 > 2) && !false", "true"),
        ("!true == false", "true"),
        ("1 == 2 || 2 == 2 && true", "true"),
        ("\"a\" + \"b\" == \"ab\"", "true"),
        ("2 - -1", "3"),
        ("len(\"moon\") * 2", "8"),
    ] {
        assert_eq!(render(&format!("{{{{ {expression} }}}}"), "{}").as_deref(), Ok(result), "{expression}");
    }
}

#[test]
fn signs_in_strings_are_text() {
    renders(&[
        ("{{ if x := \"a;b\"; x == \"a;b\" }}{{ x }}{{ end }}", "{}", "a;b"),
        ("{{ if x := `a\";b`; x }}yes{{ end }}", "{}", "yes"),
        ("{{ range split(\"a:=b\", \":=\") }}{{ . }},{{ end }}", "{}", "a,b,"),
        ("{{ range i, v := split(\"a:=b\", \":=\") }}{{ i }}{{ v }},{{ end }}", "{}", "0a,1b,"),
        ("{{ \"}}\" }}{{ `}}` }}", "{}", "}}}}"),
    ]);
}

#[test]
fn range_goes_over_lists_and_maps() {
    renders(&[
        ("{{ range xs }}{{ . }},{{ end }}", r#"{"xs": [1, 2]}"#, "1,2,"),
        ("{{ range i := xs }}{{ i }}={{ . }},{{ end }}", r#"{"xs": ["a", "b"]}"#, "0=a,1=b,"),
        (
            "{{ range i, v := xs }}{{ i }}={{ v.n }}{{ .t }},{{ end }}",
            r#"{"t": "!", "xs": [{"n": 1}, {"n": 2}]}"#,
            "0=1!,1=2!,",
        ),
        ("{{ range k, v := m }}{{ k }}={{ v }},{{ end }}", r#"{"m": {"a": 1, "b": 2}}"#, "a=1,b=2,"),
        ("{{ range xs }}x{{ else }}none{{ end }}", r#"{"xs": []}"#, "none"),
        ("{{ range xs }}{{ range . }}{{ . }}{{ end }};{{ end }}", r#"{"xs": [[1, 2], [3]]}"#, "12;3;"),
        ("{{ range ints(1, 4) }}{{ . }}{{ end }}", "{}", "123"),
    ]);
}

#[test]
fn variables_are_made_and_changed() {
    renders(&[
        ("{{ x := 2 }}{{ x * x }}", "{}", "4"),
        ("{{ sum := 0 }}{{ range xs }}{{ sum = sum + . }}{{ end }}{{ sum }}", r#"{"xs": [1, 2, 3]}"#, "6"),
        ("{{ a := 1 }}{{ if true }}{{ a = 2 }}{{ end }}{{ a }}", "{}", "2"),
        ("{{ x := name | upper }}{{ x }}", r#"{"name": "a"}"#, "A"),
    ]);
}

#[test]
fn functions_are_called_and_piped_to() {
    let all = r#"{"s": " Moon ", "l": ["a", "b"], "m": {"k": "</script>", "n": [1, 2.5, true]}}"#;
    for (expression, result) in [
        ("s | trimSpace | upper", "MOON"),
        ("lower(s)", " moon "),
        ("l | join: \", \"", "a, b"),
        ("split(\"a-b\", \"-\")[1]", "b"),
        ("\"a.b.c\" | replace: \".\", \"-\"", "a-b-c"),
        ("replace(\"aaa\", \"a\", \"b\", 2)", "bba"),
        ("repeat(\"ab\", 3)", "ababab"),
        ("hasPrefix(\"moon\", \"mo\") && hasSuffix(\"moon\", \"on\")", "true"),
        ("missing | default: \"none\"", "none"),
        ("\"a b&c\" | url", "a+b%26c"),
        ("m | json", r#"{"k":"\u003c/script\u003e","n":[1,2.5,true]}"#),
        ("\"<\" | html", "&lt;"),
        ("len(l) + len(m) + len(s)", "10"),
    ] {
        assert_eq!(render(&format!("{{{{ {expression} }}}}"), all).as_deref(), Ok(result), "{expression}");
    }
}

#[test]
fn templates_of_a_set_extend_and_include_each_other() {
    let set = set(&[
        (
            "layout",
            "<title>{{ block title() }}Site{{ end }}</title>{{ yield body() }}|{{ block foot() }}(c){{ end }}",
        ),
        (
            "page",
            "{{ extends \"layout\" }}ignored{{ block title() }}{{ .title }}{{ end }}{{ block body() }}<p>{{ include \"part\" .user }}</p>{{ end }}",
        ),
        ("part", "{{ .name }}{{ include \"leaf\" }}"),
        ("leaf", "!"),
    ]);
    let page = set.render("page", &data(r#"{"title": "A & B", "user": {"name": "ann"}}"#));
    assert_eq!(page.as_deref(), Ok("<title>A &amp; B</title><p>ann!</p>|(c)"));
    assert_eq!(set.names(), ["layout", "leaf", "page", "part"]);
}

#[test]
fn blocks_take_arguments_and_a_context() {
    renders(&[
        (
            "{{ block b(x, y=\"d\") }}[{{ x }}{{ y }}]{{ end }}{{ yield b(x=1, y=2) }}{{ yield b(x=3) }}",
            "{}",
            "[d][12][3d]",
        ),
        (
            "{{ block b() .user }}{{ .name }}{{ end }}{{ yield b() .other }}",
            r#"{"user": {"name": "a"}, "other": {"name": "b"}}"#,
            "ab",
        ),
    ]);
}

#[test]
fn jinja_is_jinja() {
    let sources = [
        source("base.html", Syntax::Jinja, "{% block body %}{% endblock %}{# no #}\n"),
        source(
            "page.html",
            Syntax::Jinja,
            "{% extends 'base.html' %}{% block body %}{% for x in xs %}{{ x|upper }}{{ y.z }}{% endfor %}{% include 'jet' %}{% endblock %}",
        ),
        source("jet", Syntax::Jet, "{{ range xs }}{{ . }}{{ end }}{{ site }}"),
    ];
    let settings = Settings {
        extensions: vec![".html".to_owned()],
        globals: vec![("site".to_owned(), "moon".into())],
        ..Settings::default()
    };
    let set = Set::new(&settings, &sources).expect("the set is made");
    assert_eq!(set.render("page", &data(r#"{"xs": ["<a", "b"]}"#)).as_deref(), Ok("&lt;AB&lt;abmoon\n"));
}

#[test]
fn delimiters_can_be_others() {
    let delimiters = Delimiters { left: "[[".to_owned(), right: "]]".to_owned(), ..Delimiters::default() };
    let settings = Settings { delimiters, ..Settings::default() };
    let set = Set::new(&settings, &[source("t", Syntax::Jet, "[[ x ]] {{ x }} {* note *}")])
        .expect("the set is made");
    assert_eq!(set.render("t", &data(r#"{"x": 1}"#)).as_deref(), Ok("1 {{ x }} "));
}

/// What is wrong with a template is found when it is read, with its line.
#[test]
fn errors_name_template_and_line() {
    for (text, line, says) in [
        ("a\n{{ if x }}\nb", 2, "this `if` lacks its `end`"),
        ("{{ end }}", 1, "this `end` ends nothing"),
        ("\n\n{{ x y }}", 3, "`y` is not expected here"),
        ("{{ nope(1) }}", 1, "there is no function `nope`"),
        ("{{ upper() }}", 1, "`upper` takes 1 arguments, not 0"),
        ("{{ x", 1, "this action lacks its `}}`"),
        ("{{ \"x }}", 1, "this action lacks its `}}`"),
        ("{{ `x }}", 1, "this action lacks its `}}`"),
        ("{* x", 1, "this comment lacks its `*}`"),
        ("{{ }}", 1, "this action is empty"),
        ("{{ x = 1 }}", 1, "`x` is changed but was not made"),
        ("{{ else }}", 1, "`else` stands in neither"),
        ("{{ if a }}{{ else }}{{ else }}{{ end }}", 1, "nothing can follow the `else`"),
        ("{{ a + }}", 1, "the expression ends too early"),
        ("{{ a ? b }}", 1, "`:` is expected"),
        ("{{ self }}", 1, "`self` is a word of its own"),
        ("{{ import \"x\" }}", 1, "`import` is not supported"),
        ("{{ yield content }}", 1, "`yield content` is not supported"),
        ("{{ extends x }}", 1, "the name of a template in quotes"),
        ("{{ a # b }}", 1, "'#' has no meaning here"),
        ("{{ range a, b, c := x }}{{ end }}", 1, "at most two variables"),
        ("{*\n*}\n{{ a\n}}{{ b c }}", 4, "`c` is not expected here"),
    ] {
        let wrong =
            templates::check(&source("t", Syntax::Jet, text), &Delimiters::default()).expect_err(text);
        assert_eq!((wrong.template.as_str(), wrong.line), ("t", line), "{text}: {wrong}");
        assert!(wrong.message.contains(says), "{text}: {wrong}");
    }
    let wrong = templates::check(&source("t", Syntax::Jinja, "a\n{% for %}"), &Delimiters::default());
    assert_eq!(wrong.expect_err("it is wrong").line, 2);
}

#[test]
fn what_goes_wrong_while_rendering_has_its_place() {
    let set = set(&[
        ("main", "a\n{{ include \"part\" }}"),
        ("part", "\n\n{{ 1 / zero }}"),
        ("lost", "{{ include \"nowhere\" }}"),
        ("unblocked", "{{ yield nowhere() }}"),
    ]);
    let failure = set.render("main", &data(r#"{"zero": 0}"#)).expect_err("it fails");
    assert_eq!(failure.kind, Kind::Internal);
    assert!(
        failure.message.starts_with("template `part`, line 3: ")
            && failure.message.contains("division by zero"),
        "{failure}"
    );
    for (name, says) in [("lost", "nowhere"), ("unblocked", "nowhere")] {
        let failure = set.render(name, &data("{}")).expect_err(name);
        assert!(failure.kind == Kind::Internal && failure.message.contains(says), "{failure}");
    }
    let failure = set.render("none", &data("{}")).expect_err("there is none");
    assert_eq!(failure.kind, Kind::NotFound);
    assert!(failure.message.contains("`none`") && failure.message.contains("lost, main"), "{failure}");
}

#[test]
fn two_templates_cannot_have_one_name() {
    let sources = [source("a", Syntax::Jet, "x"), source("a", Syntax::Jinja, "y")];
    assert_eq!(Set::new(&Settings::default(), &sources).expect_err("refused").kind, Kind::AlreadyExists);
}

fn jinja(text: &str) -> Result<String, Failure> {
    let set = Set::new(&Settings::default(), &[source("t", Syntax::Jinja, text)])?;
    set.render("t", &data(r#"{"xs": [1, 2, 3]}"#))
}

/// None of this ends the host, or lasts.
#[test]
fn templates_made_to_be_expensive_are_refused() {
    let fill = |item: &str| item.repeat(MAX_SOURCE / item.len() - 20);
    for (what, text, limited) in [
        ("a loop that is long", "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}".to_owned(), true),
        ("text that doubles", format!("{{% set x = 'aaaaaaaa' %}}{}{{{{ x|length }}}}", "{% set x = x ~ x %}".repeat(60)), true),
        ("a capture that doubles", format!("{{% set x %}}aaaaaaaa{{% endset %}}{}", "{% set x %}{{ x }}{{ x }}{% endset %}".repeat(60)), true),
        ("repeated text", "{{ 'a' * 90000000 }}".to_owned(), true),
        ("padding", "{{ 'a'|indent(90000000) }}{{ '%90000000d'|format(1) }}".to_owned(), true),
        ("a macro that calls itself", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}".to_owned(), false),
        ("a template that includes itself", "{% include 't' %}".to_owned(), false),
        ("a template that extends itself", "{% extends 't' %}".to_owned(), false),
        ("a long output", format!("{{% for a in range(10000) %}}{}{{% endfor %}}", "x".repeat(10_000)), true),
        ("values in values", "{% set ns = namespace(x=1) %}{% for a in range(10000) %}{% for b in range(10000) %}{% set ns.x = [ns.x] %}{% endfor %}{% endfor %}".to_owned(), true),
        ("minus signs", format!("{{{{ {}1 }}}}", fill("-")), false),
        ("sums", format!("{{{{ {}1 }}}}", fill("1+")), false),
        ("fields", format!("{{{{ x{} }}}}", fill(".y")), false),
        ("filters", format!("{{{{ x{} }}}}", fill("|e")), false),
        ("negations", format!("{{{{ {}1 }}}}", fill("not ")), false),
        ("conditions", format!("{{% if x %}}{}{{% endif %}}", fill("{% elif x %}")), false),
        ("parentheses", format!("{{{{ {}1{} }}}}", "(".repeat(50_000), ")".repeat(50_000)), false),
        ("lists in a list", format!("{{{{ {}1{} }}}}", "[".repeat(50_000), "]".repeat(50_000)), false),
        ("values in values, by hand", format!("{{% set x = 1 %}}{}{{{{ x }}}}", fill("{%set x=[x]%}")), false),
    ] {
        let kind = jinja(&text).map_err(|failure| failure.kind);
        assert!(!limited || kind == Err(Kind::RateLimited), "{what}: {kind:?}");
    }
    let deep = format!(
        "{{% set ns = namespace(x=1) %}}{{% for a in range(100) %}}{{% for b in range({}) %}}{{% set ns.x = [ns.x] %}}{{% endfor %}}{{% endfor %}}{{{{ ns.x == [ns.x] }}}}{{{{ ns.x }}}}",
        1400
    );
    let _ = jinja(&deep);
    for text in [
        fill("-"),
        fill("("),
        fill("!"),
        fill("a."),
        fill("a|upper|"),
        fill("a?"),
        fill("a["),
        fill("{{if a}}"),
    ] {
        let wrong =
            templates::check(&source("t", Syntax::Jet, &format!("{{{{ {text} }}}}")), &Delimiters::default());
        assert!(wrong.is_err());
    }
    let long = format!("{{{{ {} }}}}", "x".repeat(5_000));
    let wrong =
        templates::check(&source("t", Syntax::Jet, &long), &Delimiters::default()).expect_err("too long");
    assert_eq!(wrong.message, "an action is longer than 4096 bytes");
    let nested = "{% set ns = namespace(x=1) %}{% for a in range(300) %}{% set ns.x = [ns.x] %}{% endfor %}{{ _json(ns.x) }}";
    let failure = jinja(nested).expect_err("too deep");
    assert!(failure.message.ends_with("`json` was given a value that nests too deep"), "{failure}");
    let long = "x".repeat(MAX_SOURCE + 1);
    let wrong =
        templates::check(&source("t", Syntax::Jet, &long), &Delimiters::default()).expect_err("too long");
    assert_eq!(wrong.message, "its text has 131073 bytes, more than the 131072 allowed");
}

#[test]
fn a_large_page_is_rendered() {
    let rows: Vec<Value> = (0..5_000)
        .map(|row| Value::from_iter([("id", Value::from(row)), ("name", Value::from("<moon>"))]))
        .collect();
    let data = Value::from_iter([("rows", Value::Array(rows))]);
    let page =
        set(&[("t", "{{ range i, row := rows }}<tr><td>{{ row.id }}<td>{{ row.name | upper }}{{ end }}")])
            .render("t", &data);
    assert!(page.expect("it is rendered").len() > 100_000);
}

proptest! {
    #[test]
    fn no_template_panics(text in r#"(\{\{|\}\}|\{\*|\*\}|[a-c.|:=!+*/?()\[\]," `{}%#-]|if |end|range |block |else ){0,30}"#) {
        if let Ok(set) = Set::new(&Settings::default(), &[source("t", Syntax::Jet, &text)]) {
            let _ = set.render("t", &data(r#"{"a": [1, {"b": 2}], "b": {"c": "x"}}"#));
        }
    }

    #[test]
    fn text_without_actions_is_itself(text in r"([a-c{}%#*\n-]|\{%|\{#|%\}){0,40}") {
        prop_assume!(!text.contains("{{") && !text.contains("{*"));
        let rendered = render(&text, "{}");
        prop_assert_eq!(rendered.as_deref(), Ok(text.as_str()));
    }
}
