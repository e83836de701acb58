//! How findings look.

use crate::support::{function, lint};
use insta::{assert_debug_snapshot, assert_snapshot};
use perilune_lint::Document;

const SOURCE: &str = "local fs = require(\"fs\")
local unused = 1

local function main(id)
  local files = assert(fs.get(id))
  local id = files:opne(\"über\", \"r\")
  os.execute(\"ls\")
  return id
end

return { main = main }
";

#[test]
fn findings_are_quoted_with_what_to_do() {
    assert_snapshot!(lint(&[function("fs json", SOURCE)]).render(false));
}

#[test]
fn findings_are_data_too() {
    assert_debug_snapshot!(Document::of(&lint(&[function("fs", SOURCE)]), 1));
}
