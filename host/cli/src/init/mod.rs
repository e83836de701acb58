//! `perilune init`: a new application that works at once.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | the command: what is made where |
//! | `ask.rs` | questions on a terminal |
//! | `templates.rs` | what there is to begin with |
//! | `write.rs` | files, of which none is ever overwritten |

mod ask;
mod templates;
mod write;

use crate::exit::Exit;
use crate::output;
use clap::Args;
use perilune::EntryId;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use templates::{TEMPLATES, Template};

/// Make a new application: files with entries, a test, and settings, which run as they are
///
/// On a terminal it asks for what was not named. No file is ever overwritten.
#[derive(Args, Clone, Debug)]
pub(crate) struct Init {
    /// Directory to make the application in, made if need be; the one of -C without it
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// What to begin with
    #[arg(short, long, value_name = "TEMPLATE", value_parser = templates::parser())]
    template: Option<String>,
    /// Namespace of its entries; the directory's name without it
    #[arg(short, long, value_name = "NAME")]
    name: Option<String>,
    /// Also into a directory that is not empty; files that are there are left as they are
    #[arg(short, long)]
    force: bool,
}

/// Makes the application, and says what to do next.
pub(crate) async fn init(directory: &Path, command: Init) -> Exit {
    let folder = command.dir.clone().unwrap_or_else(|| directory.to_owned());
    if let Err(exit) = write::check(&folder, command.force) {
        return exit;
    }
    let asks = io::stdin().is_terminal() && io::stderr().is_terminal();
    let template = command.template.as_deref().and_then(templates::find);
    let answers = match (template, &command.name) {
        (Some(template), name) if name.is_some() || !asks => Ok((template, name.clone())),
        (None, _) if !asks => Err(no_template()),
        (template, name) => ask::ask(template, name.clone(), suggested(&folder)).await,
    };
    let (template, name) = match answers {
        Ok(answers) => answers,
        Err(exit) => return exit,
    };
    let name = name.unwrap_or_else(|| suggested(&folder));
    match check_name(&name) {
        Ok(()) => make(template, &folder, &name),
        Err(message) => Exit::usage(format!("`{}` is no name: {message}", name.escape_debug())),
    }
}

fn make(template: &Template, folder: &Path, name: &str) -> Exit {
    let files: Vec<(&str, String)> = template.files(name);
    match write::write(folder, &files) {
        Ok(lines) => {
            for line in lines {
                output::line(line.as_bytes());
            }
            output::line(next(template, folder, name).as_bytes());
            Exit::done()
        }
        Err(error) => Exit::failed(format!("cannot write to {}: {error}", folder.display())),
    }
}

/// What to type now.
fn next(template: &Template, folder: &Path, name: &str) -> String {
    let mut text = "\nnext:\n".to_owned();
    if folder != Path::new(".") {
        text.push_str(&format!("  cd {}\n", quoted(&folder.display().to_string())));
    }
    let steps: Vec<(String, &str)> =
        template.next.iter().map(|(step, remark)| (step.replace(templates::NAME, name), *remark)).collect();
    let remarked = steps.iter().filter(|(_, remark)| !remark.is_empty());
    let width = remarked.map(|(step, _)| step.chars().count()).max().unwrap_or(0);
    for (step, remark) in &steps {
        text.push_str(&match remark.is_empty() {
            true => format!("  {step}\n"),
            false => format!("  {step:width$}  # {remark}\n"),
        });
    }
    text.trim_end().to_owned()
}

/// As a shell reads it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    match text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

fn no_template() -> Exit {
    let width = TEMPLATES.iter().map(|template| template.name.len()).max().unwrap_or(0);
    let lines = TEMPLATES.iter().map(|template| format!("  {:width$}  {}", template.name, template.summary));
    let list: Vec<String> = lines.collect();
    Exit::usage(format!("name what to begin with: `--template NAME`\ntemplates:\n{}", list.join("\n")))
}

/// A namespace that needs no quotes in YAML and in a shell; the registry takes more than that.
fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(plain) {
        return Err("a name begins with a letter, and has letters, digits, `_`, `-` and `.`".to_owned());
    }
    EntryId::new(name, "entry").map(drop).map_err(|error| error.to_string())
}

/// The directory's name, as far as it can be a namespace.
fn suggested(folder: &Path) -> String {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let name = absolute.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let letters = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    let name = letters.collect::<String>().trim_matches('_').to_owned();
    if check_name(&name).is_ok() { name } else { "app".to_owned() }
}
