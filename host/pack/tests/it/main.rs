//! What packs promise: nothing that was changed, cut, forged or made by somebody else is ever believed.

mod damage;
mod forged;
mod round_trips;
mod saving;
mod signatures;
mod support;
