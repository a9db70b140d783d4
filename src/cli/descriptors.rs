//! Files that whoever started the agent or a local deployment left open. Scripts and the daemons they start would inherit
//! them, and hold locks and pipes that are none of theirs.

use std::fs;

use nix::fcntl::OFlag;

/// Closes them. What this program opens itself is not inherited by others, which is how the two are told apart.
pub fn close_inherited() {
    let open = fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten();
    let open: Vec<i32> = open
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    for descriptor in open {
        if descriptor > 2 && outlives_exec(descriptor) == Some(true) {
            // It is open, and nobody here knows of it.
            let _ = nix::unistd::close(descriptor);
        }
    }
}

fn outlives_exec(descriptor: i32) -> Option<bool> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).ok()?;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    let flags = i32::from_str_radix(flags.trim(), 8).ok()?;
    Some(flags & OFlag::O_CLOEXEC.bits() == 0)
}
