//! What certificates say.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::IdentityError;
use super::files::{Contents, Files};

pub(super) struct Certificate {
    pub(super) own: CertifiedKey,
    pub(super) trusted: RootCertStore,
    /// When it ends to be valid, in seconds since 1970.
    pub(super) expires: i64,
}

impl Certificate {
    pub(super) fn of(
        files: &Files,
        contents: &Contents,
        trust_domain: &str,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, IdentityError> {
        let chain = certificates(&files.chain, &contents.chain)?;
        let key = PrivateKeyDer::from_pem_slice(&contents.key)
            .map_err(|error| unusable(&files.key, format!("no private key: {error}")))?;
        let leaf = chain.first().ok_or_else(|| unusable(&files.chain, "no certificate".to_owned()))?;
        let of_leaf = |error: String| unusable(&files.chain, error);
        let own = roles(leaf, trust_domain).map_err(of_leaf)?;
        if own.is_empty() {
            let expected = format!("no URI spiffe://{trust_domain}/{} among its names", files.role);
            return Err(of_leaf(expected));
        }
        let expires = parsed(leaf).map_err(of_leaf)?.validity().not_after.timestamp();
        let own = CertifiedKey::from_der(chain, key, provider)
            .map_err(|error| unusable(&files.key, error.to_string()))?;
        let mut trusted = RootCertStore::empty();
        for authority in certificates(&files.trusted, &contents.trusted)? {
            trusted.add(authority).map_err(|error| unusable(&files.trusted, error.to_string()))?;
        }
        Ok(Self { own, trusted, expires })
    }
}

/// The roles that a certificate names: `orders` for `spiffe://<trust domain>/orders`.
pub(super) fn roles(certificate: &CertificateDer<'_>, trust_domain: &str) -> Result<Vec<Box<str>>, String> {
    let prefix = format!("spiffe://{trust_domain}/");
    let parsed = parsed(certificate)?;
    let names = parsed.subject_alternative_name().map_err(|error| error.to_string())?;
    let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
    let roles = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix(&prefix).filter(|role| !role.is_empty()).map(Into::into),
        _ => None,
    });
    Ok(roles.collect())
}

fn parsed<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, String> {
    X509Certificate::from_der(certificate).map(|(_, parsed)| parsed).map_err(|error| error.to_string())
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| unusable(path, error.to_string()))?;
    if found.is_empty() {
        return Err(unusable(path, "no certificate".to_owned()));
    }
    Ok(found)
}

fn unusable(path: &Path, why: String) -> IdentityError {
    IdentityError::Unusable(path.to_owned(), why)
}
