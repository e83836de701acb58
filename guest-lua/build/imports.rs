//! Generates the C that makes imported interfaces callable from Lua, straight on the canonical ABI.
//!
//! `start-x`/`take-x` pairs give three functions: `start_x` and `take_x` for the prelude, and `x`, which suspends the
//! calling task between the two.

use crate::lower::Lowering;
use crate::world::World;
use crate::{lift, lower};
use anyhow::{Context, Result, ensure};
use std::fmt::Write;
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Docs, Function, Resolve, SizeAlign, Type, TypeDefKind};

/// What generated code needs to know of the types it handles.
pub(crate) struct Types<'a> {
    pub(crate) resolve: &'a Resolve,
    pub(crate) sizes: SizeAlign,
}

/// How a WIT type appears in Lua.
pub(crate) enum Shape<'a> {
    Bool,
    Integer {
        c_type: &'static str,
        least: &'static str,
        most: &'static str,
        wide: bool,
    },
    Float,
    Text,
    Bytes,
    /// Any Lua value, as MessagePack.
    Value,
    /// All remaining Lua arguments, as MessagePack.
    Arguments,
    /// An error object.
    Failure,
    Option(&'a Type),
    List(&'a Type),
    Record(&'a wit_parser::Record),
    Enum(&'a wit_parser::Enum),
    Tuple(&'a wit_parser::Tuple),
    Result(&'a wit_parser::Result_),
}

impl Types<'_> {
    pub(crate) fn shape<'a>(&'a self, ty: &'a Type) -> Result<Shape<'a>> {
        let narrow = |c_type, least, most| Shape::Integer { c_type, least, most, wide: false };
        Ok(match ty {
            Type::Bool => Shape::Bool,
            Type::U8 => narrow("uint8_t", "0", "UINT8_MAX"),
            Type::S8 => narrow("int8_t", "INT8_MIN", "INT8_MAX"),
            Type::U16 => narrow("uint16_t", "0", "UINT16_MAX"),
            Type::S16 => narrow("int16_t", "INT16_MIN", "INT16_MAX"),
            Type::U32 => narrow("uint32_t", "0", "UINT32_MAX"),
            Type::S32 => narrow("int32_t", "INT32_MIN", "INT32_MAX"),
            Type::U64 => {
                Shape::Integer { c_type: "uint64_t", least: "0", most: "LUA_MAXINTEGER", wide: true }
            }
            Type::S64 => Shape::Integer {
                c_type: "int64_t",
                least: "LUA_MININTEGER",
                most: "LUA_MAXINTEGER",
                wide: true,
            },
            Type::F64 => Shape::Float,
            Type::String => Shape::Text,
            Type::Id(id) => {
                let definition = &self.resolve.types[*id];
                match (definition.name.as_deref(), &definition.kind) {
                    (Some("value"), _) => Shape::Value,
                    (Some("arguments"), _) => Shape::Arguments,
                    (Some("failure"), _) => Shape::Failure,
                    (_, TypeDefKind::Type(inner)) => self.shape(inner)?,
                    (_, TypeDefKind::List(Type::U8)) => Shape::Bytes,
                    (_, TypeDefKind::List(item)) => Shape::List(item),
                    (_, TypeDefKind::Option(inner)) => Shape::Option(inner),
                    (_, TypeDefKind::Record(record)) => Shape::Record(record),
                    (_, TypeDefKind::Enum(cases)) => Shape::Enum(cases),
                    (_, TypeDefKind::Tuple(tuple)) => Shape::Tuple(tuple),
                    (_, TypeDefKind::Result(result)) => Shape::Result(result),
                    (name, kind) => anyhow::bail!("{} {name:?} has no counterpart in Lua", kind.as_str()),
                }
            }
            other => anyhow::bail!("{other:?} has no counterpart in Lua"),
        })
    }

    pub(crate) fn size(&self, ty: &Type) -> usize {
        self.sizes.size(ty).size_wasm32()
    }
}

pub(crate) fn generate(world: &World) -> Result<String> {
    let mut sizes = SizeAlign::default();
    sizes.fill(&world.resolve)?;
    let types = Types { resolve: &world.resolve, sizes };
    let mut declarations = String::from(
        "/* Generated from wit/. */\n#include <stdlib.h>\n#include <string.h>\n#include \"guest.h\"\n",
    );
    let mut code = String::new();
    let mut open = String::from("int open_imports(lua_State *L) {\n  lua_newtable(L);\n");
    for (interface, id) in &world.imports {
        let module = world.resolve.id_of(*id).context("an interface without a name")?;
        let functions = &world.resolve.interfaces[*id].functions;
        writeln!(open, "  lua_newtable(L);")?;
        for function in functions.values() {
            let context = || format!("{interface}.{}", function.name);
            let ident = c_name(interface, &function.name);
            declare(&mut declarations, &types, &module, &ident, function).with_context(context)?;
            let takes_time = ["start-", "take-"].iter().any(|prefix| function.name.starts_with(prefix));
            let interface_docs = &world.resolve.interfaces[*id].docs;
            let timeless = !takes_time && (is_timeless(interface_docs) || is_timeless(&function.docs));
            define(&mut code, &types, &ident, function, timeless).with_context(context)?;
            register(&mut open, &ident, &snake(&function.name))?;
            if let Some(name) = function.name.strip_prefix("start-") {
                let take = functions.get(&format!("take-{name}"));
                define_wait(&mut code, &types, interface, name, take).with_context(context)?;
                register(&mut open, &c_name(interface, name), &snake(name))?;
            }
        }
        writeln!(open, "  lua_setfield(L, -2, \"{}\");", snake(interface))?;
    }
    open.push_str("  return 1;\n}\n");
    Ok(declarations + &code + &open)
}

/// What the documentation in `wit/` says of functions whose answer is the same at any time and in any call, so that an image
/// may hold it. Whatever does not say so counts as a question to the outside, and so does what takes time.
const TIMELESS: &str = "Timeless:";

fn is_timeless(docs: &Docs) -> bool {
    docs.contents.as_ref().is_some_and(|text| text.contains(TIMELESS))
}

fn register(open: &mut String, ident: &str, name: &str) -> Result<()> {
    writeln!(open, "  lua_pushcfunction(L, lua_{ident});\n  lua_setfield(L, -2, \"{name}\");")?;
    Ok(())
}

pub(crate) fn snake(name: &str) -> String {
    name.replace('-', "_")
}

fn c_name(interface: &str, function: &str) -> String {
    format!("{}__{}", snake(interface), snake(function))
}

/// The import itself, with the signature of the canonical ABI.
fn declare(code: &mut String, types: &Types, module: &str, ident: &str, function: &Function) -> Result<()> {
    let signature = types.resolve.wasm_signature(AbiVariant::GuestImport, function);
    ensure!(!signature.indirect_params, "too many parameters");
    let c_type = |ty: &WasmType| match ty {
        WasmType::I64 | WasmType::PointerOrI64 => "int64_t",
        WasmType::F32 => "float",
        WasmType::F64 => "double",
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "int32_t",
    };
    let parameters: Vec<_> = signature.params.iter().map(c_type).collect();
    let parameters = if parameters.is_empty() { "void".to_owned() } else { parameters.join(", ") };
    let result = signature.results.first().map_or("void", c_type);
    writeln!(
        code,
        "\n__attribute__((import_module(\"{module}\"), import_name(\"{}\")))\nextern {result} import_{ident}({parameters});\n",
        function.name
    )?;
    Ok(())
}

/// `call_x` lowers the Lua arguments and calls the import, `lua_x` lifts its result. -1 stands for a refusal that is
/// already on the stack.
fn define(code: &mut String, types: &Types, ident: &str, function: &Function, timeless: bool) -> Result<()> {
    let signature = types.resolve.wasm_signature(AbiVariant::GuestImport, function);
    let fallible = match &function.result {
        Some(ty) => matches!(types.shape(ty)?, Shape::Result(_)),
        None => false,
    };
    // A `start-` function hands its failure over through `take-`, whose results it shares.
    let returns_errors = fallible || function.name.starts_with("start-");
    let mut lowering = Lowering::new(types, !returns_errors);
    for (number, parameter) in function.params.iter().enumerate() {
        lowering.parameter(&parameter.ty, number + 1)?;
    }
    let mut arguments = lowering.arguments;
    writeln!(
        code,
        "static int call_{ident}(lua_State *L, void *result) {{\n  size_t mark = scratch.length;"
    )?;
    writeln!(code, "  (void)L; (void)mark; (void)result;")?;
    code.push_str(&lowering.code);
    if !timeless {
        writeln!(code, "  asked_outside = true;")?;
    }
    let returned = if signature.retptr {
        arguments.push("(int32_t)result".to_owned());
        String::new()
    } else {
        match signature.results.first() {
            Some(WasmType::I64 | WasmType::PointerOrI64) => "*(int64_t *)result = ".to_owned(),
            Some(WasmType::F64) => "*(double *)result = ".to_owned(),
            Some(_) => "*(int32_t *)result = ".to_owned(),
            None => String::new(),
        }
    };
    writeln!(code, "  {returned}import_{ident}({});", arguments.join(", "))?;
    writeln!(code, "  scratch.length = mark;\n  return 0;\n}}\n")?;

    let size = function.result.as_ref().map_or(8, |ty| types.size(ty).max(8));
    writeln!(code, "static int lua_{ident}(lua_State *L) {{")?;
    writeln!(code, "  _Alignas(8) uint8_t result[{size}];")?;
    writeln!(code, "  int refused = call_{ident}(L, result);\n  if (refused) return refused;")?;
    code.push_str(&lift::results(types, function.result.as_ref())?);
    writeln!(code, "}}\n")?;
    Ok(())
}

/// `x` = `start_x`, wait for the ticket, `take_x`.
fn define_wait(
    code: &mut String,
    types: &Types,
    interface: &str,
    name: &str,
    take: Option<&Function>,
) -> Result<()> {
    let (ident, start) = (c_name(interface, name), c_name(interface, &format!("start-{name}")));
    let taken = format!("taken_{ident}");
    writeln!(code, "static int {taken}(lua_State *L, int status, lua_KContext context) {{")?;
    writeln!(code, "  (void)status; (void)context;")?;
    match take {
        Some(take) => {
            ensure!(take.params.len() == 1, "take-{name} takes the ticket alone");
            let take_ident = c_name(interface, &take.name);
            let signature = types.resolve.wasm_signature(AbiVariant::GuestImport, take);
            ensure!(signature.retptr, "take-{name} returns a result");
            let size = take.result.as_ref().map_or(8, |ty| types.size(ty).max(8));
            writeln!(code, "  _Alignas(8) uint8_t result[{size}];")?;
            writeln!(
                code,
                "  import_{take_ident}(lua_tointeger(L, 1), (int32_t)result);\n  lua_settop(L, 0);"
            )?;
            code.push_str(&lift::results(types, take.result.as_ref())?);
        }
        None => code.push_str("  return 0;\n"),
    }
    writeln!(code, "}}\n\nstatic int lua_{ident}(lua_State *L) {{\n  uint64_t ticket;")?;
    writeln!(code, "  must_be_able_to_wait(L, \"{}.{}\");", snake(interface), snake(name))?;
    writeln!(code, "  int refused = call_{start}(L, &ticket);\n  if (refused) return refused;")?;
    writeln!(code, "  return wait_for(L, ticket, {taken});\n}}\n")?;
    Ok(())
}

pub(crate) use lower::names_table;
