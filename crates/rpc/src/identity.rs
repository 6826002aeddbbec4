//! Who a process is to the others over the network: a certificate that says so, read again whenever it changes.
//!
//! An identity is the URI `spiffe://<trust domain>/<role>` among a certificate's alternative names. Both sides show one, signed by an
//! authority that both trust, with TLS 1.3 only and without resumption: what is trusted is decided anew for every connection.

mod certificate;
mod files;
mod server_is;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use std::{fmt, io};

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use self::certificate::Certificate;
use self::files::{Contents, Files};
use self::server_is::ServerIs;

/// The role that may call everything: an operator at the command line.
pub const OPERATOR: &str = "operator";
/// The role of a process that has all services in it.
pub const SUITE: &str = "korob";

/// How often the files are looked at.
const LOOK_PERIOD: Duration = Duration::from_secs(2);
const HTTP2: &[u8] = b"h2";
/// How long who is called serves a connection, if who calls does not leave it before.
pub const CONNECTION_LIFE_MAX: Duration = Duration::from_secs(45);

/// Where a process finds its certificate.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// The folder of `tls.crt`, `tls.key` and `ca.crt`, all PEM; `{role}` in it stands for the role of the process. Without it
    /// there is no TLS between services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,
    /// The authorities that are trusted, instead of `ca.crt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Who names the roles.
    pub trust_domain: String,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self { dir: None, ca_file: None, trust_domain: "korob".to_owned() }
    }
}

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file is not there, or cannot be read.
    #[error("tls: cannot read {0}: {1}")]
    Unreadable(PathBuf, #[source] io::Error),
    /// It can be read and is not what it should be.
    #[error("tls: {0}: {1}")]
    Unusable(PathBuf, String),
    /// `tls.trust_domain` can be no part of an identity.
    #[error("tls.trust_domain: {0:?}: lower-case letters, digits, dots, dashes and underscores")]
    TrustDomain(String),
}

/// What a process proves who it is by. Cheap to clone; follows its files until the last clone is gone.
#[derive(Clone)]
pub struct Identity {
    shared: Arc<Shared>,
}

struct Shared {
    files: Files,
    trust_domain: Box<str>,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<Current>>,
}

/// What was read at one time.
struct Current {
    contents: Contents,
    own: Arc<rustls::sign::CertifiedKey>,
    trusted: Arc<RootCertStore>,
    server: Arc<ServerConfig>,
}

/// Who is at the other end of a connection, as the certificate says: roles of the trust domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    roles: Arc<[Box<str>]>,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.roles.join(", "))
    }
}

impl Peer {
    pub(crate) fn roles(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(AsRef::as_ref)
    }
}

impl Identity {
    /// The identity of `role`; none when none is configured. Must be called within a runtime.
    pub fn load(settings: &TlsSettings, role: &str) -> Result<Option<Self>, IdentityError> {
        let Some(files) = Files::of(settings, role) else { return Ok(None) };
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
        let trust_domain = settings.trust_domain.as_str();
        if trust_domain.is_empty() || trust_domain.len() > 255 || !trust_domain.chars().all(allowed) {
            return Err(IdentityError::TrustDomain(trust_domain.to_owned()));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let contents = files.read()?;
        let current = Current::of(&files, contents, trust_domain, &provider)?;
        let trust_domain = trust_domain.into();
        let current = RwLock::new(Arc::new(current));
        let identity = Self { shared: Arc::new(Shared { files, trust_domain, provider, current }) };
        identity.follow_files();
        Ok(Some(identity))
    }

    /// Takes a client's side of the handshake; refuses whoever cannot prove a role of the trust domain.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<(server::TlsStream<TcpStream>, Peer)> {
        let server = self.current().server.clone();
        let stream = TlsAcceptor::from(server).accept(stream).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let roles = shown.map(|shown| certificate::roles(shown, &self.shared.trust_domain));
        match roles.transpose().map_err(io::Error::other)? {
            Some(roles) if !roles.is_empty() => Ok((stream, Peer { roles: roles.into() })),
            _ => Err(io::Error::other(NoRole)),
        }
    }

    /// Takes the server's side of the handshake; refuses everybody but `service`.
    pub(crate) async fn connect(
        &self,
        service: &str,
        stream: TcpStream,
    ) -> io::Result<client::TlsStream<TcpStream>> {
        let current = self.current();
        let verifier = ServerIs {
            role: service.to_owned(),
            trust_domain: self.shared.trust_domain.to_string(),
            trusted: current.trusted.clone(),
            algorithms: self.shared.provider.signature_verification_algorithms,
        };
        let builder = ClientConfig::builder_with_provider(self.shared.provider.clone())
            .with_protocol_versions(&[&TLS13])
            .map_err(io::Error::other)?;
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(current.own.clone())));
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![HTTP2.to_vec()];
        // The role is what counts: no name is sent, and none is looked at.
        let name = ServerName::from(stream.peer_addr()?.ip());
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    fn current(&self) -> Arc<Current> {
        self.shared.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn follow_files(&self) {
        let shared = Arc::downgrade(&self.shared);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_PERIOD).await;
                let Some(shared) = shared.upgrade() else { break };
                // Reading blocks for a moment.
                let looked = tokio::task::spawn_blocking(move || shared.look()).await;
                if let Err(error) = looked {
                    tracing::error!(%error, "the certificate cannot be followed any more");
                    break;
                }
            }
        });
    }
}

impl Shared {
    /// Takes what the files say now; what cannot be used changes nothing, and is told once.
    fn look(&self) {
        let renewed = self.files.read().and_then(|contents| {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
            if contents == current.contents {
                return Ok(None);
            }
            Current::of(&self.files, contents, &self.trust_domain, &self.provider).map(Some)
        });
        match renewed {
            Ok(None) => {}
            Ok(Some(renewed)) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(renewed);
                tracing::info!(role = %self.files.role, "the certificate was renewed");
            }
            // Half-written files are whole at the next look; others are seen by their age.
            Err(error) => {
                metrics::counter!("korob_certificate_reload_failures_total").increment(1);
                tracing::warn!(%error, "the certificate in the files cannot be used; the last one stays");
            }
        }
    }
}

impl Current {
    fn of(
        files: &Files,
        contents: Contents,
        trust_domain: &str,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, IdentityError> {
        let Certificate { own, trusted, expires } =
            Certificate::of(files, &contents, trust_domain, provider)?;
        let (own, trusted) = (Arc::new(own), Arc::new(trusted));
        let unusable = |error: String| IdentityError::Unusable(files.trusted.clone(), error);
        let verifier = WebPkiClientVerifier::builder_with_provider(trusted.clone(), provider.clone())
            .build()
            .map_err(|error| unusable(error.to_string()))?;
        let mut server = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&TLS13])
            .map_err(|error| unusable(error.to_string()))?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(own.clone())));
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        server.alpn_protocols = vec![HTTP2.to_vec()];
        metrics::counter!("korob_certificate_reload_failures_total").increment(0);
        metrics::gauge!("korob_certificate_expires_timestamp_seconds", "role" => files.role.to_string())
            .set(expires as f64);
        Ok(Self { contents, own, trusted, server: Arc::new(server) })
    }
}

/// Why somebody with a genuine certificate was refused.
#[derive(Debug, thiserror::Error)]
#[error("the certificate names no role of this trust domain")]
struct NoRole;

/// In one word, for operators: why a handshake failed.
pub fn refusal(error: &io::Error) -> &'static str {
    use rustls::CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext, UnknownIssuer};
    let Some(inner) = error.get_ref() else {
        return match error.kind() {
            io::ErrorKind::TimedOut => "timeout",
            _ => "broken",
        };
    };
    if inner.is::<NoRole>() {
        return "no_role";
    }
    match inner.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::NoCertificatesPresented) => "no_certificate",
        Some(rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. })) => "expired",
        Some(rustls::Error::InvalidCertificate(NotValidYet | NotValidYetContext { .. })) => "not_yet_valid",
        Some(rustls::Error::InvalidCertificate(UnknownIssuer)) => "unknown_issuer",
        Some(rustls::Error::InvalidCertificate(_)) => "invalid_certificate",
        Some(rustls::Error::InvalidMessage(_) | rustls::Error::PeerIncompatible(_)) => "no_tls13",
        _ => "broken",
    }
}
