//! What a registry accepts.

use crate::entry::Entry;
use crate::problem::Problem;
use crate::report::Report;
use crate::schema::Kinds;
use crate::together::Everything;
use perilune_value::{Failure, Kind, Value};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// A check of one entry that the registry cannot make itself, such as the syntax of its source.
pub type EntryCheck = dyn Fn(&Entry) -> Vec<Problem> + Send + Sync;

type EverythingCheck = dyn Fn(&Everything<'_>) -> Vec<Problem> + Send + Sync;

/// A check of all entries at once by the registry's owner, made when an entry of one of the kinds is new or changed. As
/// [`Together`](crate::Together), with more than a kind knows by itself.
#[derive(Clone)]
pub(crate) struct StateCheck {
    pub(crate) kinds: &'static [&'static str],
    pub(crate) check: Arc<EverythingCheck>,
}

/// What a registry accepts: kinds, names, limits, and a check of the caller's own.
#[derive(Clone)]
pub struct Rules {
    pub(crate) kinds: Kinds,
    pub(crate) modules: BTreeSet<String>,
    pub(crate) reserved: BTreeSet<String>,
    pub(crate) limits: Limits,
    pub(crate) check: Option<Arc<EntryCheck>>,
    pub(crate) state_checks: Vec<StateCheck>,
}

/// How much a registry holds. Entries can be made at run time by code that nobody vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries at one time.
    pub entries: usize,
    /// Bytes of all entries at one time, roughly.
    pub bytes: usize,
    /// Versions that can be looked at or returned to, the baseline and the current one not counted.
    pub versions: usize,
    /// Bytes of entries that only older versions hold, roughly.
    pub history_bytes: usize,
}

impl Default for Limits {
    /// Far above any application seen, far below a host's memory.
    fn default() -> Self {
        Limits { entries: 50_000, bytes: 256 << 20, versions: 1_000, history_bytes: 128 << 20 }
    }
}

impl Rules {
    /// Accepts entries of these kinds, without any modules.
    pub fn new(kinds: Kinds) -> Self {
        let (modules, reserved) = (BTreeSet::new(), BTreeSet::new());
        Rules { kinds, modules, reserved, limits: Limits::default(), check: None, state_checks: Vec::new() }
    }

    /// Sets the names of built-in modules.
    #[must_use]
    pub fn with_modules<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.modules = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the names that are always present in Lua, which an alias cannot hide.
    #[must_use]
    pub fn with_reserved<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.reserved = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets a check that runs on every new or changed entry, other mistakes in its fields notwithstanding: all of them are
    /// shown at once. Entries whose `file://` references could not be read are left out.
    #[must_use]
    pub fn with_check(mut self, check: impl Fn(&Entry) -> Vec<Problem> + Send + Sync + 'static) -> Self {
        self.check = Some(Arc::new(check));
        self
    }

    /// Adds a check of all entries at once, which runs when an entry of one of these kinds is new or changed.
    #[must_use]
    pub fn with_state_check(
        mut self,
        kinds: &'static [&'static str],
        check: impl Fn(&Everything<'_>) -> Vec<Problem> + Send + Sync + 'static,
    ) -> Self {
        self.state_checks.push(StateCheck { kinds, check: Arc::new(check) });
        self
    }

    /// An entry of one of these kinds with placeholders replaced, its data as the kind's fields want them.
    ///
    /// # Errors
    /// `Invalid` with what is wrong now that the placeholders are gone.
    pub fn resolved(&self, entry: &Entry, data: Value) -> Result<Value, Failure> {
        let Some(kind) = self.kinds.get(&entry.kind) else { return Ok(data) };
        let data = kind.typed(data);
        let resolved = entry.clone().with_data(data);
        let mut report = Report::default();
        crate::check::check_fields(&resolved, self, &mut report);
        if report.is_empty() { Ok(resolved.data) } else { Err(report.to_failure(Kind::Invalid)) }
    }

    /// The kinds.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("modules", &self.modules)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
