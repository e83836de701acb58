//! Suggestions for misspelt names.

/// Names longer than this are nobody's typo, and the comparison costs the product of both lengths.
const MAX_LENGTH: usize = 64;

/// The candidate that `name` was most likely meant to be.
pub(crate) fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > MAX_LENGTH {
        return None;
    }
    // A third of the letters may differ: `limts` is `limits`, `cat` is not `dog`.
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
