//! Columns.

/// Bold, and back to normal.
const BOLD: (&str, &str) = ("\x1b[1m", "\x1b[0m");

/// Lines with as many cells as there are headings.
pub(crate) struct Table<const N: usize> {
    lines: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(headings: [&str; N]) -> Self {
        Table { lines: vec![headings.map(str::to_owned)] }
    }

    pub(crate) fn add(&mut self, line: [String; N]) {
        self.lines.push(line);
    }

    /// Each column as wide as its widest cell, without blanks at the end of lines.
    pub(crate) fn render(&self, color: bool) -> String {
        let mut widths = [0; N];
        for line in &self.lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = cell.chars().count().max(*width);
            }
        }
        let aligned = self.lines.iter().map(|line| {
            let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        });
        let mut lines: Vec<String> = aligned.collect();
        if let Some(headings) = lines.first_mut().filter(|_| color) {
            *headings = format!("{}{headings}{}", BOLD.0, BOLD.1);
        }
        lines.join("\n")
    }
}
