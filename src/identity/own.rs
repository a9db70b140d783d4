//! A key of one's own that another can take the place of while connections are open.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::command::{CommandKey, Commander};
use super::key::{Identity, IdentityError, keep, lock};
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

/// How the file of the next key of commands begins: by which key of connections it will be shown with.
const BESIDE: &str = "beside ";

/// One's own key, and the next one, once there is one. The next key is in a file beside the first, so that neither is lost
/// when the program ends in between. Whoever changes one of the files keeps everybody else from it meanwhile.
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
        let _lock = lock(&self.path)?;
        K::open(&self.next_path())
    }

    /// The next key takes the place of the current one. Without a next key nothing happens.
    ///
    /// # Errors
    /// If it can't be read, or its file not be moved: then everything is as before.
    pub fn switch(&self) -> Result<(), IdentityError> {
        let _lock = lock(&self.path)?;
        self.give_way()
    }

    /// The same for whoever keeps everybody else from it.
    fn give_way(&self) -> Result<(), IdentityError> {
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

    /// Takes certificates of the same key that somebody has put into its file. Whoever calls this sees to it that the key is not
    /// switched meanwhile.
    ///
    /// # Errors
    /// If it can't be read, or has another key: then everything is as before.
    pub fn renew(&self) -> Result<(), IdentityError> {
        let path = &self.path;
        let text = fs::read_to_string(path).map_err(|source| IdentityError::Io {
            path: path.clone(),
            source,
        })?;
        if text == self.current().pem() {
            return Ok(());
        }
        let renewed = Identity::open(path)?;
        if renewed.pin() != self.pin() {
            let (path, pin) = (path.clone(), renewed.pin());
            return Err(IdentityError::Replaced { path, pin });
        }
        tracing::info!("this host has another certificate");
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(renewed);
        Ok(())
    }

    /// Takes this key, with its certificates, as the next one of the key in this file. Answers its pin.
    ///
    /// # Errors
    /// If it is no key, or another one is on its way already.
    pub fn offer(path: &Path, pem: &str) -> Result<Pin, IdentityError> {
        let offered = Identity::parse(pem)?.pin();
        let _lock = lock(path)?;
        let own: Self = Self::open(path)?;
        if offered == own.pin() {
            return Err(IdentityError::Shown(offered));
        }
        match own.next()? {
            Some(next) if next.pin() != offered => Err(IdentityError::OnItsWay(next.pin())),
            _ => keep(&own.next_path(), pem).map(|()| offered),
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
        let _lock = lock(connections)?;
        let own = Self {
            connections: OwnKey::open(connections)?,
            commands: OwnKey::open(commands)?,
        };
        own.finish()?;
        Ok(own)
    }

    /// Those that are to take their place, if both are there; or if the first of them has.
    ///
    /// # Errors
    /// If they can't be read.
    pub fn next(&self) -> Result<Option<Successor>, IdentityError> {
        let shown = self.connections.pin();
        let pin = match self.commands_beside(shown)? {
            Some(_) => shown,
            None => match self.connections.next()? {
                Some(next) => next.pin(),
                None => return Ok(None),
            },
        };
        let commands = self.commands_beside(pin)?;
        Ok(commands.map(|commands| Successor::of(pin, &commands)))
    }

    /// Those that are to take their place, made now as far as there are none.
    ///
    /// # Errors
    /// If they can't be read or made.
    pub fn prepare(&self) -> Result<Successor, IdentityError> {
        let _lock = lock(&self.connections.path)?;
        self.finish()?;
        let pin = Identity::open(&self.connections.next_path())?.pin();
        let commands = if let Some(commands) = self.commands_beside(pin)? {
            commands
        } else {
            let made = CommandKey::new()?;
            let text = format!("{BESIDE}{pin}\n{}", made.pem());
            keep(&self.commands.next_path(), &text)?;
            made
        };
        Ok(Successor::of(pin, &commands))
    }

    /// These keys take the place of the current ones, if they are the next ones still. Answers whether they were.
    ///
    /// # Errors
    /// If they can't. Where it is the second that can't, both are the next ones until it does.
    pub fn switch(&self, expected: Successor) -> Result<bool, IdentityError> {
        let _lock = lock(&self.connections.path)?;
        if self.next()? != Some(expected) {
            return Ok(false);
        }
        if self.connections.pin() != expected.pin {
            self.connections.give_way()?;
        }
        self.finish()?;
        Ok(true)
    }

    /// The next key of connections is shown first; that of commands follows, also if the program has ended in between.
    fn finish(&self) -> Result<(), IdentityError> {
        match self.commands_beside(self.connections.pin())? {
            Some(_) => self.commands.give_way(),
            None => Ok(()),
        }
    }

    /// The next key of commands, if it is the one that was made to be shown with this key of connections.
    fn commands_beside(&self, pin: Pin) -> Result<Option<CommandKey>, IdentityError> {
        let path = self.commands.next_path();
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|source| IdentityError::Io { path, source })?,
        };
        let beside = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix(BESIDE));
        if beside.and_then(|pin| pin.parse().ok()) == Some(pin) {
            self.commands.next()
        } else {
            Ok(None)
        }
    }
}

impl Successor {
    fn of(pin: Pin, commands: &CommandKey) -> Self {
        Self {
            pin,
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

    /// The files of an orchestrator's keys.
    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn key(&self) -> PathBuf {
            self.0.path().join("key.pem")
        }

        fn next(&self) -> PathBuf {
            self.0.path().join("key.pem.next")
        }

        fn open(&self) -> OwnKeys {
            OwnKeys::open(&self.key(), &self.0.path().join("commands.pem")).unwrap()
        }
    }

    fn now(own: &OwnKeys) -> Successor {
        Successor::of(own.connections.pin(), &own.commands.current())
    }

    /// A key and its certificate, of somebody's own making.
    fn made() -> (Pin, String) {
        let folder = tempfile::tempdir().unwrap();
        let made = Identity::open(&folder.path().join("made.pem")).unwrap();
        (made.pin(), made.pem().to_owned())
    }

    #[test]
    fn both_keys_of_an_orchestrator_change_wherever_the_program_ends() {
        let files = Files::new();
        let first = now(&files.open());
        // It ends after the first of the next keys was made.
        files.open().connections.prepare().unwrap();
        assert_eq!(now(&files.open()), first);
        assert_eq!(files.open().next().unwrap(), None, "one is not both");
        let next = files.open().prepare().unwrap();
        assert_eq!(files.open().next().unwrap(), Some(next));
        assert_eq!(now(&files.open()), first);
        // Somebody else's word is no reason.
        let other = Successor {
            commander: CommandKey::new().unwrap().commander(),
            ..next
        };
        assert!(!files.open().switch(other).unwrap());
        assert_eq!(now(&files.open()), first);
        // It ends after the first of them was shown.
        files.open().connections.switch().unwrap();
        assert_eq!(now(&files.open()), next);
        assert_eq!(files.open().next().unwrap(), None);
    }

    #[test]
    fn a_change_that_stopped_halfway_goes_on_without_a_restart() {
        let files = Files::new();
        let own = files.open();
        let next = own.prepare().unwrap();
        own.connections.switch().unwrap();
        assert_eq!(own.next().unwrap(), Some(next), "it is not over yet");
        assert!(own.switch(next).unwrap());
        assert_eq!((now(&own), own.next().unwrap()), (next, None));
    }

    /// Somebody offers a key between the two steps of a change, and the program ends there.
    #[test]
    fn the_keys_of_two_changes_are_not_mixed() {
        let files = Files::new();
        let first = files.open().prepare().unwrap();
        files.open().connections.prepare().unwrap();
        fs::rename(files.next(), files.key()).unwrap();
        let (pin, pem) = made();
        assert_eq!(OwnKey::offer(&files.key(), &pem).unwrap(), pin);
        let own = files.open();
        assert_eq!(now(&own), first);
        assert_eq!(
            own.next().unwrap(),
            None,
            "what is offered has no other yet"
        );
        let second = own.prepare().unwrap();
        assert_eq!(second.pin, pin);
        assert!(own.switch(second).unwrap());
        assert_eq!(now(&files.open()), second);
    }

    #[test]
    fn one_key_is_on_its_way_at_a_time() {
        let files = Files::new();
        let own = files.open();
        let ((one, first), (_, other)) = (made(), made());
        OwnKey::offer(&files.key(), &first).unwrap();
        OwnKey::offer(&files.key(), &first).unwrap();
        let refused = OwnKey::offer(&files.key(), &other).unwrap_err();
        assert!(matches!(refused, IdentityError::OnItsWay(pin) if pin == one));
        assert!(own.switch(own.prepare().unwrap()).unwrap());
        let refused = OwnKey::offer(&files.key(), &first).unwrap_err();
        assert!(matches!(refused, IdentityError::Shown(pin) if pin == one));
    }

    #[test]
    fn whoever_offers_a_key_waits_until_a_change_is_over() {
        let files = Files::new();
        files.open();
        let held = lock(&files.key()).unwrap();
        let (key, (_, pem), (other, theirs)) = (files.key(), made(), made());
        let offering = std::thread::spawn(move || OwnKey::offer(&key, &pem));
        keep(&files.next(), &theirs).unwrap();
        drop(held);
        let refused = offering.join().unwrap().unwrap_err();
        assert!(matches!(refused, IdentityError::OnItsWay(pin) if pin == other));
    }
}
