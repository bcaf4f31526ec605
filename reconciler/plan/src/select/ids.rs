//! Dense 32-bit ids, so that sets of objects and clusters are bitmaps.

use std::collections::BTreeMap;

/// Values with a key each, under ids that are as small as possible: the id of a removed value is given to the next one.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    ids: BTreeMap<K, u32>,
    slots: Vec<Option<(K, V)>>,
    free: Vec<u32>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { ids: BTreeMap::new(), slots: Vec::new(), free: Vec::new() }
    }
}

impl<K: Ord + Clone, V> Table<K, V> {
    /// The id of a key.
    pub fn id(&self, key: &K) -> Option<u32> {
        self.ids.get(key).copied()
    }

    /// Key and value of an id.
    pub fn at(&self, id: u32) -> Option<&(K, V)> {
        self.slots.get(id as usize)?.as_ref()
    }

    /// The value of an id.
    pub fn value(&self, id: u32) -> Option<&V> {
        self.at(id).map(|(_, value)| value)
    }

    /// The value of an id, to change it.
    pub fn value_mut(&mut self, id: u32) -> Option<&mut V> {
        self.slots.get_mut(id as usize)?.as_mut().map(|(_, value)| value)
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.value(self.id(key)?)
    }

    /// Stores a value; the key keeps its id if it has one.
    pub fn insert(&mut self, key: K, value: V) -> u32 {
        let id = self.id(&key).or_else(|| self.free.pop()).unwrap_or(self.slots.len() as u32);
        if id as usize == self.slots.len() {
            self.slots.push(None);
        }
        if let Some(slot) = self.slots.get_mut(id as usize) {
            *slot = Some((key.clone(), value));
        }
        self.ids.insert(key, id);
        id
    }

    /// Removes a value and frees its id.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let id = self.ids.remove(key)?;
        self.free.push(id);
        self.slots.get_mut(id as usize)?.take().map(|(_, value)| value)
    }

    /// All, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, u32, &V)> {
        self.ids.iter().filter_map(|(key, id)| Some((key, *id, self.value(*id)?)))
    }

    /// All ids.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.ids.values().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn ids_stay_with_their_keys_and_are_given_again() {
        let mut table = Table::default();
        assert_eq!((table.insert("a", 1), table.insert("b", 2), table.insert("a", 3)), (0, 1, 0));
        assert_eq!(table.remove(&"a"), Some(3));
        assert_eq!(table.get(&"a"), None);
        assert_eq!(table.insert("c", 4), 0);
        assert_eq!(
            table.iter().map(|(k, id, v)| (*k, id, *v)).collect::<Vec<_>>(),
            [("b", 1, 2), ("c", 0, 4)]
        );
    }
}
