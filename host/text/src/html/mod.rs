//! Removing from HTML what a policy does not allow.
//!
//! Parsing, filtering and writing are ammonia's. What is added is the policy as data, URLs in attributes that it does not know of,
//! marks on links, and a bound: HTML's own rules let a short text grow into a huge document.

mod links;
mod policy;
mod weigh;

pub use policy::{Attributes, Policy, Rules};

use ammonia::UrlRelative;
use perilune_value::{Failure, Kind};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use weigh::Refused;

/// Bytes of a text: a very long page.
pub const MAX_TEXT: usize = 1 << 20;

/// A text up to this length is sanitised at once, unless it is made to be expensive: 1 ms (measured: 0.5 ms).
pub const QUICK_TEXT: usize = 4 << 10;

/// Elements and pieces of text that it may have then; all text of that length has fewer.
const QUICK_NODES: usize = 2_000;

/// Nodes of any document: pages of 1 MiB have some 30,000. Each takes 300 bytes while it is looked at.
const MAX_NODES: usize = 100_000;

/// Elements whose content goes with them: it is not meant to be read.
const UNREADABLE: [&str; 10] =
    ["iframe", "math", "noembed", "noframes", "noscript", "object", "script", "style", "svg", "template"];

/// The text without anything that the rules do not allow; `None` when that takes longer than `quick` permits.
///
/// # Errors
///
/// `Invalid` for text that is not UTF-8, `RateLimited` for text that is too long or grows too large.
pub fn sanitize(rules: &Arc<Rules>, text: &[u8], quick: bool) -> Result<Option<String>, Failure> {
    if quick && text.len() > QUICK_TEXT {
        return Ok(None);
    }
    if text.len() > MAX_TEXT {
        return Err(too_much(format!(
            "a text of {} bytes is longer than the {MAX_TEXT} allowed",
            text.len()
        )));
    }
    let text = std::str::from_utf8(text)
        .map_err(|error| Failure::invalid(format!("the text is not UTF-8: {error}")))?;
    match weigh::weigh(text, if quick { QUICK_NODES } else { MAX_NODES }) {
        Ok(()) => {}
        Err(_) if quick => return Ok(None),
        Err(Refused::Nodes) => {
            return Err(too_much(format!("the text makes a document of more than {MAX_NODES} nodes")));
        }
        Err(Refused::Depth) => {
            return Err(too_much(format!("elements nest deeper than {} levels", weigh::MAX_DEPTH)));
        }
        Err(Refused::Time) => return Err(too_much("reading the text takes too long".to_owned())),
    }
    // In pieces: in one, each `&` that means nothing would have all the rest moved.
    let clean = cleaner(rules)
        .clean_from_reader(text.as_bytes())
        .map_err(|error| Failure::internal(format!("a text in memory could not be read: {error}")))?
        .to_string();
    Ok(Some(if rules.marks_links() { links::mark(&clean, rules) } else { clean }))
}

fn too_much(message: String) -> Failure {
    Failure::new(Kind::RateLimited, message).with_detail("limit", "size")
}

fn cleaner(rules: &Arc<Rules>) -> ammonia::Builder<'_> {
    let tags: HashSet<&str> = rules.elements().collect();
    let mut tag_attributes: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (element, attribute) in rules.element_attributes() {
        tag_attributes.entry(element).or_default().insert(attribute);
    }
    let mut builder = ammonia::Builder::empty();
    builder
        .clean_content_tags(UNREADABLE.into_iter().filter(|tag| !tags.contains(tag)).collect())
        .tags(tags)
        .tag_attributes(tag_attributes)
        .generic_attributes(rules.global_attributes().collect())
        .url_schemes(rules.schemes().collect())
        .url_relative(if rules.allows_relative() { UrlRelative::PassThrough } else { UrlRelative::Deny })
        .link_rel(None)
        .strip_comments(true);
    let filter = rules.clone();
    builder.attribute_filter(move |element, attribute, value| {
        filter.allows(element, attribute, value).then(|| value.into())
    });
    builder
}
