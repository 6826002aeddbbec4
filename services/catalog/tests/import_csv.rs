//! Spreadsheets: read by a mapping, told row by row, and never a loss.

use proto::catalog::v1 as pb;
use testing::refusal;
use types::{ImportMappingId, SourceId};

use crate::desk::{Answer, Desk, key, mask, money, product, reason, rubles, variant};
use crate::feeds::{Import, Said};

fn column(header: &str, field: pb::ImportField) -> pb::ImportColumn {
    pb::ImportColumn { header: header.to_owned(), field: field.into(), ..Default::default() }
}

fn mapping() -> pb::ImportMapping {
    let colour = pb::ImportColumn {
        characteristic: "Цвет".to_owned(),
        ..column("Цвет", pb::ImportField::Characteristic)
    };
    pb::ImportMapping {
        name: "Excel of the warehouse".to_owned(),
        delimiter: ";".to_owned(),
        encoding: pb::FileEncoding::Windows1251.into(),
        decimal_comma: true,
        columns: vec![
            column("Артикул", pb::ImportField::Sku),
            column("Название", pb::ImportField::Name),
            column("Цена", pb::ImportField::Price),
            column("Группа", pb::ImportField::Group),
            column("Раздел", pb::ImportField::Category),
            column("Штрихкод", pb::ImportField::Barcode),
            column("Вес, г", pb::ImportField::WeightGrams),
            colour,
        ],
        constants: vec![pb::ImportConstant {
            field: pb::ImportField::Vendor.into(),
            value: "Завод".to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

async fn try_mapping(desk: &mut Desk, mapping: pb::ImportMapping) -> Answer<pb::ImportMapping> {
    let request = pb::CreateImportMappingRequest { import_mapping: Some(mapping), idempotency_key: key() };
    desk.catalog.create_import_mapping(request).await
}

fn windows(text: &str) -> Vec<u8> {
    encoding_rs::WINDOWS_1251.encode(text).0.into_owned()
}

fn csv(text: &str, mapping: &pb::ImportMapping, list: Option<&pb::PriceList>) -> Import {
    let settings = pb::ImportFeedSettings {
        format: pb::FeedFormat::Csv.into(),
        import_mapping_id: mapping.import_mapping_id.clone(),
        price_list_id: list.map(|list| list.price_list_id.clone()).unwrap_or_default(),
        ..Default::default()
    };
    Import { settings, ..Import::of(windows(text), SourceId::new()) }
}

const HEAD: &str = "Название;Артикул;Цена;Группа;Раздел;Штрихкод;Вес, г;Цвет;Заметка\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_spreadsheet_creates_and_changes_and_is_rehearsed_row_by_row() {
    let mut desk = Desk::open().await;
    let kitchen = desk.category("Кухня", None).await;
    let cups = desk.category("Чашки", Some(&kitchen)).await;
    let other = desk.category("Другое", None).await;
    let list = desk.price_list(rubles("Retail")).await;
    let mapping = try_mapping(&mut desk, mapping()).await.expect("saved").into_inner();
    let known = pb::Variant { weight_grams: 100, ..variant("POT-1") };
    let known = pb::Product {
        category_ids: vec![other.category_id.clone()],
        variants: vec![known],
        description: "Остаётся".to_owned(),
        ..product("Чайник", &[])
    };
    let known = desk.add(known).await;
    let text = format!(
        "{HEAD}Чашка белая;CUP-W;1 234,50;g1;Кухня / Чашки;460001;290;белый;x\r\n\
         \"Чашка; синяя\nбольшая\";CUP-B;340,5;g1;;;;синий\r\n\
         ;POT-1;900;;Кухня;;;\r\n\
         ;NEW-1;5;;;;;\r\n\
         \r\n\
         Плохая цена;BAD-1;дорого;;;;;\r\n\
         Нет раздела;BAD-2;1;;Кухня / Нет;;;\r\n\
         Повтор;CUP-W;1;;;;;\r\n\
         Вес;BAD-3;1;;;;много;\r\n"
    );
    let before = desk.traces().await;

    let rehearsed = desk.import(csv(&text, &mapping, Some(&list)).dry()).await;

    assert!(desk.traces().await == before, "a dry run wrote something");
    let outcomes = |said: &Said| {
        said.outcomes.iter().map(|row| (row.line, row.sku.clone(), row.created)).collect::<Vec<_>>()
    };
    let created = |line, sku: &str| (line, sku.to_owned(), true);
    let expected = [created(2, "CUP-W"), created(3, "CUP-B"), (5, "POT-1".to_owned(), false)];
    assert_eq!(outcomes(&rehearsed), expected);
    let refused = [
        (6, "NEW-1", "name", "REQUIRED"),
        (8, "BAD-1", "Цена", "MALFORMED"),
        (9, "BAD-2", "categoryId", "CATEGORY_UNKNOWN"),
        (10, "CUP-W", "id", "DUPLICATE"),
        (11, "BAD-3", "Вес, г", "MALFORMED"),
    ];
    let mut told = rehearsed.refusals();
    told.sort_unstable();
    assert_eq!(told, refused);

    let done = desk.import(csv(&text, &mapping, Some(&list)).in_chunks_of(7)).await;
    assert_eq!(
        (done.counts(), done.last.price_changed_count),
        (rehearsed.counts(), rehearsed.last.price_changed_count)
    );
    assert_eq!((done.counts(), done.outcomes.len()), ((8, 2, 1, 0, 5), 0));
    let cup = desk.search(pb::SearchVariantsRequest { text: "CUP-W".to_owned(), ..Default::default() }).await;
    let cup = cup.expect("a page").into_inner().matches.remove(0);
    assert_eq!(cup.price.expect("a price").amount, Some(money("1234.50", "RUB")));
    let cup = cup.variant.expect("a variant");
    assert_eq!((cup.weight_grams, cup.barcodes.as_slice()), (290, ["460001".to_owned()].as_slice()));
    assert_eq!(cup.characteristics["Цвет"], "белый");
    let both = desk.get(&pb::Product { product_id: cup.product_id, ..Default::default() }).await;
    let names: Vec<_> =
        both.variants.iter().map(|variant| (variant.sku.as_str(), variant.name.as_str())).collect();
    assert_eq!(names, [("CUP-W", ""), ("CUP-B", "Чашка; синяя\nбольшая")]);
    assert_eq!(
        (both.name.as_str(), both.vendor.as_str(), both.category_ids.as_slice()),
        ("Чашка белая", "Завод", [cups.category_id].as_slice())
    );
    // What the file does not say stays; categories are added.
    let pot = desk.get(&known).await;
    let mut categories = vec![other.category_id, kitchen.category_id];
    categories.sort();
    assert_eq!(
        (pot.name.as_str(), pot.description.as_str(), pot.variants[0].weight_grams),
        ("Чайник", "Остаётся", 100)
    );
    assert_eq!(pot.category_ids, categories);

    let before = desk.traces().await;
    let again = desk.import(csv(&text, &mapping, Some(&list))).await;
    assert_eq!((again.counts(), again.last.price_changed_count), ((8, 0, 0, 3, 5), 0));
    assert!(desk.traces().await == before, "something was written");

    // An empty file, and one with half of the rows, delete nothing.
    desk.import(csv(HEAD, &mapping, Some(&list))).await;
    assert!(desk.traces().await == before, "something was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_one_group_meet_in_one_product_however_far_apart() {
    let mut desk = Desk::open().await;
    let mapping = try_mapping(&mut desk, mapping()).await.expect("saved").into_inner();
    let rows: String = (0..1200).map(|at| format!("Вещь {at};T-{at};;group {};;;;\r\n", at % 400)).collect();

    let done = desk.import(csv(&format!("{HEAD}{rows}"), &mapping, None)).await;

    assert_eq!(done.counts(), (1200, 1200, 0, 0, 0));
    assert_eq!(desk.count("products").await, 400);
    // Prices are read only into a list that is named.
    assert_eq!(desk.count("price_lists").await, 0);
    let more = format!("{HEAD};T-5;;again;;;;\r\nЕщё;T-5-new;;again;;;;\r\n");
    assert_eq!(desk.import(csv(&more, &mapping, None)).await.counts(), (2, 1, 0, 1, 0));
    assert_eq!(desk.count("products").await, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_its_mapping_does_not_fit_is_refused_whole() {
    let mut desk = Desk::open().await;
    let saved = try_mapping(&mut desk, mapping()).await.expect("saved").into_inner();

    for text in ["", "Название;Цена\r\nЧашка;1\r\n", "Артикул;артикул \r\n1;2\r\n"]
    {
        assert_eq!(desk.try_import(csv(text, &saved, None)).await.reason(), "FEED_UNREADABLE", "{text}");
    }
    let endless = format!("Артикул\r\n\"{}", "a".repeat(3 << 20));
    assert_eq!(desk.try_import(csv(&endless, &saved, None)).await.reason(), "FEED_UNREADABLE");
    let absent = pb::ImportMapping { import_mapping_id: ImportMappingId::new().to_string(), ..mapping() };
    assert_eq!(desk.try_import(csv(HEAD, &absent, None)).await.reason(), "IMPORT_MAPPING_NOT_FOUND");
    let mut yml = csv(HEAD, &saved, None);
    yml.settings.format = pb::FeedFormat::Yml.into();
    assert_eq!(
        refusal(Err::<tonic::Response<()>, _>(desk.try_import(yml).await.refused.expect("refused"))).fields,
        ["settings.source_id", "settings.import_mapping_id"]
    );

    let archived = pb::ImportMapping { archived: true, ..saved.clone() };
    let request = pb::UpdateImportMappingRequest {
        import_mapping: Some(archived),
        update_mask: Some(mask(&["archived"])),
    };
    desk.catalog.update_import_mapping(request).await.expect("archived");
    assert_eq!(desk.try_import(csv(HEAD, &saved, None)).await.reason(), "IMPORT_MAPPING_ARCHIVED");
}

#[tokio::test(flavor = "multi_thread")]
async fn mappings_are_saved_listed_and_changed() {
    let mut desk = Desk::open().await;
    let saved = try_mapping(&mut desk, mapping()).await.expect("saved").into_inner();
    let second = try_mapping(&mut desk, pb::ImportMapping { name: "Other".to_owned(), ..mapping() }).await;
    let second = second.expect("saved").into_inner();
    assert_eq!((saved.columns.clone(), saved.constants.clone()), (mapping().columns, mapping().constants));

    let renamed = pb::ImportMapping { name: "New".to_owned(), delimiter: "\t".to_owned(), ..saved.clone() };
    let request =
        pb::UpdateImportMappingRequest { import_mapping: Some(renamed), update_mask: Some(mask(&["name"])) };
    let renamed = desk.catalog.update_import_mapping(request.clone()).await.expect("renamed").into_inner();
    desk.catalog.update_import_mapping(request).await.expect("repeated");
    let mut page = pb::ListImportMappingsRequest { page_size: 1, ..Default::default() };
    let one = desk.catalog.list_import_mappings(page.clone()).await.expect("a page").into_inner();
    page.page_token = one.next_page_token;
    let two = desk.catalog.list_import_mappings(page).await.expect("a page").into_inner();

    assert_eq!((renamed.name.as_str(), renamed.delimiter.as_str(), renamed.etag.as_str()), ("New", ";", "2"));
    assert_eq!((one.import_mappings, two.import_mappings), (vec![renamed], vec![second]));
    assert_eq!(desk.events::<pb::ImportMappingChanged>().await.len(), 3);
    assert_eq!(
        desk.audit(&saved.import_mapping_id).await,
        ["catalog.create_import_mapping", "catalog.update_import_mapping"]
    );

    let odd = pb::ImportMapping {
        name: String::new(),
        delimiter: "::".to_owned(),
        columns: vec![
            column("Цена", pb::ImportField::Price),
            column("цена ", pb::ImportField::OldPrice),
            column("Ещё", pb::ImportField::Price),
            column("Что", pb::ImportField::Characteristic),
        ],
        constants: vec![pb::ImportConstant { field: pb::ImportField::Sku.into(), ..Default::default() }],
        ..mapping()
    };
    let refused = refusal(try_mapping(&mut desk, odd).await);
    let expected = [
        "import_mapping.name",
        "import_mapping.delimiter",
        "import_mapping.columns[1].header",
        "import_mapping.columns[2].field",
        "import_mapping.columns[3].characteristic",
        "import_mapping.constants[0].value",
        "import_mapping.constants[0].field",
        "import_mapping.columns",
    ];
    assert_eq!(refused.fields, expected);
    let nothing = pb::ImportMapping { columns: vec![], ..mapping() };
    assert_eq!(reason(try_mapping(&mut desk, nothing).await), "REQUIRED");
}
