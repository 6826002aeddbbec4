//! Path templates of `google.api.http`: literals and `{field}` segments.

use crate::field_path::FieldPath;
use crate::tables::{MessageId, Shape, Tables};

/// A template such as `/v1/shops/{shop.shop_id}`, its variables resolved.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) segments: Vec<Segment>,
}

#[derive(Debug, Clone)]
pub(crate) enum Segment {
    Literal(Box<str>),
    Variable(FieldPath),
}

impl Template {
    /// `None` when it is not a path of literals and single-segment variables that name scalar fields.
    pub(crate) fn parse(tables: &Tables, request: MessageId, text: &str) -> Option<Self> {
        let segments = text.strip_prefix('/')?.split('/').map(|segment| {
            if let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                let field = FieldPath::resolve(tables, request, name)?;
                return matches!(field.shape, Shape::Single { .. }).then_some(Segment::Variable(field));
            }
            let literal = !segment.is_empty() && !segment.contains(['{', '}', '*', ':', '%']);
            literal.then(|| Segment::Literal(segment.into()))
        });
        segments.collect::<Option<Vec<_>>>().map(|segments| Self { segments })
    }

    /// The fields that the path gives, in order.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &FieldPath> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Variable(field) => Some(field),
            Segment::Literal(_) => None,
        })
    }

    /// The template in JSON spelling, as OpenAPI and metrics show it: `/v1/shops/{shop.shopId}`.
    pub(crate) fn display(&self) -> String {
        let segments = self.segments.iter().map(|segment| match segment {
            Segment::Literal(text) => format!("/{text}"),
            Segment::Variable(field) => format!("/{{{}}}", field.json_path),
        });
        segments.collect()
    }
}
