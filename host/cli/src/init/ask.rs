//! Questions on a terminal.

use super::check_name;
use super::templates::{TEMPLATES, Template};
use crate::exit::Exit;
use crate::output;
use dialoguer::console::{self, Term};
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};
use dialoguer::{Input, Select};

type Answers = (&'static Template, Option<String>);

/// Asks for what is not known. The questions have a thread of their own, so that a signal ends the program while they wait.
pub(super) async fn ask(
    template: Option<&'static Template>,
    name: Option<String>,
    suggested: String,
) -> Result<Answers, Exit> {
    console::set_colors_enabled_stderr(output::color());
    let _cursor = Cursor;
    let asked = tokio::task::spawn_blocking(move || questions(template, name, suggested));
    match asked.await {
        Ok(Ok(answers)) => Ok(answers),
        // Ctrl-C, Ctrl-D, Escape: nothing was made.
        Ok(Err(_)) => Err(Exit::interrupted()),
        Err(_) => Err(Exit::failed("the questions could not be asked")),
    }
}

/// Questions hide it.
struct Cursor;

impl Drop for Cursor {
    fn drop(&mut self) {
        let _ = Term::stderr().show_cursor();
    }
}

fn questions(
    template: Option<&'static Template>,
    name: Option<String>,
    suggested: String,
) -> dialoguer::Result<Answers> {
    let theme: Box<dyn Theme> = match output::color() {
        true => Box::new(ColorfulTheme::default()),
        false => Box::new(SimpleTheme),
    };
    let template = match template {
        Some(template) => template,
        None => {
            let items = TEMPLATES.iter().map(|template| format!("{}: {}", template.name, template.summary));
            let select = Select::with_theme(&*theme).with_prompt("What do you want to begin with?");
            let chosen = select.items(items.collect::<Vec<_>>()).default(0).interact_opt()?;
            let chosen = chosen.and_then(|index| TEMPLATES.get(index));
            chosen.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::Interrupted))?
        }
    };
    let name = match name {
        Some(name) => name,
        None => Input::with_theme(&*theme)
            .with_prompt("Namespace of its entries")
            .default(suggested)
            .validate_with(|name: &String| check_name(name))
            .interact_text()?,
    };
    Ok((template, Some(name)))
}
