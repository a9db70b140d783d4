//! Where a path of the host really is: below the installation root, if there is one, and never outside of it.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Maps the paths that `AppSpec`s name to the disk.
#[derive(Clone, Debug)]
pub struct Place {
    root: Option<PathBuf>,
}

impl Place {
    /// Everything goes below this folder, which is made if need be; without one, paths are what they say.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made.
    pub fn new(root: Option<&Path>) -> io::Result<Self> {
        let Some(root) = root else {
            return Ok(Self { root: None });
        };
        fs::create_dir_all(root)?;
        Ok(Self {
            root: Some(root.canonicalize()?),
        })
    }

    /// The installation root.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// Whether there is a directory, or a link to one, at a path.
    pub fn is_directory(&self, path: &Path) -> bool {
        self.at(path).is_ok_and(|at| at.is_dir())
    }

    /// Where a path is. With an installation root, a symbolic link on the way must not lead out of it; the last part is
    /// not followed.
    ///
    /// # Errors
    ///
    /// When it would be outside of the installation root.
    pub fn at(&self, path: &Path) -> io::Result<PathBuf> {
        let Some(root) = &self.root else {
            return Ok(path.to_owned());
        };
        let mut place = root.clone();
        let mut parts = path
            .components()
            .filter_map(|part| match part {
                Component::Normal(name) => Some(name),
                _ => None,
            })
            .peekable();
        while let Some(name) = parts.next() {
            place.push(name);
            if parts.peek().is_some() && place.is_symlink() {
                let target = place.canonicalize();
                if target.is_ok_and(|target| !target.starts_with(root)) {
                    let message = format!(
                        "{} leads out of the installation root {}",
                        place.display(),
                        root.display()
                    );
                    return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
                }
            }
        }
        Ok(place)
    }

    /// Where a path is, with every symbolic link on the way resolved; the last part is not followed. Two names of one
    /// place are the same this way.
    ///
    /// # Errors
    ///
    /// When it would be outside of the installation root.
    pub fn real(&self, path: &Path) -> io::Result<PathBuf> {
        let at = self.at(path)?;
        let parts = at.parent().zip(at.file_name());
        // Where the folder does not exist, nothing else can be another name of the path.
        let real = parts.and_then(|(folder, name)| Some(folder.canonicalize().ok()?.join(name)));
        Ok(real.unwrap_or(at))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_leaves_the_installation_root() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("root");
        let place = Place::new(Some(&root)).unwrap();
        let root = place.root().unwrap().to_owned();
        assert_eq!(
            place.at(Path::new("/srv/app")).unwrap(),
            root.join("srv/app")
        );
        assert_eq!(place.at(Path::new("/")).unwrap(), root);
        symlink(scratch.path(), root.join("out")).unwrap();
        fs::create_dir(root.join("real")).unwrap();
        symlink("real", root.join("in")).unwrap();
        assert!(place.at(Path::new("/out/x")).is_err());
        assert!(place.at(Path::new("/in/x")).is_ok());
        assert!(
            place.at(Path::new("/out")).is_ok(),
            "the link itself is inside"
        );
        let real = |path: &str| place.real(Path::new(path)).unwrap();
        assert_eq!(real("/in/x"), root.join("real/x"));
        assert_eq!(real("/in"), root.join("in"));
        assert_eq!(real("/not/there"), root.join("not/there"));
    }
}
