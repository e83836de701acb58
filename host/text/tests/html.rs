//! Sanitising: what policies let through, and what none does.

use perilune_text::html::{Attributes, MAX_TEXT, Policy, Rules, sanitize};
use perilune_value::Kind;
use proptest::prelude::*;
use std::sync::Arc;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn attributes(names: &[&str], elements: Option<&[&str]>, matching: Option<&str>) -> Attributes {
    Attributes {
        names: self::names(names),
        elements: elements.map(self::names),
        matching: matching.map(str::to_owned),
    }
}

/// As generous as a policy can be.
fn generous() -> Policy {
    Policy {
        elements: names(&[
            "a",
            "b",
            "i",
            "p",
            "div",
            "span",
            "img",
            "form",
            "input",
            "button",
            "iframe",
            "svg",
            "math",
            "video",
            "details",
            "table",
            "td",
            "title",
            "textarea",
            "select",
            "option",
            "object",
            "noscript",
            "marquee",
            "area",
            "template",
            "xmp",
            "mtext",
            "mglyph",
            "malignmark",
            "annotation-xml",
            "foreignobject",
            "desc",
            "use",
            "animate",
            "set",
        ]),
        attributes: vec![attributes(
            &[
                "href",
                "src",
                "action",
                "formaction",
                "xlink:href",
                "data",
                "poster",
                "background",
                "cite",
                "title",
                "id",
                "class",
                "alt",
                "values",
                "to",
                "from",
                "attributename",
                "rel",
                "target",
                "name",
                "value",
                "encoding",
            ],
            None,
            None,
        )],
        schemes: names(&["http", "https", "mailto"]),
        relative: true,
        ..Policy::default()
    }
}

fn clean(policy: Policy, text: &str) -> String {
    let rules = Arc::new(Rules::new(policy).expect("the policy is right"));
    sanitize(&rules, text.as_bytes(), false).expect("it is sanitised").expect("it was not asked to be quick")
}

/// Nothing of this runs, whatever a policy allows.
#[test]
fn no_policy_lets_scripts_through() {
    for attack in [
        "<script>alert(1)</script>",
        "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<img src=x onerror=alert(1)>",
        "<img/src=x/onerror=alert(1)>",
        "<img src=x OnErRoR=alert(1)//",
        "<a href=javascript:alert(1)>x</a>",
        "<a href=' &#1; javascript:alert(1)'>x</a>",
        "<a href='java&#10;script:alert(1)'>x</a>",
        "<a href='java\tscript:alert(1)'>x</a>",
        "<a href='&#x6A;avascript:alert(1)'>x</a>",
        "<a href='JaVaScRiPt:alert(1)'>x</a>",
        "<a href='vbscript:msgbox(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
        "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
        "<form action=javascript:alert(1)><input type=submit></form>",
        "<button formaction=javascript:alert(1)>x</button>",
        "<object data=javascript:alert(1)></object>",
        "<iframe src=javascript:alert(1)></iframe>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<svg><script>alert(1)</script></svg>",
        "<svg onload=alert(1)>",
        "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
        "<svg><animate attributeName=href values=javascript:alert(1)></animate></svg>",
        "<svg><set attributeName=onmouseover to=alert(1)></set></svg>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
        "<math><annotation-xml encoding='text/html'><script>alert(1)</script></annotation-xml></math>",
        "<style>@import 'javascript:alert(1)'</style>",
        "<p style='background:url(javascript:alert(1))'>x</p>",
        "<link rel=stylesheet href=javascript:alert(1)>",
        "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
        "<base href='javascript:alert(1)//'>",
        "<embed src=javascript:alert(1)>",
        "<video poster=javascript:alert(1) src=x onerror=alert(1)></video>",
        "<td background='javascript:alert(1)'>x</td>",
        "<details open ontoggle=alert(1)>x</details>",
        "<marquee onstart=alert(1)>x</marquee>",
        "<!--><script>alert(1)</script>-->",
        "<!--<img src=--><img src=x onerror=alert(1)//>",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<title><script>alert(1)</script></title>",
        "<textarea><script>alert(1)</script></textarea>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
        "<xmp><p title='</xmp><img src=x onerror=alert(1)>'></xmp>",
        "<template><script>alert(1)</script></template>",
        "<select><option><script>alert(1)</script></option></select>",
        "<plaintext><script>alert(1)</script>",
        "<p title='><script>alert(1)</script>'>x</p>",
        "<b <script>alert(1)</script>0",
        "<div<a href=javascript:alert(1)>",
        "\u{0}<scr\u{0}ipt>alert(1)</scr\u{0}ipt>",
        "<a href=\"javascript&colon;alert(1)\">x</a>",
        "<a href=\"&#0000106&#0000097&#0000118&#0000097&#0000115&#0000099&#0000114&#0000105&#0000112&#0000116:alert(1)\">x</a>",
    ] {
        for policy in [Policy::default(), generous()] {
            let left = clean(policy, attack);
            // What stands in text or in a value does not run: tags are looked at as a browser would.
            for tag in tags(&left) {
                let tag = tag.to_ascii_lowercase();
                let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect();
                assert!(
                    !matches!(name.as_str(), "script" | "style" | "base" | "embed" | "link" | "meta"),
                    "{attack}: {left}"
                );
                for (attribute, value) in attributes_of(&tag) {
                    let value: String =
                        value.chars().filter(|c| !c.is_ascii_control() && *c != ' ').collect();
                    assert!(!attribute.starts_with("on"), "{attack}: {left}");
                    let runs =
                        ["javascript:", "vbscript:", "data:"].iter().any(|scheme| value.starts_with(scheme));
                    assert!(!runs || attribute == "values" || attribute == "to", "{attack}: {left}");
                    assert!(
                        !runs || !tag.starts_with("animate") && !tag.starts_with("set"),
                        "{attack}: {left}"
                    );
                }
            }
        }
    }
}

/// The tags of serialised HTML, without their angle brackets.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).filter(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic())).collect()
}

fn attributes_of(tag: &str) -> Vec<(&str, &str)> {
    tag.split(" ").filter_map(|part| part.split_once("=\"")).collect()
}

#[test]
fn a_policy_that_allows_nothing_leaves_the_text() {
    let text = "<p>Hello <b>you</b> &amp; <i>me</i> &lt; 3</p><script>x</script><!-- y -->";
    assert_eq!(clean(Policy::default(), text), "Hello you &amp; me &lt; 3");
}

#[test]
fn only_what_is_allowed_stays() {
    let policy = Policy {
        elements: names(&["B"]),
        attributes: vec![
            attributes(&["title"], Some(&["p"]), None),
            attributes(&["dir"], None, Some("^(ltr|rtl)$")),
        ],
        ..Policy::default()
    };
    for (text, left) in [
        ("<b title=x>a</b>", "<b>a</b>"),
        ("<p title=x id=y>a</p>", "<p title=\"x\">a</p>"),
        ("<p dir=rtl>a</p><b dir=ltr>b</b>", "<p dir=\"rtl\">a</p><b dir=\"ltr\">b</b>"),
        ("<p dir=up>a</p>", "<p>a</p>"),
        ("<i>a</i><u>b</u>", "ab"),
    ] {
        assert_eq!(clean(policy.clone(), text), left, "{text}");
    }
}

#[test]
fn one_of_several_patterns_suffices() {
    let policy = Policy {
        attributes: vec![
            attributes(&["width"], Some(&["img"]), Some("^[0-9]+$")),
            attributes(&["width"], None, Some("^[0-9]+%$")),
        ],
        ..Policy::default()
    };
    let text = "<img width=5><img width=5%><img width=x>";
    assert_eq!(clean(policy, text), "<img width=\"5\"><img width=\"5%\"><img>");
}

#[test]
fn urls_pass_by_their_scheme() {
    let policy = |schemes: &[&str], relative, data_images| Policy {
        attributes: vec![attributes(&["href", "src", "cite"], Some(&["a", "img", "q"]), None)],
        schemes: names(schemes),
        relative,
        data_images,
        ..Policy::default()
    };
    for (url, https, relative) in [
        ("https://a.example/x?y#z", true, true),
        ("HTTPS://a.example", true, true),
        ("http://a.example", false, false),
        ("/path:with", false, true),
        ("page", false, true),
        ("#top", false, true),
        ("//a.example", false, true),
        ("mailto:x@y", false, false),
        ("foo:bar", false, false),
    ] {
        let text = format!("<a href=\"{url}\">x</a>");
        let kept = |kept: bool| if kept { text.clone() } else { "<a>x</a>".to_owned() };
        assert_eq!(clean(policy(&["https"], false, false), &text), kept(https), "{url}");
        assert_eq!(clean(policy(&["https"], true, false), &text), kept(relative), "{url}");
        let quote = format!("<q cite=\"{url}\">x</q>");
        let left = clean(policy(&["https"], true, false), &quote);
        assert_eq!(left, if relative { quote } else { "<q>x</q>".to_owned() }, "{url}");
    }
    let image = "<img src=\"data:image/png;base64,iVBORw0KGgo=\">";
    assert_eq!(clean(policy(&[], false, true), image), image);
    assert_eq!(clean(policy(&[], false, false), image), "<img>");
    for other in [
        "<a href=\"data:image/png;base64,iVBO\">x</a>",
        "<img src=\"data:image/svg+xml;base64,iVBO\">",
        "<img src=\"data:image/png,x\">",
    ] {
        assert!(!clean(policy(&[], false, true), other).contains("data:"), "{other}");
    }
}

#[test]
fn links_are_marked() {
    let policy = |nofollow, noreferrer, target_blank| Policy {
        attributes: vec![attributes(&["href", "title", "rel", "target"], Some(&["a"]), None)],
        schemes: names(&["https", "mailto"]),
        relative: true,
        nofollow,
        noreferrer,
        target_blank,
        ..Policy::default()
    };
    for (marks, text, left) in [
        ((true, false, false), "<a href=\"/x\">x</a>", "<a href=\"/x\" rel=\"nofollow\">x</a>"),
        (
            (true, true, false),
            "<a href=\"/x\" rel=\"me NoFollow\">x</a>",
            "<a href=\"/x\" rel=\"me NoFollow noreferrer\">x</a>",
        ),
        ((true, false, false), "<a title=\"x\">x</a>", "<a title=\"x\">x</a>"),
        (
            (false, false, true),
            "<a href=\"https://a.example\" target=\"_top\">x</a>",
            "<a href=\"https://a.example\" rel=\"noopener\" target=\"_blank\">x</a>",
        ),
        ((false, false, true), "<a href=\"/x?u=https://y\">x</a>", "<a href=\"/x?u=https://y\">x</a>"),
        ((false, false, true), "<a href=\"mailto:a@b\">x</a>", "<a href=\"mailto:a@b\">x</a>"),
        // Quotes and brackets in a value end neither it nor the tag.
        (
            (true, false, false),
            "<a title='>\" href=\"' href='/x'>&lt;a href=\"y\"></a>",
            "<a title=\"&gt;&quot; href=&quot;\" href=\"/x\" rel=\"nofollow\">&lt;a href=\"y\"&gt;</a>",
        ),
    ] {
        assert_eq!(clean(policy(marks.0, marks.1, marks.2), text), left, "{text}");
    }
}

#[test]
fn what_is_never_safe_cannot_be_allowed() {
    let with = |policy: Policy| Rules::new(policy).expect_err("it is refused");
    for (failure, says) in [
        (with(Policy { elements: names(&["Script"]), ..Policy::default() }), "element `script`"),
        (with(Policy { elements: names(&["style"]), ..Policy::default() }), "element `style`"),
        (with(Policy { elements: names(&["a b"]), ..Policy::default() }), "\"a b\""),
        (with(Policy { schemes: names(&["JavaScript"]), ..Policy::default() }), "scheme `javascript`"),
        (with(Policy { schemes: names(&["data"]), ..Policy::default() }), "allow_data_uri_images"),
        (
            with(Policy { attributes: vec![attributes(&["onClick"], None, None)], ..Policy::default() }),
            "attribute `onclick`",
        ),
        (
            with(Policy {
                attributes: vec![attributes(&["style"], Some(&["p"]), None)],
                ..Policy::default()
            }),
            "attribute `style`",
        ),
        (
            with(Policy { attributes: vec![attributes(&["id"], None, Some("("))], ..Policy::default() }),
            "unclosed group",
        ),
        (with(Policy { elements: vec!["a".to_owned(); 3000], ..Policy::default() }), "at most"),
        (
            with(Policy {
                attributes: vec![attributes(&["id"], None, Some(r"\p{L}{200}"))],
                ..Policy::default()
            }),
            "the patterns of the policy are too large; repeat less often in them",
        ),
    ] {
        assert_eq!(failure.kind, Kind::Invalid);
        assert!(failure.message.contains(says), "{failure}");
    }
}

/// Each of these would take a stack, minutes or gigabytes.
#[test]
fn texts_made_to_be_expensive_are_refused() {
    let many = |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<String>();
    let formats = many(1000, &|n| format!("<b id={n}>"));
    for (what, text) in [
        ("nested elements", "<div>".repeat(100_000)),
        ("nested unknown elements", "<x>".repeat(200_000)),
        ("nested formatting", "<b>".repeat(100_000)),
        ("nested tables", "<table><td>".repeat(50_000)),
        ("nested svg", "<svg>".repeat(100_000)),
        ("nested select content", "<selectedcontent>".repeat(50_000)),
        (
            "formatting that begins again in each block",
            format!("<div>{formats}</div>{}", "<div>x</div>".repeat(20_000)),
        ),
        ("misnested formatting", "<b><p></b>".repeat(80_000)),
        ("links in links", "<a><div>".repeat(80_000)),
        ("many elements", "<br>".repeat(200_000)),
        ("many attributes", format!("<a {}>", many(150_000, &|n| format!(" {n}a")))),
    ] {
        let rules = Arc::new(Rules::new(generous()).expect("right"));
        let text = &text.as_bytes()[..text.len().min(MAX_TEXT)];
        let refused = sanitize(&rules, text, false);
        if what == "many attributes" {
            let failure = refused.as_ref().expect_err("each is compared with all before");
            assert_eq!(failure.message, "reading the text takes too long");
        }
        assert_eq!(refused.map(|_| ()).map_err(|failure| failure.kind), Err(Kind::RateLimited), "{what}");
        assert_eq!(sanitize(&rules, &text[..4096], true).map(|_| ()), Ok(()), "{what}: a piece of it");
    }
    let rules = Arc::new(Rules::new(Policy::default()).expect("right"));
    assert_eq!(
        sanitize(&rules, &vec![b'a'; MAX_TEXT + 1], false).expect_err("too long").kind,
        Kind::RateLimited
    );
    assert_eq!(sanitize(&rules, b"\xff", false).expect_err("no text").kind, Kind::Invalid);
}

#[test]
fn long_but_plain_texts_pass() {
    for text in [
        "a".repeat(MAX_TEXT),
        "<p>word word</p>\n".repeat(20_000),
        format!("<a title=\"{}\">x</a>", "x ".repeat(400_000)),
        format!("<!-- {} -->", "a b ".repeat(200_000)),
        "<div>".repeat(900) + &"</div>".repeat(900),
        "&amp;".repeat(200_000),
        // Each of these is looked at as if it began a name, and was: in one piece they took ten seconds.
        "&".repeat(900_000),
        "&a".repeat(450_000),
        "<a title='".to_owned() + &"&".repeat(900_000),
    ] {
        let rules = Arc::new(Rules::new(generous()).expect("right"));
        assert!(sanitize(&rules, text.as_bytes(), false).expect("it passes").is_some());
    }
}

#[test]
fn only_short_and_cheap_texts_are_done_at_once() {
    let rules = Arc::new(Rules::new(generous()).expect("right"));
    assert!(sanitize(&rules, b"<p>hello</p>", true).expect("it is fine").is_some());
    assert!(sanitize(&rules, &vec![b'a'; 5000], true).expect("it is fine").is_none());
    let costly: String =
        (0..200).map(|n| format!("<b id={n}>")).collect::<String>() + &"</p><p>x".repeat(100);
    assert!(sanitize(&rules, costly.as_bytes(), true).expect("it is fine").is_none() || costly.len() <= 4096);
}

proptest! {
    #[test]
    fn sanitising_again_changes_nothing(text in "[<>/a-c \"'=&;!-]{0,60}") {
        let once = clean(generous(), &text);
        prop_assert_eq!(clean(generous(), &once), once);
    }
}
