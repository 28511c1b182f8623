//! Chance that can be repeated.

/// A small generator with a fixed start, so that a failure can be repeated (xorshift64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// What follows depends on the seed alone.
    pub fn new(seed: u64) -> Self {
        // A start of zero would stay zero, and near seeds would begin alike.
        let mut dice = Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for _ in 0..8 {
            dice.roll(2);
        }
        dice
    }

    /// A number below.
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % u64::try_from(below).unwrap()).unwrap()
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }

    /// That many bytes of an alphabet.
    pub fn bytes(&mut self, count: usize, alphabet: &[u8]) -> Vec<u8> {
        (0..count).map(|_| *self.pick(alphabet)).collect()
    }

    /// That many bytes of any value.
    pub fn noise(&mut self, count: usize) -> Vec<u8> {
        (0..count)
            .map(|_| u8::try_from(self.roll(256)).unwrap())
            .collect()
    }
}
