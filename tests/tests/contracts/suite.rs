//! The methods, messages and enums of the suite, read from the descriptors.

use prost_reflect::{
    DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    ReflectMessage, Value,
};
use proto::api::v1::DataClass;
use rpc::MethodPolicy;

/// One RPC of the suite.
#[derive(Clone)]
pub struct Method {
    pub descriptor: MethodDescriptor,
    /// Absent when the option is missing.
    pub policy: Option<&'static MethodPolicy>,
    /// Absent when the method has no REST path.
    pub http: Option<Http>,
}

/// Where a method is over HTTP.
#[derive(Clone, Debug)]
pub struct Http {
    /// Lower case: `get`, `post` …
    pub verb: String,
    pub path: String,
    pub body: String,
}

impl Method {
    pub fn name(&self) -> &str {
        self.descriptor.name()
    }

    /// `korob.orders.v1.OrderService.PlaceOrder`, for messages.
    pub fn full_name(&self) -> &str {
        self.descriptor.full_name()
    }

    /// `orders` of `korob.orders.v1`.
    pub fn area(&self) -> String {
        area_of(self.descriptor.parent_service().package_name())
    }

    pub fn request_field(&self, name: &str) -> Option<FieldDescriptor> {
        self.descriptor.input().get_field_by_name(name)
    }
}

/// Every RPC of every package `korob.*`.
pub fn methods() -> Vec<Method> {
    let services = pool().services().filter(|service| service.package_name().starts_with("korob."));
    services.flat_map(|service| service.methods().collect::<Vec<_>>()).map(method).collect()
}

/// Every message of every package `korob.*`.
pub fn messages() -> impl Iterator<Item = MessageDescriptor> {
    pool()
        .all_messages()
        .filter(|message| message.package_name().starts_with("korob.") && !message.is_map_entry())
}

/// Every enum of every package `korob.*`.
pub fn enums() -> impl Iterator<Item = EnumDescriptor> {
    pool().all_enums().filter(|found| found.package_name().starts_with("korob."))
}

/// Every field of every message.
pub fn fields() -> impl Iterator<Item = FieldDescriptor> {
    messages().flat_map(|message| message.fields().collect::<Vec<_>>())
}

/// What a field is declared to hold; INTERNAL when nothing is declared.
pub fn data_class(field: &FieldDescriptor) -> DataClass {
    let declared = option_of(field, "korob.api.v1.data_class").and_then(|value| value.as_enum_number());
    match declared.and_then(|number| DataClass::try_from(number).ok()) {
        None | Some(DataClass::Unspecified) => DataClass::Internal,
        Some(class) => class,
    }
}

/// Whether a field is marked `required`.
pub fn is_required(field: &FieldDescriptor) -> bool {
    option_of(field, "korob.api.v1.required").and_then(|value| value.as_bool()).unwrap_or(false)
}

/// Whether a field is, or repeats, the message `full_name`.
pub fn holds(field: &FieldDescriptor, full_name: &str) -> bool {
    matches!(field.kind(), Kind::Message(message) if message.full_name() == full_name)
}

pub fn area_of(package: &str) -> String {
    package.split('.').nth(1).unwrap_or_default().to_owned()
}

fn pool() -> &'static DescriptorPool {
    proto::pool()
}

fn option_of(field: &FieldDescriptor, extension: &str) -> Option<Value> {
    let extension = pool().get_extension_by_name(extension).expect("the option is declared in options.proto");
    let options = field.options();
    options.has_extension(&extension).then(|| options.get_extension(&extension).into_owned())
}

fn method(descriptor: MethodDescriptor) -> Method {
    let path = format!("/{}/{}", descriptor.parent_service().full_name(), descriptor.name());
    let declares_policy = has_option(&descriptor, "korob.api.v1.policy");
    let policy = rpc::policy_of(&path).filter(|_| declares_policy);
    Method { policy, http: http(&descriptor), descriptor }
}

fn has_option(method: &MethodDescriptor, extension: &str) -> bool {
    let extension = pool().get_extension_by_name(extension).expect("the option is declared");
    method.options().has_extension(&extension)
}

fn http(method: &MethodDescriptor) -> Option<Http> {
    let extension =
        pool().get_extension_by_name("google.api.http").expect("annotations.proto is compiled in");
    let options = method.options();
    if !options.has_extension(&extension) {
        return None;
    }
    let rule = options.get_extension(&extension);
    let rule = rule.as_message()?;
    let verbs = ["get", "put", "post", "delete", "patch"];
    let verb = verbs.into_iter().find(|verb| rule.has_field_by_name(verb))?;
    let text = |name: &str| rule.get_field_by_name(name).and_then(|value| value.as_str().map(str::to_owned));
    debug_assert_eq!(rule.descriptor().full_name(), "google.api.HttpRule");
    Some(Http { verb: verb.to_owned(), path: text(verb)?, body: text("body").unwrap_or_default() })
}
