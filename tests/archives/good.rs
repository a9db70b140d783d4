//! What the usual programs make is unpacked here as `tar` and `unzip` unpack it, and has the entries that Python sees.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use cutover::store::archive::{self, Contents, Format, Limits, Owners};

use cutover::model::revision::Digest;
use cutover::store::bundles::Bundles;

use crate::differential::{hexadecimal, listing, listings};
use crate::programs::shell;

/// A tree with everything that a revision may hold; `$long` is a path that only some formats can store.
const TREE: &str = r#"
mkdir -p src/bin src/empty src/locked "src/with space/ü" src/deep/er/and/deeper
cd src
printf 'version: 0.0\nos: linux\n' > appspec.yml
printf '#!/bin/sh\n' > bin/run; chmod 755 bin/run
head -c 100000 /dev/zero | tr '\0' 'x' > bin/large; chmod 640 bin/large
printf 'secret' > bin/private; chmod 600 bin/private
printf 'set' > bin/setuid; chmod 4755 bin/setuid
: > nothing
printf 'text' > "with space/ü/naïve file.txt"
printf 'x' > 'new
line'
printf 'x' > '-dash'
printf 'x' > 'back\slash'
printf 'x' > locked/file; chmod 555 locked
ln -s run bin/link; ln -s ../appspec.yml bin/up; ln -s nowhere dangling; ln -s bin folder-link
printf 'f' > "deep/er/and/deeper/$(printf 'n%.0s' $(seq 90))"
touch -h -d '2001-02-03 04:05:06' bin/run bin/link deep/er bin
touch -d '1999-12-31 23:59:59' appspec.yml locked
touch -d '2024-02-29 12:00:00' bin/large bin/private bin/setuid nothing ./-dash 'back\slash' 'with space/ü/naïve file.txt'
"#;

/// What only tar can store.
const FOR_TAR: &str = r"
ln bin/large bin/hard; ln bin/large hard
truncate -s 300000 holes; printf 'in the middle' | dd of=holes bs=1 seek=150000 conv=notrunc status=none
chmod 2750 empty; chmod 1777 deep
touch -d '2024-02-29 12:00:00.123456789' holes
chown -h 1234:567 bin/private bin/link deep; chown 4000000:4000000 nothing
";

/// A path that does not fit into the old formats.
const LONG: &str = r#"
long="$(printf 'p%.0s' $(seq 120))/$(printf 'q%.0s' $(seq 200))"; mkdir -p "${long%/*}"; printf 'long' > "$long"
ln -s "$(printf 't%.0s' $(seq 150))" long-link
"#;

struct Maker {
    name: &'static str,
    tree: String,
    /// Makes `../archive` from the tree, in the tree.
    make: &'static str,
}

fn tars() -> Vec<Maker> {
    let tar = |name, make| Maker {
        name,
        tree: format!("{TREE}{FOR_TAR}{LONG}"),
        make,
    };
    let short = |name, make| Maker {
        name,
        tree: format!("{TREE}chown 1234:567 bin/private\n"),
        make,
    };
    let git = |name, make| Maker {
        name,
        tree: format!(
            "{TREE}{LONG}rm 'back\\slash'; git init -q .; git add -A; git -c user.name=n -c user.email=e commit -qm m\n"
        ),
        make,
    };
    vec![
        tar("tar -czf of the folder", "tar -czf ../archive ."),
        tar("tar -cf of the names", "tar -cf ../archive -- *"),
        tar("small blocks", "tar -b 1 -cf ../archive ."),
        tar(
            "gzip in whole blocks",
            "tar -czf - . | dd of=../archive bs=10240 conv=sync status=none",
        ),
        tar(
            "gzip of a tar without its end mark",
            "python3 -c \"import gzip, io, tarfile\nb = io.BytesIO(); t = tarfile.open(fileobj=b, mode='w'); t.add('.'); gzip.open('../archive', 'wb').write(b.getvalue()[:t.offset])\"",
        ),
        tar("GNU", "tar --format=gnu -cf ../archive ."),
        tar(
            "GNU, numeric owners",
            "tar --format=gnu --numeric-owner -czf ../archive .",
        ),
        tar("old GNU", "tar --format=oldgnu -cf ../archive ."),
        tar("pax", "tar --format=posix -cf ../archive ."),
        tar("GNU with holes", "tar --format=gnu -S -czf ../archive ."),
        tar("pax with holes", "tar --format=posix -S -cf ../archive ."),
        tar(
            "pax with holes 0.0",
            "tar --format=posix -S --sparse-version=0.0 -cf ../archive .",
        ),
        tar(
            "pax with holes 0.1",
            "tar --format=posix -S --sparse-version=0.1 -czf ../archive .",
        ),
        tar(
            "pax with a comment for all",
            "tar --format=posix --pax-option='globexthdr.name=g,comment=c' -cf ../archive .",
        ),
        tar("large blocks", "tar -b 200 -cf ../archive ."),
        tar(
            "gzip in two parts",
            "tar -cf ../t .; (head -c 5000 ../t | gzip; tail -c +5001 ../t | gzip) > ../archive; rm ../t",
        ),
        tar(
            "sorted and without owners",
            "tar --sort=name --owner=0 --group=0 --mtime=@0 -czf ../archive .",
        ),
        short("ustar", "tar --format=ustar -cf ../archive ."),
        short(
            "the oldest format",
            "rm -r deep; tar --format=v7 -czf ../archive .",
        ),
        git(
            "git archive",
            "git archive -o ../archive.tar HEAD; mv ../archive.tar ../archive",
        ),
        git(
            "git archive, compressed",
            "git archive --format=tar.gz -o ../archive HEAD",
        ),
        tar(
            "Python, pax",
            "python3 -c \"import tarfile; t = tarfile.open('../archive', 'w:gz', format=tarfile.PAX_FORMAT); t.add('.', 'repo')\nt.close()\"",
        ),
        tar(
            "Python, GNU",
            "python3 -c \"import tarfile; t = tarfile.open('../archive', 'w', format=tarfile.GNU_FORMAT); t.add('.')\nt.close()\"",
        ),
        short(
            "Python, ustar",
            "python3 -c \"import tarfile; t = tarfile.open('../archive', 'w', format=tarfile.USTAR_FORMAT); t.add('.')\nt.close()\"",
        ),
    ]
}

fn zips() -> Vec<Maker> {
    let zip = |name, make| Maker {
        name,
        tree: format!("{TREE}{LONG}rm -r 'back\\slash' 'new\nline'\n"),
        make,
    };
    vec![
        zip("zip -r", "zip -qr ../archive.zip ."),
        zip("zip -r of the names", "zip -qr ../archive.zip -- *"),
        zip("zip -y", "zip -qry ../archive.zip ."),
        zip("zip -0", "zip -qry0 ../archive.zip ."),
        zip("zip -9X", "zip -qry9X ../archive.zip ."),
        zip("zip without folders", "zip -qryD ../archive.zip ."),
        zip("zip into a pipe", "zip -qr - . | cat > ../archive.zip"),
        zip(
            "zip with a comment",
            "echo packed by PKZIP | zip -qryz ../archive.zip .",
        ),
        zip("zip without a locale", "LC_ALL=C zip -qry ../archive.zip ."),
        zip("zip with UTF-8 names", "zip -qry -UN=UTF8 ../archive.zip ."),
        zip(
            "zip that grew",
            "zip -qry ../archive.zip bin; zip -qry ../archive.zip .",
        ),
        zip(
            "zip that shrank",
            "zip -qry ../archive.zip .; zip -qd ../archive.zip 'bin/*'",
        ),
        zip(
            "git archive",
            "git init -q .; git add -A; git -c user.name=n -c user.email=e commit -qm m; git archive -o ../archive.zip HEAD",
        ),
        zip("Python", "python3 -m zipfile -c ../archive.zip ./*"),
        zip(
            "Python, deflated",
            "python3 -c \"import shutil; shutil.make_archive('../archive', 'zip', '.')\"",
        ),
        zip(
            "Python into a pipe",
            "python3 -c \"import zipfile, sys\nz = zipfile.ZipFile(sys.stdout.buffer, 'w', zipfile.ZIP_DEFLATED)\nz.write('appspec.yml'); z.write('bin'); z.write('bin/large'); z.close()\" | cat > ../archive.zip",
        ),
        zip(
            "as Java makes it",
            "python3 -c \"import zipfile\nz = zipfile.ZipFile('../archive.zip', 'w', zipfile.ZIP_DEFLATED)\nfor name in ['META-INF/MANIFEST.MF', 'x/y/Z.class', 'dir/']:\n  i = zipfile.ZipInfo(name, (2024, 2, 29, 12, 0, 0)); i.create_system = 0; i.compress_type = 8; z.writestr(i, b'' if name[-1] == '/' else b'data' * 50); i.external_attr = 0\nz.close()\"",
        ),
        zip(
            "as Windows makes it",
            "python3 -c \"import zipfile\nz = zipfile.ZipFile('../archive.zip', 'w', zipfile.ZIP_DEFLATED)\nfor name, attr in [('dir/', 16), ('dir/file', 32), ('dir/read only', 33), ('dir/unix', 0o100640 << 16)]:\n  i = zipfile.ZipInfo(name, (2024, 2, 29, 12, 0, 0)); z.writestr(i, b'' if attr == 16 else b'data' * 50); i.create_system = 0; i.external_attr = attr\nz.close()\"",
        ),
        zip(
            "jar",
            "command -v jar >/dev/null && jar --create --file ../archive.zip . || zip -qr ../archive.zip .",
        ),
    ]
}

/// What `unzip` takes for a bomb, because it misreads the records.
fn wide_zips() -> Vec<Maker> {
    let zip = |name, make| Maker {
        name,
        tree: TREE.to_owned(),
        make,
    };
    vec![
        zip("zip64", "zip -qry -fz ../archive.zip ."),
        zip(
            "Python, zip64",
            "python3 -c \"import zipfile\nz = zipfile.ZipFile('../archive.zip', 'w', zipfile.ZIP_DEFLATED)\nf = z.open('a/b', 'w', force_zip64=True); f.write(b'x' * 9999); f.close(); z.close()\"",
        ),
    ]
}

/// What is at a path: kind, mode, owner, group, time, content; and which other names the same file has.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    mode: u32,
    owner: (u32, u32),
    time: Option<(i64, i64)>,
    /// Its length and digest.
    content: (usize, Digest),
    same_as: Option<String>,
}

fn tree(root: &Path, contents: &Contents) -> BTreeMap<String, Found> {
    fn walk(
        root: &Path,
        folder: &Path,
        contents: &Contents,
        numbers: &mut BTreeMap<u64, String>,
        found: &mut BTreeMap<String, Found>,
    ) {
        let mut entries: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            let data = fs::symlink_metadata(&path).unwrap();
            let below = path.strip_prefix(root).unwrap();
            let name = String::from_utf8_lossy(below.as_os_str().as_bytes()).into_owned();
            let content = if data.is_symlink() {
                fs::read_link(&path)
                    .unwrap()
                    .into_os_string()
                    .into_encoded_bytes()
            } else if data.is_file() {
                fs::read(&path).unwrap()
            } else {
                Vec::new()
            };
            let same_as = numbers.get(&data.ino()).cloned();
            if data.is_file() {
                numbers.entry(data.ino()).or_insert_with(|| name.clone());
            }
            // Folders without an entry have the time of their making, and unzip leaves links without theirs.
            let listed = contents.members.iter().any(|member| member.path == below);
            let timed = listed && !(data.is_symlink() && contents.format == Format::Zip);
            found.insert(
                name,
                Found {
                    mode: data.mode(),
                    owner: (data.uid(), data.gid()),
                    time: timed.then(|| (data.mtime(), data.mtime_nsec())),
                    content: (content.len(), Bundles::digest(&content[..]).unwrap()),
                    same_as,
                },
            );
            if data.is_dir() {
                walk(root, &path, contents, numbers, found);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, contents, &mut BTreeMap::new(), &mut found);
    found
}

#[test]
fn tars_are_unpacked_as_tar_unpacks_them() {
    for maker in tars() {
        compare(
            &maker,
            "archive",
            "tar --numeric-owner -xpsf archive -C theirs",
        );
    }
}

#[test]
fn zips_are_unpacked_as_unzip_unpacks_them() {
    for maker in zips() {
        compare(&maker, "archive.zip", "unzip -qo archive.zip -d theirs");
    }
}

#[test]
fn zip64_is_read() {
    for maker in wide_zips() {
        let scratch = tempfile::tempdir().unwrap();
        shell(scratch.path(), &format!("{}{}", maker.tree, maker.make));
        let (file, ours) = (
            scratch.path().join("archive.zip"),
            scratch.path().join("ours"),
        );
        let contents = archive::extract(&file, &ours, &Limits::default(), Owners::Archive)
            .unwrap_or_else(|error| panic!("{}: {error}", maker.name));
        assert!(contents.files() > 0);
        same_listing(&maker, scratch.path(), "archive.zip", &contents);
    }
}

/// Python sees the same entries. The folder that is left out is not one of them.
fn same_listing(maker: &Maker, folder: &Path, archive: &str, contents: &Contents) {
    let mut pythons = listings(folder, &[archive.to_owned()])
        .remove(archive)
        .unwrap();
    if let Ok(listing) = &mut pythons {
        listing.retain(|line| {
            *line != format!("folder 0 {} ", hexadecimal(contents.root.as_os_str()))
        });
    }
    assert_eq!(pythons, Ok(listing(contents)), "{}", maker.name);
}

fn compare(maker: &Maker, archive: &str, theirs: &str) {
    let scratch = tempfile::tempdir().unwrap();
    shell(scratch.path(), &format!("{}{}", maker.tree, maker.make));
    shell(scratch.path(), &format!("mkdir theirs; {theirs}"));
    let limits = Limits::default();
    let ours = scratch.path().join("ours");
    let contents = archive::extract(
        &scratch.path().join(archive),
        &ours,
        &limits,
        Owners::Archive,
    )
    .unwrap_or_else(|error| panic!("{}: {error}", maker.name));
    let expected = tree(
        &scratch.path().join("theirs").join(&contents.root),
        &contents,
    );
    let found = tree(&ours, &contents);
    assert!(!found.is_empty(), "{}", maker.name);
    for (name, expected) in &expected {
        assert_eq!(found.get(name), Some(expected), "{}: {name}", maker.name);
    }
    assert_eq!(found.len(), expected.len(), "{}", maker.name);
    same_listing(maker, scratch.path(), archive, &contents);
}
