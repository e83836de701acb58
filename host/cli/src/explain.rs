//! `perilune explain CODE`: sections of the pages of errors and of what `perilune lint` finds.

use crate::exit::Exit;
use crate::output;

/// Pages whose sections begin with `## CODE: title`.
const PAGES: [&str; 2] = [include_str!("../../../docs/errors.md"), include_str!("../../../docs/lint.md")];

/// What a page says of a code.
struct Section {
    code: &'static str,
    title: &'static str,
    text: &'static str,
}

fn sections() -> impl Iterator<Item = Section> {
    PAGES.iter().flat_map(|page| page.split("\n## ").skip(1)).filter_map(|section| {
        let (heading, text) = section.split_once('\n')?;
        let (code, title) = heading.split_once(": ")?;
        Some(Section { code, title, text: text.trim() })
    })
}

/// All codes, each with its title.
pub(crate) fn codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    sections().map(|section| (section.code, section.title))
}

/// Explains a code, or lists all.
pub(crate) fn explain(code: Option<&str>) -> Exit {
    let Some(code) = code else {
        for section in sections() {
            output::line(format!("{:16}  {}", section.code, section.title).as_bytes());
        }
        return Exit::done();
    };
    // As it is copied out of a message: `error[E203]`, `[Timeout]`.
    let wanted = code.trim_start_matches("error").trim_matches(['[', ']', ':']);
    match sections().find(|section| section.code.eq_ignore_ascii_case(wanted)) {
        Some(Section { code, title, text }) => {
            let (bold, normal) = if output::stdout_color() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
            output::line(format!("{bold}{code}: {title}{normal}\n\n{text}").as_bytes());
            Exit::done()
        }
        None => Exit::usage(format!("there is no code `{}`", code.escape_debug()))
            .with_help("`perilune explain` lists them all"),
    }
}
