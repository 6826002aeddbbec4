//! The operations, by the area they belong to.

use serde_json::Value;

use super::html::{code, escaped, prose};
use super::{example, referred, request, schema, text};

/// In the order in which requests are told apart at a glance.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The operations of one service.
pub(super) struct Area<'d> {
    name: &'d str,
    description: &'d str,
    operations: Vec<Operation<'d>>,
}

struct Operation<'d> {
    path: &'d str,
    method: &'static str,
    describes: &'d Value,
}

/// Every area with its operations by path.
pub(super) fn areas(document: &Value) -> Vec<Area<'_>> {
    let tags = document["tags"].as_array().into_iter().flatten();
    let described = tags.map(|tag| (text(tag, "name"), text(tag, "description")));
    described
        .chain([("gateway", "What describes the API and tells how it is.")])
        .map(|(name, description)| Area { name, description, operations: operations(document, name) })
        .collect()
}

fn operations<'d>(document: &'d Value, area: &str) -> Vec<Operation<'d>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, item)| {
        METHODS.into_iter().filter_map(move |method| {
            let describes = item.get(method)?;
            Some(Operation { path, method, describes })
        })
    });
    operations.filter(|operation| operation.describes["tags"][0] == area).collect()
}

impl Area<'_> {
    pub(super) fn menu(&self) -> String {
        let items: String = self.operations.iter().map(Operation::item).collect();
        let name = escaped(self.name);
        format!("<h2><a href=\"#{name}\">{name}</a></h2>\n<ul>{items}</ul>\n")
    }

    pub(super) fn sections(&self, document: &Value) -> String {
        let sections: String = self.operations.iter().map(|operation| operation.section(document)).collect();
        let name = escaped(self.name);
        format!(
            "<section class=\"area\"><h2 id=\"{name}\">{name}</h2>\n<p>{}</p>\n</section>\n{sections}",
            prose(self.description)
        )
    }
}

impl Operation<'_> {
    fn item(&self) -> String {
        format!(
            "<li data-search=\"{}\"><a href=\"#{}\"><span class=\"verb {}\">{}</span><span>{}</span></a></li>",
            self.words(),
            escaped(self.id()),
            self.method,
            self.method.to_uppercase(),
            escaped(self.path)
        )
    }

    fn section(&self, document: &Value) -> String {
        let (id, method) = (escaped(self.id()), self.method);
        let verb = method.to_uppercase();
        let description = match text(self.describes, "description") {
            "" => text(self.describes, "summary"),
            description => description,
        };
        let mut out = format!(
            "<section class=\"operation\" data-search=\"{}\">\n<h3 id=\"{id}\"><a href=\"#{id}\">\
             <span class=\"verb {method}\">{verb}</span> <span class=\"path\">{}</span></a></h3>\n<p>{}</p>\n\
             <p class=\"needs\"><code>{id}</code> · {}</p>\n",
            self.words(),
            escaped(self.path),
            prose(description),
            self.needs()
        );
        out.push_str(&self.parameters());
        out.push_str(&self.body(document));
        out.push_str(&format!(
            "<h4>Request</h4>\n{}",
            code(&request::curl(document, self.method, self.path, self.describes))
        ));
        out.push_str(&self.answers(document));
        out.push_str("</section>\n");
        out
    }

    fn id(&self) -> &str {
        text(self.describes, "operationId")
    }

    /// What a search finds it by.
    fn words(&self) -> String {
        let summary = text(self.describes, "summary");
        escaped(&format!("{} {} {} {summary}", self.method, self.path, self.id()).to_lowercase())
    }

    fn needs(&self) -> String {
        let security = &self.describes["security"][0];
        match security["apiKey"][0].as_str() {
            Some(scope) => format!("needs a key with <code>{}</code>", escaped(scope)),
            None if security["buyerToken"].is_array() => "needs a buyer's token".to_owned(),
            None => "needs no key".to_owned(),
        }
    }

    fn parameters(&self) -> String {
        let Some(parameters) = self.describes["parameters"].as_array() else { return String::new() };
        let rows: String = parameters
            .iter()
            .map(|parameter| {
                let mut field = parameter["schema"].clone();
                field["description"] = parameter["description"].clone();
                let name =
                    format!("{} <small>{}</small>", escaped(text(parameter, "name")), text(parameter, "in"));
                schema::row(&name, &field, parameter["required"] == true)
            })
            .collect();
        format!("<h4>Parameters</h4>\n{}", schema::table(&rows))
    }

    fn body(&self, document: &Value) -> String {
        let content = &self.describes["requestBody"]["content"];
        let Some(content) = content.as_object() else { return String::new() };
        let fields = match content.get("application/json").and_then(|json| referred(&json["schema"])) {
            Some(name) => schema::fields(&document["components"]["schemas"][name]),
            None => {
                let kinds: Vec<String> =
                    content.keys().map(|kind| format!("<code>{}</code>", escaped(kind))).collect();
                format!("<p>{}, as it is.</p>\n", kinds.join(" or "))
            }
        };
        format!("<h4>Body</h4>\n{fields}")
    }

    fn answers(&self, document: &Value) -> String {
        let responses = self.describes["responses"].as_object().into_iter().flatten();
        let (mut rows, mut refusals, mut shown) = (String::new(), Vec::new(), String::new());
        for (status, response) in responses {
            if let Some(name) = text(response, "$ref").strip_prefix("#/components/responses/") {
                let why = text(&document["components"]["responses"][name], "description");
                refusals.push(format!("<abbr title=\"{}\">{status}</abbr>", escaped(why)));
                continue;
            }
            let json = response["content"].as_object().into_iter().flatten();
            let answered =
                json.map(|(kind, content)| (kind, referred(&content["schema"]))).collect::<Vec<_>>();
            let what: Vec<String> = answered
                .iter()
                .map(|(kind, name)| match name {
                    Some(name) => schema::link(name),
                    None => format!("<code>{}</code>", escaped(kind)),
                })
                .collect();
            rows.push_str(&format!(
                "<li><b>{status}</b> {} {}</li>",
                prose(text(response, "description")),
                what.join(" or ")
            ));
            if let Some(name) = answered.into_iter().find_map(|(_, name)| name).filter(|_| shown.is_empty()) {
                let json = example::of(document, &document["components"]["schemas"][name]);
                shown = serde_json::to_string_pretty(&json).unwrap_or_default();
            }
        }
        let refusals = match refusals.is_empty() {
            true => String::new(),
            false => format!("<li><a href=\"#refusals\">Refusals</a> {}</li>", refusals.join(" ")),
        };
        let shown = match shown.is_empty() {
            true => String::new(),
            false => format!("<details><summary>Example answer</summary>\n{}</details>\n", code(&shown)),
        };
        format!("<h4>Answers</h4>\n<ul class=\"answers\">{rows}{refusals}</ul>\n{shown}")
    }
}
