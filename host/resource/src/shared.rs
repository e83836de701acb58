//! What exists once in a host, such as the bus of events: made by whoever asks first.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// One value of each type.
#[derive(Default)]
pub struct Shared {
    values: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Shared {
    /// The value of a type, made when nobody has asked for it before.
    pub fn get<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.get_or(T::default)
    }

    /// As [`Shared::get`], for a type without a default.
    pub fn get_or<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let key = TypeId::of::<T>();
        let read = self.values.read().unwrap_or_else(PoisonError::into_inner);
        let found = read.get(&key).cloned();
        drop(read);
        let value = found.unwrap_or_else(|| {
            let made: Arc<dyn Any + Send + Sync> = Arc::new(make());
            let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
            values.entry(key).or_insert(made).clone()
        });
        value.downcast().unwrap_or_else(|_| unreachable!("invariant: values are kept under their own type"))
    }
}
