//! What Python's readers see in an archive, beside what is seen here.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use cutover::store::archive::{Contents, Kind, Member};

use crate::programs::python;

/// Lists archives: a line `== PATH`, then a line for each entry with kind, size, and name and target in hexadecimal; or
/// a line `error` with the reason. An entry for the root itself is left out.
const SCRIPT: &str = r"
import stat, struct, sys, tarfile, zipfile, zlib

def plain(name):
    return b'/'.join(part for part in name.split(b'/') if part not in (b'', b'.'))

def tell(kind, size, name, target=b''):
    if plain(name):
        print(kind, size, plain(name).hex(), target.hex())

def stored_name(member):
    name = member.orig_filename.encode('utf-8' if member.flag_bits & 0x800 else 'cp437')
    extra = member.extra
    while len(extra) >= 4:
        kind, length = struct.unpack('<HH', extra[:4])
        if kind == 0x7075 and extra[4:9] == struct.pack('<BI', 1, zlib.crc32(name)):
            return extra[9:4 + length]
        extra = extra[4 + length:]
    return name

def zip_listing(archive):
    assert archive.testzip() is None
    for member in archive.infolist():
        name = stored_name(member)
        mode = member.external_attr >> 16 if member.create_system in (3, 19) else 0
        if name.endswith(b'/'):
            tell('folder', 0, name)
        elif stat.S_ISLNK(mode):
            tell('link', 0, name, archive.read(member))
        else:
            tell('file', member.file_size, name)

def tar_listing(archive):
    kinds = {tarfile.DIRTYPE: 'folder', tarfile.SYMTYPE: 'link', tarfile.LNKTYPE: 'hard'}
    for member in archive:
        kind = kinds.get(member.type, 'file')
        name, target = (text.encode('utf-8', 'surrogateescape') for text in (member.name, member.linkname))
        target = {'hard': plain(target), 'link': target}.get(kind, b'')
        tell(kind, member.size if kind == 'file' else 0, name, target)

for path in sys.stdin.read().split('\n'):
    if path:
        print('==', path)
        try:
            with open(path, 'rb') as file:
                is_zip = file.read(4) in (b'PK\3\4', b'PK\5\6')
            if is_zip:
                zip_listing(zipfile.ZipFile(path))
            else:
                tar_listing(tarfile.open(path, 'r:*', encoding='utf-8', errors='surrogateescape'))
        except Exception as error:
            print('error', type(error).__name__, error)
";

/// What Python sees: the entries, or why it sees none.
pub type Listing = Result<Vec<String>, String>;

/// What Python sees in each of these files of a folder.
pub fn listings(folder: &Path, files: &[String]) -> BTreeMap<String, Listing> {
    let mut found = BTreeMap::new();
    let mut current = String::new();
    for line in python(folder, SCRIPT, &files.join("\n")).lines() {
        if let Some(file) = line.strip_prefix("== ") {
            file.clone_into(&mut current);
            found.insert(current.clone(), Ok(Vec::new()));
        } else if let Some(error) = line.strip_prefix("error ") {
            found.insert(current.clone(), Err(error.to_owned()));
        } else if let Some(Ok(listing)) = found.get_mut(&current) {
            listing.push(line.to_owned());
        }
    }
    found
}

/// A name as the script tells it.
pub fn hexadecimal(name: &OsStr) -> String {
    let mut digits = String::new();
    for byte in name.as_bytes() {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// The same of what is seen here.
pub fn listing(contents: &Contents) -> Vec<String> {
    let line = |member: &Member| {
        let inside = |path: &PathBuf| contents.root.join(path).into_os_string();
        let (kind, size, target) = match &member.kind {
            Kind::Folder => ("folder", 0, None),
            Kind::File { size } => ("file", *size, None),
            Kind::Symlink { target } => ("link", 0, Some(target.clone().into_os_string())),
            Kind::HardLink { target } => ("hard", 0, Some(inside(target))),
        };
        let target = hexadecimal(&target.unwrap_or_default());
        format!(
            "{kind} {size} {} {target}",
            hexadecimal(&inside(&member.path))
        )
    };
    contents.members.iter().map(line).collect()
}
