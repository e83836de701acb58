//! Variables and where they are kept, as a specification.

mod dotenv;
mod placeholders;
mod storages;
mod support;
mod variables;
