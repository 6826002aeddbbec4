//! The label of the shop's own parcels: 100 × 150 mm with a barcode, for whom it is and what is to be collected.
//!
//! The document is written by hand: one page, one font with the letters of the buyers' languages. The same parcel gives the
//! same bytes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ttf_parser::{Face, GlyphId};

use super::code128;
use super::{Answer, Booked, CarrierError};
use crate::model::label_rows::Label;

/// Latin and Cyrillic letters of DejaVu Sans Condensed.
const FONT: &[u8] = include_bytes!("fonts/DejaVuSansCondensed.ttf");
/// In points: 72 to the inch.
const WIDTH: i32 = 283;
const HEIGHT: i32 = 425;
const MARGIN: i32 = 20;
const LINES_MAX: usize = 16;

/// Letters as the document shows them.
struct Typesetter<'f> {
    face: Face<'f>,
    /// The letters that were used, by glyph.
    used: BTreeMap<u16, char>,
    content: String,
}

/// Draws the label.
pub fn draw(parcel: Booked<'_>) -> Answer<Label> {
    let face = Face::parse(FONT, 0)
        .map_err(|error| CarrierError::NotNow { cause: error.to_string(), pause: None })?;
    let mut page = Typesetter { face, used: BTreeMap::new(), content: String::new() };
    page.barcode(parcel.tracking_number, HEIGHT - 85);
    page.line(parcel.tracking_number, 16, HEIGHT - 105);

    let consignment = parcel.consignment;
    let address = &consignment.address;
    let mut y = HEIGHT - 115;
    let city = [&address.postal_code, &address.city, &address.region];
    let city: Vec<&str> = city.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let mut lines = vec![
        (consignment.recipient.name.clone(), 14),
        (consignment.recipient.phone.clone(), 12),
        (city.join(", "), 12),
        (address.line.clone(), 12),
        (address.comment.clone(), 9),
    ];
    lines.push((format!("№ {}", consignment.title()), 10));
    if consignment.weight_grams > 0 {
        lines.push((format!("{} g", consignment.weight_grams), 10));
    }
    if let Some(cash) = consignment.cash {
        lines.push((format!("COD {cash}"), 18));
    }
    let lines = lines.iter().flat_map(|(text, size)| page.wrapped(text, *size)).collect::<Vec<_>>();
    for (text, size) in lines.iter().take(LINES_MAX) {
        y -= size + 6;
        page.line(text, *size, y);
    }
    Ok(Label { content: page.document(), content_type: "application/pdf".to_owned() })
}

impl Typesetter<'_> {
    /// Writes text from the left margin.
    fn line(&mut self, text: &str, size: i32, y: i32) {
        let mut glyphs = String::new();
        for letter in text.chars() {
            let glyph = self.glyph(letter);
            self.used.entry(glyph.0).or_insert(letter);
            let _ = write!(glyphs, "{:04X}", glyph.0);
        }
        let _ = writeln!(self.content, "BT /F1 {size} Tf {MARGIN} {y} Td <{glyphs}> Tj ET");
    }

    /// Text as lines that fit between the margins; long words are cut.
    fn wrapped(&self, text: &str, size: i32) -> Vec<(String, i32)> {
        let room = (WIDTH - 2 * MARGIN) * 1000 / size;
        let mut lines = Vec::new();
        let mut line = String::new();
        for word in text.split_whitespace() {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&longer) <= room {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push((std::mem::take(&mut line), size));
            }
            for letter in word.chars() {
                if self.width(&line) + self.advance(self.glyph(letter)) > room {
                    lines.push((std::mem::take(&mut line), size));
                }
                line.push(letter);
            }
        }
        if !line.is_empty() {
            lines.push((line, size));
        }
        lines
    }

    fn barcode(&mut self, number: &str, y: i32) {
        let Some(bars) = code128::bars(number) else { return };
        let modules: i32 = bars.iter().map(|width| i32::from(*width)).sum();
        // In thousandths of a point, so that bars are as wide as they should be without a fraction.
        let module = (WIDTH - 2 * MARGIN) * 1000 / modules.max(1);
        let mut x = MARGIN * 1000;
        for (at, width) in bars.iter().enumerate() {
            let width = i32::from(*width) * module;
            if at % 2 == 0 {
                let _ = writeln!(self.content, "{} {y} {} 65 re f", thousandths(x), thousandths(width));
            }
            x += width;
        }
    }

    /// What a letter looks like; one that the font lacks becomes a question mark.
    fn glyph(&self, letter: char) -> GlyphId {
        let known = self.face.glyph_index(letter).or_else(|| self.face.glyph_index('?'));
        known.unwrap_or(GlyphId(0))
    }

    /// In thousandths of the size.
    fn advance(&self, glyph: GlyphId) -> i32 {
        let units = i32::from(self.face.units_per_em()).max(1);
        i32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0)) * 1000 / units
    }

    fn width(&self, text: &str) -> i32 {
        text.chars().map(|letter| self.advance(self.glyph(letter))).sum()
    }

    fn document(self) -> Vec<u8> {
        let units = i32::from(self.face.units_per_em()).max(1);
        let em = |value: i16| i32::from(value) * 1000 / units;
        let widths: String =
            self.used.keys().map(|glyph| format!("{glyph} [{}] ", self.advance(GlyphId(*glyph)))).collect();
        let bounds = self.face.global_bounding_box();
        let letters = letters(&self.used);
        let descriptor = format!(
            "<< /Type /FontDescriptor /FontName /DejaVuSansCondensed /Flags 4 /FontBBox [{} {} {} {}] /ItalicAngle 0 \
             /Ascent {} /Descent {} /CapHeight {} /StemV 80 /FontFile2 8 0 R >>",
            em(bounds.x_min),
            em(bounds.y_min),
            em(bounds.x_max),
            em(bounds.y_max),
            em(self.face.ascender()),
            em(self.face.descender()),
            em(self.face.capital_height().unwrap_or(1500)),
        );
        let objects: [Vec<u8>; 9] = [
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents 4 0 R \
                 /Resources << /Font << /F1 5 0 R >> >> >>"
            )
            .into_bytes(),
            stream(self.content.as_bytes()),
            b"<< /Type /Font /Subtype /Type0 /BaseFont /DejaVuSansCondensed /Encoding /Identity-H \
              /DescendantFonts [6 0 R] /ToUnicode 9 0 R >>"
                .to_vec(),
            format!(
                "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /DejaVuSansCondensed /CIDToGIDMap /Identity \
                 /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor 7 0 R \
                 /W [{widths}] >>"
            )
            .into_bytes(),
            descriptor.into_bytes(),
            stream(FONT),
            stream(letters.as_bytes()),
        ];
        file(&objects)
    }
}

/// Which letter a glyph is, so that the text can be copied and searched.
fn letters(used: &BTreeMap<u16, char>) -> String {
    let mut map = String::from(
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n\
         /CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n\
         /CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n\
         1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n",
    );
    let used: Vec<(&u16, &char)> = used.iter().collect();
    // A section of a map holds at most a hundred entries.
    for section in used.chunks(100) {
        let _ = writeln!(map, "{} beginbfchar", section.len());
        for (glyph, letter) in section {
            let mut units = [0; 2];
            let units: String =
                letter.encode_utf16(&mut units).iter().map(|unit| format!("{unit:04X}")).collect();
            let _ = writeln!(map, "<{glyph:04X}> <{units}>");
        }
        map.push_str("endbfchar\n");
    }
    map.push_str("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend");
    map
}

fn stream(content: &[u8]) -> Vec<u8> {
    let head = format!("<< /Length {} >>\nstream\n", content.len());
    [head.as_bytes(), content, b"\nendstream"].concat()
}

fn file(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.5\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut offsets = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend_from_slice(format!("{} 0 obj\n", at + 1).as_bytes());
        file.extend_from_slice(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let table = file.len();
    let size = objects.len() + 1;
    file.extend_from_slice(format!("xref\n0 {size}\n0000000000 65535 f \n").as_bytes());
    for offset in offsets {
        file.extend_from_slice(format!("{offset:010} 00000 n \n").as_bytes());
    }
    let trailer = format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
    file.extend_from_slice(trailer.as_bytes());
    file
}

fn thousandths(value: i32) -> String {
    format!("{}.{:03}", value / 1000, value % 1000)
}
