//! What policies mean.

mod audit;
mod conditions;
mod expressions;
mod index;
mod patterns;
mod properties;
mod support;
mod tokens;
