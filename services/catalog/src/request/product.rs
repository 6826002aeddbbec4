//! Reads a product and its variants. A feed's offers are held to the same limits, field by field.

use std::collections::{BTreeMap, HashSet};

use ::rpc::{Fields, Invalid};
use proto::catalog::v1 as pb;
use types::CategoryId;

use super::{NAME_LENGTH_MAX, external_ids};
use crate::model::{KitComponent, PackBarcode, ProductDetails, ProductKind, Variant};

/// Variants of one product.
pub(crate) const VARIANTS_MAX: usize = 200;
/// Characteristics of one variant.
pub(crate) const CHARACTERISTICS_MAX: usize = 100;
const DESCRIPTION_LENGTH_MAX: usize = 20_000;
const VENDOR_LENGTH_MAX: usize = 200;
const CATEGORIES_MAX: usize = 50;
const BARCODES_MAX: usize = 50;
const BARCODE_LENGTH_MAX: usize = 64;
const UNIT_CODE_LENGTH_MAX: usize = 3;
const PRICE_QUANTITY_MAX: i32 = 1_000_000;
const PICTURES_MAX: usize = 50;
const URL_LENGTH_MAX: usize = 2048;
const CHARACTERISTIC_NAME_LENGTH_MAX: usize = 200;
const CHARACTERISTIC_LENGTH_MAX: usize = 2000;
const TAX_CATEGORY_LENGTH_MAX: usize = 32;

/// Everything a caller may set on a product. The variants' ids are new; [`ProductDetails::following`] finds the old ones.
pub(crate) fn product(product: &pb::Product) -> Result<ProductDetails, Invalid> {
    let mut fields = Fields::new();
    let kind = kind(&mut fields, product.kind);
    let name = name(&mut fields, "product.name", &product.name);
    let description = description(&mut fields, "product.description", &product.description);
    let vendor = vendor(&mut fields, "product.vendor", &product.vendor);
    let brand = fields.parse_optional("product.brand_id", &product.brand_id);
    let categories = categories(&mut fields, &product.category_ids);
    let external_ids = external_ids(&mut fields, "product.external_ids", &product.external_ids);
    fields.list_length("product.variants", product.variants.len(), VARIANTS_MAX);
    let listed = product.variants.iter().take(VARIANTS_MAX).enumerate();
    let variants: Vec<Variant> = listed
        .filter_map(|(at, one)| variant(&mut fields, &format!("product.variants[{at}]"), one))
        .collect();
    refuse_twins(&mut fields, &product.variants);
    if let Some(kind) = kind {
        refuse_wrong_components(&mut fields, kind, &product.variants);
    }
    let archived = product.archived;
    fields.finish_with(kind.map(|kind| ProductDetails {
        kind,
        name,
        description,
        vendor,
        brand,
        categories,
        variants,
        archived,
        external_ids,
        recommended: product.recommended,
    }))
}

pub(crate) fn name(fields: &mut Fields, field: &str, name: &str) -> String {
    fields.required_text(field, name, NAME_LENGTH_MAX)
}

pub(crate) fn description(fields: &mut Fields, field: &str, description: &str) -> String {
    fields.text(field, description, DESCRIPTION_LENGTH_MAX)
}

pub(crate) fn vendor(fields: &mut Fields, field: &str, vendor: &str) -> String {
    fields.text(field, vendor, VENDOR_LENGTH_MAX)
}

/// A barcode: visible characters without a space at either end.
pub(crate) fn barcode(fields: &mut Fields, field: &str, barcode: &str) -> String {
    let length = barcode.chars().count();
    let plain = barcode.trim() == barcode && !barcode.chars().any(char::is_control);
    let valid = plain && (1..=BARCODE_LENGTH_MAX).contains(&length);
    fields.check(
        valid,
        field,
        "MALFORMED",
        "1 to 64 characters without control characters or a space at either end",
    );
    barcode.to_owned()
}

pub(crate) fn picture_url(fields: &mut Fields, field: &str, url: &str) -> String {
    let length = url.chars().count() <= URL_LENGTH_MAX;
    let web =
        (url.starts_with("https://") || url.starts_with("http://")) && !url.chars().any(char::is_control);
    fields.check(length && web, field, "MALFORMED", "an http or https address of at most 2048 characters");
    url.to_owned()
}

/// A web address, or nothing.
pub(crate) fn page_url(fields: &mut Fields, field: &str, url: &str) -> String {
    if url.is_empty() { String::new() } else { picture_url(fields, field, url) }
}

pub(crate) fn characteristic(fields: &mut Fields, field: &str, name: &str, value: &str) -> (String, String) {
    let name = fields.required_text(field, name, CHARACTERISTIC_NAME_LENGTH_MAX);
    (name, fields.text(field, value, CHARACTERISTIC_LENGTH_MAX))
}

fn kind(fields: &mut Fields, kind: i32) -> Option<ProductKind> {
    match pb::ProductKind::try_from(kind) {
        Ok(pb::ProductKind::Unspecified | pb::ProductKind::Goods) => Some(ProductKind::Goods),
        Ok(pb::ProductKind::Service) => Some(ProductKind::Service),
        Ok(pb::ProductKind::Kit) => Some(ProductKind::Kit),
        Err(_) => {
            fields.refuse("product.kind", "UNKNOWN_VALUE", "goods, service or kit");
            None
        }
    }
}

fn categories(fields: &mut Fields, ids: &[String]) -> Vec<CategoryId> {
    if ids.len() > CATEGORIES_MAX {
        fields.refuse("product.category_ids", "TOO_MANY", format!("at most {CATEGORIES_MAX} entries"));
        return Vec::new();
    }
    let parse = |(at, id): (usize, &String)| fields.parse(&format!("product.category_ids[{at}]"), id);
    let mut categories: Vec<CategoryId> = ids.iter().enumerate().filter_map(parse).collect();
    categories.sort_unstable();
    categories.dedup();
    categories
}

fn variant(fields: &mut Fields, field: &str, variant: &pb::Variant) -> Option<Variant> {
    let at = |name: &str| format!("{field}.{name}");
    let sku = fields.parse(&at("sku"), &variant.sku);
    let name = fields.text(&at("name"), &variant.name, NAME_LENGTH_MAX);
    limit(fields, &at("barcodes"), variant.barcodes.len(), BARCODES_MAX);
    limit(fields, &at("pack_barcodes"), variant.pack_barcodes.len(), BARCODES_MAX);
    limit(fields, &at("components"), variant.components.len(), KitComponent::COUNT_MAX);
    limit(fields, &at("picture_urls"), variant.picture_urls.len(), PICTURES_MAX);
    limit(fields, &at("characteristics"), variant.characteristics.len(), CHARACTERISTICS_MAX);
    let barcodes = variant.barcodes.iter().take(BARCODES_MAX).enumerate();
    let barcodes = barcodes.map(|(n, one)| barcode(fields, &format!("{field}.barcodes[{n}]"), one)).collect();
    let packs = variant.pack_barcodes.iter().take(BARCODES_MAX).enumerate();
    let pack_barcodes = packs
        .filter_map(|(n, one)| pack_barcode(fields, &format!("{field}.pack_barcodes[{n}]"), one))
        .collect();
    let components = variant.components.iter().take(KitComponent::COUNT_MAX).enumerate();
    let components = components
        .filter_map(|(n, one)| component(fields, &format!("{field}.components[{n}]"), one))
        .collect();
    let pictures = variant.picture_urls.iter().take(PICTURES_MAX).enumerate();
    let picture_urls =
        pictures.map(|(n, url)| picture_url(fields, &format!("{field}.picture_urls[{n}]"), url)).collect();
    let characteristics: BTreeMap<String, String> =
        (variant.characteristics.iter().take(CHARACTERISTICS_MAX))
            .map(|(name, value)| characteristic(fields, &at("characteristics"), name, value))
            .collect();
    let unit_code = or_default(&variant.unit_code, Variant::UNIT_CODE_DEFAULT);
    let unit_ok = unit_code.len() <= UNIT_CODE_LENGTH_MAX
        && unit_code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    fields.check(unit_ok, &at("unit_code"), "MALFORMED", "a UN/ECE code such as C62 or GRM");
    let price_quantity = if variant.price_quantity == 0 { 1 } else { variant.price_quantity };
    let in_range = (1..=PRICE_QUANTITY_MAX).contains(&price_quantity);
    fields.check(in_range, &at("price_quantity"), "OUT_OF_RANGE", "1 to 1000000");
    fields.check(variant.weight_grams >= 0, &at("weight_grams"), "OUT_OF_RANGE", "must not be negative");
    let tax_category = or_default(&variant.tax_category, Variant::TAX_CATEGORY_DEFAULT);
    let tax_category = fields.text(&at("tax_category"), &tax_category, TAX_CATEGORY_LENGTH_MAX);
    let external_ids = external_ids(fields, &at("external_ids"), &variant.external_ids);
    let page_url = page_url(fields, &at("page_url"), &variant.page_url);
    Some(Variant {
        name,
        barcodes,
        pack_barcodes,
        components,
        unit_code,
        price_quantity,
        weight_grams: variant.weight_grams,
        picture_urls,
        characteristics,
        tax_category,
        external_ids,
        page_url,
        archived: variant.archived,
        ..Variant::new(sku?)
    })
}

fn pack_barcode(fields: &mut Fields, field: &str, pack: &pb::Barcode) -> Option<PackBarcode> {
    let code = barcode(fields, &format!("{field}.code"), &pack.code);
    let field = format!("{field}.pack_quantity");
    fields.check(
        pack.pack_quantity != 1,
        &field,
        "OUT_OF_RANGE",
        "the barcode of one unit stands in barcodes",
    );
    let quantity = fields.convert(&field, pack.pack_quantity);
    Some(PackBarcode { code, quantity: quantity? })
}

fn component(fields: &mut Fields, field: &str, component: &pb::KitComponent) -> Option<KitComponent> {
    let sku = fields.parse(&format!("{field}.sku"), &component.sku);
    let quantity = fields.convert(&format!("{field}.quantity"), component.quantity);
    Some(KitComponent { sku: sku?, quantity: quantity? })
}

/// Refuses kits without components, others with components, and a kit in itself.
fn refuse_wrong_components(fields: &mut Fields, kind: ProductKind, variants: &[pb::Variant]) {
    for (at, variant) in variants.iter().take(VARIANTS_MAX).enumerate() {
        let field = format!("product.variants[{at}].components");
        match (kind, variant.components.is_empty()) {
            (ProductKind::Kit, true) => fields.refuse(field, "REQUIRED", "a kit consists of goods"),
            (ProductKind::Goods | ProductKind::Service, false) => {
                fields.refuse(field, "NOT_A_KIT", "only a kit has components");
            }
            (ProductKind::Kit, false) | (ProductKind::Goods | ProductKind::Service, true) => {}
        }
        let mut seen = HashSet::new();
        for (n, component) in variant.components.iter().take(KitComponent::COUNT_MAX).enumerate() {
            let field = format!("product.variants[{at}].components[{n}].sku");
            fields.check(seen.insert(&component.sku), &field, "DUPLICATE", "a component is listed once");
            let own = variants.iter().any(|own| own.sku == component.sku);
            fields.check(!own, &field, "NOT_GOODS", "a kit does not consist of kits");
        }
    }
}

/// Refuses a SKU, a barcode or an external id that two variants of the product have.
fn refuse_twins(fields: &mut Fields, variants: &[pb::Variant]) {
    let (mut skus, mut barcodes, mut ids) = (HashSet::new(), HashSet::new(), HashSet::new());
    for (at, variant) in variants.iter().take(VARIANTS_MAX).enumerate() {
        let field = |name: &str| format!("product.variants[{at}].{name}");
        let known = !skus.insert(variant.sku.as_str());
        fields.check(!known || variant.sku.is_empty(), &field("sku"), "DUPLICATE", "another variant has it");
        let packs = variant.pack_barcodes.iter().map(|pack| pack.code.as_str());
        let known =
            !variant.barcodes.iter().map(String::as_str).chain(packs).all(|code| barcodes.insert(code));
        fields.check(!known, &field("barcodes"), "DUPLICATE", "a barcode is listed twice");
        let known =
            !variant.external_ids.iter().all(|id| ids.insert((id.source_id.as_str(), id.id.as_str())));
        fields.check(!known, &field("external_ids"), "DUPLICATE", "an id is listed twice");
    }
}

fn limit(fields: &mut Fields, field: &str, length: usize, max: usize) {
    if length > max {
        fields.refuse(field, "TOO_MANY", format!("at most {max} entries"));
    }
}

fn or_default(text: &str, default: &str) -> String {
    if text.is_empty() { default.to_owned() } else { text.to_owned() }
}
