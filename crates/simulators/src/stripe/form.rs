//! Reads form-encoded parameters with brackets, and refuses those that the vendor does not know.

use super::invalid;
use crate::answer::Answer;
use crate::asked::Asked;

/// Parameters of one call.
pub(super) struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// `known` are the names before any bracket.
    pub fn read(asked: &Asked, known: &[&str]) -> Result<Self, Answer> {
        let content_type = asked.header("content-type");
        if !asked.body.is_empty() && !content_type.starts_with("application/x-www-form-urlencoded") {
            let message = "Invalid request: send parameters form-encoded, not as JSON.";
            return Err(invalid("parameter_invalid", message, ""));
        }
        let pairs = asked.form();
        let root = |name: &str| name.split('[').next().unwrap_or_default().to_owned();
        if let Some((name, _)) = pairs.iter().find(|(name, _)| !known.contains(&&*root(name))) {
            return Err(invalid("parameter_unknown", &format!("Received unknown parameter: {name}"), name));
        }
        Ok(Self { pairs })
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A whole number; an error when it is something else.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Answer> {
        let read = |text: &str| {
            let message = format!("Invalid integer: {text}");
            text.parse().map_err(|_| invalid("parameter_invalid_integer", &message, name))
        };
        self.get(name).map(read).transpose()
    }

    pub fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// `name[a]=1&name[b]=2`, by their inner names.
    pub fn map(&self, name: &str) -> Vec<(String, String)> {
        let inner =
            |key: &str| key.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']').map(str::to_owned);
        self.pairs.iter().filter_map(|(key, value)| Some((inner(key)?, value.clone()))).collect()
    }

    /// `name[]=a&name[]=b` or `name[0]=a&name[1]=b`.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.map(name).into_iter().map(|(_, value)| value).collect()
    }
}
