//! What a server answers with: made from the entries of one version of the registry, and never changed.

use crate::message::{Matched, Params};
use crate::pattern::Pattern;
use crate::router::{Endpoint, Router};
use crate::static_files::Static;
use http::Method;
use matchit::InsertError;
use percent_encoding::percent_decode_str;
use perilune_registry::{EntryId, Snapshot};
use perilune_resource::Resources;
use perilune_value::{Failure, Kind};
use std::collections::HashMap;
use std::sync::Arc;

/// The routes and static directories of one server.
#[derive(Default)]
pub(crate) struct Table {
    methods: Vec<(Method, Routes<Route>)>,
    /// What answers paths without an endpoint: the longest prefix first, and of equal ones static directories.
    mounts: Vec<Mount>,
}

/// The routes of one method. What ends in `{rest...}` is asked only when nothing else matches: anything else is more specific.
pub(crate) struct Routes<T> {
    exact: matchit::Router<T>,
    rest: matchit::Router<T>,
}

impl<T> Default for Routes<T> {
    fn default() -> Self {
        Routes { exact: matchit::Router::new(), rest: matchit::Router::new() }
    }
}

impl<T: Clone> Routes<T> {
    /// Takes a route in.
    ///
    /// # Errors
    ///
    /// Why it cannot be, with what is there already.
    pub(crate) fn insert(
        &mut self,
        pattern: &Pattern,
        prefix: &str,
        route: T,
    ) -> Result<(), (InsertError, Option<T>)> {
        let among = if pattern.has_rest() { &mut self.rest } else { &mut self.exact };
        let Err(error) = among.insert(pattern.route(prefix, false), route) else { return Ok(()) };
        let there = match &error {
            // A pattern matches itself, taken as a path: its open segments are segments.
            InsertError::Conflict { with } => among.at(with).ok().map(|found| found.value.clone()),
            _ => None,
        };
        Err((error, there))
    }
}

/// An endpoint in its place.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) router: Arc<Router>,
    /// Whether the last open segment is all the rest, which handlers do not see.
    hides_last: bool,
    /// The path as entries write it.
    pub(crate) shown: Arc<str>,
}

pub(crate) struct Mount {
    prefix: String,
    pub(crate) place: Place,
}

pub(crate) enum Place {
    Router(Arc<Router>),
    Static(Arc<Static>),
}

/// What a request comes to.
pub(crate) enum Found<'a> {
    /// An endpoint.
    Endpoint(&'a Route, Matched),
    /// No endpoint of this method, but of others, perhaps below a router or a static directory.
    Other(Option<&'a Mount>, Vec<&'a Method>),
}

impl Table {
    /// Makes the table of a server.
    ///
    /// # Errors
    ///
    /// What an entry cannot be opened for, and `Conflict` with both entries where two want the same.
    pub(crate) fn build(
        server: &EntryId,
        snapshot: &Snapshot,
        resources: &Arc<Resources>,
    ) -> Result<Self, Failure> {
        let mut table = Table::default();
        let mut routers = HashMap::new();
        let of_kind = |kind| snapshot.entries().filter(move |entry| entry.kind() == kind);
        for entry in of_kind("http.router") {
            let router: Arc<Router> = resources.get(&entry.id().to_string())?;
            if router.server == *server {
                table.mount(&router.prefix, &router.id, Place::Router(router.clone()))?;
                routers.insert(router.id.clone(), router);
            }
        }
        for entry in of_kind("http.static") {
            let files: Arc<Static> = resources.get(&entry.id().to_string())?;
            if files.server == *server {
                table.mount(&files.prefix, &files.id, Place::Static(files.clone()))?;
            }
        }
        table.mounts.sort_by(|left, right| {
            let rank = |mount: &Mount| (mount.prefix.len(), matches!(mount.place, Place::Static(_)));
            rank(right).cmp(&rank(left))
        });
        let mut bare = Vec::new();
        for entry in of_kind("http.endpoint") {
            let endpoint: Arc<Endpoint> = resources.get(&entry.id().to_string())?;
            let Some(router) = routers.get(&endpoint.router) else { continue };
            table.route(&endpoint, router)?;
            if endpoint.path.has_rest() {
                bare.push((endpoint, router.clone()));
            }
        }
        for (endpoint, router) in bare {
            table.route_bare(&endpoint, &router);
        }
        Ok(table)
    }

    fn mount(&mut self, prefix: &str, id: &EntryId, place: Place) -> Result<(), Failure> {
        let same = self.mounts.iter().find(|mount| {
            mount.prefix == prefix && std::mem::discriminant(&mount.place) == std::mem::discriminant(&place)
        });
        if let Some(other) = same.map(|mount| mount.place.id()) {
            let shown = if prefix.is_empty() { "/" } else { prefix };
            return Err(conflict(format!("{id} and {other} have the same prefix `{shown}`"), id, other));
        }
        self.mounts.push(Mount { prefix: prefix.to_owned(), place });
        Ok(())
    }

    fn routes(&mut self, method: &Method) -> &mut Routes<Route> {
        let at = self.methods.iter().position(|(known, _)| known == method).unwrap_or_else(|| {
            self.methods.push((method.clone(), Routes::default()));
            self.methods.len() - 1
        });
        &mut self.methods[at].1
    }

    fn route(&mut self, endpoint: &Arc<Endpoint>, router: &Arc<Router>) -> Result<(), Failure> {
        let hides_last = endpoint.path.has_rest();
        let shown = written(endpoint, router);
        let route =
            Route { endpoint: endpoint.clone(), router: router.clone(), hides_last, shown: shown.clone() };
        let (id, method) = (&*endpoint.id, &endpoint.method);
        match self.routes(method).insert(&endpoint.path, &router.prefix, route) {
            Ok(()) => Ok(()),
            Err((InsertError::Conflict { .. }, there)) => {
                let other = there.as_ref().map_or(id, |there| &*there.endpoint.id);
                Err(conflict(format!("{id} and {other} both answer {method} {shown}"), id, other))
            }
            Err((error, _)) => Err(Failure::invalid(format!("{id}: field `path`: {error}"))),
        }
    }

    /// What matches all the rest matches no rest as well, unless an endpoint of its own does.
    fn route_bare(&mut self, endpoint: &Arc<Endpoint>, router: &Arc<Router>) {
        let path = endpoint.path.route(&router.prefix, true);
        let shown = written(endpoint, router);
        let route = Route { endpoint: endpoint.clone(), router: router.clone(), hides_last: false, shown };
        // A conflict is an endpoint of its own.
        drop(self.routes(&endpoint.method).rest.insert(path, route));
    }

    /// What answers a path.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let direct = self.at(method, path);
        let direct = match direct {
            None if *method == Method::HEAD => self.at(&Method::GET, path),
            other => other,
        };
        if let Some((route, params)) = direct {
            return Found::Endpoint(route, Matched { endpoint: route.endpoint.id.clone(), params });
        }
        let others = self.methods.iter().filter(|(other, _)| self.at(other, path).is_some());
        let allowed = others.map(|(method, _)| method).collect();
        let below = |mount: &&Mount| {
            path.strip_prefix(mount.prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        Found::Other(self.mounts.iter().find(below), allowed)
    }

    fn at(&self, method: &Method, path: &str) -> Option<(&Route, Params)> {
        let (_, routes) = self.methods.iter().find(|(known, _)| known == method)?;
        let found = routes.exact.at(path).or_else(|_| routes.rest.at(path)).ok()?;
        let shown = found.params.len() - usize::from(found.value.hides_last);
        let params = found.params.iter().take(shown);
        let params =
            params.map(|(name, value)| (name.to_owned(), percent_decode_str(value).collect())).collect();
        Some((found.value, params))
    }
}

impl Place {
    fn id(&self) -> &EntryId {
        match self {
            Place::Router(router) => &router.id,
            Place::Static(files) => &files.id,
        }
    }
}

/// The path of an endpoint, as entries write it.
fn written(endpoint: &Endpoint, router: &Router) -> Arc<str> {
    format!("{}{}", router.prefix, endpoint.path).into()
}

fn conflict(message: String, id: &EntryId, other: &EntryId) -> Failure {
    Failure::new(Kind::Conflict, message)
        .with_detail("entry", id.to_string())
        .with_detail("other", other.to_string())
}
