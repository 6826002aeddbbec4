//! Something the organisation sells.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use types::{BrandId, CategoryId, ProductId};

use crate::model::{Changes, ExternalId, Fact, Variant, search_words};

/// A product with its variants.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Product {
    pub(crate) id: ProductId,
    pub(crate) details: ProductDetails,
    pub(crate) version: i64,
    pub(crate) create_time: DateTime<Utc>,
    pub(crate) update_time: DateTime<Utc>,
}

/// What a caller may set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProductDetails {
    pub(crate) kind: ProductKind,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) vendor: String,
    pub(crate) brand: Option<BrandId>,
    /// Sorted, each once.
    pub(crate) categories: Vec<CategoryId>,
    /// In the order they are shown; the first one leads.
    pub(crate) variants: Vec<Variant>,
    pub(crate) archived: bool,
    /// Sorted, each once.
    pub(crate) external_ids: Vec<ExternalId>,
    /// Offered first.
    pub(crate) recommended: bool,
}

/// Whether stock is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProductKind {
    Goods,
    Service,
    /// Its components are kept in stock.
    Kit,
}

/// A product before and after; nothing before when it is new.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    pub(crate) old: Option<Product>,
    pub(crate) new: Product,
}

impl ProductKind {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Goods => "goods",
            Self::Service => "service",
            Self::Kit => "kit",
        }
    }

    pub(crate) fn of_code(code: &str) -> Option<Self> {
        [Self::Goods, Self::Service, Self::Kit].into_iter().find(|kind| kind.code() == code)
    }
}

impl ProductDetails {
    pub(crate) const FIELDS: [&str; 10] = [
        "kind",
        "name",
        "description",
        "vendor",
        "category_ids",
        "variants",
        "archived",
        "external_ids",
        "recommended",
        "brand_id",
    ];

    /// What follows `old`: a variant with a known SKU is that variant, and one that is left out is archived, not lost.
    pub(crate) fn following(mut self, old: &Self) -> Self {
        for variant in &mut self.variants {
            if let Some(known) = old.variants.iter().find(|known| known.sku == variant.sku) {
                variant.id = known.id;
            }
        }
        let left_out =
            old.variants.iter().filter(|known| !self.variants.iter().any(|kept| kept.id == known.id));
        let archived: Vec<Variant> = left_out.map(|known| known.archived_beside(&self.variants)).collect();
        self.variants.extend(archived);
        self
    }

    /// The words a variant is found by.
    pub(crate) fn search_words(&self, variant: &Variant) -> Vec<String> {
        search_words([self.name.as_str(), &variant.name, &self.vendor])
    }

    /// What a variant is called: its own name, else the product's.
    pub(crate) fn title<'a>(&'a self, variant: &'a Variant) -> &'a str {
        if variant.name.is_empty() { &self.name } else { &variant.name }
    }

    /// What differs from `old`; all of it when there was none.
    pub(crate) fn changes_since(&self, old: Option<&Self>) -> Changes {
        let mut changes = match old {
            Some(old) => Changes::between(old.facts(), self.facts()),
            None => Changes::of_new(self.facts()),
        };
        let known = |variant: &Variant| old?.variants.iter().find(|known| known.id == variant.id);
        for variant in &self.variants {
            let part = format!("variants[{}]", variant.sku);
            changes.note_part(&part, variant.changes_since(known(variant)));
        }
        let order = |details: &Self| {
            details.variants.iter().map(|variant| variant.sku.as_str().to_owned()).collect::<Vec<_>>()
        };
        let old_order = old.map(order).unwrap_or_default();
        changes.note("variants".to_owned(), json!(old_order), json!(order(self)));
        changes
    }

    fn facts(&self) -> Vec<Fact> {
        vec![
            ("kind", json!(self.kind.code())),
            ("name", json!(self.name)),
            ("description", json!(self.description)),
            ("vendor", json!(self.vendor)),
            ("category_ids", self.categories.iter().map(CategoryId::to_string).collect::<Value>()),
            ("archived", json!(self.archived)),
            ("external_ids", self.external_ids.iter().map(ExternalId::text).collect::<Value>()),
            ("recommended", json!(self.recommended)),
            ("brand_id", json!(self.brand.map(|brand| brand.to_string()))),
        ]
    }
}

impl Product {
    /// A new product.
    pub(crate) fn new(details: ProductDetails, now: DateTime<Utc>) -> Self {
        Self { id: ProductId::new(), details, version: 1, create_time: now, update_time: now }
    }

    /// The same product with other details, one version on.
    pub(crate) fn with(&self, details: ProductDetails, now: DateTime<Utc>) -> Self {
        Self {
            id: self.id,
            details,
            version: self.version + 1,
            create_time: self.create_time,
            update_time: now,
        }
    }
}

impl Edit {
    /// What changed.
    pub(crate) fn changes(&self) -> Changes {
        self.new.details.changes_since(self.old.as_ref().map(|old| &old.details))
    }
}
