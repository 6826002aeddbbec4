//! Tells what happened.

use crate::demo::day::Day;
use crate::demo::proof::Proof;
use crate::demo::shop::{Goods, Shop};
use crate::suite::Suite;

/// The account of the day.
pub fn print(shops: &[Shop], day: &Day, proof: &Proof) {
    print_orders(shops, day);
    print_troubles(day, proof);
    print_books(day, proof);
}

fn print_orders(shops: &[Shop], day: &Day) {
    let figures = &day.placements;
    println!("\n── Orders ──");
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
    for (at, shop) in shops.iter().enumerate() {
        let count = day.placed.values().filter(|placed| placed.shop == at).count();
        println!("  placed  {count:>5}  in {}", shop.name);
    }
    for (reason, count) in &day.rejected {
        println!("  refused {count:>5}  {reason}");
    }
    println!(
        "{} orders were told of twice: every one led to the order that was there.",
        day.repeats - day.doubled
    );
    println!(
        "{} buyers changed their minds: stock, payment and delivery were given back.",
        day.cancelled.len()
    );
}

fn print_troubles(day: &Day, proof: &Proof) {
    let (cards, shortage, parcels, returns) = (&day.cards, &day.shortage, &day.parcels, &day.returns);
    println!("\n── What went wrong, and what became of it ──");
    println!(
        "Cards     {} buyers paid by card: {} confirmed at their bank, {} were declined, {} of those took another card.",
        cards.tried, cards.challenged, cards.declined, cards.paid_with_another
    );
    println!(
        "          Of the provider's answers every tenth got lost and its webhooks came twice or out of order; {} are paid, the \
         provider holds {}, our books say {}.",
        proof.cards.paid,
        amount(proof.cards.at_provider),
        amount(proof.cards.in_books)
    );
    println!(
        "Shortage  The marketplace sold {} units that nobody had: {} shortages, each with an owner and a deadline. The next \
         delivery covered all but {}.",
        shortage.units, shortage.objects, shortage.left
    );
    println!(
        "Carrier   It was down when {} parcels were asked for. They waited; {} arrived, with {} waybills in the carrier's book.",
        parcels.waited,
        parcels.delivered.len(),
        proof.parcels.waybills
    );
    println!(
        "Partner   Its receiver failed at first. It was told of {} of {} changes of orders, {} of them twice; {} orders came in \
         another order than theirs.",
        proof.partner.changes - proof.partner.missing,
        proof.partner.changes,
        proof.partner.repeated,
        proof.partner.disordered
    );
    println!(
        "Returns   {} buyers sent something back: {} units are sold again, {} are looked at first, {} went back to the buyers.",
        returns.count,
        returns.sellable,
        returns.quarantined,
        amount(returns.refunded)
    );
}

fn print_books(day: &Day, proof: &Proof) {
    println!("\n── Books ──");
    for (title, counts) in [("state", &proof.orders_by_state), ("channel", &proof.orders_by_channel)] {
        let name = |text: &str| text.trim_start_matches("ORDER_STATE_").to_lowercase();
        let counts: Vec<String> =
            counts.iter().map(|(key, count)| format!("{count} {}", name(key))).collect();
        println!("Orders by {title}: {}.", counts.join(", "));
    }
    println!(
        "Money: {} ordered, {} received and kept; ledger debits {}, credits {}.",
        amount(proof.ordered),
        amount(proof.received),
        amount(proof.debits),
        amount(proof.credits)
    );
    println!(
        "Stock: {} received + {} returned = {} on hand + {} shipped; {} reserved, orders hold {}.",
        proof.units_received,
        day.returns.sellable + day.returns.quarantined,
        proof.units_on_hand,
        proof.units_shipped,
        proof.units_reserved,
        proof.units_promised,
    );
    println!(
        "\noversold {}   lost {}   doubled {}   missing units {}   charged twice {}   unknown charges {}   doubled waybills {}   \
         shown to the other shop {}   not told to the partner {}",
        proof.oversold,
        proof.lost,
        proof.doubled,
        proof.units_missing,
        proof.cards.charged_twice,
        proof.cards.unknown,
        proof.parcels.doubled,
        proof.foreign_seen,
        proof.partner.missing
    );
    println!("{}", if proof.is_flawless() { "Everything adds up." } else { "SOMETHING DOES NOT ADD UP." });
}

/// Where to go from here.
pub fn print_next_steps(suite: &Suite, shop: &Shop, goods: &Goods, day: &Day) {
    let base = format!("http://{}", suite.gateway);
    println!("\n── Addresses ──");
    println!("REST {base}   operators http://{}", suite.ops);
    for (name, address) in
        suite.services.iter().flat_map(|(name, all)| all.iter().map(move |one| (name, one)))
    {
        println!("gRPC {address}  {name}");
    }
    println!("key  {}", shop.key);
    let order_id =
        day.placed.iter().find(|(_, placed)| placed.shop == 0).map_or("ord_…", |(id, _)| id.as_str());
    let sku = goods.skus.get(1).map_or("", String::as_str);
    println!("\nWorth trying:");
    println!("  {base}/docs in a browser");
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
