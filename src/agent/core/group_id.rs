//! Which texts can name a deployment group's folder on a host.

/// Names below the agent's root that are not deployment groups.
const RESERVED: [&str; 6] = [
    "lock",
    "log",
    "bundles",
    "deployment-instructions",
    "deployment-logs",
    "ongoing-deployment",
];

/// Whether a text can name a deployment group's folder.
pub fn is_group_id(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=100).contains(&text.len())
        && text.chars().all(good)
        && !text.starts_with('.')
        && !RESERVED.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_ids_stay_below_the_root() {
        for good in ["0d1f3c1e-6a5e-4a0e-9a37-2f6d7b1c9e11", "g1"] {
            assert!(is_group_id(good), "{good}");
        }
        for bad in ["", "..", ".", "a/b", "log", "bundles", "lock", ".hidden"] {
            assert!(!is_group_id(bad), "{bad}");
        }
    }
}
