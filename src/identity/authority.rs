//! An authority of one's own: whoever has a certificate of it for the right name is met without a secret. It is asked when two
//! meet, and never again: from then on they know each other's keys, however long the certificates hold.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::SignatureScheme;
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use serde::{Deserialize, Serialize};
use webpki::{
    EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, anchor_from_trusted_cert,
};

use super::invitation::{Meeting, Role};
use super::key::Identity;
use super::pin::Pin;
use crate::model::timestamp::Timestamp;

/// No chain of certificates is longer.
const LONGEST: usize = 8;

/// Those who issue certificates that are believed, as text (PEM).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Authority(String);

/// What the holder of a key shows at a meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credential {
    /// Certificates (DER, base64): the holder's own first, then those between it and the authority.
    certificates: Vec<String>,
    /// How it is signed: a `SignatureScheme` of TLS (RFC 8446 §4.2.3).
    scheme: u16,
    /// The signature over what the two meet as (base64).
    signature: String,
}

/// Why an authority, or what is shown of it, is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// The text has no certificates.
    #[error("no certificate is there: an authority is one or more certificates as PEM text")]
    None,
    /// A certificate of it can't be used.
    #[error("a certificate of the authority can't be used: {0}")]
    Unusable(String),
    /// What is shown is not signed by the authority, or not now.
    #[error("its certificate is not one of the authority that was named: {0}")]
    NotCertified(String),
    /// The certificate is somebody else's.
    #[error("its certificate is not for {0}")]
    AnothersName(String),
    /// It does not have the key of the certificate that it shows.
    #[error("it shows a certificate whose key it does not have")]
    AnothersKey,
}

/// For TLS, by either end: an authority that makes certificates for servers alone will do.
struct ForTls;

impl ExtendedKeyUsageValidator for ForTls {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        // id-kp-serverAuth and id-kp-clientAuth (RFC 5280 §4.2.1.12).
        let for_tls = [[1, 3, 6, 1, 5, 5, 7, 3, 1], [1, 3, 6, 1, 5, 5, 7, 3, 2]];
        let mut none = true;
        for purpose in purposes {
            none = false;
            let purpose = purpose?.to_decoded_oid();
            if for_tls.iter().any(|known| purpose == known) {
                return Ok(());
            }
        }
        if none {
            Ok(())
        } else {
            Err(webpki::Error::UnsupportedCriticalExtension)
        }
    }
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    aws_lc_rs::default_provider().signature_verification_algorithms
}

impl Authority {
    /// Whether these certificates, the holder's own first, are of this authority, hold at this time, and are for one of these
    /// names (of hosts, or addresses).
    ///
    /// # Errors
    /// Why they are not.
    pub fn vouches(
        &self,
        certificates: &[CertificateDer<'_>],
        names: &[&str],
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        let not_certified = |error: webpki::Error| AuthorityError::NotCertified(error.to_string());
        let nothing = || AuthorityError::NotCertified("it shows none".to_owned());
        let (own, between) = certificates.split_first().ok_or_else(nothing)?;
        let own = EndEntityCert::try_from(own).map_err(not_certified)?;
        let trusted = self.certificates()?;
        let anchors = trusted.iter().map(anchor_from_trusted_cert);
        let anchors: Vec<_> = anchors.collect::<Result<_, _>>().map_err(unusable)?;
        let now = UnixTime::since_unix_epoch(now.since(Timestamp(0)));
        let known = algorithms().all;
        own.verify_for_usage(known, &anchors, between, now, ForTls, None, None)
            .map_err(not_certified)?;
        // A certificate for whole domains is one for whatever serves something there.
        let is_for = |name: &&&str| match ServerName::try_from(**name) {
            Ok(ServerName::DnsName(name)) => own
                .valid_dns_names()
                .any(|own| own.eq_ignore_ascii_case(name.as_ref())),
            Ok(address) => own.verify_is_valid_for_subject_name(&address).is_ok(),
            Err(_) => false,
        };
        match names.iter().find(is_for) {
            Some(_) => Ok(()),
            None => Err(AuthorityError::AnothersName(names.join(" or "))),
        }
    }

    /// Whether somebody who shows this at a meeting, in this role, has a certificate of this authority for one of these names,
    /// and its key.
    ///
    /// # Errors
    /// Why not.
    pub fn certifies(
        &self,
        credential: &Credential,
        role: Role,
        meeting: Meeting<'_>,
        names: &[&str],
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        let garbled = |_| AuthorityError::NotCertified("it can't be read".to_owned());
        let shown = credential.certificates.iter().take(LONGEST);
        let shown: Vec<CertificateDer<'_>> = shown
            .map(|one| BASE64.decode(one).map(CertificateDer::from))
            .collect::<Result<_, _>>()
            .map_err(garbled)?;
        self.vouches(&shown, names, now)?;
        let signature = BASE64.decode(&credential.signature).map_err(garbled)?;
        let holder = match role {
            Role::Orchestrator => meeting.orchestrator,
            Role::Agent => meeting.agent,
        };
        let own = shown.first().filter(|own| Pin::of(own) == Ok(holder));
        let own = own.ok_or(AuthorityError::AnothersKey)?;
        let own = EndEntityCert::try_from(own).map_err(|_| AuthorityError::AnothersKey)?;
        let scheme = SignatureScheme::from(credential.scheme);
        let mapping = algorithms().mapping.iter();
        let known = mapping.filter(|(known, _)| *known == scheme);
        let message = meeting.statement(role);
        let mut ways = known.flat_map(|(_, algorithms)| algorithms.iter());
        if ways.any(|way| {
            own.verify_signature(*way, message.as_bytes(), &signature)
                .is_ok()
        }) {
            Ok(())
        } else {
            Err(AuthorityError::AnothersKey)
        }
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, AuthorityError> {
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(self.0.as_bytes()).collect();
        let all = all.map_err(|error| AuthorityError::Unusable(error.to_string()))?;
        if all.is_empty() {
            return Err(AuthorityError::None);
        }
        Ok(all)
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "errors are handed over as they are"
)]
fn unusable(error: webpki::Error) -> AuthorityError {
    AuthorityError::Unusable(error.to_string())
}

impl FromStr for Authority {
    type Err = AuthorityError;

    fn from_str(pem: &str) -> Result<Self, AuthorityError> {
        let authority = Self(pem.to_owned());
        for certificate in authority.certificates()? {
            anchor_from_trusted_cert(&certificate).map_err(unusable)?;
        }
        Ok(authority)
    }
}

impl TryFrom<String> for Authority {
    type Error = AuthorityError;

    fn try_from(pem: String) -> Result<Self, AuthorityError> {
        pem.parse()
    }
}

impl From<Authority> for String {
    fn from(authority: Authority) -> Self {
        authority.0
    }
}

/// It is long, and everywhere the same.
impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority(…)")
    }
}

impl Identity {
    /// What shows at this meeting, in this role, that one has the key of one's certificate.
    ///
    /// # Errors
    /// If the key can't sign.
    pub fn credential(
        &self,
        role: Role,
        meeting: Meeting<'_>,
    ) -> Result<Credential, rustls::Error> {
        let key = aws_lc_rs::sign::any_supported_type(&self.key())?;
        let schemes: Vec<_> = algorithms().supported_schemes();
        let cannot = || rustls::Error::General("the key can't sign".to_owned());
        let signer = key.choose_scheme(&schemes).ok_or_else(cannot)?;
        let signature = signer.sign(meeting.statement(role).as_bytes())?;
        Ok(Credential {
            certificates: self.chain().iter().map(|one| BASE64.encode(one)).collect(),
            scheme: signer.scheme().into(),
            signature: BASE64.encode(signature),
        })
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ED25519};

    use super::super::command::CommandKey;
    use super::*;
    use crate::model::name::Name;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    struct Issues {
        issuer: Issuer<'static, KeyPair>,
        authority: Authority,
    }

    fn authority() -> Issues {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap().pem().parse().unwrap();
        let issuer = Issuer::new(params, key);
        Issues { issuer, authority }
    }

    impl Issues {
        fn certify(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
            let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params
                .distinguished_name
                .push(rcgen::DnType::CommonName, name);
            change(&mut params);
            let certificate = params.signed_by(&key, &self.issuer).unwrap();
            let pem = format!("{}{}", key.serialize_pem(), certificate.pem());
            Identity::parse(&pem).unwrap()
        }
    }

    fn meeting<'a>(host: &'a Name, agent: &Identity, orchestrator: &Identity) -> Meeting<'a> {
        Meeting {
            host,
            agent: agent.pin(),
            orchestrator: orchestrator.pin(),
            commander: CommandKey::new().unwrap().commander(),
        }
    }

    #[test]
    fn whom_it_certifies_is_believed_under_that_name_and_nobody_else() {
        let (ours, theirs) = (authority(), authority());
        let web: Name = "web-1".parse().unwrap();
        let agent = ours.certify("web-1", |_| {});
        let orchestrator = ours.certify("cutover.example.org", |_| {});
        assert_eq!(orchestrator.names(), ["cutover.example.org"]);
        let here = meeting(&web, &agent, &orchestrator);
        let shown = agent.credential(Role::Agent, here).unwrap();
        let believes = |authority: &Authority, shown: &Credential, names: &[&str], meeting| {
            authority.certifies(shown, Role::Agent, meeting, names, NOW)
        };
        let names = ["10.0.0.7", "web-1"];
        assert_eq!(believes(&ours.authority, &shown, &names, here), Ok(()));
        let wide = ours.certify("*.example.org", |_| {});
        assert!(wide.names().is_empty());
        let wide_here = meeting(&web, &wide, &orchestrator);
        let wide = wide.credential(Role::Agent, wide_here).unwrap();
        let wide = believes(&ours.authority, &wide, &["web.example.org"], wide_here);
        assert!(
            matches!(wide, Err(AuthorityError::AnothersName(_))),
            "{wide:?}"
        );
        let anothers = believes(&ours.authority, &shown, &["web-2"], here).unwrap_err();
        assert_eq!(anothers.to_string(), "its certificate is not for web-2");
        let foreign = believes(&theirs.authority, &shown, &names, here);
        assert!(
            matches!(foreign, Err(AuthorityError::NotCertified(_))),
            "{foreign:?}"
        );
        // What was shown at one meeting is worth nothing at another, nor in the other's mouth.
        let stranger = ours.certify("web-1", |_| {});
        let elsewhere = meeting(&web, &agent, &stranger);
        let replayed = believes(&ours.authority, &shown, &names, elsewhere);
        assert_eq!(replayed, Err(AuthorityError::AnothersKey));
        let stolen = meeting(&web, &stranger, &orchestrator);
        let stolen = believes(&ours.authority, &shown, &names, stolen);
        assert_eq!(stolen, Err(AuthorityError::AnothersKey));
        let role = ours
            .authority
            .certifies(&shown, Role::Orchestrator, here, &names, NOW);
        assert_eq!(role, Err(AuthorityError::AnothersKey));
    }

    #[test]
    fn certificates_hold_in_their_time_and_for_their_purpose() {
        let ours = authority();
        let web: Name = "web-1".parse().unwrap();
        let checked = |agent: &Identity| {
            let here = meeting(&web, agent, agent);
            let shown = agent.credential(Role::Agent, here).unwrap();
            ours.authority
                .certifies(&shown, Role::Agent, here, &["web-1"], NOW)
        };
        let late = ours.certify("web-1", |params| {
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        });
        let late = checked(&late).unwrap_err().to_string();
        assert!(late.contains("Expired"), "{late}");
        for (purpose, good) in [
            (rcgen::ExtendedKeyUsagePurpose::ServerAuth, true),
            (rcgen::ExtendedKeyUsagePurpose::ClientAuth, true),
            (rcgen::ExtendedKeyUsagePurpose::CodeSigning, false),
        ] {
            let agent = ours.certify("web-1", |params| params.extended_key_usages.push(purpose));
            assert_eq!(checked(&agent).is_ok(), good);
        }
        let own = tempfile::tempdir().unwrap();
        let own = Identity::open(&own.path().join("key.pem")).unwrap();
        assert!(own.names().is_empty(), "no authority has named it");
        assert!(matches!(
            checked(&own),
            Err(AuthorityError::NotCertified(_))
        ));
    }

    #[test]
    fn an_authority_is_certificates() {
        assert_eq!("".parse::<Authority>(), Err(AuthorityError::None));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let broken = broken.parse::<Authority>();
        assert!(
            matches!(broken, Err(AuthorityError::Unusable(_))),
            "{broken:?}"
        );
    }
}
