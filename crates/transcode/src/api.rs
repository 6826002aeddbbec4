//! The REST surface of a descriptor pool: its routes, and the two translations.

use std::sync::LazyLock;

use http::Method;
use prost_reflect::DescriptorPool;

use crate::field_path::FieldPath;
use crate::matcher::{Found, Matcher};
use crate::percent::{self, Plus};
use crate::route::{Route, RouteError};
use crate::tables::{MessageId, Tables};
use crate::violation::{Reason, Result, Violation};
use crate::wire::{Malformed, Value};
use crate::{query, reader, scalar, writer};

static SUITE: LazyLock<Api> = LazyLock::new(|| {
    #[allow(clippy::expect_used)]
    Api::build(proto::pool()).expect("the contracts in proto/ have routes; a test keeps it so")
});

/// All routes with the tables that drive them.
#[derive(Debug)]
pub struct Api {
    tables: Tables,
    routes: Vec<Route>,
    matcher: Matcher,
    pool: DescriptorPool,
}

/// A route that was found, with what its path says.
#[derive(Debug, Clone)]
pub struct Matched<'a> {
    /// The route.
    pub route: &'a Route,
    variables: Vec<String>,
}

/// Why no route was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRoute {
    /// No route has this path.
    UnknownPath,
    /// The path exists with these methods, sorted.
    OtherMethods(Vec<Method>),
}

/// What a request carries beside its path.
#[derive(Debug, Clone, Copy, Default)]
pub struct Inbound<'a> {
    /// The query without `?`.
    pub query: &'a str,
    /// The body; empty counts as `{}`.
    pub body: &'a [u8],
    /// The value of the header `Idempotency-Key`.
    pub idempotency_key: Option<&'a str>,
    /// The etag of the header `If-Match`, for routes that have one.
    pub etag: Option<&'a str>,
    /// The languages of the header `Accept-Language`; they stand where the query names none.
    pub languages: Option<&'a str>,
}

impl Api {
    /// The API of the suite.
    pub fn suite() -> &'static Api {
        &SUITE
    }

    /// Reads every service of a pool.
    pub fn build(pool: &DescriptorPool) -> std::result::Result<Self, RouteError> {
        let mut tables = Tables::default();
        let mut routes: Vec<Route> = Vec::new();
        let mut matcher = Matcher::default();
        let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
        for method in methods {
            let Some(route) = Route::of(&mut tables, &method)? else { continue };
            matcher.add(&route.method, &route.path, routes.len()).map_err(|other| {
                RouteError::Ambiguous(routes[other].operation.clone(), route.operation.clone())
            })?;
            routes.push(route);
        }
        Ok(Self { tables, routes, matcher, pool: pool.clone() })
    }

    /// All routes in order of declaration.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Finds the route of a request.
    pub fn find(&self, method: &Method, path: &str) -> std::result::Result<Matched<'_>, NoRoute> {
        match self.matcher.find(method, path) {
            Found::Route(route, variables) => {
                let variables = variables.into_iter().map(str::to_owned).collect();
                Ok(Matched { route: &self.routes[route], variables })
            }
            Found::OtherMethods(methods) => Err(NoRoute::OtherMethods(methods)),
            Found::Nothing => Err(NoRoute::UnknownPath),
        }
    }

    /// Appends the wire form of a request to `out`.
    pub fn read_request(&self, matched: &Matched<'_>, inbound: Inbound<'_>, out: &mut Vec<u8>) -> Result<()> {
        let route = matched.route;
        let start = out.len();
        if route.has_body {
            query::refuse(inbound.query)?;
            if !inbound.body.is_empty() {
                reader::read(&self.tables, route.request, inbound.body, out)?;
            }
        } else {
            if !inbound.body.is_empty() {
                return Err(Violation::new(Reason::UnexpectedBody, "the method takes no body"));
            }
            let bound: Vec<FieldPath> = route.path.variables().cloned().collect();
            query::read(&self.tables, route.request, inbound.query, &bound, out)?;
        }
        for (field, text) in route.path.variables().zip(&matched.variables) {
            let text = percent::decode(text, Plus::Plus).map_err(|wrong| wrong.under(&field.json_path))?;
            let differs = "the body names another one than the path";
            self.bind(field, text, (Reason::PathMismatch, differs), start, out)?;
        }
        if let (Some(field), Some(key)) = (&route.idempotency_key, inbound.idempotency_key) {
            let differs = "the body carries another one than the header Idempotency-Key";
            self.bind(field, key.into(), (Reason::IdempotencyKeyMismatch, differs), start, out)?;
        }
        if let (Some(field), Some(etag)) = (&route.etag, inbound.etag) {
            let differs = "the body carries another one than the header If-Match";
            self.bind(field, etag.into(), (Reason::IfMatchMismatch, differs), start, out)?;
        }
        if let (Some(field), Some(languages)) = (&route.language, inbound.languages)
            && !matches!(field.find(&out[start..]), Ok(Some(Value::Bytes(named))) if !named.is_empty())
        {
            field.put(&scalar::from_text(&self.tables, field.kind, languages.into())?, out);
        }
        Ok(())
    }

    /// Writes a response message of a route as JSON.
    pub fn write_response(
        &self,
        route: &Route,
        message: &[u8],
        out: &mut Vec<u8>,
    ) -> std::result::Result<(), Malformed> {
        writer::write(&self.tables, route.response, message, out)
    }

    /// A message by its full name, for hand-written routes. Only requests, responses and what they contain are known.
    pub fn message(&self, full_name: &str) -> Option<MessageId> {
        self.tables.named(full_name)
    }

    /// Appends the wire form of a message given as JSON.
    pub fn read_json(&self, message: MessageId, json: &[u8], out: &mut Vec<u8>) -> Result<()> {
        reader::read(&self.tables, message, json, out)
    }

    /// Appends the wire form of a message given as query parameters.
    pub fn read_query(&self, message: MessageId, query: &str, out: &mut Vec<u8>) -> Result<()> {
        query::read(&self.tables, message, query, &[], out)
    }

    /// Writes a message as JSON.
    pub fn write_json(
        &self,
        message: MessageId,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> std::result::Result<(), Malformed> {
        writer::write(&self.tables, message, bytes, out)
    }

    /// A text field of a route's response, such as `order_id`; `None` when it is absent, empty or no text.
    pub fn response_text<'a>(&self, route: &Route, message: &'a [u8], field: &str) -> Option<&'a str> {
        let field = FieldPath::resolve(&self.tables, route.response, field)?;
        match field.find(message).ok()?? {
            Value::Bytes(text) => std::str::from_utf8(text).ok().filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    /// A bool, enum or number field of a route's response; 0 when it is absent.
    pub fn response_number(&self, route: &Route, message: &[u8], field: &str) -> u64 {
        let found = FieldPath::resolve(&self.tables, route.response, field)
            .and_then(|field| field.find(message).ok().flatten());
        match found {
            Some(Value::Varint(number)) => number,
            _ => 0,
        }
    }

    /// Where the resource of a response can be read: the path of the GET route that answers with the same message and
    /// takes one of its fields.
    pub fn location(&self, route: &Route, message: &[u8]) -> Option<String> {
        self.readers(route)
            .filter_map(|(read, variable)| {
                let id = self.response_text(route, message, &variable.json_path)?;
                Some(read.template.replace(&format!("{{{}}}", variable.json_path), &percent::encode(id)))
            })
            .next()
    }

    /// Whether [`Api::location`] can find one.
    pub(crate) fn can_locate(&self, route: &Route) -> bool {
        self.readers(route).next().is_some()
    }

    fn readers<'a>(&'a self, route: &'a Route) -> impl Iterator<Item = (&'a Route, &'a FieldPath)> {
        let same =
            self.routes.iter().filter(|read| read.method == Method::GET && read.response == route.response);
        same.filter_map(|read| {
            let mut variables = read.path.variables();
            let variable = variables.next().filter(|_| variables.next().is_none())?;
            FieldPath::resolve(&self.tables, route.response, &variable.json_path)?;
            Some((read, variable))
        })
    }

    pub(crate) fn pool(&self) -> &DescriptorPool {
        &self.pool
    }

    /// Puts a value that the URL or a header gives; the body may repeat it but not contradict it.
    fn bind(
        &self,
        field: &FieldPath,
        text: std::borrow::Cow<'_, str>,
        mismatch: (Reason, &str),
        start: usize,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let value = scalar::from_text(&self.tables, field.kind, text)
            .map_err(|violation| violation.under(&field.json_path))?;
        match field.find(&out[start..]) {
            Ok(Some(there)) if !value.equals(there) => {
                Err(Violation::new(mismatch.0, mismatch.1).under(&field.json_path))
            }
            _ => {
                field.put(&value, out);
                Ok(())
            }
        }
    }
}
