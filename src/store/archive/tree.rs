//! The tree that an archive's entries make, kept while they are checked: which names clash, and where links lead.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How many links may lead from one to the next, as in the kernel.
const LONGEST_CHAIN: usize = 40;

/// What becomes of files and links that are there a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeats {
    /// Readers differ in which one they take.
    Refused,
    /// As on a tape to which the newer file is appended: `tar -r` does that. GNU's `tar`, given a folder and again a file
    /// in it, says that the second is a hard link to itself. A file with several names, and whatever is of another kind or
    /// leads elsewhere than before, is refused all the same.
    LastHolds,
}

/// The tree. Its nodes are known by number; the root is 0.
#[derive(Debug)]
pub(super) struct Tree {
    repeats: Repeats,
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    parent: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    Folder(HashMap<OsString, usize>),
    File {
        /// Whether it has more names than one.
        shared: bool,
    },
    Link(PathBuf, Option<Destination>),
}

/// What is added.
pub(super) enum Addition<'a> {
    Folder,
    File,
    /// Another name of the file of this path.
    HardLink(&'a Path),
    Symlink(&'a Path),
}

/// Where a path leads when its links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Destination {
    /// To a node, or so many parts below it where nothing is.
    Inside {
        node: usize,
        beyond: usize,
        /// How many links were followed after each other.
        chain: usize,
    },
    /// Out of the root.
    Outside,
    /// Nowhere: link leads to link, and so on.
    Endless,
}

impl Tree {
    /// A tree with nothing in it.
    pub fn new(repeats: Repeats) -> Self {
        let root = Node {
            parent: 0,
            what: What::Folder(HashMap::new()),
        };
        Self {
            repeats,
            nodes: vec![root],
        }
    }

    /// How many files, folders and links there are, folders without an entry of their own included.
    pub fn len(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Adds an entry.
    ///
    /// # Errors
    ///
    /// Why it cannot lie there, as the end of a sentence that begins with its name.
    pub fn add(&mut self, path: &Path, addition: &Addition<'_>) -> Result<(), String> {
        if let Addition::HardLink(target) = addition {
            if *target == path && self.repeats == Repeats::LastHolds && self.holds(path) {
                return Ok(());
            }
            self.hard_link_target(target)?;
        }
        let mut parts: Vec<_> = path.iter().collect();
        let Some(name) = parts.pop() else {
            return Err("is the root of the archive".to_owned());
        };
        let mut folder = 0;
        for part in parts {
            folder = self.enter(folder, part)?;
        }
        if let Some(there) = self.child(folder, name) {
            return match (&self.nodes[there].what, addition) {
                (What::Folder(_), Addition::Folder) => Ok(()),
                (What::Folder(_), _) => Err("has the name of a folder".to_owned()),
                (_, Addition::Folder) => {
                    Err("is a folder with the name of a file or link".to_owned())
                }
                (What::File { shared: false }, Addition::File)
                    if self.repeats == Repeats::LastHolds =>
                {
                    Ok(())
                }
                (What::Link(before, _), Addition::Symlink(target))
                    if self.repeats == Repeats::LastHolds && before == target =>
                {
                    Ok(())
                }
                _ => Err("is there twice".to_owned()),
            };
        }
        let what = match addition {
            Addition::Folder => What::Folder(HashMap::new()),
            Addition::File => What::File { shared: false },
            Addition::HardLink(_) => What::File { shared: true },
            Addition::Symlink(target) => What::Link((*target).to_owned(), None),
        };
        self.put(folder, name, what);
        Ok(())
    }

    /// Whether the link at this path, seen from the folder `root`, leads nowhere else than into that folder.
    ///
    /// # Errors
    ///
    /// Where it leads, as the end of a sentence that begins with its name.
    pub fn link_stays(&mut self, path: &Path, root: &Path) -> Result<(), String> {
        let find = |path: &Path| path.iter().try_fold(0, |node, part| self.child(node, part));
        let (Some(link), Some(root)) = (find(path), find(root)) else {
            return Ok(());
        };
        match self.resolve(link, root, 0) {
            Destination::Inside { .. } => Ok(()),
            Destination::Outside => {
                Err("is a symbolic link that leads out of the bundle".to_owned())
            }
            Destination::Endless => Err(format!(
                "is a symbolic link that leads in a circle, or over more than {LONGEST_CHAIN} links"
            )),
        }
    }

    /// Whether there is a file or a link at a path.
    fn holds(&self, path: &Path) -> bool {
        let found = path.iter().try_fold(0, |node, part| self.child(node, part));
        found.is_some_and(|node| !matches!(self.nodes[node].what, What::Folder(_)))
    }

    fn child(&self, folder: usize, name: &OsStr) -> Option<usize> {
        match &self.nodes[folder].what {
            What::Folder(children) => children.get(name).copied(),
            What::File { .. } | What::Link(..) => None,
        }
    }

    fn put(&mut self, folder: usize, name: &OsStr, what: What) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node {
            parent: folder,
            what,
        });
        if let What::Folder(children) = &mut self.nodes[folder].what {
            children.insert(name.to_owned(), node);
        }
        node
    }

    /// The folder of this name in a folder, made if there is none.
    fn enter(&mut self, folder: usize, name: &OsStr) -> Result<usize, String> {
        let Some(there) = self.child(folder, name) else {
            return Ok(self.put(folder, name, What::Folder(HashMap::new())));
        };
        match self.nodes[there].what {
            What::Folder(_) => Ok(there),
            What::File { .. } => Err("lies below a file, as if that were a folder".to_owned()),
            What::Link(..) => Err("lies behind a symbolic link".to_owned()),
        }
    }

    fn hard_link_target(&mut self, target: &Path) -> Result<(), String> {
        let mut node = 0;
        for part in target {
            if let What::Link(..) = self.nodes[node].what {
                return Err("is a hard link that goes through a symbolic link".to_owned());
            }
            let child = self.child(node, part);
            node = child.ok_or("is a hard link to a file that does not come before it")?;
        }
        match &mut self.nodes[node].what {
            What::File { shared } => {
                *shared = true;
                Ok(())
            }
            What::Link(..) => Err("is a hard link to a symbolic link".to_owned()),
            What::Folder(_) => Err("is a hard link to a folder".to_owned()),
        }
    }

    /// Where a link leads. Every link is followed once; the answer is kept, so that no web of links takes long.
    fn resolve(&mut self, link: usize, root: usize, depth: usize) -> Destination {
        let What::Link(target, known) = &self.nodes[link].what else {
            return Destination::Endless;
        };
        if let Some(known) = known {
            return *known;
        }
        let target = target.clone();
        // Whoever comes here again while this is open goes in a circle.
        self.know(link, Destination::Endless);
        let destination = if depth < LONGEST_CHAIN {
            self.follow(self.nodes[link].parent, &target, root, depth)
        } else {
            Destination::Endless
        };
        self.know(link, destination);
        destination
    }

    fn know(&mut self, link: usize, destination: Destination) {
        if let What::Link(_, known) = &mut self.nodes[link].what {
            *known = Some(destination);
        }
    }

    fn follow(&mut self, from: usize, target: &Path, root: usize, depth: usize) -> Destination {
        if target.is_absolute() {
            return Destination::Outside;
        }
        let (mut node, mut beyond, mut longest) = (from, 0, 0);
        for part in target.as_os_str().as_bytes().split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." if beyond > 0 => beyond -= 1,
                b".." if node == root => return Destination::Outside,
                b".." => node = self.nodes[node].parent,
                part => match self.child(node, OsStr::from_bytes(part)) {
                    Some(child) if beyond == 0 => {
                        node = child;
                        if let What::Link(..) = self.nodes[child].what {
                            match self.resolve(child, root, depth + 1) {
                                Destination::Inside {
                                    node: end,
                                    beyond: parts,
                                    chain,
                                } => {
                                    (node, beyond) = (end, parts);
                                    longest = longest.max(chain);
                                }
                                elsewhere => return elsewhere,
                            }
                        }
                    }
                    _ => beyond += 1,
                },
            }
        }
        if longest >= LONGEST_CHAIN {
            return Destination::Endless;
        }
        Destination::Inside {
            node,
            beyond,
            chain: longest + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(links: &[(&str, &str)], root: &str) -> Vec<Result<(), String>> {
        let mut tree = Tree::new(Repeats::Refused);
        for (path, target) in links {
            let target = Path::new(target);
            tree.add(Path::new(path), &Addition::Symlink(target))
                .unwrap();
        }
        let stays = |(path, _): &(&str, &str)| tree.link_stays(Path::new(path), Path::new(root));
        links.iter().map(stays).collect()
    }

    #[test]
    fn links_are_followed_through_links() {
        for (good, root) in [
            (&[("a", "b"), ("b", "c/../d"), ("x/y", "../a")][..], ""),
            (&[("x/self", "."), ("x/up", "self/../x/self")], ""),
            (&[("x/nowhere", "gone/../also-gone")], ""),
            (&[("x/a/b", "../c")], "x"),
        ] {
            for result in links(good, root) {
                assert_eq!(result, Ok(()), "{good:?}");
            }
        }
        for (bad, root) in [
            (&[("a", "..")][..], ""),
            (&[("a", "/")], ""),
            (&[("x/y/deep", ".."), ("x/out", "y/deep/../..")], ""),
            (&[("x/a", "../c")], "x"),
            (&[("a", "gone/../../b")], ""),
            (&[("a", "b"), ("b", "a")], ""),
            (&[("a", "a")], ""),
        ] {
            assert!(links(bad, root).iter().any(Result::is_err), "{bad:?}");
        }
    }

    #[test]
    fn long_chains_are_refused_in_every_order() {
        let names: Vec<(String, String)> = (0..50)
            .map(|n| (format!("l{n}"), format!("l{}", n + 1)))
            .collect();
        let mut chain: Vec<_> = names
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        assert!(links(&chain[20..], "").iter().all(Result::is_ok));
        assert!(links(&chain, "").iter().any(Result::is_err));
        chain.reverse();
        assert!(links(&chain, "").iter().any(Result::is_err));
    }
}
