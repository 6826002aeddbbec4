//! Writes YML: the same catalog always becomes the same bytes.

use std::fmt::Write;

use types::{Currency, Money};

/// What stands above the offers.
pub(crate) struct Head<'a> {
    /// Minutes are enough: `2026-11-22T09:30+00:00`.
    pub(crate) date: String,
    pub(crate) shop_name: &'a str,
    /// Empty when nobody said.
    pub(crate) shop_url: &'a str,
    pub(crate) currency: Currency,
}

/// An offer as a feed has it. Nothing is written of what is empty.
pub(crate) struct OfferOut<'a> {
    pub(crate) id: &'a str,
    pub(crate) group: Option<i64>,
    pub(crate) available: bool,
    pub(crate) url: &'a str,
    pub(crate) price: Money,
    pub(crate) old_price: Option<Money>,
    pub(crate) category: Option<i64>,
    pub(crate) pictures: &'a [String],
    pub(crate) name: &'a str,
    pub(crate) vendor: &'a str,
    pub(crate) description: &'a str,
    pub(crate) barcodes: &'a [String],
    pub(crate) params: Vec<Param<'a>>,
    pub(crate) weight_grams: i32,
    pub(crate) count: i64,
}

/// A characteristic.
pub(crate) struct Param<'a> {
    pub(crate) name: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) value: &'a str,
}

/// What stands below the offers.
pub(crate) const FOOT: &str = "</offers>\n</shop>\n</yml_catalog>\n";

/// The beginning of the file, up to its categories.
pub(crate) fn head(head: &Head<'_>) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<yml_catalog date=\"{}\">\n<shop>", escaped(&head.date));
    element(&mut out, "name", head.shop_name);
    element(&mut out, "company", head.shop_name);
    element(&mut out, "url", head.shop_url);
    let _ = writeln!(out, "<currencies>\n<currency id=\"{}\" rate=\"1\"/>\n</currencies>", head.currency);
    out.push_str("<categories>\n");
    out
}

/// A category.
pub(crate) fn category(out: &mut String, number: i64, parent: Option<i64>, name: &str) {
    let _ = write!(out, "<category id=\"{number}\"");
    if let Some(parent) = parent {
        let _ = write!(out, " parentId=\"{parent}\"");
    }
    let _ = writeln!(out, ">{}</category>", escaped(name));
}

/// What stands between categories and offers.
pub(crate) const BETWEEN: &str = "</categories>\n<offers>\n";

/// An offer.
pub(crate) fn offer(out: &mut String, offer: &OfferOut<'_>) {
    let _ = write!(out, "<offer id=\"{}\" available=\"{}\"", escaped(offer.id), offer.available);
    if let Some(group) = offer.group {
        let _ = write!(out, " group_id=\"{group}\"");
    }
    out.push_str(">\n");
    element(out, "url", offer.url);
    element(out, "price", &offer.price.amount());
    let reduced = offer.old_price.filter(|old| old.minor() > offer.price.minor());
    element(out, "oldprice", &reduced.map(Money::amount).unwrap_or_default());
    element(out, "currencyId", offer.price.currency().code());
    element(out, "categoryId", &offer.category.map(|number| number.to_string()).unwrap_or_default());
    for picture in offer.pictures {
        element(out, "picture", picture);
    }
    element(out, "name", offer.name);
    element(out, "vendor", offer.vendor);
    element(out, "vendorCode", offer.id);
    element(out, "description", offer.description);
    for barcode in offer.barcodes {
        element(out, "barcode", barcode);
    }
    for param in &offer.params {
        let _ = write!(out, "<param name=\"{}\"", escaped(param.name));
        if !param.unit.is_empty() {
            let _ = write!(out, " unit=\"{}\"", escaped(param.unit));
        }
        let _ = writeln!(out, ">{}</param>", escaped(param.value));
    }
    if offer.weight_grams > 0 {
        let _ =
            writeln!(out, "<weight>{}.{:03}</weight>", offer.weight_grams / 1000, offer.weight_grams % 1000);
    }
    let _ = writeln!(out, "<count>{}</count>\n</offer>", offer.count);
}

fn element(out: &mut String, name: &str, text: &str) {
    let text = text.trim();
    if !text.is_empty() {
        let _ = writeln!(out, "<{name}>{}</{name}>", escaped(text));
    }
}

/// A text as XML has it, in elements and attributes alike; characters that XML cannot have are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // A reader would make a space of them in an attribute, or another end of line.
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", u32::from(letter));
            }
            '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => {}
            other => out.push(other),
        }
    }
    out
}
