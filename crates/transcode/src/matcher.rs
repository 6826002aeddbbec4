//! Finds the route of a method and path.

use std::collections::BTreeMap;

use http::Method;

use crate::template::{Segment, Template};

/// Paths by segment. A literal is tried before a variable, so `/v1/stock/receive` wins over `/v1/stock/{sku}`.
#[derive(Debug, Default)]
pub(crate) struct Matcher {
    literals: BTreeMap<Box<str>, Matcher>,
    variable: Option<Box<Matcher>>,
    routes: Vec<(Method, usize)>,
}

/// What a method and path lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found<'p> {
    /// A route and the raw text of its variables.
    Route(usize, Vec<&'p str>),
    /// The path is there with other methods.
    OtherMethods(Vec<Method>),
    Nothing,
}

impl Matcher {
    /// Adds a route; fails with the route that is there already.
    pub(crate) fn add(&mut self, method: &Method, path: &Template, route: usize) -> Result<(), usize> {
        let mut node = self;
        for segment in &path.segments {
            node = match segment {
                Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
                Segment::Variable(_) => node.variable.get_or_insert_default(),
            };
        }
        if let Some((_, other)) = node.routes.iter().find(|(other, _)| other == method) {
            return Err(*other);
        }
        node.routes.push((method.clone(), route));
        Ok(())
    }

    pub(crate) fn find<'p>(&self, method: &Method, path: &'p str) -> Found<'p> {
        let Some(rest) = path.strip_prefix('/') else { return Found::Nothing };
        let segments: Vec<&str> = rest.split('/').collect();
        let mut search = Search { method, variables: Vec::new(), allowed: Vec::new() };
        match search.descend(self, &segments) {
            Some(route) => Found::Route(route, search.variables),
            None if search.allowed.is_empty() => Found::Nothing,
            None => {
                search.allowed.sort_by(|left, right| left.as_str().cmp(right.as_str()));
                search.allowed.dedup();
                Found::OtherMethods(search.allowed)
            }
        }
    }
}

struct Search<'m, 'p> {
    method: &'m Method,
    variables: Vec<&'p str>,
    allowed: Vec<Method>,
}

impl<'p> Search<'_, 'p> {
    fn descend(&mut self, node: &Matcher, segments: &[&'p str]) -> Option<usize> {
        let Some((segment, rest)) = segments.split_first() else {
            self.allowed.extend(node.routes.iter().map(|(method, _)| method.clone()));
            return node.routes.iter().find(|(method, _)| method == self.method).map(|(_, route)| *route);
        };
        if let Some(next) = node.literals.get(*segment)
            && let Some(route) = self.descend(next, rest)
        {
            return Some(route);
        }
        let next = node.variable.as_deref().filter(|_| !segment.is_empty())?;
        self.variables.push(segment);
        let found = self.descend(next, rest);
        if found.is_none() {
            self.variables.pop();
        }
        found
    }
}
