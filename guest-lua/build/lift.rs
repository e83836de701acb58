//! Results in the canonical ABI's memory layout to Lua values.

use crate::imports::{Shape, Types, names_table, snake};
use anyhow::{Result, bail};
use std::fmt::Write;
use wit_parser::{Int, Type};

/// Code that returns the result in `result` to Lua: `result<T, failure>` as `T` or `nil, err`, a tuple as several values.
pub(crate) fn results(types: &Types, ty: Option<&Type>) -> Result<String> {
    let mut code = String::new();
    let Some(ty) = ty else {
        return Ok("  return 0;\n".to_owned());
    };
    if let Shape::Result(result) = types.shape(ty)? {
        let cases = [result.ok.as_ref(), result.err.as_ref()];
        let payload = types.sizes.payload_offset(Int::U8, cases).size_wasm32();
        writeln!(code, "  if (result[0] != 0) {{\n    lua_pushnil(L);")?;
        match &result.err {
            Some(err) => push(&mut code, types, err, &format!("result + {payload}"), 1)?,
            None => bail!("a result's error is a failure"),
        }
        writeln!(code, "    return 2;\n  }}")?;
        match &result.ok {
            Some(ok) => returned(&mut code, types, ok, &format!("result + {payload}"))?,
            None => writeln!(code, "  lua_pushboolean(L, 1);\n  return 1;")?,
        }
    } else {
        returned(&mut code, types, ty, "result")?;
    }
    Ok(code)
}

fn returned(code: &mut String, types: &Types, ty: &Type, at: &str) -> Result<()> {
    if let Shape::Tuple(tuple) = types.shape(ty)? {
        for (offset, item) in types.sizes.field_offsets(&tuple.types) {
            push(code, types, item, &format!("{at} + {}", offset.size_wasm32()), 1)?;
        }
        writeln!(code, "  return {};", tuple.types.len())?;
    } else {
        push(code, types, ty, at, 1)?;
        writeln!(code, "  return 1;")?;
    }
    Ok(())
}

/// Pushes the value at address `at`. `depth` keeps the names of nested loops apart.
fn push(code: &mut String, types: &Types, ty: &Type, at: &str, depth: usize) -> Result<()> {
    match types.shape(ty)? {
        Shape::Bool => writeln!(code, "  lua_pushboolean(L, *({at}));")?,
        Shape::Integer { c_type, .. } => {
            writeln!(code, "  lua_pushinteger(L, (lua_Integer)*(const {c_type} *)({at}));")?
        }
        Shape::Float => writeln!(code, "  lua_pushnumber(L, load_f64({at}));")?,
        Shape::Text | Shape::Bytes => writeln!(code, "  push_bytes(L, {at});")?,
        Shape::Value => writeln!(code, "  push_value(L, {at});")?,
        Shape::Failure => writeln!(code, "  push_failure(L, {at});")?,
        Shape::Option(inner) => {
            let payload = types.sizes.payload_offset(Int::U8, [None, Some(inner)]).size_wasm32();
            writeln!(code, "  if (*({at})) {{")?;
            push(code, types, inner, &format!("{at} + {payload}"), depth)?;
            writeln!(code, "  }} else lua_pushnil(L);")?;
        }
        Shape::List(item) => {
            let (list, i, size) = (format!("list{depth}"), format!("i{depth}"), types.size(item));
            writeln!(
                code,
                "  {{\n  uint8_t *{list} = (uint8_t *)(uintptr_t)load_i32({at});\n  int32_t n{depth} = load_i32({at} + 4);"
            )?;
            writeln!(
                code,
                "  lua_createtable(L, n{depth}, 0);\n  luaL_checkstack(L, 8, \"list nested too deep\");"
            )?;
            writeln!(code, "  for (int32_t {i} = 0; {i} < n{depth}; {i}++) {{")?;
            push(code, types, item, &format!("{list} + {i} * {size}"), depth + 1)?;
            writeln!(code, "  lua_rawseti(L, -2, {i} + 1);\n  }}\n  if (n{depth} > 0) free({list});\n  }}")?;
        }
        Shape::Record(record) => {
            writeln!(code, "  lua_createtable(L, 0, {});", record.fields.len())?;
            let field_types = record.fields.iter().map(|field| &field.ty);
            for ((offset, ty), field) in
                types.sizes.field_offsets(field_types).into_iter().zip(&record.fields)
            {
                push(code, types, ty, &format!("{at} + {}", offset.size_wasm32()), depth + 1)?;
                writeln!(code, "  lua_setfield(L, -2, \"{}\");", snake(&field.name))?;
            }
        }
        Shape::Enum(cases) => {
            writeln!(code, "  {{\n  static const char *const names[] = {};", names_table(cases))?;
            writeln!(code, "  lua_pushstring(L, names[*({at})]);\n  }}")?;
        }
        Shape::Tuple(tuple) => {
            writeln!(code, "  lua_createtable(L, {}, 0);", tuple.types.len())?;
            for (k, (offset, item)) in types.sizes.field_offsets(&tuple.types).into_iter().enumerate() {
                push(code, types, item, &format!("{at} + {}", offset.size_wasm32()), depth + 1)?;
                writeln!(code, "  lua_rawseti(L, -2, {});", k + 1)?;
            }
        }
        Shape::Arguments | Shape::Result(_) => bail!("not supported inside a result"),
    }
    Ok(())
}
