//! Names with the times at which they are due: one entry a name, the earliest time wins, and a name that is being
//! worked on waits until that ends.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::Arc,
};

use tokio::time::Instant;

pub struct Schedule<N> {
    entries: HashMap<Arc<N>, Entry>,
    /// Those that are not being worked on.
    waiting: BTreeSet<(Instant, Arc<N>)>,
}

#[derive(Default)]
struct Entry {
    due: Option<Instant>,
    running: bool,
}

impl<N> Default for Schedule<N> {
    fn default() -> Self {
        Self { entries: HashMap::new(), waiting: BTreeSet::new() }
    }
}

impl<N: Eq + Hash + Ord> Schedule<N> {
    pub fn add(&mut self, name: N, at: Instant) {
        let name = self.entries.get_key_value(&name).map_or_else(|| Arc::new(name), |(known, _)| known.clone());
        let entry = self.entries.entry(name.clone()).or_default();
        if entry.due.is_some_and(|due| due <= at) {
            return;
        }
        let before = entry.due.replace(at);
        if !entry.running {
            if let Some(before) = before {
                self.waiting.remove(&(before, name.clone()));
            }
            self.waiting.insert((at, name));
        }
    }

    /// When the next name is due.
    pub fn next(&self) -> Option<Instant> {
        self.waiting.first().map(|(at, _)| *at)
    }

    /// The name that has been due the longest. From now on it is being worked on.
    pub fn take(&mut self, now: Instant) -> Option<Arc<N>> {
        self.waiting.first().filter(|(at, _)| *at <= now)?;
        let (_, name) = self.waiting.pop_first()?;
        self.entries.insert(name.clone(), Entry { due: None, running: true });
        Some(name)
    }

    /// The work on a name has ended; it may have become due meanwhile.
    pub fn ended(&mut self, name: &Arc<N>) {
        match self.entries.get_mut(name) {
            Some(Entry { due: Some(due), running }) => {
                *running = false;
                self.waiting.insert((*due, name.clone()));
            }
            _ => drop(self.entries.remove(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_name_waits_once_for_its_earliest_time_and_never_runs_twice_at_once() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        let later = |seconds| now + Duration::from_secs(seconds);
        schedule.add("a", later(5));
        schedule.add("b", later(3));
        schedule.add("a", later(1));
        schedule.add("a", later(9));
        assert_eq!((schedule.next(), schedule.take(now)), (Some(later(1)), None));
        let a = schedule.take(later(4)).expect("due");
        assert_eq!(*a, "a");
        schedule.add("a", later(2));
        assert_eq!(schedule.take(later(4)).as_deref(), Some(&"b"), "a is being worked on");
        assert_eq!(schedule.take(later(4)), None);
        schedule.ended(&a);
        assert_eq!(schedule.take(later(4)).as_deref(), Some(&"a"), "it became due meanwhile");
        schedule.ended(&a);
        assert_eq!(schedule.next(), None);
        assert_eq!(schedule.entries.len(), 1, "b alone is known");
    }
}
