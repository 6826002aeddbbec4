//! Model → proto: the only place that builds resource messages.

use chrono::{DateTime, Utc};
use proto::catalog::v1 as pb;
use rpc::wire::{money, time};
use types::{Money, PriceListId, ProductId};

use crate::model::{
    Basis, Brand, Candidate, Category, ChangedPrice, Characteristic, Choice, Effective, ExternalId,
    FileEncoding, ImportColumn, ImportConstant, ImportField, ImportMapping, KitComponent, Offered,
    PackBarcode, PastPrice, Price, PriceList, Product, ProductKind, Promo, Quoted, QuotedComponent,
    StockOfSku, ValueKind, Variant, Verdict,
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
        brand_id: details.brand.map(String::from).unwrap_or_default(),
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

/// A variant to offer, what of it is free, and why it is not sold if there is a reason.
pub(crate) fn variant_match(
    product: &Product,
    one: &Variant,
    offered: &Offered,
    stock: StockOfSku,
) -> pb::VariantMatch {
    let level = |(warehouse_id, free_quantity)| pb::WarehouseStock { warehouse_id, free_quantity };
    let unsellable = offered.archived_component.as_ref();
    pb::VariantMatch {
        variant: Some(variant(product.id, one)),
        name: product.details.title(one).to_owned(),
        kind: kind(product.details.kind).into(),
        recommended: product.details.recommended,
        free_quantity: stock.total,
        stock: stock.warehouses.into_iter().map(level).collect(),
        unsellable_reason: unsellable.map(|_| KIT_COMPONENT_ARCHIVED.to_owned()).unwrap_or_default(),
        unsellable_sku: unsellable.cloned().unwrap_or_default(),
        price: None,
        pack_quantity: 1,
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
        rounding: details.rounding.map(|rounding| pb::PriceRounding {
            step: Some(money(Money::new(details.currency, rounding.step))),
            ending: Some(money(Money::new(details.currency, rounding.ending))),
        }),
        base_price_list_id: details.derivation.map(|one| one.base.to_string()).unwrap_or_default(),
        percent: details.derivation.map(|one| one.percent.text()).unwrap_or_default(),
    }
}

pub(crate) fn price_changed(list: PriceListId, changed: &ChangedPrice) -> pb::PriceChanged {
    let price = price(list, changed.sku.as_str(), &changed.new);
    pb::PriceChanged { price: Some(price), previous_amount: changed.old.map(|old| money(old.amount)) }
}

pub(crate) fn past_price(sku: &types::Sku, past: PastPrice) -> pb::PriceHistoryEntry {
    pb::PriceHistoryEntry {
        price: Some(price(past.list, sku.as_str(), &past.price)),
        change_time: Some(time(past.change_time)),
        actor: past.actor,
        action: past.action,
    }
}

fn price(list: PriceListId, sku: &str, price: &Price) -> pb::Price {
    let promo = |promo: Promo| pb::PromoPrice {
        amount: Some(money(promo.amount)),
        from_time: Some(time(promo.from)),
        until_time: Some(time(promo.until)),
    };
    pb::Price {
        price_list_id: list.to_string(),
        sku: sku.to_owned(),
        amount: Some(money(price.amount)),
        old_amount: price.old_amount.map(money),
        promo: price.promo.map(promo),
        version: price.version,
    }
}

pub(crate) fn effective_price(sku: &str, effective: &Effective) -> pb::EffectivePrice {
    let basis = match effective.basis {
        Basis::Regular => pb::PriceBasis::Regular,
        Basis::Promo => pb::PriceBasis::Promo,
    };
    let derivation = effective.derivation;
    pb::EffectivePrice {
        sku: sku.to_owned(),
        amount: Some(money(effective.amount)),
        old_amount: effective.old_amount.map(money),
        price_list_id: effective.list.to_string(),
        basis: basis.into(),
        base_price_list_id: derivation.map(|one| one.base.to_string()).unwrap_or_default(),
        percent: derivation.map(|one| one.percent.text()).unwrap_or_default(),
        considered: Vec::new(),
    }
}

/// A list's price and what became of it; the amount is what the list shows at the time.
pub(crate) fn considered(candidate: &Candidate, verdict: Verdict, at: DateTime<Utc>) -> pb::ConsideredPrice {
    let verdict = match verdict {
        Verdict::Counts => pb::PriceVerdict::Counts,
        Verdict::Outranked => pb::PriceVerdict::Outranked,
        Verdict::OtherChannel => pb::PriceVerdict::OtherChannel,
        Verdict::TooEarly => pb::PriceVerdict::TooEarly,
        Verdict::TooLate => pb::PriceVerdict::TooLate,
    };
    pb::ConsideredPrice {
        price_list_id: candidate.list.to_string(),
        price_list_name: candidate.list_name.clone(),
        priority: candidate.priority,
        amount: candidate.terms.effective(candidate.list, at).map(|effective| money(effective.amount)),
        verdict: verdict.into(),
    }
}

pub(crate) fn quoted_item(sku: &str, quoted: Option<Quoted>, total: Option<Money>) -> pb::QuotedItem {
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

pub(crate) fn brand(brand: &Brand) -> pb::Brand {
    let details = &brand.details;
    pb::Brand {
        brand_id: brand.id.to_string(),
        name: details.name.clone(),
        aliases: details.aliases.clone(),
        archived: details.archived,
        etag: brand.version.to_string(),
    }
}

pub(crate) fn characteristic(definition: &Characteristic) -> pb::Characteristic {
    let details = &definition.details;
    let kind = match details.kind {
        ValueKind::Number => pb::CharacteristicType::Number,
        ValueKind::Text => pb::CharacteristicType::String,
        ValueKind::Boolean => pb::CharacteristicType::Boolean,
        ValueKind::Choice => pb::CharacteristicType::Choice,
    };
    let choice = |one: &Choice| pb::CharacteristicChoice { code: one.code.clone(), names: one.names.clone() };
    pb::Characteristic {
        code: details.code.clone(),
        names: details.names.clone(),
        r#type: kind.into(),
        unit: details.unit.clone(),
        choices: details.choices.iter().map(choice).collect(),
        filterable: details.filterable,
        variant_axis: details.variant_axis,
        archived: details.archived,
        etag: definition.version.to_string(),
    }
}

pub(crate) fn import_mapping(mapping: &ImportMapping) -> pb::ImportMapping {
    let details = &mapping.details;
    let encoding = match details.encoding {
        FileEncoding::Utf8 => pb::FileEncoding::Utf8,
        FileEncoding::Windows1251 => pb::FileEncoding::Windows1251,
    };
    let column = |one: &ImportColumn| pb::ImportColumn {
        header: one.header.clone(),
        field: import_field(one.field).into(),
        characteristic: one.characteristic.clone(),
    };
    let constant = |one: &ImportConstant| pb::ImportConstant {
        field: import_field(one.field).into(),
        characteristic: one.characteristic.clone(),
        value: one.value.clone(),
    };
    pb::ImportMapping {
        import_mapping_id: mapping.id.to_string(),
        name: details.name.clone(),
        delimiter: char::from(details.delimiter).to_string(),
        encoding: encoding.into(),
        decimal_comma: details.decimal_comma,
        columns: details.columns.iter().map(column).collect(),
        constants: details.constants.iter().map(constant).collect(),
        archived: details.archived,
        etag: mapping.version.to_string(),
    }
}

fn import_field(field: ImportField) -> pb::ImportField {
    match field {
        ImportField::Sku => pb::ImportField::Sku,
        ImportField::Name => pb::ImportField::Name,
        ImportField::Description => pb::ImportField::Description,
        ImportField::Vendor => pb::ImportField::Vendor,
        ImportField::Group => pb::ImportField::Group,
        ImportField::Category => pb::ImportField::Category,
        ImportField::Barcode => pb::ImportField::Barcode,
        ImportField::PictureUrl => pb::ImportField::PictureUrl,
        ImportField::PageUrl => pb::ImportField::PageUrl,
        ImportField::WeightKilograms => pb::ImportField::WeightKilograms,
        ImportField::WeightGrams => pb::ImportField::WeightGrams,
        ImportField::Price => pb::ImportField::Price,
        ImportField::OldPrice => pb::ImportField::OldPrice,
        ImportField::Currency => pb::ImportField::Currency,
        ImportField::Characteristic => pb::ImportField::Characteristic,
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
