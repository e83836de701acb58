//! Values as the types of WIT, both ways.
//!
//! | WIT | value |
//! |---|---|
//! | `bool`, integers, floats | the same; a number that does not fit is refused |
//! | `string`, `char`, `enum` | text |
//! | `list<u8>` | a string of bytes |
//! | other `list`, `tuple` | an array |
//! | `record` | a map; a field that is an `option` may be missing |
//! | `option` | the value or nothing |
//! | `variant` | the name of the case, or a map of it to its value |
//! | `flags` | an array of names |
//! | `result` inside of others | a map with `ok` or `error` |

use perilune_value::{Failure, Kind, Value};
use wasmtime::component::{Type, Val};

/// Types that nest deeper than values may are not followed.
const MAX_DEPTH: usize = Value::MAX_DEPTH;

/// What of a type is no value: a handle of the component's own, for one.
pub(crate) fn unpassable(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Own(_) | Type::Borrow(_) => Some("a resource"),
        Type::Future(_) => Some("a future"),
        Type::Stream(_) => Some("a stream"),
        Type::ErrorContext => Some("an error context"),
        Type::List(list) => unpassable(&list.ty()),
        Type::FixedLengthList(list) => unpassable(&list.ty()),
        Type::Map(map) => unpassable(&map.key()).or_else(|| unpassable(&map.value())),
        Type::Record(record) => record.fields().find_map(|field| unpassable(&field.ty)),
        Type::Tuple(tuple) => tuple.types().find_map(|ty| unpassable(&ty)),
        Type::Variant(variant) => variant.cases().filter_map(|case| case.ty).find_map(|ty| unpassable(&ty)),
        Type::Option(option) => unpassable(&option.ty()),
        Type::Result(result) => result.ok().into_iter().chain(result.err()).find_map(|ty| unpassable(&ty)),
        _ => None,
    }
}

/// A value as a type; `path` says where it stands.
///
/// # Errors
///
/// `Invalid`, with the path to what does not fit.
pub(crate) fn lower(value: &Value, ty: &Type, path: &str) -> Result<Val, Failure> {
    lower_at(value, ty, path, 0)
}

fn lower_at(value: &Value, ty: &Type, path: &str, depth: usize) -> Result<Val, Failure> {
    let wrong = |expected: &str| {
        let found = match value {
            Value::Nil => "nothing".to_owned(),
            value => format!("a {}", value.type_name()),
        };
        Failure::invalid(format!("{path}: expected {expected}, found {found}"))
    };
    if depth > MAX_DEPTH {
        return Err(Failure::invalid(format!("{path}: nests deeper than {MAX_DEPTH} levels")));
    }
    let inner =
        |value: &Value, ty: &Type, part: &str| lower_at(value, ty, &format!("{path}{part}"), depth + 1);
    macro_rules! integer {
        ($case:ident, $name:literal) => {
            value
                .as_integer()
                .and_then(|number| number.try_into().ok())
                .map(Val::$case)
                .ok_or_else(|| wrong(concat!("a number that fits `", $name, "`")))
        };
    }
    match ty {
        Type::Bool => match value {
            Value::Bool(truth) => Ok(Val::Bool(*truth)),
            _ => Err(wrong("a boolean")),
        },
        Type::S8 => integer!(S8, "s8"),
        Type::U8 => integer!(U8, "u8"),
        Type::S16 => integer!(S16, "s16"),
        Type::U16 => integer!(U16, "u16"),
        Type::S32 => integer!(S32, "s32"),
        Type::U32 => integer!(U32, "u32"),
        Type::S64 => integer!(S64, "s64"),
        Type::U64 => integer!(U64, "u64"),
        Type::Float32 => {
            value.as_float().map(|number| Val::Float32(number as f32)).ok_or_else(|| wrong("a number"))
        }
        Type::Float64 => value.as_float().map(Val::Float64).ok_or_else(|| wrong("a number")),
        Type::Char => {
            let mut chars = value.as_str().unwrap_or_default().chars();
            match (chars.next(), chars.next()) {
                (Some(only), None) => Ok(Val::Char(only)),
                _ => Err(wrong("a text of one character")),
            }
        }
        Type::String => {
            value.as_str().map(|text| Val::String(text.to_owned())).ok_or_else(|| wrong("a text in UTF-8"))
        }
        Type::List(list) => match (value, list.ty()) {
            (Value::String(bytes), Type::U8) => Ok(Val::List(bytes.iter().copied().map(Val::U8).collect())),
            (value, ty) => {
                elements(value, |item, at| inner(item, &ty, &at), || wrong("an array")).map(Val::List)
            }
        },
        Type::FixedLengthList(list) => {
            let (ty, length) = (list.ty(), list.len() as usize);
            let items = elements(value, |item, at| inner(item, &ty, &at), || wrong("an array"))?;
            let expected = format!("an array of {length} values");
            if items.len() == length { Ok(Val::FixedLengthList(items)) } else { Err(wrong(&expected)) }
        }
        Type::Map(map) => {
            let (key_type, value_type) = (map.key(), map.value());
            let pairs = pairs(value).ok_or_else(|| wrong("a map"))?.iter();
            let pairs = pairs.map(|(key, value)| {
                let part = format!(".{}", name(key));
                Ok((inner(key, &key_type, &part)?, inner(value, &value_type, &part)?))
            });
            pairs.collect::<Result<_, Failure>>().map(Val::Map)
        }
        Type::Record(record) => {
            let given = pairs(value).ok_or_else(|| wrong("a map"))?;
            if let Some((key, _)) = given.iter().find(|(key, _)| {
                !record.fields().any(|field| {
                    key.as_str() == Some(&names_in_lua(field.name)) || key.as_str() == Some(field.name)
                })
            }) {
                return Err(Failure::invalid(format!("{path}: has no field `{}`", name(key))));
            }
            let fields = record.fields().map(|field| {
                let found = value.get(field.name).or_else(|| value.get(&names_in_lua(field.name)));
                let lowered = inner(found.unwrap_or(&Value::Nil), &field.ty, &format!(".{}", field.name))?;
                Ok((field.name.to_owned(), lowered))
            });
            fields.collect::<Result<_, Failure>>().map(Val::Record)
        }
        Type::Tuple(tuple) => {
            let types: Vec<Type> = tuple.types().collect();
            let expected = format!("an array of {} values", types.len());
            match value {
                Value::Array(items) if items.len() == types.len() => {
                    let items = items.iter().zip(&types).enumerate();
                    items
                        .map(|(at, (item, ty))| inner(item, ty, &format!("[{}]", at + 1)))
                        .collect::<Result<_, _>>()
                }
                _ => Err(wrong(&expected)),
            }
            .map(Val::Tuple)
        }
        Type::Variant(variant) => {
            let (case, payload) =
                case(value).ok_or_else(|| wrong("the name of a case, or a map of it to its value"))?;
            let known = variant.cases().find(|known| known.name == case);
            let known =
                known.ok_or_else(|| Failure::invalid(format!("{path}: there is no case `{case}`")))?;
            let payload = match known.ty {
                None => None,
                Some(ty) => Some(Box::new(inner(payload, &ty, &format!(".{case}"))?)),
            };
            Ok(Val::Variant(case.to_owned(), payload))
        }
        Type::Enum(names) => match value.as_str() {
            Some(text) if names.names().any(|name| name == text) => Ok(Val::Enum(text.to_owned())),
            _ => Err(wrong(&format!("one of {}", names.names().collect::<Vec<_>>().join(", ")))),
        },
        Type::Option(option) => match value {
            Value::Nil => Ok(Val::Option(None)),
            value => Ok(Val::Option(Some(Box::new(inner(value, &option.ty(), "")?)))),
        },
        Type::Result(result) => {
            let side = |ty: Option<Type>, name: &str| match ty {
                None => Ok(None),
                Some(ty) => {
                    let payload = value.get(name).unwrap_or(&Value::Nil);
                    inner(payload, &ty, &format!(".{name}")).map(|payload| Some(Box::new(payload)))
                }
            };
            match case(value) {
                Some(("ok", _)) => side(result.ok(), "ok").map(|ok| Val::Result(Ok(ok))),
                Some(("error", _)) => side(result.err(), "error").map(|error| Val::Result(Err(error))),
                _ => Err(wrong("a map with `ok` or `error`")),
            }
        }
        Type::Flags(flags) => {
            let name_of = |item: &Value, at: String| match item.as_str() {
                Some(text) if flags.names().any(|name| name == text) => Ok(text.to_owned()),
                _ => Err(Failure::invalid(format!("{path}{at}: is no flag"))),
            };
            let Value::Array(items) = value else {
                return if *value == Value::Nil || pairs(value).is_some_and(<[_]>::is_empty) {
                    Ok(Val::Flags(Vec::new()))
                } else {
                    Err(wrong("an array of names"))
                };
            };
            let names = items.iter().enumerate().map(|(at, item)| name_of(item, format!("[{}]", at + 1)));
            names.collect::<Result<_, _>>().map(Val::Flags)
        }
        other => Err(wrong(unpassable(other).unwrap_or("something else"))),
    }
}

fn elements(
    value: &Value,
    mut lower: impl FnMut(&Value, String) -> Result<Val, Failure>,
    wrong: impl Fn() -> Failure,
) -> Result<Vec<Val>, Failure> {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().map(|(at, item)| lower(item, format!("[{}]", at + 1))).collect()
        }
        // An empty table.
        Value::Map(pairs) if pairs.is_empty() => Ok(Vec::new()),
        _ => Err(wrong()),
    }
}

/// The pairs of a map; an empty array is an empty map, too.
fn pairs(value: &Value) -> Option<&[(Value, Value)]> {
    match value {
        Value::Map(pairs) => Some(pairs),
        Value::Array(items) if items.is_empty() => Some(&[]),
        _ => None,
    }
}

/// The name of a case, and its value if it has one.
fn case(value: &Value) -> Option<(&str, &Value)> {
    match value {
        Value::Map(pairs) => match pairs.as_slice() {
            [(key, payload)] => Some((key.as_str()?, payload)),
            _ => None,
        },
        value => Some((value.as_str()?, &Value::Nil)),
    }
}

fn name(key: &Value) -> String {
    key.as_str().map_or_else(|| format!("({})", key.type_name()), str::to_owned)
}

/// WIT writes `first-name`, which Lua and most other languages cannot write as a name.
fn names_in_lua(name: &str) -> String {
    name.replace('-', "_")
}

/// What a component gave, as a value.
pub(crate) fn lift(val: Val, ty: &Type) -> Value {
    match (val, ty) {
        (Val::Bool(truth), _) => Value::Bool(truth),
        (Val::S8(number), _) => Value::Integer(number.into()),
        (Val::U8(number), _) => Value::Integer(number.into()),
        (Val::S16(number), _) => Value::Integer(number.into()),
        (Val::U16(number), _) => Value::Integer(number.into()),
        (Val::S32(number), _) => Value::Integer(number.into()),
        (Val::U32(number), _) => Value::Integer(number.into()),
        (Val::S64(number), _) => Value::Integer(number),
        (Val::U64(number), _) => i64::try_from(number).map_or(Value::Float(number as f64), Value::Integer),
        (Val::Float32(number), _) => Value::Float(number.into()),
        (Val::Float64(number), _) => Value::Float(number),
        (Val::Char(only), _) => Value::from(only.to_string()),
        (Val::String(text) | Val::Enum(text), _) => Value::from(text),
        (Val::List(items), Type::List(list)) => match list.ty() {
            Type::U8 => Value::String(items.into_iter().filter_map(byte).collect()),
            ty => Value::Array(items.into_iter().map(|item| lift(item, &ty)).collect()),
        },
        (Val::FixedLengthList(items), Type::FixedLengthList(list)) => {
            let ty = list.ty();
            Value::Array(items.into_iter().map(|item| lift(item, &ty)).collect())
        }
        (Val::Map(pairs), Type::Map(map)) => {
            let (key_type, value_type) = (map.key(), map.value());
            let pair = |(key, value)| (lift(key, &key_type), lift(value, &value_type));
            Value::Map(pairs.into_iter().map(pair).collect())
        }
        (Val::Record(fields), Type::Record(record)) => {
            let fields = fields.into_iter().zip(record.fields());
            let pairs =
                fields.map(|((name, val), field)| (Value::from(names_in_lua(&name)), lift(val, &field.ty)));
            Value::Map(pairs.filter(|(_, value)| *value != Value::Nil).collect())
        }
        (Val::Tuple(items), Type::Tuple(tuple)) => {
            Value::Array(items.into_iter().zip(tuple.types()).map(|(item, ty)| lift(item, &ty)).collect())
        }
        (Val::Variant(case, payload), Type::Variant(variant)) => {
            let ty = variant.cases().find(|known| known.name == case).and_then(|known| known.ty);
            match payload.zip(ty) {
                None => Value::from(case),
                Some((payload, ty)) => Value::Map(vec![(Value::from(case), lift(*payload, &ty))]),
            }
        }
        (Val::Option(option), Type::Option(ty)) => option.map_or(Value::Nil, |some| lift(*some, &ty.ty())),
        (Val::Result(outcome), Type::Result(result)) => {
            let (name, payload, ty) = match outcome {
                Ok(payload) => ("ok", payload, result.ok()),
                Err(payload) => ("error", payload, result.err()),
            };
            let payload = payload.zip(ty).map_or(Value::Bool(true), |(payload, ty)| lift(*payload, &ty));
            Value::Map(vec![(Value::from(name), payload)])
        }
        (Val::Flags(names), _) => Value::Array(names.into_iter().map(Value::from).collect()),
        // What `unpassable` refuses never gets here.
        _ => Value::Nil,
    }
}

fn byte(val: Val) -> Option<u8> {
    match val {
        Val::U8(byte) => Some(byte),
        _ => None,
    }
}

/// The result of a function: what a `result` says is the call's own outcome.
pub(crate) fn outcome(val: Val, ty: &Type) -> Result<Value, Failure> {
    match (val, ty) {
        (Val::Result(Ok(payload)), Type::Result(result)) => {
            Ok(payload.zip(result.ok()).map_or(Value::Nil, |(payload, ty)| lift(*payload, &ty)))
        }
        (Val::Result(Err(payload)), Type::Result(result)) => {
            let error = payload.zip(result.err()).map_or(Value::Nil, |(payload, ty)| lift(*payload, &ty));
            Err(failure(error))
        }
        (val, ty) => Ok(lift(val, ty)),
    }
}

/// What a component says went wrong: a text, a map with `kind`, `message` and perhaps more, or anything else, which becomes its
/// details.
pub(crate) fn failure(error: Value) -> Failure {
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    if let Some(message) = error.as_str() {
        return Failure::internal(message);
    }
    let Some(message) = text("message") else {
        let message = case(&error).map_or("the component gave an error", |(case, _)| case).to_owned();
        let details = Some(error).filter(|error| *error != Value::Nil);
        return Failure { details, ..Failure::internal(message) };
    };
    Failure {
        kind: Kind::from(text("kind").unwrap_or_default()),
        message: message.to_owned(),
        retryable: match error.get("retryable") {
            Some(Value::Bool(retryable)) => Some(*retryable),
            _ => None,
        },
        details: error.get("details").cloned(),
        stack: None,
    }
}

/// A failure of the host's for a component: JSON.
pub(crate) fn failure_to_json(failure: &Failure) -> String {
    let mut fields = vec![
        (Value::from("kind"), Value::from(failure.kind.as_str())),
        (Value::from("message"), Value::from(&*failure.message)),
    ];
    fields.extend(failure.retryable.map(|retryable| (Value::from("retryable"), Value::Bool(retryable))));
    fields.extend(failure.details.clone().map(|details| (Value::from("details"), details)));
    perilune_value::json::encode(&Value::Map(fields)).unwrap_or_else(|_| failure.message.clone())
}
