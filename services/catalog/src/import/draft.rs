//! Decides what the offers of one lot change, in the order of the file. Pure: it works on what was loaded.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use types::{BrandId, CategoryId, ProductId, Sku, SourceId};

use super::Identity;
use super::ledger::{Entries, Kind};
use crate::feed::{GROUP_PREFIX, Offer, Refusal};
use crate::model::{
    Definitions, Edit, ExternalId, Owner, Owners, Product, ProductDetails, ProductKind, Variant,
    VariantPlace, folded,
};
use crate::request::VARIANTS_MAX;

/// What the catalog holds of the offers of a lot.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) products: Vec<Product>,
    /// By offer id.
    pub(super) variants: HashMap<String, VariantPlace>,
    /// By group id.
    pub(super) groups: HashMap<String, ProductId>,
    pub(super) owners: Owners,
    /// Variants that a dry run would have added to groups, by group id.
    pub(super) group_sizes: HashMap<String, usize>,
    pub(super) definitions: Definitions,
    /// By folded spelling.
    pub(super) brands: HashMap<String, BrandId>,
}

/// The lot's changes as they grow.
pub(super) struct Draft {
    source: SourceId,
    identity: Identity,
    now: DateTime<Utc>,
    known: Known,
    products: HashMap<ProductId, Edit>,
    /// In the order they were first changed.
    changed: Vec<ProductId>,
    /// SKUs and barcodes whose owner changed, groups that grew.
    touched: HashSet<(Kind, String)>,
}

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Created,
    Updated,
    Unchanged,
}

impl Draft {
    pub(super) fn new(source: SourceId, identity: Identity, now: DateTime<Utc>, mut known: Known) -> Self {
        let products = std::mem::take(&mut known.products).into_iter();
        let products =
            products.map(|product| (product.id, Edit { old: Some(product.clone()), new: product })).collect();
        Self { source, identity, now, known, products, changed: Vec::new(), touched: HashSet::new() }
    }

    /// Takes one offer in; answers what became of it and the SKU it is sold under.
    pub(super) fn take(
        &mut self,
        offer: &Offer,
        categories: &[CategoryId],
    ) -> Result<(Outcome, Sku), Refusal> {
        match self.known.variants.get(&offer.id).copied() {
            Some(place) => self.update(place, offer, categories),
            None => self.create(offer, categories),
        }
    }

    /// The products that changed, and what a dry run has to remember of them.
    pub(super) fn finish(mut self) -> (Vec<Edit>, Entries) {
        let entries = self.touched.iter().map(|key| (key.clone(), self.entry(key))).collect();
        let edits = self.changed.iter().filter_map(|id| self.products.remove(id)).collect();
        (edits, entries)
    }

    fn update(
        &mut self,
        place: VariantPlace,
        offer: &Offer,
        categories: &[CategoryId],
    ) -> Result<(Outcome, Sku), Refusal> {
        let gone = || refusal(offer, "id", "CONTENTION", "the product was changed meanwhile");
        let current = &self.products.get(&place.product).ok_or_else(gone)?.new;
        let mut details = current.details.clone();
        let at = details.variants.iter().position(|variant| variant.id == place.variant).ok_or_else(gone)?;
        let sku = details.variants[at].sku.clone();
        self.refuse_taken_barcodes(offer, Some(place))?;

        let before = current.details.clone();
        self.describe(&mut details, at, offer, categories, Some(&before))?;
        if let Some(group) = offer.group.as_ref().filter(|_| self.identity == Identity::Own) {
            self.own_group(group, place.product);
        }
        let current = &self.products.get(&place.product).ok_or_else(gone)?.new;
        if details == current.details {
            return Ok((Outcome::Unchanged, sku));
        }
        let old_barcodes = current.details.variants[at].barcodes.clone();
        self.own_barcodes(place, &sku, &old_barcodes, &details.variants[at].barcodes);
        self.change(place.product, details);
        Ok((Outcome::Updated, sku))
    }

    fn create(&mut self, offer: &Offer, categories: &[CategoryId]) -> Result<(Outcome, Sku), Refusal> {
        let sku = self.choose_sku(offer)?;
        self.refuse_taken_barcodes(offer, None)?;
        let group = offer.group.as_ref();
        let product = match group.and_then(|group| self.known.groups.get(group)) {
            Some(id) => *id,
            None => ProductId::new(),
        };
        let mut details = match self.products.get(&product) {
            Some(edit) => edit.new.details.clone(),
            None => self.blank(offer),
        };
        let grown = group.and_then(|group| self.known.group_sizes.get(group)).copied().unwrap_or_default();
        if details.variants.len() + grown >= VARIANTS_MAX {
            let message = format!("a product has at most {VARIANTS_MAX} variants");
            return Err(refusal(offer, "group_id", "TOO_MANY", message));
        }

        let at = details.variants.len();
        let mut variant = Variant::new(sku.clone());
        if self.identity == Identity::Source {
            variant.external_ids.push(ExternalId { source: self.source, id: offer.id.clone() });
        }
        let place = VariantPlace { product, variant: variant.id };
        details.variants.push(variant);
        let before =
            (at > 0).then(|| self.products.get(&product).map(|edit| edit.new.details.clone())).flatten();
        self.describe(&mut details, at, offer, categories, before.as_ref())?;

        let owner = Owner { product, variant: place.variant, sku: sku.to_string(), of_source: true };
        self.known.owners.skus.insert(sku.to_string(), owner);
        self.touched.insert((Kind::Sku, sku.to_string()));
        self.own_barcodes(place, &sku, &[], &details.variants[at].barcodes);
        self.known.variants.insert(offer.id.clone(), place);
        if let Some(group) = group {
            self.known.groups.insert(group.clone(), product);
            self.touched.insert((Kind::Group, group.clone()));
            if self.identity == Identity::Own {
                self.own_group(group, product);
            }
        }
        self.change(product, details);
        Ok((Outcome::Created, sku))
    }

    /// The vendor's code, unless an earlier offer of this source has it; then the offer's id.
    fn choose_sku(&self, offer: &Offer) -> Result<Sku, Refusal> {
        let owner = |sku: &Sku| self.known.owners.skus.get(sku.as_str());
        if let Some(code) = offer.vendor_code.as_ref().filter(|_| self.identity == Identity::Source) {
            match owner(code) {
                None => return Ok(code.clone()),
                Some(other) if !other.of_source => {
                    return Err(taken(offer, "vendorCode", "SKU_TAKEN", code.as_str(), other));
                }
                Some(_) => {}
            }
        }
        let id: Sku = offer
            .id
            .parse()
            .map_err(|error: types::SkuError| refusal(offer, "id", "MALFORMED", error.to_string()))?;
        match owner(&id) {
            None => Ok(id),
            Some(other) => Err(taken(offer, "id", "SKU_TAKEN", id.as_str(), other)),
        }
    }

    fn own_group(&mut self, group: &str, product: ProductId) {
        self.known.groups.insert(group.to_owned(), product);
        self.touched.insert((Kind::GroupProduct, group.to_owned()));
    }

    fn refuse_taken_barcodes(&self, offer: &Offer, own: Option<VariantPlace>) -> Result<(), Refusal> {
        for barcode in offer.barcodes.iter().flatten() {
            let owner = self.known.owners.barcodes.get(barcode);
            if let Some(other) = owner.filter(|owner| own.is_none_or(|own| own.variant != owner.variant)) {
                return Err(taken(offer, "barcode", "BARCODE_TAKEN", barcode, other));
            }
        }
        Ok(())
    }

    fn own_barcodes(&mut self, place: VariantPlace, sku: &Sku, old: &[String], new: &[String]) {
        for barcode in old.iter().filter(|barcode| !new.contains(barcode)) {
            self.known.owners.barcodes.remove(barcode);
            self.touched.insert((Kind::Barcode, barcode.clone()));
        }
        for barcode in new.iter().filter(|barcode| !old.contains(barcode)) {
            let VariantPlace { product, variant } = place;
            let owner = Owner { product, variant, sku: sku.to_string(), of_source: true };
            self.known.owners.barcodes.insert(barcode.clone(), owner);
            self.touched.insert((Kind::Barcode, barcode.clone()));
        }
    }

    /// A product that nothing is known of yet but what it is called elsewhere.
    fn blank(&self, offer: &Offer) -> ProductDetails {
        let id = match &offer.group {
            Some(group) => format!("{GROUP_PREFIX}{group}"),
            None => offer.id.clone(),
        };
        ProductDetails {
            kind: ProductKind::Goods,
            name: String::new(),
            description: String::new(),
            vendor: String::new(),
            brand: None,
            categories: Vec::new(),
            variants: Vec::new(),
            archived: false,
            external_ids: match self.identity {
                Identity::Source => vec![ExternalId { source: self.source, id }],
                Identity::Own => Vec::new(),
            },
            recommended: false,
        }
    }

    /// Sets what the offer says, and leaves what it does not say. `at` is its variant; the first one speaks for the product.
    fn describe(
        &self,
        details: &mut ProductDetails,
        at: usize,
        offer: &Offer,
        categories: &[CategoryId],
        before: Option<&ProductDetails>,
    ) -> Result<(), Refusal> {
        let leads = at == 0;
        // What is called so already is not renamed: a feed has one name where the catalog may have two.
        let title = details.title(&details.variants[at]).trim().to_owned();
        let name = offer.name.as_ref().filter(|name| **name != title);
        if title.is_empty() && name.is_none() {
            return Err(refusal(offer, "name", "REQUIRED", "what is new needs a name"));
        }
        if leads {
            say(&mut details.name, name);
            say(&mut details.description, offer.description.as_ref());
            say(&mut details.vendor, offer.vendor.as_ref());
            let brand = offer.vendor.as_ref().and_then(|vendor| self.known.brands.get(&folded(vendor)));
            details.brand = brand.copied().or(details.brand);
        }
        if leads || self.identity == Identity::Own {
            self.categorise(details, categories);
        }
        let variant = &mut details.variants[at];
        if !leads || offer.group.is_some() && self.identity != Identity::Own {
            say(&mut variant.name, name);
        }
        set(&mut variant.barcodes, &offer.barcodes);
        set(&mut variant.picture_urls, &offer.picture_urls);
        set(&mut variant.weight_grams, &offer.weight_grams);
        set(&mut variant.page_url, &offer.page_url);
        if let Some(said) = &offer.characteristics {
            let understood = self.known.definitions.understand(said).map_err(|(name, problem)| {
                refusal(offer, "param", "CHARACTERISTIC_INVALID", format!("{name}: {problem}"))
            })?;
            match self.identity {
                Identity::Own => variant.characteristics.extend(understood),
                Identity::Source if as_said(&variant.characteristics) != understood => {
                    variant.characteristics = understood;
                }
                Identity::Source => {}
            }
        }
        match self.known.definitions.first_twin(details, before) {
            Some(_) => Err(refusal(
                offer,
                "param",
                "AXIS_TWIN",
                "another variant of the product says the same on every axis",
            )),
            None => Ok(()),
        }
    }

    fn categorise(&self, details: &mut ProductDetails, categories: &[CategoryId]) {
        match self.identity {
            Identity::Source if !categories.is_empty() => details.categories = categories.to_vec(),
            Identity::Source => {}
            Identity::Own => {
                details.categories.extend(categories);
                details.categories.sort_unstable();
                details.categories.dedup();
            }
        }
    }

    fn change(&mut self, id: ProductId, details: ProductDetails) {
        if !self.changed.contains(&id) {
            self.changed.push(id);
        }
        let now = self.now;
        match self.products.get_mut(&id) {
            // One version on per lot, however many of its offers changed it.
            Some(Edit { old: Some(old), new }) => *new = old.with(details, now),
            Some(Edit { old: None, new }) => new.details = details,
            None => {
                let new = Product { id, ..Product::new(details, now) };
                self.products.insert(id, Edit { old: None, new });
            }
        }
    }

    /// What a dry run remembers under a key.
    fn entry(&self, (kind, key): &(Kind, String)) -> String {
        let owners = &self.known.owners;
        match kind {
            Kind::Offer => String::new(),
            Kind::GroupProduct => self.known.groups.get(key).map(ToString::to_string).unwrap_or_default(),
            Kind::Sku => owners.skus.get(key).map(owner_entry).unwrap_or_default(),
            Kind::Barcode => owners.barcodes.get(key).map(owner_entry).unwrap_or_default(),
            Kind::Group => {
                let edit = self.known.groups.get(key).and_then(|id| self.products.get(id));
                let before = |edit: &Edit| edit.old.as_ref().map_or(0, |old| old.details.variants.len());
                let added = edit.map_or(0, |edit| edit.new.details.variants.len() - before(edit));
                (added + self.known.group_sizes.get(key).copied().unwrap_or_default()).to_string()
            }
        }
    }
}

impl Known {
    /// Lays over it what earlier lots of a dry run would have changed.
    pub(super) fn overlay(&mut self, entries: Entries) {
        for ((kind, key), value) in entries {
            match kind {
                Kind::Offer => {}
                Kind::Sku => lay(&mut self.owners.skus, key, &value),
                Kind::Barcode => lay(&mut self.owners.barcodes, key, &value),
                Kind::GroupProduct => {
                    if let Ok(product) = value.parse() {
                        self.groups.entry(key).or_insert(product);
                    }
                }
                Kind::Group => drop(self.group_sizes.insert(key, value.parse().unwrap_or_default())),
            }
        }
    }
}

/// Sets a text unless it says the same, spaces around it aside.
fn say(field: &mut String, said: Option<&String>) {
    if let Some(said) = said.filter(|said| field.trim() != said.as_str()) {
        field.clone_from(said);
    }
}

fn set<T: Clone>(field: &mut T, said: &Option<T>) {
    if let Some(said) = said {
        field.clone_from(said);
    }
}

/// The characteristics as a file would say them.
fn as_said(characteristics: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let said = characteristics.iter().map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
    said.filter(|(_, value)| !value.is_empty()).collect()
}

fn owner_entry(owner: &Owner) -> String {
    format!("{} {} {}", owner.product, owner.variant, owner.sku)
}

fn lay(owners: &mut HashMap<String, Owner>, key: String, entry: &str) {
    let mut parts = entry.splitn(3, ' ');
    let product = parts.next().and_then(|id| id.parse().ok());
    let variant = parts.next().and_then(|id| id.parse().ok());
    match product.zip(variant).zip(parts.next()) {
        Some(((product, variant), sku)) => {
            owners.insert(key, Owner { product, variant, sku: sku.to_owned(), of_source: true });
        }
        None => drop(owners.remove(&key)),
    }
}

fn taken(offer: &Offer, field: &str, reason: &'static str, what: &str, owner: &Owner) -> Refusal {
    refusal(offer, field, reason, format!("{what} belongs to {} of product {}", owner.sku, owner.product))
}

fn refusal(offer: &Offer, field: &str, reason: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(offer.line, field, reason, message).of_offer(&offer.id)
}
