//! Who calls what, as services declare it: for who calls, and for who is called.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::identity::{OPERATOR, Peer};

/// A service that is called, and what is called of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Callee {
    /// Its name, such as `inventory`.
    pub service: &'static str,
    /// Methods by their names, such as `ReserveStock`.
    pub methods: &'static [&'static str],
}

impl Callee {
    /// `methods` of `service`.
    pub const fn new(service: &'static str, methods: &'static [&'static str]) -> Self {
        Self { service, methods }
    }
}

/// By the names of methods of one service, the roles that may call them. Cheap to clone.
///
/// Health and reflection are open to every role, everything to an operator, and a service to its own processes.
#[derive(Debug, Clone, Default)]
pub struct Callers {
    by_method: Arc<BTreeMap<&'static str, BTreeSet<&'static str>>>,
}

impl Callers {
    /// From pairs of a method and a role that calls it.
    pub fn new(pairs: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        let mut by_method = BTreeMap::<_, BTreeSet<_>>::new();
        for (method, role) in pairs {
            by_method.entry(method).or_default().insert(role);
        }
        Self { by_method: Arc::new(by_method) }
    }

    /// Whether one of the roles that `peer` has proved may call `method` of `service`.
    pub(crate) fn allow(&self, peer: &Peer, service: &str, method: &str) -> bool {
        let declared = self.by_method.get(method);
        peer.roles().any(|role| {
            role == OPERATOR || role == service || declared.is_some_and(|roles| roles.contains(role))
        })
    }
}
