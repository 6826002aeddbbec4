//! The OpenAPI 3.1 document of the same routes, from the same descriptors.

mod comments;
mod operation;
mod problem;
mod schemas;

use serde_json::{Map, Value, json};

use crate::Api;
use comments::Comments;
use schemas::Schemas;

/// What the descriptors cannot tell.
#[derive(Debug, Clone)]
pub struct Info {
    /// The title of the document.
    pub title: String,
    /// The version of the product.
    pub version: String,
    /// What the API is for, in Markdown.
    pub description: String,
    /// Paths that are written by hand: `{"/healthz": {"get": {…}}}`.
    pub more_paths: Map<String, Value>,
    /// Messages by full name that hand-written paths answer with, beyond those of the routes.
    pub more_messages: Vec<String>,
}

/// Describes every route. The same descriptors give the same text.
pub fn openapi(api: &Api, info: &Info) -> Value {
    let comments = Comments::of(api.pool());
    let mut schemas = Schemas::new(&comments);
    let mut paths = info.more_paths.clone();
    let mut tags: Vec<(String, String)> = Vec::new();
    for route in api.routes() {
        let service = route.descriptor.parent_service();
        if tags.iter().all(|(name, _)| *name != route.service) {
            tags.push((route.service.clone(), comments.of_service(service)));
        }
        let operation = operation::describe(api, route, &comments, &mut schemas);
        let path = paths.entry(route.template.clone()).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation;
    }
    let more = info.more_messages.iter().filter_map(|name| api.pool().get_message_by_name(name));
    for message in more {
        schemas.output(&message);
    }
    tags.sort();
    let tags: Vec<Value> = tags
        .into_iter()
        .map(|(name, description)| json!({"name": name, "description": description}))
        .collect();
    let mut schemas = schemas.finish();
    schemas.insert("Problem".to_owned(), problem::schema());
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": info.title,
            "version": info.version,
            "description": info.description,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": problem::responses(),
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A partner's key. Each operation lists the scope that the key must hold.",
                },
                "buyerToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A buyer's token, `kbt_…`: shows one customer of one shop what is theirs, for a while.",
                },
            },
        },
    });
    // serde_json keeps insertion order or sorts, depending on features of other crates; the file must not.
    document.sort_all_objects();
    document
}
