//! Where webhooks may lead: to public addresses by https, however the address is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use outbound::Reach;
use proto::webhooks::v1 as pb;
use simulators::Mood;
use testing::{World, eventually, refusal};
use tokio::net::TcpListener;

use crate::desk::{Desk, creation};

/// Counts who connects.
async fn canary() -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("[::]:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let hits = Arc::new(AtomicU64::new(0));
    let counted = hits.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, hits)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_way_of_writing_it_leads_inside() {
    let desk = Desk::open_in(World::new().await.reaching(Reach::default())).await;
    let (port, hits) = canary().await;
    let hosts = [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "127.255.255.254",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "0",
        "0.0.0.0",
        "0x0",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[::ffff:169.254.169.254]",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "10.0.0.1",
        "10.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[fe80::1]",
        "[fc00::1]",
        "[fd00::1]",
        "[ff02::1]",
        "user@127.0.0.1",
        "public.example@127.0.0.1",
        "public.example#@127.0.0.1",
        "public.example\\@127.0.0.1",
        "127.0.0.1%2f.public.example@[::1]",
    ];
    let mut tried = 0;
    for host in hosts {
        for scheme in ["https", "http"] {
            refuse_or_never_reach(&desk, &format!("{scheme}://{host}:{port}/hook")).await;
            tried += 1;
        }
    }
    for url in [
        format!("ftp://127.0.0.1:{port}/"),
        format!("gopher://127.0.0.1:{port}/"),
        "file:///etc/passwd".to_owned(),
        format!("//127.0.0.1:{port}/"),
        format!("https:127.0.0.1:{port}"),
        format!("https:///127.0.0.1:{port}"),
        format!("http://localhost:{port}/"),
        "http://public.example/".to_owned(),
        format!("https://127.0.0.1:{port}/\r\nHost: inside"),
        format!("https://public.example:{port}@127.0.0.1:{port}/"),
        format!("https://①②⑦.⓪.⓪.①:{port}/"),
    ] {
        refuse_or_never_reach(&desk, &url).await;
        tried += 1;
    }
    assert!(tried >= 40 * 2, "{tried}");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(hits.load(Ordering::SeqCst), 0, "somebody was led inside");
}

/// An address is refused when it is written down; one that is not must not lead anywhere inside when it is sent to.
async fn refuse_or_never_reach(desk: &Desk, url: &str) {
    match desk.webhooks().create_webhook_endpoint(creation(url, &["order.changed"])).await {
        Err(status) => {
            let refused = refusal::<pb::CreateWebhookEndpointResponse>(Err(status));
            assert_eq!(refused.fields, ["webhook_endpoint.url"], "{url}");
        }
        Ok(created) => {
            let endpoint = created.into_inner().webhook_endpoint.unwrap();
            let ping = pb::PingWebhookEndpointRequest {
                endpoint_id: endpoint.endpoint_id.clone(),
                idempotency_key: crate::desk::key(),
            };
            desk.webhooks().ping_webhook_endpoint(ping).await.unwrap();
            let failed = eventually("it was tried", async || {
                let endpoint = desk.look_at(&endpoint).await;
                (!endpoint.last_failure.is_empty()).then_some(endpoint.last_failure)
            })
            .await;
            assert!(failed.starts_with("not sent to"), "{url}: {failed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_inside_later_is_not_followed() {
    // The operator allows one address; the partner's name leads to it at first, and elsewhere when it is sent to.
    let desk = Desk::open_in(World::new().await.reaching(Reach::default())).await;
    let (port, hits) = canary().await;
    let created = desk
        .webhooks()
        .create_webhook_endpoint(creation("https://partner.example/", &["order.changed"]))
        .await;
    let endpoint = created.unwrap().into_inner().webhook_endpoint.unwrap();
    // As if its name led here now: what was checked when it was written is checked again when it is called.
    let database = desk.world.database("webhooks").client().await;
    let url = format!("http://localhost:{port}/");
    database.execute("UPDATE webhook_endpoints SET url = $1", &[&url]).await.unwrap();
    desk.order_changes("ord_1", 1);
    let failed = eventually("it was tried", async || {
        let endpoint = desk.look_at(&endpoint).await;
        (!endpoint.last_failure.is_empty()).then_some(endpoint.last_failure)
    })
    .await;
    assert!(failed.contains("is a loopback address"), "{failed}");
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_a_refusal() {
    let desk = Desk::open().await;
    let (port, hits) = canary().await;
    let endpoint = desk.endpoint().await;
    desk.partner.is(Mood::Redirects(format!("http://127.0.0.1:{port}/")));
    desk.order_changes("ord_1", 1);
    let failed = eventually("it was tried", async || {
        let endpoint = desk.look_at(&endpoint).await;
        (!endpoint.last_failure.is_empty()).then_some(endpoint.last_failure)
    })
    .await;
    assert_eq!((failed.as_str(), hits.load(Ordering::SeqCst)), ("it answered 302", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_does_not_answer_is_not_waited_for() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    desk.partner.is(Mood::Hangs);
    desk.order_changes("ord_1", 1);
    let begun = std::time::Instant::now();
    let failed = eventually("it was tried", async || {
        let endpoint = desk.look_at(&endpoint).await;
        (!endpoint.last_failure.is_empty()).then_some(endpoint.last_failure)
    })
    .await;
    assert!(failed.ends_with("none within 5000 ms"), "{failed}");
    assert!(begun.elapsed().as_secs() < 12, "{:?}", begun.elapsed());
}
