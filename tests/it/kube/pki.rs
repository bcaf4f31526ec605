//! The keys and certificates of one API server: every server has an authority of its own, as real clusters do.

use std::path::Path;

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// Everything in PEM. Keys are ECDSA P-256.
pub struct Pki {
    /// The authority of the serving certificate, of client certificates, and of signed CSRs.
    pub ca: String,
    ca_key: String,
    serving: String,
    serving_key: String,
    service_account_key: KeyPair,
}

impl Pki {
    /// Makes new keys and certificates for a server on the loopback address.
    pub fn new(name: &str) -> Result<Self> {
        let mut ca = CertificateParams::new(Vec::new())?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name.push(DnType::CommonName, format!("{name} test authority"));
        ca.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
        let ca_key = KeyPair::generate()?;
        let ca_pem = ca.self_signed(&ca_key)?.pem();
        let ca_key_pem = ca_key.serialize_pem();
        let issuer = Issuer::new(ca, ca_key);

        let mut serving = CertificateParams::new(vec![
            "127.0.0.1".into(),
            "localhost".into(),
            "kubernetes.default.svc".into(),
        ])?;
        serving.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        serving.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let serving_key = KeyPair::generate()?;
        Ok(Self {
            ca: ca_pem,
            ca_key: ca_key_pem,
            serving: serving.signed_by(&serving_key, &issuer)?.pem(),
            serving_key: serving_key.serialize_pem(),
            service_account_key: KeyPair::generate()?,
        })
    }

    /// Writes `ca.crt`, `ca.key`, `serving.crt`, `serving.key`, `service-account.key` and `.pub` into a directory.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let (key, public_key) =
            (self.service_account_key.serialize_pem(), self.service_account_key.public_key_pem());
        for (name, text) in [
            ("ca.crt", &self.ca),
            ("ca.key", &self.ca_key),
            ("serving.crt", &self.serving),
            ("serving.key", &self.serving_key),
            ("service-account.key", &key),
            ("service-account.pub", &public_key),
        ] {
            std::fs::write(directory.join(name), text)?;
        }
        Ok(())
    }
}

/// A new key and a PEM certificate request for a user name and its groups.
pub fn certificate_request(user: &str, group: &str) -> Result<(KeyPair, String)> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, user);
    parameters.distinguished_name.push(DnType::OrganizationName, group);
    let request = parameters.serialize_request(&key)?.pem()?;
    Ok((key, request))
}
