//! One upstream on the disk: its file, the copy that is kept while a change is tested, and what nginx was told last.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::UpstreamError;
use super::file::{self, effect};
use super::nginx::Master;
use crate::agent::config::Upstream;
use crate::agent::layout::Layout;
use crate::agent::protocol::UpstreamServer;
use crate::store::files::{sync_dir, write_atomically};

/// An upstream that may be changed.
#[derive(Clone, Debug)]
pub struct Door {
    pub upstream: Upstream,
    /// What nginx was told last.
    reloaded: PathBuf,
    /// The file as it was, from before a change until it has passed its test.
    before: PathBuf,
}

/// What nginx was told last. It is written when nginx has taken it.
#[derive(Serialize, Deserialize)]
struct Reloaded {
    epoch: String,
    servers: Vec<UpstreamServer>,
}

impl Door {
    pub fn new(upstream: &Upstream, layout: &Layout) -> Self {
        let memory = |what: &str| layout.upstreams().join(format!("{}.{what}", upstream.name));
        Self {
            upstream: upstream.clone(),
            reloaded: memory("reloaded"),
            before: memory("before"),
        }
    }

    /// The file's text; none if there is no file.
    pub fn read(&self) -> Result<Option<String>, UpstreamError> {
        read(&self.upstream.file)
    }

    /// The servers in a file's text.
    pub fn servers(&self, text: Option<&str>) -> Result<Vec<UpstreamServer>, UpstreamError> {
        let servers = text.map_or(Ok(Vec::new()), file::parse);
        servers.map_err(|foreign| UpstreamError::Foreign {
            file: self.upstream.file.clone(),
            line: foreign.line,
            reason: foreign.reason,
        })
    }

    /// The servers by which a running nginx works, if that is known; these are those of the file.
    pub fn in_force(
        &self,
        master: &Master,
        servers: &[UpstreamServer],
    ) -> Option<Vec<UpstreamServer>> {
        let text = read(&self.reloaded).ok().flatten();
        let told = text.and_then(|text| serde_json::from_str::<Reloaded>(&text).ok());
        match told.filter(|told| told.epoch == master.epoch()) {
            Some(told) if effect(&told.servers) != effect(servers) => Some(told.servers),
            Some(_) => Some(servers.to_vec()),
            None => master
                .is_younger_than(&self.upstream.file)
                .then(|| servers.to_vec()),
        }
    }

    /// Remembers what nginx works by from now on.
    pub fn remember(
        &self,
        master: &Master,
        servers: &[UpstreamServer],
    ) -> Result<(), UpstreamError> {
        let told = Reloaded {
            epoch: master.epoch(),
            servers: servers.to_vec(),
        };
        let text = serde_json::to_vec(&told).map_err(io::Error::other);
        text.and_then(|text| write_atomically(&self.reloaded, &text))
            .map_err(io_error("writing", &self.reloaded))
    }

    /// Puts a new text in the file's place. Until [`Self::keep`], [`Self::take_back`] undoes it.
    pub fn replace(&self, old: Option<&str>, new: &str) -> Result<(), UpstreamError> {
        let old = serde_json::to_vec(&old).map_err(io::Error::other);
        old.and_then(|old| write_atomically(&self.before, &old))
            .map_err(io_error("writing", &self.before))?;
        write(&self.upstream.file, new)
    }

    /// The new text stays.
    pub fn keep(&self) -> Result<(), UpstreamError> {
        fs::remove_file(&self.before)
            .and_then(|()| sync_dir(self.before.parent().unwrap_or(Path::new("/"))))
            .map_err(io_error("removing", &self.before))
    }

    /// Undoes a change that did not pass its test, or was cut off before it. Answers whether there was one.
    pub fn take_back(&self) -> Result<bool, UpstreamError> {
        let Some(kept) = read(&self.before)? else {
            return Ok(false);
        };
        let old: Option<String> = serde_json::from_str(&kept)
            .map_err(io::Error::from)
            .map_err(io_error("reading", &self.before))?;
        let file = &self.upstream.file;
        match old {
            Some(text) => write(file, &text)?,
            None if file.exists() => {
                fs::remove_file(file).map_err(io_error("removing", file))?;
            }
            None => {}
        }
        self.keep()?;
        Ok(true)
    }
}

fn read(path: &Path) -> Result<Option<String>, UpstreamError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("reading", path)(error)),
    }
}

/// Writes a file beside and renames it, so that nginx reads the old one or the new one. It keeps its mode.
fn write(path: &Path, text: &str) -> Result<(), UpstreamError> {
    let mode = fs::metadata(path).map_or(0o644, |metadata| metadata.mode() & 0o777);
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let written = || {
        fs::write(&new, text)?;
        fs::set_permissions(&new, Permissions::from_mode(mode))?;
        fs::File::open(&new)?.sync_all()?;
        fs::rename(&new, path)?;
        sync_dir(path.parent().unwrap_or(Path::new("/")))
    };
    written().map_err(io_error("writing", path))
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> UpstreamError {
    let context = format!("{doing} {}", path.display());
    move |source| UpstreamError::Io { context, source }
}
