//! Encrypted connections (TLS 1.3 alone) between keys that know each other by their pins. Names, dates and issuers of certificates
//! count for nothing.

use std::fmt;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, OtherError,
    PeerIncompatible, ServerConfig, SignatureScheme, version,
};

use super::key::Identity;
use super::pin::Pin;

/// Which keys may be at the other end. It is asked at every handshake: who is taken off it gets no further connection.
pub trait Known: Send + Sync + fmt::Debug {
    /// Whether this one may.
    fn knows(&self, pin: &Pin) -> bool;

    /// Whether one that is not known may all the same, for the certificates that it shows, its own first.
    fn believes(&self, _certificates: &[CertificateDer<'_>]) -> bool {
        false
    }
}

impl Known for Pin {
    fn knows(&self, pin: &Pin) -> bool {
        self == pin
    }
}

/// The other end has a key, but not one that may be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key there has the fingerprint {}, which is not the one that is known", .0.fingerprint())]
pub struct Stranger(pub Pin);

impl Stranger {
    /// Whom an error of a handshake is about, if it is that the other end is a stranger.
    pub fn of(error: &Error) -> Option<Self> {
        match error {
            Error::InvalidCertificate(CertificateError::Other(OtherError(why))) => {
                why.downcast_ref().copied()
            }
            _ => None,
        }
    }
}

/// For whoever connects: shows one's own key, and goes on only if the other end has one that is known.
///
/// # Errors
/// If the key can't be used.
pub fn client(own: &Identity, known: Arc<dyn Known>) -> Result<ClientConfig, Error> {
    let verifier = Arc::new(Pinned::new(known));
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&verifier.provider))
        .with_protocol_versions(&[&version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(own.chain().to_vec(), own.key())?;
    // A resumed connection would go by what was known when the first one was made.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// For whoever is connected to: takes nobody in without a key that is known, and shows one's own.
///
/// # Errors
/// If the key can't be used.
pub fn server(own: &Identity, known: Arc<dyn Known>) -> Result<ServerConfig, Error> {
    let verifier = Arc::new(Pinned::new(known));
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&verifier.provider))
        .with_protocol_versions(&[&version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(own.chain().to_vec(), own.key())?;
    // No tickets, so that there is nothing to resume.
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// Goes by the pin of the other end's key, and by its signature over the handshake.
struct Pinned {
    known: Arc<dyn Known>,
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn new(known: Arc<dyn Known>) -> Self {
        Self {
            known,
            provider: Arc::new(aws_lc_rs::default_provider()),
        }
    }

    fn check(&self, own: &CertificateDer<'_>, between: &[CertificateDer<'_>]) -> Result<(), Error> {
        let pin = Pin::of(own);
        let pin = pin.map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        if self.known.knows(&pin) {
            return Ok(());
        }
        let certificates: Vec<_> = std::iter::once(own).chain(between).cloned().collect();
        if self.known.believes(&certificates) {
            return Ok(());
        }
        let stranger = OtherError(Arc::new(Stranger(pin)));
        Err(Error::InvalidCertificate(CertificateError::Other(stranger)))
    }

    fn is_signed(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pinned").field(&self.known).finish()
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity, intermediates)
            .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.is_signed(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity, intermediates)
            .map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.is_signed(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

#[cfg(test)]
mod tests {
    use rustls::client::ResolvesClientCert;
    use rustls::sign::CertifiedKey;
    use rustls::{ClientConnection, ServerConnection};

    use super::*;

    fn identity() -> Identity {
        let folder = tempfile::tempdir().unwrap();
        Identity::open(&folder.path().join("key.pem")).unwrap()
    }

    fn knows(one: &Identity) -> Arc<dyn Known> {
        Arc::new(one.pin())
    }

    /// Has both ends talk until they are sure of each other, or one gives up.
    fn meet(client: ClientConfig, server: ServerConfig) -> Result<(), Error> {
        let name = ServerName::try_from("anybody.example").unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name)?;
        let mut server = ServerConnection::new(Arc::new(server))?;
        while client.is_handshaking() || server.is_handshaking() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut wire.as_slice()).unwrap();
            server.process_new_packets()?;
            let mut wire = Vec::new();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut wire.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        assert_eq!(
            client.protocol_version(),
            Some(rustls::ProtocolVersion::TLSv1_3)
        );
        Ok(())
    }

    #[test]
    fn only_those_who_know_each_other_meet() {
        let (one, other, stranger) = (identity(), identity(), identity());
        let from = |own, known| client(own, knows(known)).unwrap();
        let to = |own, known| server(own, knows(known)).unwrap();
        meet(from(&one, &other), to(&other, &one)).unwrap();
        let met = |client, server| Stranger::of(&meet(client, server).unwrap_err());
        let server = met(from(&one, &stranger), to(&other, &one));
        assert_eq!(
            server,
            Some(Stranger(other.pin())),
            "the client does not know the server"
        );
        let client = met(from(&stranger, &other), to(&other, &one));
        assert_eq!(
            client,
            Some(Stranger(stranger.pin())),
            "the server does not know the client"
        );
    }

    /// Shows a certificate that is somebody else's.
    #[derive(Debug)]
    struct Impostor(Arc<CertifiedKey>);

    impl ResolvesClientCert for Impostor {
        fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }

        fn has_certs(&self) -> bool {
            true
        }
    }

    #[test]
    fn nobody_comes_without_a_key_or_with_anothers_certificate() {
        let (one, other, impostor) = (identity(), identity(), identity());
        let with = |key: Option<CertifiedKey>| {
            let verifier = Arc::new(Pinned::new(knows(&other)));
            let config = ClientConfig::builder_with_provider(Arc::clone(&verifier.provider))
                .with_protocol_versions(&[&version::TLS13])
                .unwrap()
                .dangerous()
                .with_custom_certificate_verifier(verifier);
            match key {
                None => config.with_no_client_auth(),
                Some(key) => config.with_client_cert_resolver(Arc::new(Impostor(Arc::new(key)))),
            }
        };
        let server = || server(&other, knows(&one)).unwrap();
        let met = meet(with(None), server());
        assert_eq!(met, Err(Error::NoCertificatesPresented));
        let signs = aws_lc_rs::sign::any_supported_type(&impostor.key()).unwrap();
        let stolen = CertifiedKey::new(one.chain().to_vec(), signs);
        let met = meet(with(Some(stolen)), server());
        let refused = Error::InvalidCertificate(CertificateError::BadSignature);
        assert_eq!(met, Err(refused));
    }
}
