//! Links of Markdown files to others in the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context;

/// Describes each link of a page that leads nowhere: to a file that is not there, or to a heading that a page does not have.
///
/// # Errors
///
/// When the page cannot be read.
pub fn dead(page: &Path) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(page).with_context(|| page.display().to_string())?;
    let folder = page.parent().unwrap_or(Path::new(""));
    let mut dead = Vec::new();
    for (line, target) in targets(&text) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (path, heading) = target.split_once('#').unwrap_or((target, ""));
        let file = if path.is_empty() { page.to_owned() } else { folder.join(path) };
        let is_there = match (file.exists(), heading) {
            (is_there, "") => is_there,
            (false, _) => false,
            (true, heading) => headings(&fs::read_to_string(&file).unwrap_or_default()).contains(heading),
        };
        if !is_there {
            dead.push(format!("{}:{line}: `{target}` leads nowhere", page.display()));
        }
    }
    Ok(dead)
}

/// What `[text](target)` refers to, each with its line. Code is no text.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (line, text) in prose(text) {
        let mut rest = text;
        while let Some(at) = rest.find("](") {
            // An odd number of backquotes before it: it stands in code.
            let before = text.len() - rest.len() + at;
            rest = &rest[at + 2..];
            if text[..before].matches('`').count() % 2 == 0
                && let Some(end) = rest.find(')')
            {
                found.push((line, rest[..end].split(' ').next().unwrap_or_default()));
            }
        }
    }
    found
}

/// The headings of a page as links name them.
fn headings(text: &str) -> BTreeSet<String> {
    let titles = prose(text).filter_map(|(_, line)| line.strip_prefix('#'));
    let slug = |title: &str| {
        let title = title.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    titles.map(slug).collect()
}

/// The lines outside of blocks of code, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    })
}
