//! Policies as data, and what they allow.

use crate::regexp::{Bound, Parsed, QUICK_STATES, Regexp};
use perilune_value::Failure;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Elements that no policy can allow: what they hold runs, or changes how the page around it is read.
const NEVER: [&str; 9] =
    ["base", "embed", "frame", "frameset", "link", "meta", "plaintext", "script", "style"];

/// Attributes that hold a URL, on whatever element.
const URLS: [&str; 17] = [
    "action",
    "background",
    "cite",
    "classid",
    "codebase",
    "data",
    "formaction",
    "href",
    "icon",
    "longdesc",
    "manifest",
    "ping",
    "poster",
    "profile",
    "src",
    "usemap",
    "xlink:href",
];

/// Schemes that no policy can allow: they run what they hold.
const NEVER_SCHEMES: [&str; 3] = ["javascript", "vbscript", "data"];

/// Images that a `data:` URL may hold; SVG is not among them, as it can hold scripts.
const IMAGES: [&str; 5] = ["gif", "jpeg", "jpg", "png", "webp"];

/// Items of all lists of a policy.
const MAX_ITEMS: usize = 2_000;

/// Patterns of a policy; each may look at every attribute.
const MAX_PATTERNS: usize = 100;

/// States of all patterns of a policy: they are compiled while nobody can interrupt.
const MAX_STATES: u64 = 2 * QUICK_STATES;

/// What a policy allows, as it is written down. Nothing by default.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Names of elements.
    pub elements: Vec<String>,
    /// Attributes.
    pub attributes: Vec<Attributes>,
    /// Schemes of URLs.
    pub schemes: Vec<String>,
    /// URLs without a scheme.
    pub relative: bool,
    /// Images in `data:` URLs.
    pub data_images: bool,
    /// Links get `rel="nofollow"`.
    pub nofollow: bool,
    /// Links get `rel="noreferrer"`.
    pub noreferrer: bool,
    /// Links to other hosts get `target="_blank"`, and `rel="noopener"`.
    pub target_blank: bool,
}

/// Attributes that elements may have.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Attributes {
    /// Their names.
    pub names: Vec<String>,
    /// The elements, which are allowed thereby; all without a list.
    pub elements: Option<Vec<String>>,
    /// A regular expression that occurs in the value.
    pub matching: Option<String>,
}

/// A policy that is ready to be applied.
#[derive(Debug)]
pub struct Rules {
    elements: BTreeSet<String>,
    /// By element, empty for all, and attribute; a value passes when one of the patterns does.
    attributes: BTreeMap<(String, String), Vec<Option<usize>>>,
    patterns: Vec<Regexp>,
    /// Of the patterns so far.
    states: u64,
    policy: Policy,
}

impl Rules {
    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// `Invalid` for what no policy can allow, for wrong names and patterns, and for too many of them.
    pub fn new(mut policy: Policy) -> Result<Self, Failure> {
        let items = policy.elements.len() + policy.schemes.len();
        let lists = policy.attributes.iter();
        let items = items
            + lists.map(|one| one.names.len() * one.elements.as_ref().map_or(1, Vec::len)).sum::<usize>();
        let patterns = policy.attributes.iter().filter(|one| one.matching.is_some()).count();
        if items > MAX_ITEMS || patterns > MAX_PATTERNS {
            let message = format!("a policy has at most {MAX_ITEMS} names and {MAX_PATTERNS} patterns");
            return Err(Failure::invalid(message));
        }
        let mut rules = Rules {
            elements: BTreeSet::new(),
            attributes: BTreeMap::new(),
            patterns: Vec::new(),
            states: 0,
            policy: Policy::default(),
        };
        for element in std::mem::take(&mut policy.elements) {
            rules.elements.insert(checked_element(&element)?);
        }
        for one in std::mem::take(&mut policy.attributes) {
            rules.add(&one)?;
        }
        policy.schemes =
            policy.schemes.iter().map(|scheme| checked_scheme(scheme)).collect::<Result<_, _>>()?;
        if policy.data_images {
            policy.schemes.push("data".to_owned());
        }
        Ok(Rules { policy, ..rules })
    }

    fn add(&mut self, attributes: &Attributes) -> Result<(), Failure> {
        let pattern = match &attributes.matching {
            None => None,
            Some(pattern) => {
                let parsed = Parsed::new(pattern)?;
                self.states = self.states.saturating_add(parsed.states());
                if self.states > MAX_STATES {
                    return Err(Failure::invalid(
                        "the patterns of the policy are too large; repeat less often in them",
                    ));
                }
                self.patterns.push(parsed.compile()?);
                Some(self.patterns.len() - 1)
            }
        };
        let everywhere = [String::new()];
        for element in attributes.elements.as_deref().unwrap_or(&everywhere) {
            let element = if element.is_empty() { String::new() } else { checked_element(element)? };
            if !element.is_empty() {
                self.elements.insert(element.clone());
            }
            for name in &attributes.names {
                let key = (element.clone(), checked_attribute(name)?);
                self.attributes.entry(key).or_default().push(pattern);
            }
        }
        Ok(())
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &str> {
        self.elements.iter().map(String::as_str)
    }

    pub(super) fn element_attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = self.attributes.keys().filter(|(element, _)| !element.is_empty());
        named.map(|(element, attribute)| (element.as_str(), attribute.as_str()))
    }

    pub(super) fn global_attributes(&self) -> impl Iterator<Item = &str> {
        let global = self.attributes.keys().filter(|(element, _)| element.is_empty());
        global.map(|(_, attribute)| attribute.as_str())
    }

    pub(super) fn schemes(&self) -> impl Iterator<Item = &str> {
        self.policy.schemes.iter().map(String::as_str)
    }

    pub(super) fn allows_relative(&self) -> bool {
        self.policy.relative
    }

    pub(super) fn marks_links(&self) -> bool {
        self.policy.nofollow || self.policy.noreferrer || self.policy.target_blank
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether an attribute that is allowed by its name may have a value.
    pub(super) fn allows(&self, element: &str, attribute: &str, value: &str) -> bool {
        if URLS.contains(&attribute) && !self.allows_url(element, attribute, value) {
            return false;
        }
        let of = |element: &str| self.attributes.get(&(element.to_owned(), attribute.to_owned()));
        let mut patterns = of(element).into_iter().chain(of("")).flatten();
        patterns.any(|pattern| match pattern {
            None => true,
            Some(index) => self.patterns[*index].is_match(value.as_bytes(), Bound::long(0)).unwrap_or(false),
        })
    }

    fn allows_url(&self, element: &str, attribute: &str, value: &str) -> bool {
        // Browsers skip these wherever they stand, so that `java\nscript:` has a scheme.
        let url: String = value.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
        let url = url.trim_matches(|c: char| c <= ' ');
        let scheme =
            url.split_once([':', '/', '?', '#']).filter(|(before, _)| url[before.len()..].starts_with(':'));
        match scheme {
            None => self.policy.relative,
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("data") => {
                self.policy.data_images && element == "img" && attribute == "src" && is_image(rest)
            }
            Some((scheme, _)) => self.policy.schemes.iter().any(|one| scheme.eq_ignore_ascii_case(one)),
        }
    }
}

/// Whether what follows `data:` is an image in base64.
fn is_image(rest: &str) -> bool {
    let Some((media_type, data)) = rest.split_once(";base64,") else { return false };
    let image = media_type.to_ascii_lowercase();
    let known = image.strip_prefix("image/").is_some_and(|image| IMAGES.contains(&image));
    known && data.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}

fn checked_element(name: &str) -> Result<String, Failure> {
    let name = checked(name, "an element")?;
    if NEVER.contains(&name.as_str()) {
        return Err(Failure::invalid(format!("no policy can allow element `{name}`: it is not safe")));
    }
    Ok(name)
}

fn checked_attribute(name: &str) -> Result<String, Failure> {
    let name = checked(name, "an attribute")?;
    if name.starts_with("on") || matches!(name.as_str(), "style" | "srcdoc") {
        return Err(Failure::invalid(format!("no policy can allow attribute `{name}`: it is not safe")));
    }
    Ok(name)
}

fn checked_scheme(scheme: &str) -> Result<String, Failure> {
    let scheme = checked(scheme, "a scheme")?;
    if NEVER_SCHEMES.contains(&scheme.as_str()) {
        let help = if scheme == "data" { "; images may be allowed by `allow_data_uri_images`" } else { "" };
        return Err(Failure::invalid(format!(
            "no policy can allow URLs of scheme `{scheme}`: it is not safe{help}"
        )));
    }
    Ok(scheme)
}

/// A name in lower case, as the parser gives them.
fn checked(name: &str, what: &str) -> Result<String, Failure> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '+' | '.');
    if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
        let shown: String = name.chars().take(64).collect();
        return Err(Failure::invalid(format!("{shown:?} is not the name of {what}")));
    }
    Ok(name.to_ascii_lowercase())
}
