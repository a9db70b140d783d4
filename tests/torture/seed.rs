//! Random numbers that a seed makes again.

/// Numbers that a seed makes (`SplitMix64`).
pub struct Random(pub u64);

impl Random {
    /// Of the environment's seed, or of one of its own, which is printed.
    pub fn new() -> Self {
        let seed = std::env::var("CUTOVER_TORTURE_SEED").ok();
        let seed = seed.map_or_else(
            || u64::from(uuid::Uuid::new_v4().as_fields().0),
            |seed| seed.parse().expect("CUTOVER_TORTURE_SEED is a number"),
        );
        eprintln!("CUTOVER_TORTURE_SEED={seed}");
        Self(seed)
    }

    /// A number below a limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    /// A place in a list.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }
}
