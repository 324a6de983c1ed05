//! A list of which copies share what they hold.

use std::{
    cmp::Ordering,
    fmt,
    iter::FlatMap,
    ops::{Index, IndexMut},
    slice,
    sync::Arc,
};

/// The most items on a board.
const BOARD: usize = 32;

/// The items of a list, in order.
pub type ShelfItems<'a, T> = FlatMap<
    slice::Iter<'a, Arc<Vec<T>>>,
    slice::Iter<'a, T>,
    fn(&'a Arc<Vec<T>>) -> slice::Iter<'a, T>,
>;

/// A list that may be looked at around every event of a long run: a copy shares its items with the list, on boards of
/// a few, and a change takes a copy of one board. So what two copies have in common is found by where it lies.
pub struct Shelf<T> {
    boards: Arc<Vec<Arc<Vec<T>>>>,
}

impl<T> Shelf<T> {
    /// The items, in order.
    pub fn iter(&self) -> ShelfItems<'_, T> {
        self.boards.iter().flat_map(|board| board.iter())
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.boards.iter().map(|board| board.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.boards.is_empty()
    }

    /// The first item.
    #[must_use]
    pub fn first(&self) -> Option<&T> {
        self.boards.first()?.first()
    }

    /// The last item.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.boards.last()?.last()
    }

    /// The item with this index.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&T> {
        let mut left = index;
        self.boards.iter().find_map(|board| {
            let found = board.get(left);
            left = left.wrapping_sub(board.len());
            found
        })
    }

    /// Removes every item.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The items of all these lists, one list after another.
    pub fn joined<'a>(lists: impl IntoIterator<Item = &'a Self>) -> Self
    where
        T: 'a,
    {
        let mut lists = lists.into_iter().filter(|list| !list.is_empty());
        let Some(first) = lists.next() else { return Self::default() };
        let mut boards = Arc::clone(&first.boards);
        for list in lists {
            Arc::make_mut(&mut boards).extend(list.boards.iter().map(Arc::clone));
        }
        Self { boards }
    }
}

impl<T: PartialEq> Shelf<T> {
    /// Whether an item is there.
    #[must_use]
    pub fn contains(&self, item: &T) -> bool {
        self.iter().any(|known| known == item)
    }

    /// What is between the items with which both lists begin and those with which both end: of the list before, and of this
    /// one.
    #[must_use]
    pub fn changed<'a>(&'a self, before: &'a Self) -> (Vec<&'a T>, Vec<&'a T>) {
        if Arc::ptr_eq(&self.boards, &before.boards) {
            return (Vec::new(), Vec::new());
        }
        let (mut old, mut new) = (before.boards.as_slice(), self.boards.as_slice());
        while let ([one, olds @ ..], [other, news @ ..]) = (old, new)
            && Arc::ptr_eq(one, other)
        {
            (old, new) = (olds, news);
        }
        while let ([olds @ .., one], [news @ .., other]) = (old, new)
            && Arc::ptr_eq(one, other)
        {
            (old, new) = (olds, news);
        }
        let old: Vec<&T> = old.iter().flat_map(|board| board.iter()).collect();
        let new: Vec<&T> = new.iter().flat_map(|board| board.iter()).collect();
        let pairs = old.iter().zip(&new);
        let first = pairs.take_while(|(one, other)| one == other).count();
        let rest = |list: &[&'a T]| list.get(first..).unwrap_or_default().to_vec();
        let (mut old, mut new) = (rest(&old), rest(&new));
        while let (Some(one), Some(other)) = (old.last(), new.last())
            && one == other
        {
            old.pop();
            new.pop();
        }
        (old, new)
    }
}

impl<T: Clone> Shelf<T> {
    /// Puts an item after all others.
    pub fn push(&mut self, item: T) {
        let boards = Arc::make_mut(&mut self.boards);
        match boards.last_mut() {
            Some(last) if last.len() < BOARD => Arc::make_mut(last).push(item),
            _ => boards.push(Arc::new(vec![item])),
        }
    }

    /// Puts an item into a list that is in this order, in place of one that comes neither before nor after it.
    pub(crate) fn put(&mut self, item: T, order: impl Fn(&T, &T) -> Ordering) {
        let is_before = |known: &T| order(known, &item) == Ordering::Less;
        let at = self.boards.partition_point(|board| board.last().is_some_and(is_before));
        if at == self.boards.len() {
            self.push(item);
            return;
        }
        let boards = Arc::make_mut(&mut self.boards);
        let Some(board) = boards.get_mut(at).map(Arc::make_mut) else { return };
        let index = board.partition_point(is_before);
        match board.get_mut(index) {
            Some(known) if order(known, &item) == Ordering::Equal => *known = item,
            _ => board.insert(index, item),
        }
        if board.len() > BOARD {
            let rest = board.split_off(BOARD);
            boards.insert(at + 1, Arc::new(rest));
        }
    }

    /// Removes the item of which `order` says that it is the one, from a list that is in this order.
    pub(crate) fn take_out(&mut self, order: impl Fn(&T) -> Ordering) {
        let is_before = |known: &T| order(known) == Ordering::Less;
        let at = self.boards.partition_point(|board| board.last().is_some_and(is_before));
        let Some(board) = self.boards.get(at) else { return };
        let index = board.partition_point(is_before);
        if board.get(index).is_none_or(|known| order(known) != Ordering::Equal) {
            return;
        }
        let boards = Arc::make_mut(&mut self.boards);
        let Some(board) = boards.get_mut(at).map(Arc::make_mut) else { return };
        board.remove(index);
        if board.is_empty() {
            boards.remove(at);
        }
    }
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { boards: Arc::default() }
    }
}

impl<T> Clone for Shelf<T> {
    fn clone(&self) -> Self {
        Self { boards: Arc::clone(&self.boards) }
    }
}

impl<T: fmt::Debug> fmt::Debug for Shelf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: PartialEq> PartialEq for Shelf<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.boards, &other.boards) || self.iter().eq(other.iter())
    }
}

impl<T: Eq> Eq for Shelf<T> {}

impl<T: Clone> FromIterator<T> for Shelf<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut shelf = Self::default();
        shelf.extend(items);
        shelf
    }
}

impl<T: Clone> Extend<T> for Shelf<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

impl<T: Clone> From<Vec<T>> for Shelf<T> {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().collect()
    }
}

impl<'a, T> IntoIterator for &'a Shelf<T> {
    type Item = &'a T;
    type IntoIter = ShelfItems<'a, T>;

    fn into_iter(self) -> ShelfItems<'a, T> {
        self.iter()
    }
}

impl<T> Index<usize> for Shelf<T> {
    type Output = T;

    #[expect(clippy::panic, reason = "as of any list, an index that is not there")]
    fn index(&self, index: usize) -> &T {
        self.get(index).unwrap_or_else(|| panic!("no item {index} of {}", self.len()))
    }
}

impl<T: Clone> IndexMut<usize> for Shelf<T> {
    #[expect(clippy::panic, reason = "as of any list, an index that is not there")]
    fn index_mut(&mut self, index: usize) -> &mut T {
        let len = self.len();
        let mut left = index;
        let found = Arc::make_mut(&mut self.boards).iter_mut().find_map(|board| {
            if left < board.len() {
                return Arc::make_mut(board).get_mut(left);
            }
            left -= board.len();
            None
        });
        found.unwrap_or_else(|| panic!("no item {index} of {len}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_in_order_stays_so() {
        let mut shelf = Shelf::default();
        let mut plain = std::collections::BTreeMap::new();
        let mut number = 7_u32;
        for step in 0..2_000_u32 {
            number = number.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            let key = number >> 20;
            if step % 3 == 2 {
                shelf.take_out(|(known, _): &(u32, u32)| known.cmp(&key));
                plain.remove(&key);
            } else {
                shelf.put((key, step), |one, other| one.0.cmp(&other.0));
                plain.insert(key, step);
            }
        }
        assert!(shelf.iter().copied().eq(plain), "{shelf:?}");
        let last = shelf.len() - 1;
        assert_eq!((shelf.get(last), shelf.get(last + 1)), (shelf.last(), None));
    }

    #[test]
    fn what_changed_is_found_and_a_copy_stays_as_it_was() {
        let before: Shelf<u32> = (0..1_000).map(|number| number * 2).collect();
        let mut after = before.clone();
        assert_eq!(after.changed(&before), (vec![], vec![]));
        after.put(901, u32::cmp);
        after.take_out(|known| known.cmp(&904));
        assert_eq!(after.changed(&before), (vec![&902, &904], vec![&901, &902]));
        assert_eq!(before.len(), 1_000);
        assert!(before.contains(&904) && !before.contains(&901));
        after.push(5_000);
        let (_, new) = after.changed(&before);
        assert_eq!((new.first(), new.last()), (Some(&&901), Some(&&5_000)));
        after[0] = 1;
        assert_eq!((before[0], after[0]), (0, 1));
        assert_eq!(Shelf::joined([&before, &Shelf::default()]), before);
        assert_eq!(Shelf::joined([&before, &after]).len(), 2_001);
    }
}
