//! Locals of one input that the next one sees.
//!
//! Each input is a chunk of its own, so what it declares local would be gone with it. At its top level `local x = 1` is therefore run as
//! `x = 1`. What stands in blocks and functions is left alone, and so is what has an attribute, such as `<const>` or `<close>`.

use emmylua_parser::{LuaAstNode, LuaLocalStat, LuaParser, LuaStat, LuaSyntaxTree, ParserConfig};

/// The input with its top-level locals as globals. Every other character stays where it is.
pub(super) fn kept(text: &str) -> String {
    if !text.contains("local") {
        return text.to_owned();
    }
    let tree: LuaSyntaxTree = LuaParser::parse(text, ParserConfig::default());
    let mut edits = Vec::new();
    if let Some(block) = tree.get_chunk_node().get_block() {
        for statement in block.get_stats() {
            match statement {
                LuaStat::LocalStat(local) => edit_local(&local, text, &mut edits),
                LuaStat::LocalFuncStat(function) => {
                    edits.extend(keyword(function.syntax().text_range().start().into(), text));
                }
                _ => {}
            }
        }
    }
    let mut kept = text.to_owned();
    for (at, length, new) in edits.into_iter().rev() {
        kept.replace_range(at..at + length, new);
    }
    kept
}

/// Where, how many bytes, and what comes there.
type Edit = (usize, usize, &'static str);

const LOCAL: &str = "local";

fn edit_local(local: &LuaLocalStat, text: &str, edits: &mut Vec<Edit>) {
    let has_attribute =
        local.get_attrib().is_some() || local.get_local_name_list().any(|name| name.get_attrib().is_some());
    let Some(keyword) = keyword(local.syntax().text_range().start().into(), text).filter(|_| !has_attribute)
    else {
        return;
    };
    edits.push(keyword);
    if local.get_value_exprs().next().is_none()
        && let Some(last) = local.get_local_name_list().last()
    {
        edits.push((last.syntax().text_range().end().into(), 0, " = nil"));
    }
}

fn keyword(at: usize, text: &str) -> Option<Edit> {
    text.get(at..)?.starts_with(LOCAL).then_some((at, LOCAL.len(), "     "))
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn locals_at_the_top_become_globals() {
        for (text, expected) in [
            ("local x = 1", "      x = 1"),
            ("local a, b = f()", "      a, b = f()"),
            ("local x", "      x = nil"),
            ("local a, b; print(a)", "      a, b = nil; print(a)"),
            ("local function f() return f end", "      function f() return f end"),
            ("x = 1 local y = x\nlocal z = y", "x = 1       y = x\n      z = y"),
        ] {
            assert_eq!(kept(text), expected);
        }
    }

    #[test]
    fn all_else_is_left_alone() {
        for text in [
            "do local x = 1 end",
            "for i = 1, 2 do local x = i end",
            "function f() local x = 1 return x end",
            "local x <const> = 1",
            "local f <close> = g()",
            "print('local x = 1') -- local y = 2",
            "localize()",
            "x = 1",
        ] {
            assert_eq!(kept(text), text);
        }
    }
}
