//! Where processes prove who they are, nobody else is heard, nobody calls more than its role does, and certificates change while
//! calls are made.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use proto::customers::v1::ListCustomersRequest;
use proto::customers::v1::customer_service_client::CustomerServiceClient;
use rpc::{Call, Caller, Callers, Channel, Directory, Identity, IdentityError, RemoteSettings, TlsSettings};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use testing::{Authority, Signed, Validity};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::{Code, Status};

use crate::desk::{Folder, Port, asking, keys};

/// How long a connection of these tests is used, so that several are.
const LIFE: Duration = Duration::from_millis(300);
/// Until changed files have been looked at.
const NOTICED: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_prove_a_role_is_not_heard() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let port = desk(&folder, &authority, "customers").await;
    let payments = "spiffe://korob/payments";
    let genuine = authority.sign(&[payments], Validity::Valid);
    knock(port.address, Some(&genuine)).await.expect("who proves it is heard");

    let stranger = Authority::new();
    let mut half = authority.sign(&[payments], Validity::Valid);
    half.key = authority.sign(&[payments], Validity::Valid).key;
    let refused = [
        ("no certificate", None),
        ("of another authority", Some(stranger.sign(&[payments], Validity::Valid))),
        ("expired", Some(authority.sign(&[payments], Validity::Expired))),
        ("of another trust domain", Some(authority.sign(&["spiffe://elsewhere/payments"], Validity::Valid))),
        (
            "of a longer trust domain",
            Some(authority.sign(&["spiffe://korob.example/payments"], Validity::Valid)),
        ),
        ("without a role", Some(authority.sign(&["spiffe://korob/"], Validity::Valid))),
        ("of something else", Some(authority.sign(&["https://korob/payments"], Validity::Valid))),
        ("without names", Some(authority.sign(&[], Validity::Valid))),
        ("without its key", Some(half)),
    ];
    for (who, shown) in &refused {
        let heard = knock(port.address, shown.as_ref()).await;
        assert!(heard.is_err(), "{who}: heard {heard:?}");
    }
    assert!(say_plainly(port.address).await.is_err(), "who does not speak TLS is not heard");
    assert_eq!(port.begun(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_calls_what_it_says_and_nothing_else() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let port = desk(&folder, &authority, "customers").await;
    let list = async |role: &str| {
        authority.equip(&folder.of(role), role, &[&authority]);
        let channel = channel(&port, folder.identity(role));
        let call = Call::begin(Caller::operator("test"), Duration::from_secs(5));
        let mut client = CustomerServiceClient::new(channel.bind(&call));
        (
            client.get_customer(asking("anybody")).await,
            client.list_customers(ListCustomersRequest::default()).await,
        )
    };
    let (asked, listed) = list("payments").await;
    asked.expect("payments says that it asks for customers");
    refused(listed.expect_err("it does not list them"));

    let (asked, listed) = list("catalog").await;
    refused(asked.expect_err("catalog calls nothing here"));
    refused(listed.expect_err("catalog calls nothing here"));

    for whoever in ["operator", "customers"] {
        let (asked, listed) = list(whoever).await;
        asked.expect(whoever);
        listed.expect(whoever);
    }
    // A role of its own suite in one process calls nobody over the network.
    refused(list("korob").await.0.expect_err("it is nobody's role to call"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_service_that_is_meant_is_called() {
    for (role, is_meant) in [("customers", true), ("korob", true), ("orders", false), ("customers-2", false)]
    {
        let (folder, authority) = (Folder::new(), Authority::new());
        let port = desk(&folder, &authority, role).await;
        authority.equip(&folder.of("payments"), "payments", &[&authority]);
        let answer = ask(&channel(&port, folder.identity("payments"))).await;
        assert_eq!(answer.is_ok(), is_meant, "{role}: {answer:?}");

        let elsewhere = Authority::new();
        elsewhere.equip(&folder.of("operator"), "operator", &[&elsewhere]);
        let answer = ask(&channel(&port, folder.identity("operator"))).await;
        assert_eq!(answer.expect_err("its authority is not trusted").code(), Code::Unavailable);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_and_authorities_change_while_calls_are_made() {
    let (folder, old, new) = (Folder::new(), Authority::new(), Authority::new());
    let port = desk(&folder, &old, "customers").await;
    old.equip(&folder.of("payments"), "payments", &[&old]);
    let kept = old.sign(&["spiffe://korob/payments"], Validity::Valid);
    let channel = channel(&port, folder.identity("payments"));

    let (stop, asked) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (channel, stop, asked) = (channel.clone(), stop.clone(), asked.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    ask(&channel).await?;
                    asked.fetch_add(1, Ordering::SeqCst);
                }
                Ok::<_, Status>(())
            })
        })
        .collect();
    let equip = |signs: &Authority, trusted: &[&Authority]| {
        signs.equip(&folder.of("customers"), "customers", trusted);
        signs.equip(&folder.of("payments"), "payments", trusted);
    };
    // Who signs changes as it must: first both are trusted, then the new one signs, then the old one is forgotten.
    for (signs, trusted) in [(&old, vec![&old, &new]), (&new, vec![&old, &new]), (&new, vec![&new])] {
        equip(signs, &trusted);
        tokio::time::sleep(NOTICED).await;
    }
    stop.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.expect("no panic").expect("no call fails");
    }
    assert!(asked.load(Ordering::SeqCst) > 100, "calls were made");
    assert!(knock(port.address, Some(&kept)).await.is_err(), "the old authority is forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_changes_nothing() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let port = desk(&folder, &authority, "customers").await;
    authority.equip(&folder.of("payments"), "payments", &[&authority]);
    let channel = channel(&port, folder.identity("payments"));
    ask(&channel).await.expect("an answer");

    let path = folder.of("payments").join("tls.crt");
    let good = std::fs::read(&path).expect("it is there");
    for bad in [&b""[..], b"nonsense", &good[..good.len() / 2]] {
        std::fs::write(&path, bad).expect("a file");
        tokio::time::sleep(NOTICED).await;
        ask(&channel).await.expect("the last one that was whole stays");
    }
}

#[tokio::test]
async fn what_is_wrong_at_the_start_is_named() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let settings = TlsSettings { dir: Some(folder.of("{role}")), ..TlsSettings::default() };
    let told = |settings: &TlsSettings| match Identity::load(settings, "orders") {
        Ok(_) => "nothing".to_owned(),
        Err(error) => error.to_string(),
    };
    assert!(told(&settings).contains("orders/tls.crt: No such file"), "{}", told(&settings));

    authority.equip(&folder.of("orders"), "catalog", &[&authority]);
    assert!(Identity::load(&settings, "orders").is_ok(), "it is a role");
    authority
        .sign(&["spiffe://elsewhere/orders"], Validity::Valid)
        .write(&folder.of("orders"), &[&authority]);
    assert!(told(&settings).ends_with("no URI spiffe://korob/orders among its names"), "{}", told(&settings));

    authority.equip(&folder.of("orders"), "orders", &[]);
    assert!(told(&settings).ends_with("ca.crt: no certificate"), "{}", told(&settings));

    let settings = TlsSettings { trust_domain: "Korob/x".to_owned(), ..settings };
    assert!(matches!(Identity::load(&settings, "orders"), Err(IdentityError::TrustDomain(_))));
    let none = Identity::load(&TlsSettings::default(), "orders").expect("nothing is wrong");
    assert!(none.is_none(), "without a folder there is no TLS");

    let plain = Directory::remote([("customers", "https://127.0.0.1:1")], keys(), RemoteSettings::default());
    let error = plain.err().expect("https needs an identity").to_string();
    assert!(error.ends_with("write http://host:port, several with commas between"), "{error}");
}

/// A desk that proves `role` and is called by payments for one method.
async fn desk(folder: &Folder, authority: &Authority, role: &str) -> Port {
    authority.equip(&folder.of(role), role, &[authority]);
    let callers = Callers::new([("GetCustomer", "payments")]);
    Port::open_for(([127, 0, 0, 1], 0).into(), folder.identity(role), callers).await
}

fn channel(port: &Port, identity: Option<Identity>) -> Channel {
    let settings = RemoteSettings { identity, connection_life: LIFE, ..RemoteSettings::default() };
    let url = port.url();
    Directory::remote([("customers", url.as_str())], keys(), settings)
        .expect("an address")
        .channel("customers")
}

async fn ask(channel: &Channel) -> Result<(), Status> {
    let call = Call::begin(Caller::operator("test"), Duration::from_secs(5));
    CustomerServiceClient::new(channel.bind(&call)).get_customer(asking("anybody")).await.map(drop)
}

fn refused(status: Status) {
    assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
    assert_eq!(rpc::reason(&status).as_deref(), Some("ROLE_NOT_ALLOWED"));
}

/// Shows a certificate, trusts everybody, and waits for what every HTTP/2 server says at once.
async fn knock(address: SocketAddr, shown: Option<&Signed>) -> io::Result<usize> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Credulous));
    let config = match shown {
        None => builder.with_no_client_auth(),
        Some(shown) => {
            let chain = CertificateDer::from_pem_slice(shown.certificate.as_bytes()).expect("a certificate");
            let key = PrivateKeyDer::from_pem_slice(shown.key.as_bytes()).expect("a key");
            let provider = rustls::crypto::ring::default_provider();
            let key = provider.key_provider.load_private_key(key).expect("a key");
            let certified = rustls::sign::CertifiedKey::new(vec![chain], key);
            builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)))
        }
    };
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    speak(&mut stream).await
}

async fn say_plainly(address: SocketAddr) -> io::Result<usize> {
    speak(&mut TcpStream::connect(address).await?).await
}

/// The beginning of HTTP/2; an error when nobody says anything to it but farewell.
async fn speak<S>(stream: &mut S) -> io::Result<usize>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
    let mut settings = [0; 9];
    let heard = tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut settings)).await;
    heard.map_err(|_elapsed| io::Error::from(io::ErrorKind::TimedOut))??;
    // The fourth byte of a frame is its kind; 4 are settings.
    if settings[3] == 4 { Ok(settings.len()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
