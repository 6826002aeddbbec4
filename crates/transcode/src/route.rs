//! One REST operation: its method, path, gRPC method, policy and messages.

use http::Method;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use proto::api::v1::{Access, Policy};

use crate::field_mask::snake_case;
use crate::field_path::FieldPath;
use crate::tables::{MessageId, Tables, UnsupportedShape};
use crate::template::Template;

/// What the gateway needs to know of one annotated RPC.
#[derive(Debug)]
pub struct Route {
    /// The HTTP method.
    pub method: Method,
    /// The path with its variables in JSON spelling: `/v1/shops/{shop.shopId}`.
    pub template: String,
    /// One name everywhere: `access.update_shop`.
    pub operation: String,
    /// The service in the directory: `access`.
    pub service: String,
    /// `/korob.access.v1.AccessService/UpdateShop`.
    pub grpc_path: http::uri::PathAndQuery,
    /// What the method declares about itself.
    pub policy: Policy,
    /// True when the RPC's name begins with `Create`: the answer is 201.
    pub creates: bool,
    pub(crate) request: MessageId,
    pub(crate) response: MessageId,
    pub(crate) path: Template,
    /// True for `body: "*"`; the other routes take query parameters.
    pub(crate) has_body: bool,
    pub(crate) idempotency_key: Option<FieldPath>,
    /// The version that a change starts from.
    pub(crate) etag: Option<FieldPath>,
    /// The languages that a reader prefers, where a query may name them.
    pub(crate) language: Option<FieldPath>,
    pub(crate) descriptor: MethodDescriptor,
}

/// Why an annotated method cannot be a route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// A message has no JSON form.
    #[error(transparent)]
    Shape(#[from] UnsupportedShape),
    /// The annotation uses what is not supported here.
    #[error("{method}: {problem}")]
    Annotation {
        /// The method's full name.
        method: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Two methods share a method and path.
    #[error("{0} and {1} have the same route")]
    Ambiguous(String, String),
}

impl Route {
    /// The route of a method; `None` when it has no REST path or is internal.
    pub(crate) fn of(tables: &mut Tables, method: &MethodDescriptor) -> Result<Option<Self>, RouteError> {
        let problem = |problem| RouteError::Annotation { method: method.full_name().to_owned(), problem };
        let request = tables.add(&method.input())?;
        let response = tables.add(&method.output())?;
        let Some(rule) = extension(method, "google.api.http") else { return Ok(None) };
        let policy = extension(method, "korob.api.v1.policy");
        let policy: Policy = policy
            .and_then(|policy| policy.transcode_to().ok())
            .ok_or_else(|| problem("has a REST path and no policy"))?;
        if !matches!(policy.access(), Access::Key | Access::Buyer) {
            return Err(problem("has a REST path and is open neither to keys nor to buyers"));
        }
        if method.is_client_streaming() || method.is_server_streaming() {
            return Err(problem("is a stream; streams have hand-written routes"));
        }
        let (http_method, text) = pattern(&rule).ok_or_else(|| problem("has no supported HTTP method"))?;
        let has_body = match text_of(&rule, "body").as_str() {
            "*" => true,
            "" => false,
            _ => return Err(problem("the body must be \"*\" or nothing")),
        };
        let path = Template::parse(tables, request, &text)
            .ok_or_else(|| problem("the path must consist of literals and {field} segments"))?;
        let service = method.parent_service();
        let area = service.package_name().split('.').nth(1).unwrap_or_default().to_owned();
        let grpc_path = format!("/{}/{}", service.full_name(), method.name());
        Ok(Some(Self {
            method: http_method,
            template: path.display(),
            operation: format!("{area}.{}", snake_case(method.name())),
            service: area,
            grpc_path: grpc_path.parse().map_err(|_| problem("its name is not a valid path"))?,
            policy,
            creates: method.name().starts_with("Create"),
            request,
            response,
            has_body,
            idempotency_key: FieldPath::resolve(tables, request, "idempotency_key"),
            etag: etag(tables, request, method),
            language: FieldPath::resolve(tables, request, "language").filter(|_| !has_body),
            path,
            descriptor: method.clone(),
        }))
    }

    /// Whether requests carry an idempotency key.
    pub fn is_keyed(&self) -> bool {
        self.idempotency_key.is_some()
    }

    /// Whether requests say which version they change.
    pub fn has_etag(&self) -> bool {
        self.etag.is_some()
    }

    /// Whether the answer depends on the reader's languages.
    pub fn has_language(&self) -> bool {
        self.language.is_some()
    }

    /// Whether requests go on from a cursor, which may lead to what is no more.
    pub fn has_cursor(&self) -> bool {
        self.descriptor.output().get_field_by_name("next_cursor").is_some()
    }

    /// Whether requests have a JSON body.
    pub fn has_body(&self) -> bool {
        self.has_body
    }
}

/// The etag of a change: beside the changes, or in the resource that is sent. What is made has none yet.
fn etag(tables: &Tables, request: MessageId, method: &MethodDescriptor) -> Option<FieldPath> {
    if method.name().starts_with("Create") {
        return None;
    }
    let inside = method.input().fields().map(|field| format!("{}.etag", field.name())).collect::<Vec<_>>();
    let names = std::iter::once("etag".to_owned()).chain(inside);
    names.filter_map(|name| FieldPath::resolve(tables, request, &name)).next()
}

/// An option of a method that is a message; `None` when it is not set.
fn extension(method: &MethodDescriptor, name: &str) -> Option<DynamicMessage> {
    let extension = method.parent_pool().get_extension_by_name(name)?;
    let options = method.options();
    if !options.has_extension(&extension) {
        return None;
    }
    options.get_extension(&extension).as_message().cloned()
}

fn pattern(rule: &DynamicMessage) -> Option<(Method, String)> {
    let methods = [
        ("get", Method::GET),
        ("post", Method::POST),
        ("put", Method::PUT),
        ("patch", Method::PATCH),
        ("delete", Method::DELETE),
    ];
    let found = methods.into_iter().map(|(name, method)| (method, text_of(rule, name)));
    found.into_iter().find(|(_, path)| !path.is_empty())
}

fn text_of(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    value.as_deref().and_then(prost_reflect::Value::as_str).unwrap_or_default().to_owned()
}
