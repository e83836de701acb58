//! Lua arguments to flat values of the canonical ABI.

use crate::imports::{Shape, Types, snake};
use anyhow::{Result, bail, ensure};
use std::fmt::Write;
use wit_parser::{Enum, Type};

/// Code that reads the arguments, and the expressions that pass them on.
///
/// Encoded values lie in `scratch`, which may move while it grows: expressions add its address only at the call.
pub(crate) struct Lowering<'a> {
    types: &'a Types<'a>,
    /// Whether values that cannot cross raise, or come back as `nil, err`.
    raise: bool,
    pub(crate) code: String,
    pub(crate) arguments: Vec<String>,
    count: usize,
    after_arguments: bool,
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(types: &'a Types<'a>, raise: bool) -> Self {
        Lowering {
            types,
            raise,
            code: String::new(),
            arguments: Vec::new(),
            count: 0,
            after_arguments: false,
        }
    }

    pub(crate) fn parameter(&mut self, ty: &'a Type, position: usize) -> Result<()> {
        ensure!(!self.after_arguments, "`arguments` stands last");
        let arguments = self.lower(ty, &position.to_string())?;
        self.arguments.extend(arguments);
        Ok(())
    }

    /// Lowers the Lua value at stack index `index`, an expression.
    fn lower(&mut self, ty: &'a Type, index: &str) -> Result<Vec<String>> {
        self.count += 1;
        let n = self.count;
        let raise = self.raise;
        Ok(match self.types.shape(ty)? {
            Shape::Bool => vec![format!("lua_toboolean(L, {index})")],
            Shape::Integer { least, most, wide, .. } => {
                let c_type = if wide { "int64_t" } else { "int32_t" };
                writeln!(
                    self.code,
                    "  {c_type} v{n} = ({c_type})integer_argument(L, {index}, {least}, {most});"
                )?;
                vec![format!("v{n}")]
            }
            Shape::Float => {
                writeln!(self.code, "  double v{n} = luaL_checknumber(L, {index});")?;
                vec![format!("v{n}")]
            }
            Shape::Text | Shape::Bytes => {
                let read = if matches!(self.types.shape(ty)?, Shape::Text) {
                    "text_argument"
                } else {
                    "luaL_checklstring"
                };
                writeln!(self.code, "  size_t n{n};\n  const char *v{n} = {read}(L, {index}, &n{n});")?;
                vec![format!("(int32_t)v{n}"), format!("(int32_t)n{n}")]
            }
            Shape::Value => {
                writeln!(self.code, "  size_t v{n} = scratch.length;")?;
                writeln!(
                    self.code,
                    "  if (!encode_value(L, {index}, &scratch, \"argument {index}\")) {{ scratch.length = mark; return refuse(L, {raise}); }}"
                )?;
                writeln!(self.code, "  size_t n{n} = scratch.length - v{n};")?;
                vec![format!("(int32_t)(scratch.data + v{n})"), format!("(int32_t)n{n}")]
            }
            Shape::Arguments => {
                self.after_arguments = true;
                writeln!(self.code, "  size_t v{n} = scratch.length;")?;
                writeln!(
                    self.code,
                    "  if (!encode_arguments(L, {index}, &scratch, \"argument\")) {{ scratch.length = mark; return refuse(L, {raise}); }}"
                )?;
                writeln!(self.code, "  size_t n{n} = scratch.length - v{n};")?;
                vec![format!("(int32_t)(scratch.data + v{n})"), format!("(int32_t)n{n}")]
            }
            Shape::Enum(cases) => {
                writeln!(self.code, "  static const char *const names{n}[] = {};", names_table(cases))?;
                writeln!(self.code, "  int32_t v{n} = name_argument(L, {index}, names{n});")?;
                vec![format!("v{n}")]
            }
            Shape::Record(record) => {
                writeln!(self.code, "  luaL_checktype(L, {index}, LUA_TTABLE);")?;
                let mut flat = Vec::new();
                for field in &record.fields {
                    self.count += 1;
                    let at = format!("at{}", self.count);
                    writeln!(
                        self.code,
                        "  lua_getfield(L, {index}, \"{}\");\n  int {at} = lua_gettop(L);",
                        snake(&field.name)
                    )?;
                    flat.extend(self.lower(&field.ty, &at)?);
                }
                flat
            }
            Shape::Option(inner) => self.lower_option(inner, index, n)?,
            Shape::List(item) => self.lower_list(item, index, n)?,
            Shape::Failure | Shape::Tuple(_) | Shape::Result(_) => {
                bail!("not supported as a parameter; use `value`")
            }
        })
    }

    /// Absent values are lowered as zeros, which the canonical ABI ignores.
    fn lower_option(&mut self, inner: &'a Type, index: &str, n: usize) -> Result<Vec<String>> {
        let outer = std::mem::take(&mut self.code);
        let flat = self.lower(inner, index)?;
        let body = std::mem::replace(&mut self.code, outer);
        writeln!(self.code, "  int32_t some{n} = !lua_isnoneornil(L, {index});")?;
        let in_scratch = flat.iter().any(|value| value.contains("scratch.data"));
        ensure!(!in_scratch, "an optional value is a value: nil says that it is absent");
        let wide = matches!(self.types.shape(inner)?, Shape::Integer { wide: true, .. });
        let c_type = if matches!(self.types.shape(inner)?, Shape::Float) {
            "double"
        } else if wide {
            "int64_t"
        } else {
            "int32_t"
        };
        for k in 0..flat.len() {
            writeln!(self.code, "  {c_type} o{n}_{k} = 0;")?;
        }
        writeln!(self.code, "  if (some{n}) {{\n{body}")?;
        for (k, value) in flat.iter().enumerate() {
            writeln!(self.code, "  o{n}_{k} = {value};")?;
        }
        writeln!(self.code, "  }}")?;
        let mut all = vec![format!("some{n}")];
        all.extend((0..flat.len()).map(|k| format!("o{n}_{k}")));
        Ok(all)
    }

    /// Lists of strings: (pointer, length) pairs in `scratch`, pointing at Lua's own strings, which the table keeps alive.
    fn lower_list(&mut self, item: &'a Type, index: &str, n: usize) -> Result<Vec<String>> {
        let read = match self.types.shape(item)? {
            Shape::Text => "text_argument",
            Shape::Bytes => "luaL_checklstring",
            _ => bail!("only lists of strings are supported as a parameter; use `value`"),
        };
        writeln!(self.code, "  luaL_checktype(L, {index}, LUA_TTABLE);")?;
        writeln!(self.code, "  size_t n{n} = lua_rawlen(L, {index}), v{n} = list_in_scratch(n{n});")?;
        writeln!(self.code, "  for (size_t i = 0; i < n{n}; i++) {{\n    size_t length;")?;
        writeln!(self.code, "    lua_rawgeti(L, {index}, (lua_Integer)i + 1);")?;
        writeln!(
            self.code,
            "    luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, {index}, \"list of strings expected\");"
        )?;
        writeln!(self.code, "    const char *text = {read}(L, -1, &length);\n    lua_pop(L, 1);")?;
        writeln!(self.code, "    int32_t pair[2] = {{(int32_t)text, (int32_t)length}};")?;
        writeln!(self.code, "    memcpy(scratch.data + v{n} + i * 8, pair, 8);\n  }}")?;
        Ok(vec![format!("(int32_t)(scratch.data + v{n})"), format!("(int32_t)n{n}")])
    }
}

/// A C initialiser with the names of an enum's cases, ended by NULL.
pub(crate) fn names_table(cases: &Enum) -> String {
    let names: Vec<_> = cases.cases.iter().map(|case| format!("\"{}\"", case.name)).collect();
    format!("{{{}, NULL}}", names.join(", "))
}
