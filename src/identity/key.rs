//! One's own key, made on first use and kept in a file that nobody else can read.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use webpki::EndEntityCert;

use super::pin::Pin;
use crate::store::files::{lock_beside, write_for_owner};

/// A key of one's own, with the certificate that it travels in, and those of an authority above that, if one has made it.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    pin: Pin,
    pem: String,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file can't be read or written.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others can read it, so it may be theirs by now.
    #[error("{path} may be read by others (mode {mode:o}): make a new key, or `chmod 600` if nobody has seen it", path = .path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// What the file has is no key with its certificate.
    #[error("{path} has no key and certificate: {reason}", path = .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is a next key already.
    #[error("another key is on its way already, {}: wait until it is shown", .0.fingerprint())]
    OnItsWay(Pin),
    /// It is no other key.
    #[error("{} is the key that is shown already", .0.fingerprint())]
    Shown(Pin),
    /// Others know this one by another key.
    #[error("{path} has another key, {}, by which others know this host: remove it there and have it join again", .pin.fingerprint(), path = .path.display())]
    Another {
        /// Which file.
        path: PathBuf,
        /// Its key.
        pin: Pin,
    },
    /// Another key has taken its place.
    #[error(
        "{path} has another key now, {}, by which nobody knows this host: it goes on with the former one until it is started anew. Put \
         that back with its certificate, or remove the file and have the host join again", .pin.fingerprint(), path = .path.display()
    )]
    Replaced {
        /// Which file.
        path: PathBuf,
        /// The other key.
        pin: Pin,
    },
    /// No key can be made.
    #[error("no key can be made: {0}")]
    Made(#[from] rcgen::Error),
}

impl Identity {
    /// The key in this file, made now if there is none.
    ///
    /// # Errors
    /// If it can't be read or made, or others may read it.
    pub fn open(path: &Path) -> Result<Self, IdentityError> {
        parse(path, kept(path, make)?)
    }

    /// Puts this key, with its certificates, into a file that has none yet.
    ///
    /// # Errors
    /// If it is no key, or another one is there.
    pub fn install(path: &Path, pem: &str) -> Result<Self, IdentityError> {
        let offered = Self::parse(pem)?;
        let _lock = lock(path)?;
        if path.exists() {
            let pin = Self::open(path)?.pin();
            if pin != offered.pin() {
                let path = path.to_owned();
                return Err(IdentityError::Another { path, pin });
            }
        }
        keep(path, pem)?;
        Ok(offered)
    }

    /// The key of this text.
    ///
    /// # Errors
    /// If it has no key and certificate.
    pub fn parse(pem: &str) -> Result<Self, IdentityError> {
        parse(Path::new("the key"), pem.to_owned())
    }

    /// The key as it is kept: a secret.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// By what others know it.
    pub fn pin(&self) -> Pin {
        self.pin
    }

    /// What is shown to others: its own certificate first.
    pub(super) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The names that an authority has certified it for; none if it has made its certificate itself.
    pub fn names(&self) -> Vec<String> {
        let own = self.chain.first().map(EndEntityCert::try_from);
        let Some(Ok(own)) = own else {
            return Vec::new();
        };
        if own.issuer() == own.subject() {
            return Vec::new();
        }
        let names = own.valid_dns_names();
        let names = names.filter(|name| !name.contains('*'));
        names.map(str::to_owned).collect()
    }

    /// What proves it.
    pub(super) fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }
}

/// The key stays out of logs.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("pin", &self.pin)
            .finish_non_exhaustive()
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> IdentityError {
    let path = path.to_owned();
    move |source| IdentityError::Io { path, source }
}

/// Keeps everybody else from changing the key in this file, until the answer is dropped.
pub(super) fn lock(path: &Path) -> Result<fs::File, IdentityError> {
    lock_beside(path).map_err(at(path))
}

/// Writes a key where nobody else can read it.
pub(super) fn keep(path: &Path, pem: &str) -> Result<(), IdentityError> {
    write_for_owner(path, pem.as_bytes()).map_err(at(path))
}

/// What a file has that nobody else can read, made now if there is none.
pub(super) fn kept(
    path: &Path,
    make: impl FnOnce() -> Result<String, IdentityError>,
) -> Result<String, IdentityError> {
    match fs::metadata(path) {
        Ok(found) => {
            let mode = found.mode() & 0o777;
            if mode & 0o077 != 0 {
                let path = path.to_owned();
                return Err(IdentityError::Open { path, mode });
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let written = write_for_owner(path, make()?.as_bytes());
            written.map_err(at(path))?;
        }
        Err(error) => return Err(at(path)(error)),
    }
    fs::read_to_string(path).map_err(at(path))
}

/// A new key, and a certificate that says nothing but that.
fn make() -> Result<String, IdentityError> {
    let key = KeyPair::generate_for(&PKCS_ED25519)?;
    let certificate = CertificateParams::new(vec!["cutover".to_owned()])?.self_signed(&key)?;
    Ok(format!("{}{}", key.serialize_pem(), certificate.pem()))
}

fn parse(path: &Path, pem: String) -> Result<Identity, IdentityError> {
    let unreadable = |reason: String| IdentityError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes());
    let key = key.map_err(|error| unreadable(error.to_string()))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let chain = chain.map_err(|error| unreadable(error.to_string()))?;
    let own = chain.first();
    let own = own.ok_or_else(|| unreadable("no certificate is there".to_owned()))?;
    let pin = Pin::of(own).map_err(|error| unreadable(error.to_string()))?;
    if !is_of(&key, own) {
        return Err(unreadable(
            "the first certificate is another key's".to_owned(),
        ));
    }
    Ok(Identity {
        chain,
        key,
        pin,
        pem,
    })
}

/// Whether a certificate is that of a key.
fn is_of(key: &PrivateKeyDer<'static>, certificate: &CertificateDer<'static>) -> bool {
    let signs = aws_lc_rs::sign::any_supported_type(key);
    signs.is_ok_and(|signs| {
        CertifiedKey::new(vec![certificate.clone()], signs)
            .keys_match()
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let made = Identity::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(Identity::open(&path).unwrap().pin(), made.pin());
        let other = Identity::open(&folder.path().join("other.pem")).unwrap();
        assert_ne!(other.pin(), made.pin());
        let shown = format!("{made:?}");
        assert!(shown.contains("sha256:") && shown.len() < 120, "{shown}");
    }

    #[test]
    fn what_others_may_have_read_or_written_is_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        Identity::open(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = Identity::open(&path).unwrap_err().to_string();
        assert!(refused.contains("mode 640"), "{refused}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "nothing").unwrap();
        let refused = Identity::open(&path).unwrap_err().to_string();
        assert!(refused.contains("has no key and certificate"), "{refused}");
    }
}
