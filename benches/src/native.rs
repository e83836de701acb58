//! Native PUC Lua, that of crate `mlua`.
//!
//! Its crate `lua-src` builds it with `-O3` and without API checks: C dependencies take the profile's `opt-level` for
//! dependencies, which is 3 (compared: `lvm.o` has the size of an `-O3` build, and no object refers to `__assert_fail`).

use anyhow::anyhow;

/// A Lua state with a script loaded.
pub struct Native {
    main: mlua::Function,
    _state: mlua::Lua,
}

impl Native {
    /// Loads a script that returns a table with `main`.
    ///
    /// # Errors
    ///
    /// When it does not load.
    pub fn load(source: &str) -> anyhow::Result<Self> {
        let state = mlua::Lua::new();
        let entry: mlua::Table = state.load(source).eval().map_err(plain)?;
        Ok(Native { main: entry.get("main").map_err(plain)?, _state: state })
    }

    /// Calls `main`.
    ///
    /// # Errors
    ///
    /// What the script raises, and a result that is no number.
    pub fn main(&self) -> anyhow::Result<f64> {
        self.main.call(()).map_err(plain)
    }
}

/// Errors of mlua stay on their thread.
fn plain(error: mlua::Error) -> anyhow::Error {
    anyhow!("{error}")
}
