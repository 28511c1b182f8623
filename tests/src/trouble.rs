//! What may happen to servers while they are used.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::{Dice, Node};

/// Freezes, kills and cuts off one server after the other.
pub struct Trouble<'a> {
    nodes: &'a [Node<'a>],
    seed: u64,
}

/// Ends also where what is done meanwhile fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl<'a> Trouble<'a> {
    /// For these servers.
    pub fn of(nodes: &'a [Node<'a>], seed: u64) -> Self {
        Self { nodes, seed }
    }

    /// Makes trouble until `work` is done: how often.
    pub fn during(&self, work: impl FnOnce()) -> usize {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let trouble = scope.spawn(|| self.until(&stop));
            let ends = Ends(&stop);
            work();
            drop(ends);
            trouble.join().unwrap()
        })
    }

    fn until(&self, stop: &AtomicBool) -> usize {
        let mut dice = Dice::new(self.seed);
        let mut faults = 0;
        let moment = |dice: &mut Dice, most: usize| {
            thread::sleep(Duration::from_millis(100 + dice.roll(most) as u64));
        };
        while !stop.load(Ordering::SeqCst) {
            let node = dice.pick(self.nodes);
            match dice.roll(3) {
                0 => {
                    node.freeze();
                    moment(&mut dice, 2_500);
                    node.thaw();
                }
                1 => {
                    node.cut_off();
                    moment(&mut dice, 2_500);
                    node.reconnect();
                }
                _ => {
                    node.kill();
                    node.start_again();
                }
            }
            faults += 1;
            moment(&mut dice, 700);
        }
        faults
    }
}
