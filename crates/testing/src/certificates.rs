//! Certificates of roles, and an authority that signs them.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use types::Clock;

/// Whoever trusts it trusts what it signs.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

/// Until when a certificate is valid, seen from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// For an hour from now.
    Valid,
    /// Until an hour ago.
    Expired,
}

/// A certificate with its key, both PEM.
pub struct Signed {
    /// `tls.crt`.
    pub certificate: String,
    /// `tls.key`.
    pub key: String,
}

impl Authority {
    /// A new one, with a key that nobody else has.
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key).expect("an authority").pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// `ca.crt`.
    pub fn pem(&self) -> &str {
        &self.certificate
    }

    /// Signs a certificate with `names` as URIs.
    pub fn sign(&self, names: &[&str], validity: Validity) -> Signed {
        const HOUR: Duration = Duration::from_secs(3600);
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        let now = SystemTime::from(Clock::system().now());
        (params.not_before, params.not_after) = match validity {
            Validity::Valid => ((now - HOUR).into(), (now + HOUR).into()),
            Validity::Expired => ((now - 2 * HOUR).into(), (now - HOUR).into()),
        };
        params.subject_alt_names =
            names.iter().map(|name| SanType::URI((*name).try_into().expect("ASCII"))).collect();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Signed { certificate, key: key.serialize_pem() }
    }

    /// Writes `tls.crt` and `tls.key` of `role` into `dir`, and `ca.crt` of whoever is `trusted`.
    pub fn equip(&self, dir: &Path, role: &str, trusted: &[&Self]) {
        self.sign(&[&format!("spiffe://korob/{role}")], Validity::Valid).write(dir, trusted);
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Signed {
    /// Into the files of an identity, one after the other and never half of one.
    pub fn write(&self, dir: &Path, trusted: &[&Authority]) {
        std::fs::create_dir_all(dir).expect("a folder");
        let trusted: String = trusted.iter().map(|authority| authority.pem()).collect();
        for (name, text) in [("ca.crt", &trusted), ("tls.crt", &self.certificate), ("tls.key", &self.key)] {
            let written = dir.join(format!("{name}.new"));
            std::fs::write(&written, text).expect("a file");
            std::fs::rename(written, dir.join(name)).expect("a file");
        }
    }
}
