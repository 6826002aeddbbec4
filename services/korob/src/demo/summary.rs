//! Tells what happened.

use crate::demo::day::Day;
use crate::demo::proof::Proof;
use crate::demo::shop::Shop;
use crate::suite::Suite;

/// The account of the day.
pub fn print(shop: &Shop, day: &Day, proof: &Proof) {
    let figures = &day.placements;
    println!("\n── What happened ──");
    println!(
        "{} orders were sent by the clients in {:.1} s, {:.0} a second: {} placed, {} refused.",
        figures.latency_us.len(),
        figures.elapsed.as_secs_f64(),
        figures.per_second(),
        day.placed.len(),
        day.rejected.values().sum::<usize>(),
    );
    println!(
        "Latency: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, max {:.1} ms.",
        figures.percentile_ms(50.0),
        figures.percentile_ms(90.0),
        figures.percentile_ms(99.0),
        figures.percentile_ms(100.0),
    );
    for (reason, count) in &day.rejected {
        println!("  refused {count:>5}  {reason}");
    }
    println!("{} orders were told of twice: every one led to the order that was there.", day.repeats);
    println!("{} cancelled, {} delivered and paid.", day.cancelled, day.delivered);

    println!("\nOrders by state:");
    for (state, count) in &proof.orders_by_state {
        println!("  {count:>6}  {}", state.trim_start_matches("ORDER_STATE_").to_lowercase());
    }
    println!("Orders by channel:");
    for (channel, count) in &proof.orders_by_channel {
        println!("  {count:>6}  {channel}");
    }
    println!(
        "Money: {} ordered, {} received; ledger debits {}, credits {}.",
        amount(proof.ordered),
        amount(proof.received),
        amount(proof.debits),
        amount(proof.credits)
    );
    println!(
        "Stock: {} received = {} on hand + {} shipped; {} reserved, orders hold {}.",
        shop.units_received,
        proof.units_on_hand,
        proof.units_shipped,
        proof.units_reserved,
        proof.units_promised,
    );
    println!(
        "\noversold {}   lost {}   doubled {}   missing units {}",
        proof.oversold, proof.lost, proof.doubled, proof.units_missing
    );
    println!("{}", if proof.is_flawless() { "Everything adds up." } else { "SOMETHING DOES NOT ADD UP." });
}

/// Where to go from here.
pub fn print_next_steps(suite: &Suite, shop: &Shop, day: &Day) {
    let base = format!("http://{}", suite.gateway);
    println!("\n── Addresses ──");
    println!("REST {base}   operators http://{}", suite.ops);
    for (name, address) in &suite.services {
        println!("gRPC {address}  {name}");
    }
    println!("key  {}", shop.key);
    let order_id = day.placed.keys().next().map_or("ord_…", String::as_str);
    let sku = shop.skus.get(1).map_or("", String::as_str);
    println!("\nWorth trying:");
    println!("  curl -s -H 'Authorization: Bearer {}' '{base}/v1/orders?pageSize=3'", shop.key);
    println!("  curl -s -H 'Authorization: Bearer {}' {base}/v1/orders/{order_id}/history", shop.key);
    println!(
        "  curl -s -H 'Authorization: Bearer {}' {base}/v1/stock/{}/explain",
        shop.key,
        percent_encoded(sku)
    );
}

/// Minor units of a currency with two digits.
fn amount(minor: i64) -> String {
    format!("{}.{:02} RUB", minor / 100, minor.abs() % 100)
}

fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
