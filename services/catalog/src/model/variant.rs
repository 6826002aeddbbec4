//! What a buyer puts into the cart.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use types::{ProductId, Quantity, Sku, VariantId};

use crate::model::{Changes, ExternalId, Fact, KitComponent};

/// A variant of a product. Its SKU never changes: prices, stock and orders know it by that.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Variant {
    pub(crate) id: VariantId,
    pub(crate) sku: Sku,
    pub(crate) name: String,
    /// Of one unit.
    pub(crate) barcodes: Vec<String>,
    pub(crate) pack_barcodes: Vec<PackBarcode>,
    pub(crate) unit_code: String,
    pub(crate) price_quantity: i32,
    pub(crate) weight_grams: i32,
    pub(crate) picture_urls: Vec<String>,
    pub(crate) characteristics: BTreeMap<String, String>,
    pub(crate) tax_category: String,
    pub(crate) external_ids: Vec<ExternalId>,
    pub(crate) page_url: String,
    pub(crate) archived: bool,
    /// Of a kit.
    pub(crate) components: Vec<KitComponent>,
}

/// The code on a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackBarcode {
    pub(crate) code: String,
    /// Units in the pack.
    pub(crate) quantity: Quantity,
}

/// Which product a variant belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VariantPlace {
    pub(crate) product: ProductId,
    pub(crate) variant: VariantId,
}

impl Variant {
    /// The unit when none is named: a piece.
    pub(crate) const UNIT_CODE_DEFAULT: &'static str = "C62";
    /// The tax category when none is named.
    pub(crate) const TAX_CATEGORY_DEFAULT: &'static str = "standard";

    /// A variant of which only the SKU is known.
    pub(crate) fn new(sku: Sku) -> Self {
        Self {
            id: VariantId::new(),
            sku,
            name: String::new(),
            barcodes: Vec::new(),
            pack_barcodes: Vec::new(),
            unit_code: Self::UNIT_CODE_DEFAULT.to_owned(),
            price_quantity: 1,
            weight_grams: 0,
            picture_urls: Vec::new(),
            characteristics: BTreeMap::new(),
            tax_category: Self::TAX_CATEGORY_DEFAULT.to_owned(),
            external_ids: Vec::new(),
            page_url: String::new(),
            archived: false,
            components: Vec::new(),
        }
    }

    /// The same variant, archived; what `others` have taken over from it is theirs.
    pub(crate) fn archived_beside(&self, others: &[Self]) -> Self {
        let mut archived = Self { archived: true, ..self.clone() };
        let taken = |code: &str| others.iter().any(|other| other.codes().any(|own| own == code));
        archived.barcodes.retain(|code| !taken(code));
        archived.pack_barcodes.retain(|pack| !taken(&pack.code));
        archived.external_ids.retain(|id| !others.iter().any(|other| other.external_ids.contains(id)));
        archived
    }

    /// Every code that stands on it, alone or in packs.
    pub(crate) fn codes(&self) -> impl Iterator<Item = &str> {
        self.barcodes
            .iter()
            .map(String::as_str)
            .chain(self.pack_barcodes.iter().map(|pack| pack.code.as_str()))
    }

    /// Every code with the units it stands for.
    pub(crate) fn barcodes_with_units(&self) -> impl Iterator<Item = (&str, i32)> {
        let packs = self.pack_barcodes.iter().map(|pack| (pack.code.as_str(), pack.quantity.get()));
        self.barcodes.iter().map(|code| (code.as_str(), 1)).chain(packs)
    }

    /// What differs from `old`; all of it when there was none.
    pub(crate) fn changes_since(&self, old: Option<&Self>) -> Changes {
        match old {
            Some(old) => Changes::between(old.facts(), self.facts()),
            None => Changes::of_new(self.facts()),
        }
    }

    fn facts(&self) -> Vec<Fact> {
        vec![
            ("name", json!(self.name)),
            ("barcodes", json!(self.barcodes)),
            (
                "pack_barcodes",
                self.pack_barcodes
                    .iter()
                    .map(|pack| json!(format!("{} × {}", pack.quantity, pack.code)))
                    .collect(),
            ),
            ("unit_code", json!(self.unit_code)),
            ("price_quantity", json!(self.price_quantity)),
            ("weight_grams", json!(self.weight_grams)),
            ("picture_urls", json!(self.picture_urls)),
            ("characteristics", json!(self.characteristics)),
            ("tax_category", json!(self.tax_category)),
            ("external_ids", self.external_ids.iter().map(ExternalId::text).collect::<Value>()),
            ("page_url", json!(self.page_url)),
            ("archived", json!(self.archived)),
            ("components", KitComponent::text(&self.components)),
        ]
    }
}
