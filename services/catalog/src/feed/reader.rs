//! The rows of a YML file: categories and offers, with the lines where they begin.
//!
//! Faults of the XML itself end the file; what is wrong inside one offer refuses that offer.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use types::Currency;

use super::offer::{Demand, Field, Offer, RawOffer};
use super::{Refusal, Source, Unreadable};
use crate::request::NAME_LENGTH_MAX;

/// The text of one offer, in bytes.
const OFFER_BYTES_MAX: usize = 256 << 10;
/// Elements inside each other.
const DEPTH_MAX: usize = 64;

/// A row of the file.
#[derive(Debug, Clone)]
pub(crate) enum Row {
    Category(FeedCategory),
    Offer(Box<Offer>),
    /// An offer that cannot be taken in, whatever the catalog holds.
    RefusedOffer(Refusal),
    /// A category likewise.
    RefusedCategory(Refusal),
}

/// A category as the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeedCategory {
    pub(crate) line: u64,
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    pub(crate) name: String,
}

/// Reads a file row by row.
pub(crate) struct Rows {
    xml: Reader<Source>,
    buffer: Vec<u8>,
    path: Vec<Place>,
    rooted: bool,
    category: FeedCategory,
    offer: RawOffer,
    currency: Option<Currency>,
}

/// Where in the file the reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Shop,
    Currencies,
    Categories,
    Category,
    Offers,
    Offer,
    Field,
    Elsewhere,
}

impl Row {
    /// Roughly what it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Offer(offer) => offer.bytes,
            Self::Category(category) => category.name.len(),
            Self::RefusedOffer(refusal) | Self::RefusedCategory(refusal) => refusal.message.len(),
        }
    }
}

impl Rows {
    pub(crate) fn new(source: Source) -> Self {
        let mut xml = Reader::from_reader(source);
        let config = xml.config_mut();
        config.expand_empty_elements = true;
        // A bare & is the commonest fault of shop feeds, and what it means is plain.
        config.allow_dangling_amp = true;
        Self {
            xml,
            buffer: Vec::new(),
            path: Vec::new(),
            rooted: false,
            category: FeedCategory { line: 0, id: String::new(), parent: None, name: String::new() },
            offer: RawOffer::default(),
            currency: None,
        }
    }

    /// How much of the file was read.
    pub(crate) fn read_bytes(&self) -> u64 {
        self.xml.get_ref().read_bytes()
    }

    /// The next row; nothing at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Row>, Unreadable> {
        loop {
            self.xml.get_mut().begin_element();
            let line = self.xml.get_ref().line();
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            let read = match self.xml.read_event_into(&mut buffer) {
                Ok(Event::Eof) => return self.end(line).map(|()| None),
                Ok(event) => self.take(event, line),
                Err(error) => Err(error.to_string()),
            };
            self.buffer = buffer;
            match read {
                Ok(Some(row)) => return Ok(Some(row)),
                Ok(None) => {}
                Err(problem) => return Err(Unreadable { line, problem }),
            }
        }
    }

    fn take(&mut self, event: Event<'_>, line: u64) -> Result<Option<Row>, String> {
        match event {
            Event::Start(tag) => self.open(&tag, line).map(|()| None),
            Event::End(_) => Ok(self.close()),
            Event::Text(text) => {
                self.text(&text.xml10_content());
                Ok(None)
            }
            Event::CData(text) => {
                self.text(&text.xml10_content());
                Ok(None)
            }
            Event::GeneralRef(reference) => {
                self.reference(&reference);
                Ok(None)
            }
            Event::DocType(declaration) => refuse_declarations(&declaration).map(|()| None),
            Event::Empty(_) | Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::Eof => Ok(None),
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>, line: u64) -> Result<(), String> {
        if self.path.len() >= DEPTH_MAX {
            return Err(format!("elements are more than {DEPTH_MAX} deep"));
        }
        let name = tag.local_name();
        let name: &str = name.as_ref();
        let place = match (self.path.last(), name) {
            (None, "yml_catalog") if !self.rooted => {
                self.rooted = true;
                Place::Root
            }
            (None, other) => return Err(format!("<{}> stands where <yml_catalog> should", shown(other))),
            (Some(Place::Root), "shop") => Place::Shop,
            (Some(Place::Shop), "currencies") => Place::Currencies,
            (Some(Place::Shop), "categories") => Place::Categories,
            (Some(Place::Shop), "offers") => Place::Offers,
            (Some(Place::Currencies), "currency") => {
                self.open_currency(tag);
                Place::Elsewhere
            }
            (Some(Place::Categories), "category") => {
                self.open_category(tag, line);
                Place::Category
            }
            (Some(Place::Offers), "offer") => {
                self.open_offer(tag, line);
                Place::Offer
            }
            (Some(Place::Offer), name) => {
                self.open_field(name, tag);
                Place::Field
            }
            // Mark-up inside a text: the tags go, the text stays.
            (Some(Place::Field), _) => Place::Field,
            _ => Place::Elsewhere,
        };
        self.path.push(place);
        Ok(())
    }

    fn close(&mut self) -> Option<Row> {
        match self.path.pop() {
            Some(Place::Category) => Some(self.close_category()),
            Some(Place::Offer) => {
                Some(match std::mem::take(&mut self.offer).parse(self.currency, Demand::Whole) {
                    Ok(offer) => Row::Offer(Box::new(offer)),
                    Err(refusal) => Row::RefusedOffer(refusal),
                })
            }
            _ => None,
        }
    }

    fn text(&mut self, text: &str) {
        match self.path.last() {
            Some(Place::Category) => {
                let room = OFFER_BYTES_MAX.saturating_sub(self.category.name.len());
                self.category.name.extend(text.chars().take(room));
            }
            Some(Place::Field) => self.offer.add_text(text, OFFER_BYTES_MAX),
            _ => {}
        }
    }

    fn reference(&mut self, reference: &BytesRef<'_>) {
        let mut letter = [0; 4];
        let text = match reference.resolve_char_ref() {
            Ok(Some(character)) => Some(&*character.encode_utf8(&mut letter)),
            Ok(None) => resolve_predefined_entity(reference),
            Err(_) => None,
        };
        match text {
            Some(text) => self.text(text),
            None if self.path.last() == Some(&Place::Field) => {
                let name: &str = reference;
                self.offer.refuse_entity(shown(name).as_str());
            }
            // In a category's name the text shows what it was.
            None => self.text("\u{FFFD}"),
        }
    }

    /// The currency of offers that name none: the first one with rate 1.
    fn open_currency(&mut self, tag: &BytesStart<'_>) {
        let [id, rate] = attributes(tag, ["id", "rate"]).unwrap_or_default();
        if self.currency.is_none() && rate.as_deref().is_none_or(|rate| rate.trim() == "1") {
            self.currency = super::offer::currency(id.as_deref().unwrap_or_default().trim()).ok();
        }
    }

    fn open_category(&mut self, tag: &BytesStart<'_>, line: u64) {
        let [id, parent] = attributes(tag, ["id", "parentId"]).unwrap_or_default();
        let text = |value: Option<String>| value.unwrap_or_default().trim().to_owned();
        let parent = Some(text(parent)).filter(|parent| !parent.is_empty());
        self.category = FeedCategory { line, id: text(id), parent, name: String::new() };
    }

    fn close_category(&mut self) -> Row {
        let mut category = self.category.clone();
        self.category.name.clear();
        category.name = category.name.trim().to_owned();
        let mut fields = ::rpc::Fields::new();
        let all = [&category.id, &category.name].into_iter().chain(&category.parent);
        let undecoded = all.into_iter().any(|text| text.contains('\u{FFFD}'));
        fields.check(!undecoded, "category", "ENCODING", "characters that cannot be read");
        fields.required_text("id", &category.id, crate::model::ExternalId::LENGTH_MAX);
        fields.required_text("category", &category.name, NAME_LENGTH_MAX);
        match fields.finish() {
            Ok(()) => Row::Category(category),
            Err(invalid) => Row::RefusedCategory(Refusal::first_of(&invalid, category.line)),
        }
    }

    fn open_offer(&mut self, tag: &BytesStart<'_>, line: u64) {
        self.offer = RawOffer::begin(line);
        match attributes(tag, ["id", "group_id"]) {
            Ok([id, group]) => {
                self.offer.id = id.unwrap_or_default();
                self.offer.group = group.unwrap_or_default();
            }
            Err(problem) => self.offer.refuse("offer", "MALFORMED", problem),
        }
    }

    fn open_field(&mut self, name: &str, tag: &BytesStart<'_>) {
        let parameter = if name == "param" { attributes(tag, ["name", "unit"]) } else { Ok([None, None]) };
        match parameter {
            Ok([parameter, unit]) => self.offer.add_field(Field {
                name: name.to_owned(),
                parameter: parameter.unwrap_or_default(),
                unit: unit.unwrap_or_default(),
                text: String::new(),
            }),
            Err(problem) => self.offer.refuse(name, "MALFORMED", problem),
        }
    }

    fn end(&self, line: u64) -> Result<(), Unreadable> {
        let problem = match (self.rooted, self.path.is_empty()) {
            (true, true) => return Ok(()),
            (true, false) => "the file ends too early".to_owned(),
            (false, _) => "there is no <yml_catalog> in it".to_owned(),
        };
        Err(Unreadable { line, problem })
    }
}

/// `<!DOCTYPE yml_catalog SYSTEM "shops.dtd">` is ignored; one that declares something of its own is refused, because
/// declared entities can blow up a small file.
fn refuse_declarations(declaration: &str) -> Result<(), String> {
    if declaration.contains('[') || declaration.contains("<!") {
        return Err("the document type declares entities of its own".to_owned());
    }
    Ok(())
}

/// The wanted attributes of a tag.
fn attributes<const N: usize>(
    tag: &BytesStart<'_>,
    wanted: [&str; N],
) -> Result<[Option<String>; N], String> {
    let mut found = [const { None }; N];
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let key: &str = attribute.key.as_ref();
        if let Some(at) = wanted.iter().position(|name| *name == key) {
            let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0);
            found[at] = Some(value.map_err(|error| error.to_string())?.into_owned());
        }
    }
    Ok(found)
}

/// A piece of the file, short enough for a message.
fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(40).collect()
}
