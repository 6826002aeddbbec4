//! One offer: as the file has it, and as it can be taken in.

use std::collections::BTreeMap;

use rpc::Fields;
use types::{Currency, Money, Sku};

use super::Refusal;
use crate::model::ExternalId;
use crate::request;

/// The external id of a product made of a `group_id` begins so: group ids and offer ids are different things.
pub(crate) const GROUP_PREFIX: &str = "group:";
/// Fields of one offer.
const FIELDS_MAX: usize = 1000;
/// Categories, pictures or barcodes of one offer.
const ENTRIES_MAX: usize = 50;

/// An offer that can be taken in. What it does not say is `None` and stays as it is in the catalog.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Offer {
    pub(crate) line: u64,
    pub(crate) id: String,
    pub(crate) group: Option<String>,
    /// The vendor's code, when it can be a SKU.
    pub(crate) vendor_code: Option<Sku>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) vendor: Option<String>,
    /// Ids of the file.
    pub(crate) categories: Vec<String>,
    pub(crate) barcodes: Option<Vec<String>>,
    pub(crate) picture_urls: Option<Vec<String>>,
    pub(crate) characteristics: Option<BTreeMap<String, String>>,
    pub(crate) weight_grams: Option<i32>,
    pub(crate) page_url: Option<String>,
    pub(crate) amount: Option<Money>,
    pub(crate) old_amount: Option<Money>,
    /// Roughly what it takes in memory.
    pub(crate) bytes: usize,
}

/// What an offer must say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Demand {
    /// At least its name and price.
    Whole,
    /// Which it is; the catalog may know the rest.
    Part,
}

/// An offer as the file has it.
#[derive(Debug, Default)]
pub(super) struct RawOffer {
    line: u64,
    pub(super) id: String,
    pub(super) group: String,
    fields: Vec<Field>,
    bytes: usize,
    refusal: Option<Refusal>,
}

/// An element inside an offer.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    /// Of a `param`: its name and unit.
    pub(super) parameter: String,
    pub(super) unit: String,
    pub(super) text: String,
}

impl RawOffer {
    /// An offer that begins at `line`.
    pub(super) fn begin(line: u64) -> Self {
        Self { line, ..Self::default() }
    }

    /// Notes why the offer is refused; the first reason counts.
    pub(super) fn refuse(&mut self, field: &str, reason: &'static str, message: impl Into<String>) {
        if self.refusal.is_none() {
            self.refusal = Some(Refusal::new(self.line, field, reason, message));
            self.fields.clear();
        }
    }

    pub(super) fn refuse_entity(&mut self, entity: &str) {
        let field = self.fields.last().map(|field| field.name.clone()).unwrap_or_default();
        self.refuse(&field, "ENTITY_UNKNOWN", format!("&{entity}; is not known; write the character itself"));
    }

    pub(super) fn add_field(&mut self, field: Field) {
        if self.fields.len() >= FIELDS_MAX {
            self.refuse(&field.name, "TOO_MANY", format!("an offer has at most {FIELDS_MAX} fields"));
        }
        self.bytes += field.name.len() + field.parameter.len() + field.unit.len();
        if self.refusal.is_none() {
            self.fields.push(field);
        }
    }

    pub(super) fn add_text(&mut self, text: &str, bytes_max: usize) {
        self.bytes += text.len();
        if self.bytes > bytes_max {
            self.refuse("offer", "TOO_LONG", format!("an offer has at most {bytes_max} bytes"));
        }
        if let Some(field) = self.fields.last_mut() {
            field.text.push_str(text);
        }
    }

    /// The offer, or why it is refused. `currency` is that of offers that name none.
    pub(super) fn parse(mut self, currency: Option<Currency>, demand: Demand) -> Result<Offer, Refusal> {
        let id = self.id.trim().to_owned();
        let line = self.line;
        if let Some(refusal) = self.refusal.take() {
            return Err(refusal.of_offer(&id));
        }
        self.read(&id, currency, demand).map_err(|invalid| Refusal::first_of(&invalid, line).of_offer(&id))
    }

    fn read(
        &self,
        id: &str,
        default_currency: Option<Currency>,
        demand: Demand,
    ) -> Result<Offer, rpc::Invalid> {
        let mut fields = Fields::new();
        fields.required_text("id", id, ExternalId::LENGTH_MAX);
        fields.check(
            !id.starts_with(GROUP_PREFIX),
            "id",
            "MALFORMED",
            "ids that begin with group: are reserved",
        );
        let group = fields.text("group_id", self.group.trim(), ExternalId::LENGTH_MAX - GROUP_PREFIX.len());
        self.refuse_undecoded(&mut fields);

        let prices = self.prices(&mut fields, default_currency, demand);
        let name = self.name();
        let name = match (name.is_empty(), demand) {
            (true, Demand::Part) => None,
            _ => Some(request::name(&mut fields, "name", &name)),
        };
        let description =
            self.text("description").map(|text| request::description(&mut fields, "description", text));
        let vendor = self.text("vendor").map(|text| request::vendor(&mut fields, "vendor", text));
        let page_url = self.text("url").map(|text| request::page_url(&mut fields, "url", text));
        let categories = self.entries(&mut fields, "categoryId");
        let pictures = self.entries(&mut fields, "picture");
        let picture_urls: Vec<String> =
            pictures.into_iter().map(|url| request::picture_url(&mut fields, "picture", url)).collect();
        let barcodes = self.entries(&mut fields, "barcode");
        let barcodes: Vec<String> =
            barcodes.into_iter().map(|barcode| request::barcode(&mut fields, "barcode", barcode)).collect();
        let weight_grams = self.text("weight").and_then(|text| weight(&mut fields, text));
        let characteristics = self.characteristics(&mut fields);
        let vendor_code = self.text("vendorCode").and_then(|code| code.parse().ok());

        fields.finish()?;
        Ok(Offer {
            line: self.line,
            id: id.to_owned(),
            group: Some(group).filter(|group| !group.is_empty()),
            vendor_code,
            name,
            description,
            vendor,
            categories: categories.into_iter().map(str::to_owned).collect(),
            barcodes: Some(barcodes).filter(|barcodes| !barcodes.is_empty()),
            picture_urls: Some(picture_urls).filter(|urls| !urls.is_empty()),
            characteristics: Some(characteristics).filter(|characteristics| !characteristics.is_empty()),
            weight_grams,
            page_url,
            amount: prices.map(|(amount, _)| amount),
            old_amount: prices.and_then(|(_, old_amount)| old_amount),
            bytes: self.bytes + 200,
        })
    }

    /// The amount and the one before a reduction.
    fn prices(
        &self,
        fields: &mut Fields,
        default_currency: Option<Currency>,
        demand: Demand,
    ) -> Option<(Money, Option<Money>)> {
        let price = self.text("price");
        if price.is_none() && demand == Demand::Part {
            return None;
        }
        let currency = match (self.text("currencyId"), default_currency) {
            (None, Some(currency)) => Some(currency),
            (text, _) => currency(text.unwrap_or_default())
                .map_err(|(reason, problem)| fields.refuse("currencyId", reason, problem))
                .ok(),
        };
        let currency = currency?;
        let amount = money(fields, "price", price, currency);
        let old_amount = self.text("oldprice").map(|text| money(fields, "oldprice", Some(text), currency));
        Some((amount?, old_amount.flatten()))
    }

    fn refuse_undecoded(&self, fields: &mut Fields) {
        let undecoded = |text: &str| text.contains('\u{FFFD}');
        let wrong = self.fields.iter().find(|field| undecoded(&field.text) || undecoded(&field.parameter));
        if let Some(field) = wrong {
            fields.refuse(&field.name, "ENCODING", "bytes that are not of the file's encoding");
        }
        fields.check(!undecoded(&self.id), "id", "ENCODING", "bytes that are not of the file's encoding");
    }

    /// The first field of that name that says something, trimmed.
    fn text(&self, name: &str) -> Option<&str> {
        let mut texts = self.fields.iter().filter(|field| field.name == name).map(|field| field.text.trim());
        texts.find(|text| !text.is_empty())
    }

    /// The different texts of all fields of that name, in order.
    fn entries(&self, fields: &mut Fields, name: &str) -> Vec<&str> {
        let mut entries = Vec::new();
        for field in self.fields.iter().filter(|field| field.name == name) {
            let text = field.text.trim();
            if !text.is_empty() && !entries.contains(&text) {
                entries.push(text);
            }
        }
        if entries.len() > ENTRIES_MAX {
            fields.refuse(name, "TOO_MANY", format!("at most {ENTRIES_MAX} entries"));
        }
        entries
    }

    /// `name`, or `typePrefix vendor model` as offers of type `vendor.model` have it.
    fn name(&self) -> String {
        if let Some(name) = self.text("name") {
            return name.to_owned();
        }
        match self.text("model") {
            Some(model) => {
                let parts = [self.text("typePrefix"), self.text("vendor"), Some(model)];
                parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
            }
            None => String::new(),
        }
    }

    /// The parameters with their units; several values of one name are joined.
    fn characteristics(&self, fields: &mut Fields) -> BTreeMap<String, String> {
        let mut characteristics: BTreeMap<String, String> = BTreeMap::new();
        for field in self.fields.iter().filter(|field| field.name == "param") {
            let (name, unit, text) = (field.parameter.trim(), field.unit.trim(), field.text.trim());
            if text.is_empty() {
                continue;
            }
            let value = if unit.is_empty() { text.to_owned() } else { format!("{text} {unit}") };
            match characteristics.get_mut(name) {
                Some(known) => *known = format!("{known}, {value}"),
                None => drop(characteristics.insert(name.to_owned(), value)),
            }
        }
        if characteristics.len() > request::CHARACTERISTICS_MAX {
            fields.refuse("param", "TOO_MANY", format!("at most {} entries", request::CHARACTERISTICS_MAX));
            return BTreeMap::new();
        }
        let checked =
            |(name, value): (String, String)| request::characteristic(fields, "param", &name, &value);
        characteristics.into_iter().map(checked).collect()
    }
}

/// A currency of the file: RUR is the old name of RUB.
pub(super) fn currency(text: &str) -> Result<Currency, (&'static str, String)> {
    match text {
        "" => Err(("REQUIRED", "is required".to_owned())),
        "RUR" => currency("RUB"),
        code => code.parse().map_err(|error: types::MoneyError| ("MALFORMED", error.to_string())),
    }
}

/// An amount; a comma may stand for the point.
fn money(fields: &mut Fields, field: &str, text: Option<&str>, currency: Currency) -> Option<Money> {
    let Some(text) = text else {
        fields.refuse(field, "REQUIRED", "is required");
        return None;
    };
    match Money::parse(&text.replace(',', "."), currency) {
        Ok(money) if money.is_negative() => {
            fields.refuse(field, "OUT_OF_RANGE", "must not be negative");
            None
        }
        Ok(money) => Some(money),
        Err(error) => {
            fields.refuse(field, "MALFORMED", error.to_string());
            None
        }
    }
}

/// Kilograms as a decimal, in grams, rounded half up.
fn weight(fields: &mut Fields, text: &str) -> Option<i32> {
    let grams = grams(text);
    fields.check(
        grams.is_some(),
        "weight",
        "MALFORMED",
        "kilograms as a decimal such as 0.25, at most 2000000",
    );
    grams
}

fn grams(text: &str) -> Option<i32> {
    let text = text.replace(',', ".");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let digits =
        |part: &str| !part.is_empty() && part.len() <= 18 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    // Four digits after the point: the last one rounds.
    let tenths: i64 = format!("{fraction:0<4}")[..4].parse().ok()?;
    let grams = whole.parse::<i64>().ok()?.checked_mul(1000)?.checked_add((tenths + 5) / 10)?;
    i32::try_from(grams).ok().filter(|grams| *grams <= 2_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::grams;

    #[test]
    fn kilograms_become_grams() {
        for (text, expected) in [
            ("0.29", Some(290)),
            ("1", Some(1000)),
            ("1,5", Some(1500)),
            ("0.0004", Some(0)),
            ("0.0005", Some(1)),
            ("0.00049", Some(0)),
            ("", None),
            (".5", None),
            ("-1", None),
            ("1e3", None),
            ("9999999999", None),
        ] {
            assert_eq!(grams(text), expected, "{text}");
        }
    }
}
