//! Layouts: the reference time `Mon Jan 2 15:04:05 MST 2006` written as times shall be.

mod format;
mod parse;

pub use format::format;
pub use parse::parse;

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(crate) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Letters of a shortened month or weekday.
pub(crate) const SHORT: usize = 3;

/// What stands for a part of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Year,
    /// Two digits.
    YearOfCentury,
    MonthName(Length),
    WeekdayName(Length),
    Month(Pad),
    Day(Pad),
    /// Three places.
    YearDay(Pad),
    Hour24,
    Hour12(Pad),
    Minute(Pad),
    Second(Pad),
    /// `AM` and `PM`, or small letters.
    Noon {
        capital: bool,
    },
    ZoneName,
    Offset {
        /// Whether UTC is written `Z`.
        zulu: bool,
        colons: bool,
        precision: Precision,
    },
    /// A mark, `.` or `,`, and digits of a second, with or without trailing zeros.
    Fraction {
        mark: u8,
        digits: usize,
        trim: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Short,
    Long,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pad {
    None,
    Zero,
    Space,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    Hours,
    Minutes,
    Seconds,
}

/// Every element but [`fraction`]s, longer before shorter where one begins another.
const ELEMENTS: [(&str, Element); 33] = {
    use Element::*;
    use Precision::*;
    const fn offset(zulu: bool, colons: bool, precision: Precision) -> Element {
        Offset { zulu, colons, precision }
    }
    [
        ("January", MonthName(Length::Long)),
        ("Jan", MonthName(Length::Short)),
        ("Monday", WeekdayName(Length::Long)),
        ("Mon", WeekdayName(Length::Short)),
        ("MST", ZoneName),
        ("002", YearDay(Pad::Zero)),
        ("01", Month(Pad::Zero)),
        ("02", Day(Pad::Zero)),
        ("03", Hour12(Pad::Zero)),
        ("04", Minute(Pad::Zero)),
        ("05", Second(Pad::Zero)),
        ("06", YearOfCentury),
        ("15", Hour24),
        ("1", Month(Pad::None)),
        ("2006", Year),
        ("2", Day(Pad::None)),
        ("_2", Day(Pad::Space)),
        ("__2", YearDay(Pad::Space)),
        ("3", Hour12(Pad::None)),
        ("4", Minute(Pad::None)),
        ("5", Second(Pad::None)),
        ("PM", Noon { capital: true }),
        ("pm", Noon { capital: false }),
        ("-07:00:00", offset(false, true, Seconds)),
        ("-070000", offset(false, false, Seconds)),
        ("-07:00", offset(false, true, Minutes)),
        ("-0700", offset(false, false, Minutes)),
        ("-07", offset(false, false, Hours)),
        ("Z07:00:00", offset(true, true, Seconds)),
        ("Z070000", offset(true, false, Seconds)),
        ("Z07:00", offset(true, true, Minutes)),
        ("Z0700", offset(true, false, Minutes)),
        ("Z07", offset(true, false, Hours)),
    ]
};

/// A layout taken apart at its first element.
pub(crate) struct Split<'a> {
    /// Text that stands for itself.
    pub(crate) before: &'a [u8],
    /// The element with its spelling, if there is one.
    pub(crate) element: Option<(Element, &'a [u8])>,
    pub(crate) after: &'a [u8],
}

/// Finds the first element of a layout.
pub(crate) fn split(layout: &[u8]) -> Split<'_> {
    let found = (0..layout.len()).find_map(|start| Some((start, element_at(&layout[start..])?)));
    match found {
        None => Split { before: layout, element: None, after: &[] },
        Some((start, (element, length))) => {
            let (before, rest) = layout.split_at(start);
            let (spelling, after) = rest.split_at(length);
            Split { before, element: Some((element, spelling)), after }
        }
    }
}

/// The element at the beginning of a text, with its length.
fn element_at(text: &[u8]) -> Option<(Element, usize)> {
    fraction(text).or_else(|| {
        let (spelling, element) = ELEMENTS.iter().find(|(spelling, element)| {
            text.strip_prefix(spelling.as_bytes()).is_some_and(|after| stands(*element, after))
        })?;
        Some((*element, spelling.len()))
    })
}

/// Whether what follows lets an element be one.
fn stands(element: Element, after: &[u8]) -> bool {
    match element {
        // "Janet" and "Month" are words.
        Element::MonthName(Length::Short) | Element::WeekdayName(Length::Short) => {
            !after.first().is_some_and(u8::is_ascii_lowercase)
        }
        // `_2006` is an underscore and a year.
        Element::Day(Pad::Space) => !after.starts_with(b"006"),
        _ => true,
    }
}

/// A mark and any number of zeros, or of nines, that end the run of digits.
fn fraction(text: &[u8]) -> Option<(Element, usize)> {
    let (mark, rest) = text.split_first()?;
    let digit = *rest.first()?;
    if !matches!(mark, b'.' | b',') || !matches!(digit, b'0' | b'9') {
        return None;
    }
    let digits = rest.iter().take_while(|byte| **byte == digit).count();
    let ends = !rest.get(digits).is_some_and(u8::is_ascii_digit);
    ends.then_some((Element::Fraction { mark: *mark, digits, trim: digit == b'9' }, digits + 1))
}
