//! Suggestions for misspelt names.

/// Candidates that are looked at; with more, a hostile application could make every typo cost a full scan.
const MAX_CANDIDATES: usize = 10_000;

/// Names longer than this are nobody's typo, and the comparison costs the product of both lengths.
const MAX_LENGTH: usize = 128;

/// Names that are listed besides the one that was meant: two lines of a terminal.
const FEW: usize = 12;

/// The candidate that `name` was most likely meant to be.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > MAX_LENGTH {
        return None;
    }
    // A third of the letters may differ: `functoin` is `function`, `cat` is not `dog`.
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .take(MAX_CANDIDATES)
        .filter(|candidate| {
            candidate.len() <= MAX_LENGTH && candidate.len().abs_diff(name.len()) <= 4 * allowed
        })
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean …?` for the closest candidate.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(name, candidates).map(|name| format!("did you mean `{name}`?"))
}

/// What to say of a name that is not among the known ones: the closest of them, and all where that is no flood.
pub(crate) fn known<'a>(name: &str, candidates: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let close = did_you_mean(name, candidates.clone());
    let listed = close.is_none() || candidates.clone().count() <= FEW;
    let list = || candidates.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    close.into_iter().chain(listed.then(|| format!("known are {}", list()))).collect()
}
