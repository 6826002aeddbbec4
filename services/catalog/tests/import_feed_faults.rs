//! Feeds with faults: what is wrong in a row refuses that row, what is wrong with the file ends it.

use proto::catalog::v1 as pb;
use proto::catalog::v1::import_feed_request::Part;
use types::{PriceListId, SourceId};

use crate::desk::Desk;
use crate::feeds::{Import, feed, offer, send};

#[tokio::test(flavor = "multi_thread")]
async fn every_faulty_row_is_refused_with_its_line_and_field_and_the_others_come_in() {
    let mut desk = Desk::open().await;
    let long = "x".repeat(600);
    let huge = "y".repeat(300 << 10);
    let rows: Vec<(String, &str, &str)> = vec![
        (offer("", "10", ""), "id", "REQUIRED"),
        (offer("a", "", ""), "price", "REQUIRED"),
        (offer("b", "cheap", ""), "price", "MALFORMED"),
        (offer("c", "-1", ""), "price", "OUT_OF_RANGE"),
        (offer("d", "1.005", ""), "price", "MALFORMED"),
        (offer("e", "10", "").replace("RUR", "XYZ"), "currencyId", "MALFORMED"),
        (offer("f", "10", "<categoryId>99</categoryId>"), "categoryId", "CATEGORY_UNKNOWN"),
        (offer("g", "10", "").replace("Offer g", " "), "name", "REQUIRED"),
        (offer("h", "10", "").replace("Offer h", &long), "name", "TOO_LONG"),
        (offer("i", "10", "").replace("Offer i", "a&#1;b"), "name", "CONTROL_CHARACTER"),
        (offer("j", "10", "").replace("Offer j", "a&nbsp;b"), "name", "ENTITY_UNKNOWN"),
        (offer("k", "10", "<weight>heavy</weight>"), "weight", "MALFORMED"),
        (offer("l", "10", "<picture>ftp://example.com/1</picture>"), "picture", "MALFORMED"),
        (offer("m", "10", "<oldprice>x</oldprice>"), "oldprice", "MALFORMED"),
        (offer("n", "10", &format!("<description>{huge}</description>")), "offer", "TOO_LONG"),
        (offer("group:1", "10", ""), "id", "MALFORMED"),
        (offer("o", "10", "<param>x</param>"), "param", "REQUIRED"),
        (offer("p", "10", "").replace("id=\"p\"", "id=\"p\" id=\"q\""), "offer", "MALFORMED"),
        (offer("good", "10", ""), "", ""),
        (offer("good", "11", ""), "id", "DUPLICATE"),
        (offer("tail", "10", ""), "", ""),
    ];
    let offers: String = rows.iter().map(|(row, ..)| row.as_str()).collect();

    let said = desk.import(Import::of(feed("", &offers), SourceId::new())).await;

    let told: Vec<_> =
        said.errors.iter().map(|row| (row.line, row.field.as_str(), row.reason.as_str())).collect();
    let numbered = rows.iter().enumerate().filter(|(_, row)| !row.2.is_empty());
    let expected: Vec<_> =
        numbered.map(|(at, (_, field, reason))| (at as i64 + 7, *field, *reason)).collect();
    assert_eq!(told, expected);
    assert_eq!(said.counts(), (21, 2, 0, 0, 19));
    assert_eq!(desk.count("variants").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_over_many_lines_counts_from_its_first() {
    let mut desk = Desk::open().await;
    let tall = "<offer\r\n id=\"1\"\r\n>\r\n<name>\r\nTall</name></offer>\r\n\r\n  <offer id=\"2\"/>";

    let said = desk.import(Import::of(feed("", tall), SourceId::new())).await;

    let lines: Vec<_> = said.errors.iter().map(|row| (row.line, row.offer_id.as_str())).collect();
    assert_eq!(lines, [(7, "1"), (13, "2")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_another_encoding_refuse_their_row() {
    let mut desk = Desk::open().await;
    let text = feed("", &[offer("1", "10", "<vendor>Клей</vendor>"), offer("2", "10", "")].concat());
    let (bytes, _, _) = encoding_rs::WINDOWS_1251.encode(&text);

    // It says UTF-8 and is not.
    let said = desk.import(Import::of(bytes.into_owned(), SourceId::new())).await;

    assert_eq!(said.refusals(), [(7, "1", "vendor", "ENCODING")]);
    assert_eq!(said.counts(), (2, 1, 0, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn faulty_categories_are_told_and_put_at_the_top() {
    let mut desk = Desk::open().await;
    let categories = "\n<category id=\"1\" parentId=\"77\">Lost</category>\n<category id=\"2\" parentId=\"3\">A</category>\n\
                      <category id=\"3\" parentId=\"2\">B</category>\n<category id=\"3\">Twin</category>\n\
                      <category id=\"4\"> </category>\n<category>Nameless</category>\n";
    let offers = offer("1", "10", "<categoryId>1</categoryId><categoryId>3</categoryId>");

    let said = desk.import(Import::of(feed(categories, &offers), SourceId::new())).await;

    let expected = [
        (6, "", "parentId", "PARENT_UNKNOWN"),
        (7, "", "parentId", "CATEGORY_CYCLE"),
        (9, "", "id", "DUPLICATE"),
        (10, "", "category", "REQUIRED"),
        (11, "", "id", "REQUIRED"),
    ];
    assert_eq!(said.refusals(), expected);
    assert_eq!((said.counts(), said.last.category_count), ((1, 1, 0, 0, 5), 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_a_feed_is_unreadable() {
    let mut desk = Desk::open().await;
    let good = offer("1", "10", "");
    let bomb = "<!DOCTYPE yml_catalog [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><yml_catalog/>";
    let endless = format!("<yml_catalog><shop>{}", "z".repeat(3 << 20));
    let deep = "<yml_catalog>".to_owned() + &"<a>".repeat(1000);
    for (name, file) in [
        ("nothing", String::new()),
        ("text", "hello".to_owned()),
        ("another root", "<html></html>".to_owned()),
        ("entities of its own", bomb.to_owned()),
        ("cut off", feed("", &good).split("</offers>").next().expect("a part").to_owned()),
        ("crossed tags", feed("", "<offer id=\"1\"><name></offer></name>")),
        ("an endless text", endless),
        ("a deep tree", deep),
        ("an unknown encoding", feed("", &good).replace("UTF-8", "klingon")),
        ("a second root", feed("", &good) + "<yml_catalog></yml_catalog>"),
    ] {
        let said = desk.try_import(Import::of(file, SourceId::new())).await;
        assert_eq!(said.reason(), "FEED_UNREADABLE", "{name}: {said:?}");
        assert!(!said.last.finished);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_come_first_and_are_checked() {
    let mut desk = Desk::open().await;
    let import = Import::of(feed("", ""), SourceId::new());
    let chunk = |bytes: usize| pb::ImportFeedRequest { part: Some(Part::Chunk(vec![b' '; bytes].into())) };
    let settings = import.messages()[0].clone();
    let mut nameless = import.clone();
    nameless.settings.source_id.clear();
    let mut listless = import.clone();
    listless.settings.price_list_id = PriceListId::new().to_string();

    for (messages, reason) in [
        (vec![], "FEED_SETTINGS_MISSING"),
        (vec![chunk(1)], "FEED_SETTINGS_MISSING"),
        (vec![pb::ImportFeedRequest { part: None }], "FEED_SETTINGS_MISSING"),
        (nameless.messages(), "REQUIRED"),
        (listless.messages(), "PRICE_LIST_NOT_FOUND"),
        (vec![settings.clone(), chunk((1 << 20) + 1)], "TOO_LONG"),
        (vec![settings.clone(), settings.clone()], "DUPLICATE"),
        (vec![settings.clone(), pb::ImportFeedRequest { part: None }], "REQUIRED"),
        (vec![settings], "FEED_UNREADABLE"),
    ] {
        let said = send(&mut desk.catalog, messages).await;
        assert_eq!(said.reason(), reason);
    }
}
