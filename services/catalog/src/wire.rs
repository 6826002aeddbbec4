//! Model → proto: the only place that builds resource messages.

use proto::catalog::v1 as pb;
use rpc::wire::{money, time};
use types::{PriceListId, ProductId};

use crate::model::{
    Category, ChangedPrice, Effective, ExternalId, KitComponent, PackBarcode, Price, PriceList, Product,
    ProductKind, Quoted, QuotedComponent, Variant,
};

/// Why a kit is found and not sold.
const KIT_COMPONENT_ARCHIVED: &str = "KIT_COMPONENT_ARCHIVED";

pub(crate) fn product(product: &Product) -> pb::Product {
    let details = &product.details;
    pb::Product {
        product_id: product.id.to_string(),
        kind: kind(details.kind).into(),
        name: details.name.clone(),
        description: details.description.clone(),
        vendor: details.vendor.clone(),
        category_ids: details.categories.iter().map(ToString::to_string).collect(),
        variants: details.variants.iter().map(|one| variant(product.id, one)).collect(),
        archived: details.archived,
        external_ids: details.external_ids.iter().map(external_id).collect(),
        etag: product.version.to_string(),
        create_time: Some(time(product.create_time)),
        update_time: Some(time(product.update_time)),
        brand_id: String::new(),
        recommended: details.recommended,
    }
}

pub(crate) fn variant(product: ProductId, variant: &Variant) -> pb::Variant {
    pb::Variant {
        variant_id: variant.id.to_string(),
        sku: variant.sku.to_string(),
        name: variant.name.clone(),
        barcodes: variant.barcodes.clone(),
        unit_code: variant.unit_code.clone(),
        price_quantity: variant.price_quantity,
        weight_grams: variant.weight_grams,
        picture_urls: variant.picture_urls.clone(),
        characteristics: variant.characteristics.clone().into_iter().collect(),
        tax_category: variant.tax_category.clone(),
        external_ids: variant.external_ids.iter().map(external_id).collect(),
        page_url: variant.page_url.clone(),
        archived: variant.archived,
        product_id: product.to_string(),
        components: variant.components.iter().map(component).collect(),
        pack_barcodes: variant.pack_barcodes.iter().map(pack_barcode).collect(),
    }
}

pub(crate) fn category(category: &Category) -> pb::Category {
    pb::Category {
        category_id: category.id.to_string(),
        parent_id: category.details.parent.map(String::from).unwrap_or_default(),
        name: category.details.name.clone(),
        etag: category.version.to_string(),
        external_ids: category.details.external_ids.iter().map(external_id).collect(),
    }
}

pub(crate) fn price_list(list: &PriceList) -> pb::PriceList {
    let details = &list.details;
    pb::PriceList {
        price_list_id: list.id.to_string(),
        name: details.name.clone(),
        currency_code: details.currency.code().to_owned(),
        valid_from_time: details.valid_from.map(time),
        valid_until_time: details.valid_until.map(time),
        channels: details.channels.clone(),
        priority: details.priority,
        etag: list.version.to_string(),
        ..Default::default()
    }
}

pub(crate) fn price_changed(list: PriceListId, changed: &ChangedPrice) -> pb::PriceChanged {
    let Price { amount, old_amount, .. } = changed.new;
    let price = pb::Price {
        price_list_id: list.to_string(),
        sku: changed.sku.to_string(),
        amount: Some(money(amount)),
        old_amount: old_amount.map(money),
        ..Default::default()
    };
    pb::PriceChanged { price: Some(price), previous_amount: changed.old.map(|old| money(old.amount)) }
}

pub(crate) fn effective_price(sku: &types::Sku, effective: &Effective) -> pb::EffectivePrice {
    pb::EffectivePrice {
        sku: sku.to_string(),
        amount: Some(money(effective.amount)),
        old_amount: effective.old_amount.map(money),
        price_list_id: effective.list.to_string(),
        ..Default::default()
    }
}

pub(crate) fn quoted_item(sku: &str, quoted: Option<Quoted>, total: Option<types::Money>) -> pb::QuotedItem {
    let Some(quoted) = quoted else { return pb::QuotedItem { sku: sku.to_owned(), ..Default::default() } };
    if let Some(component) = quoted.unsellable_for() {
        return pb::QuotedItem {
            sku: sku.to_owned(),
            unsellable_reason: KIT_COMPONENT_ARCHIVED.to_owned(),
            unsellable_sku: component.to_owned(),
            ..Default::default()
        };
    }
    pb::QuotedItem {
        sku: sku.to_owned(),
        found: true,
        variant_id: quoted.variant.to_string(),
        product_id: quoted.product.to_string(),
        name: quoted.name,
        kind: kind(quoted.kind).into(),
        unit_price: quoted.unit_price.map(money),
        total: total.map(money),
        weight_grams: quoted.weight_grams,
        unit_code: quoted.unit_code,
        price_quantity: quoted.price_quantity,
        tax_category: quoted.tax_category,
        components: quoted.components.into_iter().map(quoted_component).collect(),
        unsellable_reason: String::new(),
        unsellable_sku: String::new(),
    }
}

fn kind(kind: ProductKind) -> pb::ProductKind {
    match kind {
        ProductKind::Goods => pb::ProductKind::Goods,
        ProductKind::Service => pb::ProductKind::Service,
        ProductKind::Kit => pb::ProductKind::Kit,
    }
}

fn component(component: &KitComponent) -> pb::KitComponent {
    pb::KitComponent { sku: component.sku.to_string(), quantity: component.quantity.get() }
}

fn pack_barcode(pack: &PackBarcode) -> pb::Barcode {
    pb::Barcode { code: pack.code.clone(), pack_quantity: pack.quantity.get() }
}

fn quoted_component(component: QuotedComponent) -> pb::QuotedComponent {
    pb::QuotedComponent {
        sku: component.sku,
        quantity: component.quantity,
        name: component.name,
        weight_grams: component.weight_grams,
    }
}

fn external_id(id: &ExternalId) -> pb::ExternalId {
    pb::ExternalId { source_id: id.source.to_string(), id: id.id.clone() }
}
