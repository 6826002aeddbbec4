//! The comments of the contracts.

use std::collections::HashMap;

use prost_reflect::{
    DescriptorPool, EnumDescriptor, EnumValueDescriptor, FieldDescriptor, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor,
};

/// Leading comments by file and position in it.
#[derive(Debug)]
pub(crate) struct Comments(HashMap<(String, Vec<i32>), String>);

impl Comments {
    pub(crate) fn of(pool: &DescriptorPool) -> Self {
        let mut comments = HashMap::new();
        for file in pool.file_descriptor_protos() {
            for location in file.source_code_info.iter().flat_map(|info| &info.location) {
                if let Some(text) = &location.leading_comments {
                    comments.insert((file.name().to_owned(), location.path.clone()), joined(text));
                }
            }
        }
        Self(comments)
    }

    pub(crate) fn of_service(&self, service: &ServiceDescriptor) -> String {
        self.at(service.parent_file().name(), service.path())
    }

    pub(crate) fn of_method(&self, method: &MethodDescriptor) -> String {
        self.at(method.parent_service().parent_file().name(), method.path())
    }

    pub(crate) fn of_message(&self, message: &MessageDescriptor) -> String {
        self.at(message.parent_file().name(), message.path())
    }

    pub(crate) fn of_field(&self, field: &FieldDescriptor) -> String {
        self.at(field.parent_file().name(), field.path())
    }

    pub(crate) fn of_enum(&self, of: &EnumDescriptor) -> String {
        self.at(of.parent_file().name(), of.path())
    }

    pub(crate) fn of_enum_value(&self, value: &EnumValueDescriptor) -> String {
        self.at(value.parent_file().name(), value.path())
    }

    fn at(&self, file: &str, path: &[i32]) -> String {
        self.0.get(&(file.to_owned(), path.to_owned())).cloned().unwrap_or_default()
    }
}

/// Lines of one paragraph become one line.
fn joined(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
