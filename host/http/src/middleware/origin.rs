//! Origins of pages: `https://example.com`, `*.example.com`, `*`.

/// One item of a list of origins.
pub(super) enum Origin {
    /// `*`.
    Any,
    /// The origin, or its host with any scheme.
    Exactly(String),
    /// Hosts that end so, the dot included; the scheme is the origin's own unless it is named.
    Below {
        /// Any without one.
        scheme: Option<String>,
        /// With the dot.
        suffix: String,
    },
}

impl Origin {
    pub(super) fn parse(text: &str) -> Self {
        if text == "*" {
            return Origin::Any;
        }
        let text = text.to_ascii_lowercase();
        let (scheme, host) = match text.split_once("://") {
            Some((scheme, host)) => (Some(scheme.to_owned()), host),
            None => (None, text.as_str()),
        };
        match host.strip_prefix('*') {
            Some(suffix) if suffix.starts_with('.') => Origin::Below { scheme, suffix: suffix.to_owned() },
            _ => Origin::Exactly(text),
        }
    }

    pub(super) fn matches(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        match self {
            Origin::Any => true,
            Origin::Exactly(one) => {
                *one == origin || origin.split_once("://").is_some_and(|(_, host)| host == one)
            }
            Origin::Below { scheme, suffix } => origin.split_once("://").is_some_and(|(named, host)| {
                scheme.as_ref().is_none_or(|scheme| scheme == named)
                    && host.strip_suffix(suffix.as_str()).is_some_and(|label| !label.is_empty())
            }),
        }
    }
}
