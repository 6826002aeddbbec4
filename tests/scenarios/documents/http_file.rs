//! A file of requests as the REST Client of editors reads it, run from its first request to its last.
//!
//! Beyond what editors understand, three comments tell what is not in the requests:
//! `# Printed by: korob …` above a variable is the command that makes its value; `# @expect 409 REASON` a refusal that is
//! meant; `# @until $.path` or `# @until $.path VALUE` an answer that comes a little later, so the request is sent again until
//! the field is there, or has the value.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{Method, Request};
use serde_json::Value;

use crate::rest::{Answer, Client};

const UNTIL_PATIENCE: Duration = Duration::from_secs(30);

/// Runs a command of the binary and answers what it printed.
pub type Operator<'a> = dyn Fn(&[String]) -> String + 'a;

#[derive(Default)]
pub struct HttpFile {
    variables: BTreeMap<String, Variable>,
    requests: Vec<Wanted>,
}

#[derive(Default)]
struct Variable {
    value: String,
    /// The command that prints it.
    printed_by: Option<String>,
}

#[derive(Default)]
struct Wanted {
    title: String,
    name: Option<String>,
    expect: Option<String>,
    until: Option<String>,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// What is known while the file runs.
struct Run<'a> {
    file: &'a HttpFile,
    given: &'a [(&'a str, &'a str)],
    operator: &'a Operator<'a>,
    /// Bodies of named requests.
    answers: BTreeMap<String, Value>,
    printed: BTreeMap<String, String>,
}

impl HttpFile {
    pub fn parse(text: &str) -> Self {
        let mut file = Self::default();
        let mut printed_by = None;
        for (at, part) in format!("\n{text}").split("\n###").enumerate() {
            let (title, lines) = part.split_once('\n').unwrap_or((part, ""));
            let mut wanted = Wanted { title: title.trim().to_owned(), ..Wanted::default() };
            let mut in_body = false;
            for line in lines.lines() {
                let comment = line.strip_prefix('#').map(str::trim).filter(|_| !in_body);
                if let Some(command) = comment.and_then(|comment| comment.strip_prefix("Printed by: korob "))
                {
                    printed_by = Some(command.to_owned());
                } else if let Some(comment) = comment {
                    wanted.note(comment);
                } else if let Some((name, value)) =
                    line.strip_prefix('@').filter(|_| !in_body).and_then(|line| line.split_once('='))
                {
                    let variable = Variable { value: value.trim().to_owned(), printed_by: printed_by.take() };
                    file.variables.insert(name.trim().to_owned(), variable);
                } else if in_body {
                    wanted.body.push_str(line);
                    wanted.body.push('\n');
                } else if line.trim().is_empty() {
                    in_body = !wanted.method.is_empty();
                } else {
                    wanted.head(line);
                }
            }
            assert!(at == 0 || !wanted.method.is_empty(), "there is no request below {:?}", wanted.title);
            if !wanted.method.is_empty() {
                file.requests.push(wanted);
            }
        }
        file
    }

    /// Sends every request; `given` variables replace those of the file. Answers how many there were.
    pub async fn run(&self, given: &[(&str, &str)], operator: &Operator<'_>) -> usize {
        let (answers, printed) = (BTreeMap::new(), BTreeMap::new());
        let mut run = Run { file: self, given, operator, answers, printed };
        let client = Client::new();
        for wanted in &self.requests {
            let answer = run.answer(&client, wanted).await;
            if let Some(name) = &wanted.name {
                run.answers.insert(name.clone(), answer.body);
            }
        }
        self.requests.len()
    }
}

impl Wanted {
    /// What a comment says of the request.
    fn note(&mut self, comment: &str) {
        let field = match comment.split_once(' ') {
            Some(("@name", name)) => (&mut self.name, name),
            Some(("@expect", refusal)) => (&mut self.expect, refusal),
            Some(("@until", path)) => (&mut self.until, path),
            _ => return,
        };
        *field.0 = Some(field.1.trim().to_owned());
    }

    /// The request line or a header.
    fn head(&mut self, line: &str) {
        if self.method.is_empty() {
            let (method, url) = line.split_once(' ').unwrap_or_else(|| panic!("{line:?} is no request"));
            (self.method, self.url) = (method.to_owned(), url.trim().to_owned());
        } else {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("{line:?} is no header"));
            self.headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
}

impl Run<'_> {
    /// The answer that the file expects.
    async fn answer(&mut self, client: &Client, wanted: &Wanted) -> Answer {
        let started = std::time::Instant::now();
        loop {
            let answer = self.send(client, wanted).await;
            let (title, body) = (&wanted.title, &answer.body);
            if let Some(expected) = &wanted.expect {
                let told = format!("{} {}", answer.status.as_u16(), answer.reason());
                assert_eq!(told, *expected, "{title}: {body}");
                return answer;
            }
            assert!(answer.status.is_success(), "{title}: {} {body}", answer.status);
            let Some(until) = &wanted.until else { return answer };
            if has_come(body, until) {
                return answer;
            }
            assert!(started.elapsed() < UNTIL_PATIENCE, "{title}: {until} did not come: {body}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn send(&mut self, client: &Client, wanted: &Wanted) -> Answer {
        let method: Method = wanted.method.parse().unwrap();
        let mut request = Request::builder().method(method).uri(self.filled(&wanted.url));
        for (name, value) in &wanted.headers {
            request = request.header(name, self.filled(value));
        }
        let body = self.filled(wanted.body.trim()).into_bytes();
        client.send_raw(request, body).await.unwrap_or_else(|error| panic!("{}: {error}", wanted.title))
    }

    /// The text with a value for everything in double braces.
    fn filled(&mut self, text: &str) -> String {
        let Some((before, rest)) = text.split_once("{{") else { return text.to_owned() };
        let (name, after) =
            rest.split_once("}}").unwrap_or_else(|| panic!("{text:?} does not end its braces"));
        let value = self.value(name.trim());
        format!("{before}{value}{}", self.filled(after))
    }

    fn value(&mut self, name: &str) -> String {
        if let Some((_, value)) = self.given.iter().find(|(given, _)| *given == name) {
            return (*value).to_owned();
        }
        if name == "$guid" {
            return uuid::Uuid::new_v4().to_string();
        }
        if name == "$datetime iso8601" {
            return types::Clock::system().now().to_rfc3339();
        }
        if let Some((request, path)) = name.split_once(".response.body.") {
            let body =
                self.answers.get(request).unwrap_or_else(|| panic!("nothing was answered to {request} yet"));
            return found(body, path).unwrap_or_else(|| panic!("there is no {path} in {body}"));
        }
        let file = self.file;
        let variable = file.variables.get(name).unwrap_or_else(|| panic!("nothing is called {name}"));
        match &variable.printed_by {
            Some(command) => self.printed(name, command),
            None => self.filled(&variable.value),
        }
    }

    /// What a command prints. It runs once.
    fn printed(&mut self, name: &str, command: &str) -> String {
        if let Some(printed) = self.printed.get(name) {
            return printed.clone();
        }
        let arguments: Vec<String> = command.split(' ').map(|word| self.filled(word)).collect();
        let printed = (self.operator)(&arguments).trim().to_owned();
        self.printed.insert(name.to_owned(), printed.clone());
        printed
    }
}

/// Whether a field is there, or has the value behind its path.
fn has_come(body: &Value, until: &str) -> bool {
    match until.split_once(' ') {
        Some((path, value)) => found(body, path).as_deref() == Some(value),
        None => found(body, until).is_some(),
    }
}

/// The value at a path such as `$.shipments[0].shipmentId`; none when it is absent or empty.
fn found(body: &Value, path: &str) -> Option<String> {
    let pointer = path.strip_prefix('$')?.replace(['.', '['], "/").replace(']', "");
    match body.pointer(&pointer)? {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}
