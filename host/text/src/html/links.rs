//! Marks on links: `rel` and `target`.
//!
//! The text comes from the serializer, which writes each attribute as `name="value"` with quotes in it escaped, and no `<` in
//! text; so tags can be told from text without a parser.

use super::Rules;

pub(super) fn mark(html: &str, rules: &Rules) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 8);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let name = ["<a ", "<area "].into_iter().find(|name| tag.starts_with(name));
        match name.and_then(|name| Some((name, read(&tag[name.len() - 1..])?))) {
            Some((name, (attributes, after))) => {
                out.push_str(name.trim_end());
                write(&mut out, &attributes, rules);
                out.push('>');
                rest = after;
            }
            None => {
                out.push('<');
                rest = &tag[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The attributes of a tag, and what follows it.
fn read(mut rest: &str) -> Option<(Vec<(&str, &str)>, &str)> {
    let mut attributes = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix('>') {
            return Some((attributes, after));
        }
        let (name, after) = rest.strip_prefix(' ')?.split_once("=\"")?;
        let (value, after) = after.split_once('"')?;
        attributes.push((name, value));
        rest = after;
    }
}

fn write(out: &mut String, attributes: &[(&str, &str)], rules: &Rules) {
    let value = |name: &str| attributes.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
    let policy = rules.policy();
    let href = value("href");
    let blank = policy.target_blank && href.is_some_and(leads_away);
    let mut rel: Vec<&str> = value("rel").unwrap_or_default().split_ascii_whitespace().collect();
    if href.is_some() {
        for (wanted, word) in
            [(policy.nofollow, "nofollow"), (policy.noreferrer, "noreferrer"), (blank, "noopener")]
        {
            if wanted && !rel.iter().any(|present| present.eq_ignore_ascii_case(word)) {
                rel.push(word);
            }
        }
    }
    let rel = rel.join(" ");
    let mut push = |name: &str, value: &str| {
        out.extend([" ", name, "=\"", value, "\""]);
    };
    for (name, value) in attributes {
        if !(*name == "rel" || blank && *name == "target") {
            push(name, value);
        }
    }
    if !rel.is_empty() {
        push("rel", &rel);
    }
    if blank {
        push("target", "_blank");
    }
}

/// Whether a URL names a host.
fn leads_away(url: &str) -> bool {
    url.starts_with("//")
        || url.split_once("://").is_some_and(|(scheme, _)| !scheme.contains(['/', '?', '#']))
}
