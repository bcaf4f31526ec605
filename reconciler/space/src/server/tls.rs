//! Certificates: an authority that lasts as long as the data directory, and a server certificate made at each start. ECDSA P-256 throughout.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::OpenError;

/// A certificate authority.
pub(super) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn failed(error: &rcgen::Error) -> OpenError {
    OpenError::Certificate { detail: error.to_string() }
}

impl Authority {
    /// A new one.
    pub(super) fn generate() -> Result<Self, OpenError> {
        let key = KeyPair::generate().map_err(|e| failed(&e))?;
        let params = authority_params();
        let certificate = params.self_signed(&key).map_err(|e| failed(&e))?;
        Ok(Self { pem: certificate.pem(), issuer: Issuer::new(params, key) })
    }

    /// What was kept; the error says what is wrong with it.
    pub(super) fn read(pem: String, key_pem: &str) -> Result<Self, String> {
        let key = KeyPair::from_pem(key_pem).map_err(|error| error.to_string())?;
        // All authorities have the same parameters; what tells them apart is the key, which must be the one in the certificate.
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| error.to_string())?;
        let public = key.public_key_raw();
        if !der.windows(public.len()).any(|window| window == public) {
            return Err("it does not belong to the key beside it".to_owned());
        }
        Ok(Self { pem, issuer: Issuer::new(authority_params(), key) })
    }

    /// The certificate.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// The private key.
    pub(super) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "space-authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// A TLS endpoint with a fresh certificate for the loopback names.
pub(super) fn acceptor(authority: &Authority) -> Result<TlsAcceptor, OpenError> {
    let key = KeyPair::generate().map_err(|e| failed(&e))?;
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).map_err(|e| failed(&e))?;
    params.distinguished_name.push(DnType::CommonName, "space");
    params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    params.subject_alt_names.push(SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.signed_by(&key, &authority.issuer).map_err(|e| failed(&e))?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let tls = |error: rustls::Error| OpenError::Certificate { detail: error.to_string() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(tls)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .map_err(tls)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Many clients come back at once after a restart of theirs; a ticket spares them and us the signature.
    config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(tls)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
