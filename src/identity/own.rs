//! A key of one's own that another can take the place of while connections are open.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::command::{CommandKey, Commander};
use super::key::{Identity, IdentityError, keep};
use super::pin::Pin;
use crate::store::files::sync_dir;

/// A key that is kept in a file.
pub trait InFile: Sized {
    /// The key in this file, made now if there is none.
    ///
    /// # Errors
    /// If it can't be read or made.
    fn open(path: &Path) -> Result<Self, IdentityError>;
}

impl InFile for Identity {
    fn open(path: &Path) -> Result<Self, IdentityError> {
        Self::open(path)
    }
}

impl InFile for CommandKey {
    fn open(path: &Path) -> Result<Self, IdentityError> {
        Self::open(path)
    }
}

/// One's own key, and the next one, once there is one. The next key is in a file beside the first, so that neither is lost
/// when the program ends in between.
#[derive(Debug)]
pub struct OwnKey<K = Identity> {
    path: PathBuf,
    current: RwLock<Arc<K>>,
}

impl<K: InFile> OwnKey<K> {
    /// The key in this file, made now if there is none.
    ///
    /// # Errors
    /// If it can't be read or made.
    pub fn open(path: &Path) -> Result<Self, IdentityError> {
        let current = RwLock::new(Arc::new(K::open(path)?));
        let path = path.to_owned();
        Ok(Self { path, current })
    }

    /// The key that is used.
    pub fn current(&self) -> Arc<K> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The key that is to take its place, if there is one.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn next(&self) -> Result<Option<K>, IdentityError> {
        let next = self.next_path();
        next.exists().then(|| K::open(&next)).transpose()
    }

    /// The key that is to take its place, made now if there is none.
    ///
    /// # Errors
    /// If it can't be read or made.
    pub fn prepare(&self) -> Result<K, IdentityError> {
        K::open(&self.next_path())
    }

    /// The next key takes the place of the current one. Without a next key nothing happens.
    ///
    /// # Errors
    /// If it can't be read, or its file not be moved: then everything is as before.
    pub fn switch(&self) -> Result<(), IdentityError> {
        let Some(key) = self.next()? else {
            return Ok(());
        };
        let next = self.next_path();
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let moved = fs::rename(&next, &self.path).and_then(|()| sync_dir(folder));
        moved.map_err(|source| IdentityError::Io { path: next, source })?;
        *current = Arc::new(key);
        Ok(())
    }

    fn next_path(&self) -> PathBuf {
        self.path.with_added_extension("next")
    }
}

impl OwnKey {
    /// The pin of the key that is shown to others.
    pub fn pin(&self) -> Pin {
        self.current().pin()
    }

    /// Takes this key, with its certificates, as the next one.
    ///
    /// # Errors
    /// If it is no key, or another one is on its way already.
    pub fn offer(&self, pem: &str) -> Result<(), IdentityError> {
        let offered = Identity::parse(pem)?.pin();
        if offered == self.pin() {
            return Err(IdentityError::Shown(offered));
        }
        match self.next()? {
            None => keep(&self.next_path(), pem),
            Some(next) if next.pin() == offered => Ok(()),
            Some(next) => Err(IdentityError::OnItsWay(next.pin())),
        }
    }
}

/// The keys of an orchestrator: that of its connections, and that of its commands. They change together.
#[derive(Debug)]
pub struct OwnKeys {
    /// What it is known by on connections.
    pub connections: OwnKey,
    /// What signs its commands.
    pub commands: OwnKey<CommandKey>,
}

/// The keys that an orchestrator will show one day in place of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Successor {
    /// That of its connections.
    pub pin: Pin,
    /// That of its commands.
    pub commander: Commander,
}

impl OwnKeys {
    /// The keys in these files, made now if there are none. A change that was cut short comes to its end.
    ///
    /// # Errors
    /// If they can't be read or made.
    pub fn open(connections: &Path, commands: &Path) -> Result<Self, IdentityError> {
        let own = Self {
            connections: OwnKey::open(connections)?,
            commands: OwnKey::open(commands)?,
        };
        // The next key of connections is made first, and shown first.
        if own.connections.next()?.is_none() {
            own.commands.switch()?;
        }
        Ok(own)
    }

    /// Those that are to take their place, if both are there.
    ///
    /// # Errors
    /// If they can't be read.
    pub fn next(&self) -> Result<Option<Successor>, IdentityError> {
        let Some(connections) = self.connections.next()? else {
            return Ok(None);
        };
        let commands = self.commands.next()?;
        Ok(commands.map(|commands| Successor::of(&connections, &commands)))
    }

    /// Those that are to take their place, made now as far as there are none.
    ///
    /// # Errors
    /// If they can't be read or made.
    pub fn prepare(&self) -> Result<Successor, IdentityError> {
        let connections = self.connections.prepare()?;
        let commands = self.commands.prepare()?;
        Ok(Successor::of(&connections, &commands))
    }

    /// The next keys take the place of the current ones.
    ///
    /// # Errors
    /// If they can't. Where it is the second that can't, it does when they are opened again.
    pub fn switch(&self) -> Result<(), IdentityError> {
        self.connections.switch()?;
        self.commands.switch()
    }
}

impl Successor {
    fn of(connections: &Identity, commands: &CommandKey) -> Self {
        Self {
            pin: connections.pin(),
            commander: commands.commander(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_way_to_the_next_and_neither_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let own: OwnKey = OwnKey::open(&path).unwrap();
        let pin = |key: Option<Identity>| key.map(|key| key.pin());
        let first = own.pin();
        assert_eq!(pin(own.next().unwrap()), None);
        own.switch().unwrap();
        assert_eq!(own.pin(), first, "there is no other");
        let next = own.prepare().unwrap().pin();
        assert_eq!(own.prepare().unwrap().pin(), next);
        // The program ends and starts again.
        let own: OwnKey = OwnKey::open(&path).unwrap();
        assert_eq!((own.pin(), pin(own.next().unwrap())), (first, Some(next)));
        own.switch().unwrap();
        assert_eq!((own.pin(), pin(own.next().unwrap())), (next, None));
        assert_eq!(OwnKey::<Identity>::open(&path).unwrap().pin(), next);
    }

    #[test]
    fn both_keys_of_an_orchestrator_change_wherever_the_program_ends() {
        let folder = tempfile::tempdir().unwrap();
        let (key, commands) = (
            folder.path().join("key.pem"),
            folder.path().join("commands.pem"),
        );
        let open = || OwnKeys::open(&key, &commands).unwrap();
        let now =
            |own: &OwnKeys| Successor::of(&own.connections.current(), &own.commands.current());
        let first = now(&open());
        // It ends after the first of the next keys was made.
        open().connections.prepare().unwrap();
        assert_eq!(now(&open()), first);
        assert_eq!(open().next().unwrap(), None, "one is not both");
        let next = open().prepare().unwrap();
        assert_eq!(open().next().unwrap(), Some(next));
        assert_eq!(now(&open()), first);
        // It ends after the first of them was shown.
        open().connections.switch().unwrap();
        assert_eq!(now(&open()), next);
        assert_eq!(open().next().unwrap(), None);
    }
}
