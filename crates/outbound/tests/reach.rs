//! Whom a call may reach: the public internet by TLS, and what the operator allows.

use outbound::{Client, Failure, Forbidden, Reach, Request};

use crate::peer::{Peer, Then};
use crate::{OK, client, client_of};

#[tokio::test]
async fn an_address_that_is_not_public_is_not_called() {
    let peer = Peer::that(Then::Answer(OK)).await;
    let port = peer.port();
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]"] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/");
            assert_forbidden(&closed(), &url, "is a loopback address").await;
        }
    }
    assert_eq!(peer.seen(), "", "nothing was connected to");
}

#[tokio::test]
async fn a_name_that_leads_to_no_public_address_is_not_called() {
    let peer = Peer::that(Then::Answer(OK)).await;
    // Resolvers take the last three for addresses as well.
    for host in
        ["https://localhost", "http://localhost", "http://127.1", "http://2130706433", "http://0x7f000001"]
    {
        let url = format!("{host}:{}/", peer.port());
        assert_forbidden(&closed(), &url, "is a loopback address").await;
    }
    assert_eq!(peer.seen(), "");
}

#[tokio::test]
async fn a_name_is_called_at_those_of_its_addresses_that_are_allowed() {
    let peer = Peer::that(Then::Answer(OK)).await;

    let answer = client().send(Request::get(format!("http://localhost:{}/", peer.port()))).await.unwrap();

    assert_eq!(answer.status, http::StatusCode::OK);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_leads_nowhere() {
    let inside = Peer::that(Then::Answer(OK)).await;
    let location = format!("http://127.0.0.2:{}/latest/meta-data", inside.port());
    let head = format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    let peer = Peer::that(Then::Answer(head.leak())).await;
    let only_the_first = client_of(&["127.0.0.1"]);

    let answer = only_the_first.send(Request::get(peer.url("/"))).await.unwrap();

    assert_eq!(answer.status, http::StatusCode::FOUND);
    assert_eq!(inside.seen(), "");
    assert_forbidden(&only_the_first, &location, "is a loopback address").await;
}

#[tokio::test]
async fn an_allowed_network_opens_nothing_else() {
    let peer = Peer::that(Then::Answer(OK)).await;

    let answer = client_of(&["127.0.0.1"]).send(Request::get(peer.url("/"))).await.unwrap();
    assert_eq!(answer.status, http::StatusCode::OK);

    assert_forbidden(&client_of(&["10.0.0.0/8"]), &peer.url("/"), "is a loopback address").await;
    assert_forbidden(&client_of(&["127.0.0.1"]), "http://127.0.0.2:1/", "is a loopback address").await;
}

#[test]
fn urls_are_judged_without_asking_where_they_lead() {
    for (url, problem) in [
        ("https://carrier.example/api", ""),
        ("https://8.8.8.8/", ""),
        ("https://[2606:4700::1111]/", ""),
        ("https://[64:ff9b::808:808]/", ""),
        ("http://carrier.example/", "by https only"),
        ("http://8.8.8.8/", "by https only"),
        ("https://127.0.0.1/", "a loopback"),
        ("https://127.8.9.10:444/", "a loopback"),
        ("https://localhost/", "a loopback"),
        ("https://LocalHost./", "a loopback"),
        ("https://a.localhost/", "a loopback"),
        ("https://[::1]/", "a loopback"),
        ("https://[::ffff:10.0.0.1]/", "a private"),
        ("https://10.0.0.1/", "a private"),
        ("https://172.16.0.1/", "a private"),
        ("https://172.31.255.255/", "a private"),
        ("https://172.32.0.1/", ""),
        ("https://192.168.1.1/", "a private"),
        ("https://[fd00::1]/", "a private"),
        ("https://169.254.169.254/latest/meta-data", "a link-local"),
        ("https://[fe80::1]/", "a link-local"),
        ("https://[2002:a9fe:a9fe::1]/", "a link-local"),
        ("https://100.64.0.1/", "a carrier-grade NAT"),
        ("https://100.128.0.1/", ""),
        ("https://0.0.0.0/", "an unspecified"),
        ("https://[::]/", "an unspecified"),
        ("https://224.0.0.1/", "a multicast"),
        ("https://[ff02::1]/", "a multicast"),
        ("https://255.255.255.255/", "a reserved"),
        ("https://198.51.100.7/", "a reserved"),
        ("https://[2001:db8::1]/", "a reserved"),
        ("https://[::7f00:1]/", "a reserved"),
        ("https://[fec0::1]/", "a reserved"),
        ("https://127.1/", "no host"),
        ("https://2130706433/", "no host"),
        ("https://0x7f000001/", "no host"),
        ("https://0x7f.0x1/", "no host"),
        ("ftp://carrier.example/", "no host"),
        ("carrier.example", "no host"),
    ] {
        let told = Reach::default().check_url(url).err().map_or(String::new(), |error| error.to_string());
        assert!(told.contains(problem) && told.is_empty() == problem.is_empty(), "{url}: {told:?}");
    }
}

#[test]
fn what_the_operator_allows_is_called_without_tls_too() {
    let reach = Reach::with(&["127.0.0.0/8", "fd00:1::/32"]);
    for url in
        ["http://127.0.0.1:8099/card", "http://localhost:8099", "http://[fd00:1::7]/", "https://127.0.0.1/"]
    {
        assert_eq!(reach.check_url(url), Ok(()), "{url}");
    }
    // Where a name leads is asked when it is called.
    assert_eq!(reach.check_url("http://simulators.internal/card"), Ok(()));
    for url in ["http://10.0.0.1/", "https://[fd00:2::7]/", "http://8.8.8.8/"] {
        assert!(reach.check_url(url).is_err(), "{url}");
    }
    let told = Reach::default().check_url("http://127.0.0.1:8099/card").unwrap_err();
    assert!(matches!(told, Forbidden::Address { .. }));
    assert!(told.to_string().contains("outbound.allowed_networks"), "{told}");
}

#[test]
fn the_configuration_names_what_is_no_network() {
    let read = serde_json::from_str::<Reach>;
    assert_eq!(read(r#"{"allowed_networks": ["127.0.0.0/8"]}"#).unwrap(), Reach::with(&["127.0.0.0/8"]));
    assert_eq!(read("{}").unwrap(), Reach::default());
    let told = read(r#"{"allowed_networks": ["localhost"]}"#).unwrap_err().to_string();
    assert!(told.contains("\"localhost\" is neither an address nor a network"), "{told}");
    assert!(read(r#"{"allowed": []}"#).is_err());
}

async fn assert_forbidden(client: &Client, url: &str, problem: &str) {
    let failure = client.send(Request::get(url)).await.unwrap_err();
    assert!(matches!(failure, Failure::Unsent { .. }), "{url}: {failure}");
    assert!(failure.to_string().contains(problem), "{url}: {failure}");
}

fn closed() -> Client {
    client_of(&[])
}
