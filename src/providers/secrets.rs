//! The secrets of a project, for those who speak to the outside world: read when they are used.
//!
//! A variable or a file is read each time. What a command wrote holds for 30 s: a load balancer is asked many times a
//! minute, and a password manager may be slow, may count, or may ask a person.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use tokio::process::Command;
use tokio::time::Instant;
use zeroize::Zeroizing;

pub use crate::agent::secrets::source::SecretError;
use crate::agent::secrets::source::read;
use crate::model::name::Name;
use crate::model::secret::mask::Mask;
use crate::model::secret::{Secret, SecretRef, SecretSource, SecretSources, TextOrSecret};

/// How long what a command wrote is used.
const FRESH: Duration = Duration::from_secs(30);

/// How long a command that failed is not run again: many may ask at once.
const FAILED: Duration = Duration::from_secs(2);

/// A part of an address that is longer is taken for no word, in bytes.
const ODD: usize = 12;

type Outcome = Result<Arc<Secret>, SecretError>;

/// The secrets of a project. Cheap to clone.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    /// As the documents have them now.
    sources: Box<dyn Fn() -> SecretSources + Send + Sync>,
    /// What commands wrote, or why they did not; held while one runs, so that nobody runs it beside.
    written: Mutex<HashMap<(Name, Vec<String>), Written>>,
}

type Written = Arc<tokio::sync::Mutex<Option<(Instant, Outcome)>>>;

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secrets").field(&self.0.folder).finish()
    }
}

impl Secrets {
    /// Those of the project in this folder: files are relative to it, and commands run there. `sources` says where they are
    /// kept, whenever one is read.
    pub fn new(folder: &Path, sources: impl Fn() -> SecretSources + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            folder: folder.to_owned(),
            sources: Box::new(sources),
            written: Mutex::default(),
        }))
    }

    /// The project's folder.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Reads one.
    ///
    /// # Errors
    /// If it can't be read now. The error names it, and never says what it is.
    pub async fn read(&self, secret: &SecretRef) -> Outcome {
        let name = secret.0.as_str();
        let sources = (self.0.sources)();
        let source = sources.get(&secret.0).ok_or_else(|| SecretError {
            name: name.to_owned(),
            from: "cutover.yaml".to_owned(),
            why: format!("no secret of `secrets` is called {name}"),
        })?;
        let SecretSource::Command(run) = source else {
            return read(name, source, self.folder()).await.map(Arc::new);
        };
        let written = {
            let mut all = self
                .0
                .written
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let key = (secret.0.clone(), run.clone());
            Arc::clone(all.entry(key).or_default())
        };
        let mut written = written.lock().await;
        if let Some((at, outcome)) = &*written
            && at.elapsed() < if outcome.is_ok() { FRESH } else { FAILED }
        {
            return outcome.clone();
        }
        let outcome = read(name, source, self.folder()).await.map(Arc::new);
        *written = Some((Instant::now(), outcome.clone()));
        outcome
    }

    /// Reads one if there is one.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn read_some(
        &self,
        secret: Option<&SecretRef>,
    ) -> Result<Option<Arc<Secret>>, SecretError> {
        match secret {
            Some(secret) => self.read(secret).await.map(Some),
            None => Ok(None),
        }
    }

    /// Adds the headers and the token of a document to a request, and answers the secrets among them.
    ///
    /// # Errors
    /// If a secret can't be read, or can't be in a header.
    pub async fn sign(
        &self,
        mut request: RequestBuilder,
        headers: &BTreeMap<String, TextOrSecret>,
        token: Option<&SecretRef>,
    ) -> Result<(RequestBuilder, Shown), String> {
        let mut shown = Shown::default();
        for (name, value) in headers {
            let known = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("{name:?} is no name of a header"))?;
            let value = match value {
                TextOrSecret::Text(text) => HeaderValue::from_str(text)
                    .map_err(|_| format!("header {name} can't have this value"))?,
                TextOrSecret::Secret(secret) => {
                    let secret = shown.add(self.read(secret).await)?;
                    header(&secret, "")?
                }
            };
            request = request.header(known, value);
        }
        if let Some(token) = token {
            let token = shown.add(self.read(token).await)?;
            request = request.header(AUTHORIZATION, header(&token, "Bearer ")?);
        }
        Ok((request, shown))
    }

    /// Sets variables of a program to secrets, and takes those from its environment that secrets come from. Answers the
    /// secrets.
    ///
    /// # Errors
    /// If a secret can't be read.
    pub async fn equip(
        &self,
        command: &mut Command,
        variables: &BTreeMap<String, SecretRef>,
    ) -> Result<Shown, String> {
        for source in (self.0.sources)().values() {
            if let SecretSource::Environment(variable) = source {
                command.env_remove(variable);
            }
        }
        let mut shown = Shown::default();
        for (variable, secret) in variables {
            let secret = shown.add(self.read(secret).await)?;
            command.env(variable, secret.expose());
        }
        Ok(shown)
    }
}

/// Secrets that somebody was shown, whose answer may repeat them.
#[derive(Debug, Default)]
pub struct Shown(Vec<Arc<Secret>>);

impl Shown {
    /// Takes one in, and hands it on.
    ///
    /// # Errors
    /// Why it could not be read.
    pub fn add(&mut self, read: Outcome) -> Result<Arc<Secret>, String> {
        let secret = read.map_err(|error| error.to_string())?;
        self.0.push(Arc::clone(&secret));
        Ok(secret)
    }

    /// The same for an address: its path, and what of it is no word, may be repeated alone.
    ///
    /// # Errors
    /// Why it could not be read.
    pub fn add_address(&mut self, read: Outcome) -> Result<Arc<Secret>, String> {
        let secret = self.add(read)?;
        let behind = secret.expose().split_once("://").map(|(_, behind)| behind);
        let path = behind.and_then(|behind| Some(behind.get(behind.find('/')?..)?.trim()));
        let parts = path
            .into_iter()
            .flat_map(|path| path.split(['/', '?', '&', '=']));
        let odd = parts.filter(|part| part.len() >= ODD).chain(path);
        let odd = odd.map(|part| Secret::new(secret.name(), Zeroizing::new(part.to_owned())));
        self.0.extend(odd.map(Arc::new));
        Ok(secret)
    }

    /// What hides them.
    pub fn mask(&self) -> Mask {
        Mask::new(self.0.iter().map(|secret| &**secret))
    }
}

/// A secret as the value of a header, marked so that nothing prints it.
///
/// # Errors
/// If it can't be in a header.
pub fn header(secret: &Secret, before: &str) -> Result<HeaderValue, String> {
    let text = Zeroizing::new(format!("{before}{}", secret.expose()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        format!(
            "the secret {} can't be in a header: it has a line break or another control character",
            secret.name()
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(folder: &Path, script: &str) -> (Secrets, SecretRef) {
        let name = SecretRef("api".parse().unwrap());
        let run = ["sh", "-c", script].map(str::to_owned).to_vec();
        let sources = SecretSources::from([(name.0.clone(), SecretSource::Command(run))]);
        (Secrets::new(folder, move || sources.clone()), name)
    }

    #[tokio::test]
    async fn a_command_runs_once_for_all_who_ask_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for (script, good) in [
            ("echo x >> runs; echo hush", true),
            ("echo x >> runs; exit 1", false),
        ] {
            let (secrets, name) = secrets(folder.path(), script);
            let read = futures_util::future::join_all((0..20).map(|_| secrets.read(&name))).await;
            assert!(read.iter().all(|one| one.is_ok() == good));
            let runs = std::fs::read_to_string(folder.path().join("runs")).unwrap();
            assert_eq!(runs.lines().count(), 1);
            std::fs::remove_file(folder.path().join("runs")).unwrap();
        }
    }

    #[tokio::test]
    async fn headers_and_variables_hold_secrets_and_errors_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let (good, name) = secrets(folder.path(), "echo hush-hush");
        let request = || reqwest::Client::new().get("http://127.0.0.1:1/");
        let headers = BTreeMap::from([
            ("X-Key".to_owned(), TextOrSecret::Secret(name.clone())),
            ("X-Plain".to_owned(), "plain".into()),
        ]);
        let (signed, shown) = good.sign(request(), &headers, Some(&name)).await.unwrap();
        let signed = signed.build().unwrap();
        assert_eq!(signed.headers()["x-key"], "hush-hush");
        assert_eq!(signed.headers()["authorization"], "Bearer hush-hush");
        assert!(!format!("{signed:?} {shown:?} {good:?}").contains("hush"));
        assert_eq!(shown.mask().text("a hush-hush"), "a [secret api]");

        let (broken, name) = secrets(folder.path(), "printf 'hush\\nhush'");
        let error = broken
            .sign(request(), &BTreeMap::new(), Some(&name))
            .await
            .unwrap_err();
        assert_eq!(
            error,
            "the secret api can't be in a header: it has a line break or another control character"
        );
        let unknown = SecretRef("other".parse().unwrap());
        let error = good.read(&unknown).await.unwrap_err().to_string();
        assert!(
            error.ends_with("no secret of `secrets` is called other"),
            "{error}"
        );
    }
}
