//! `api/` describes what is really there: modules, globals and objects have the names that it says, and no others.

use mlua::{Function, Lua, Table};
use perilune::{MODULES, Value};
use perilune_api::{Api, Description, Scalar, Subject};
use perilune_tests::App;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What a table holds, by dotted names: `function`, `object`, or the value.
type Held = BTreeMap<String, Value>;

/// Lists tables by name; those in `list`.
const LIST: &str = r#"
    local function list(t, prefix, out)
        for key, value in pairs(t) do
            local kind = type(value)
            if kind == "table" then
                list(value, prefix .. key .. ".", out)
            elseif kind == "function" then
                out[prefix .. key] = { "function" }
            elseif kind == "userdata" then
                out[prefix .. key] = { "object" }
            else
                out[prefix .. key] = { "value", value }
            end
        end
        return out
    end
"#;

fn held(value: &Value) -> BTreeMap<String, Held> {
    let fields = |value: &Value| -> Vec<(String, Value)> {
        let Value::Map(fields) = value else { return Vec::new() };
        fields
            .iter()
            .map(|(name, value)| (name.as_str().expect("a name").to_owned(), value.clone()))
            .collect()
    };
    fields(value).into_iter().map(|(name, table)| (name, fields(&table).into_iter().collect())).collect()
}

/// Compares a description with what is there, constants with their values.
fn compare(name: &str, described: &Description, held: &Held) -> Vec<String> {
    let mut wrong = Vec::new();
    let names: BTreeSet<&str> = described.names().collect();
    for there in held.keys().filter(|there| !names.contains(there.as_str())) {
        wrong.push(format!("{name}.{there} is there, but api/ does not describe it"));
    }
    for missing in names.iter().filter(|described| !held.contains_key(**described)) {
        wrong.push(format!("{name}.{missing} is described, but not there"));
    }
    for (there, value) in held {
        let Value::Array(kind) = value else { panic!("{name}.{there}: {value:?}") };
        let is = |word: &str| kind.first() == Some(&Value::from(word));
        let constant = described.constant(there).map(|constant| match &constant.value {
            Scalar::Bool(value) => Value::from(*value),
            Scalar::Integer(value) => Value::from(*value),
            Scalar::Float(value) => Value::from(*value),
            Scalar::Text(text) => Value::from(text.as_str()),
        });
        if let Some(constant) = constant
            && kind.get(1) != Some(&constant)
        {
            wrong.push(format!("{name}.{there} is {:?}, but described as {constant:?}", kind.get(1)));
        }
        if described.function(there).is_some() && !is("function") {
            wrong.push(format!("{name}.{there} is described as a function, but is none"));
        }
        if described.fields.contains_key(there) && !is("object") {
            wrong.push(format!("{name}.{there} is described as an object, but is none"));
        }
    }
    wrong
}

#[tokio::test]
async fn modules_hold_what_is_described() {
    let names: Vec<&str> = MODULES.iter().map(|module| module.name).collect();
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    let body = format!(
        "{LIST} local out = {{}} for _, name in ipairs({{ {} }}) do out[name] = list(require(name), '', {{}}) end return out",
        quoted.join(", ")
    );
    let there = held(&App::lua(&names.join(", "), &body).main().await);
    let mut wrong = Vec::new();
    for name in &names {
        match Api::built_in().module(name) {
            Some(described) => {
                wrong.extend(compare(name, described, &there.get(*name).cloned().unwrap_or_default()))
            }
            None => wrong.push(format!("module `{name}` lacks its description: write api/{name}.yaml")),
        }
    }
    for (file, described) in Api::built_in().descriptions() {
        if let Subject::Module(name) = &described.subject
            && !names.contains(&name.as_str())
            && App::lua(name, &format!("return require('{name}')")).call("app:main", &[]).await.is_err()
        {
            wrong.push(format!("api/{file}.yaml describes module `{name}`, which does not exist"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn globals_hold_what_is_described() {
    let body = format!(
        "{LIST} local out = {{ _G = {{}} }}
        for name, value in pairs(_G) do
            if type(value) == 'table' and value ~= _G then out[name] = list(value, '', {{}})
            else out._G[name] = {{ type(value) == 'function' and 'function' or 'value' }} end
        end
        return out"
    );
    let there = held(&App::lua("", &body).main().await);
    let mut wrong = Vec::new();
    for (name, table) in &there {
        match Api::built_in().global(name) {
            Some(described) => wrong.extend(compare(name, described, table)),
            None => wrong.push(format!("global `{name}` lacks its description: write api/{name}.yaml")),
        }
    }
    for (file, described) in Api::built_in().descriptions() {
        if let Subject::Global(name) = &described.subject
            && !there.contains_key(name)
        {
            wrong.push(format!("api/{file}.yaml describes global `{name}`, which does not exist"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs the guest's own Lua on this side of the wall, where classes can be seen as they are made.
const HARNESS: &str = r#"
    local read, interfaces = ...
    local classes = {}
    local function nothing() end
    local frozen = setmetatable({}, { __mode = "k" })
    local native = setmetatable({
        wrap = function(state, class) return { state = state, class = class } end,
        unwrap = function(value, class) return type(value) == "table" and rawget(value, "class") == class and value.state or nil end,
        freeze = function(t) frozen[t] = true return t end,
        isfrozen = function(t) return frozen[t] == true end,
    }, { __index = function() return nothing end })
    local imports = {}
    for _, name in ipairs(interfaces) do
        imports[name] = setmetatable({}, { __index = function() return nothing end })
    end
    local function file(name)
        local text = read(name)
        if not text then return nil end
        local chunk = assert(load(text, "=" .. name))
        if name ~= "class" then return chunk end
        return function(...)
            local class, describe = chunk(...)
            return function(name, methods, metamethods)
                local names = {}
                classes[#classes + 1] = { name, methods }
                return class(name, methods, metamethods)
            end, describe
        end
    end
    assert(load(assert(read("prelude")), "=prelude"))(native, imports, file)
    local found = {}
    for _, class in ipairs(classes) do
        local names = {}
        for name in pairs(class[2]) do names[#names + 1] = name end
        found[class[1]] = names
    end
    return found
"#;

fn classes() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let lua = Lua::new();
    let folder: PathBuf = root.join("guest-lua/lua");
    let read = lua
        .create_function(move |_, name: String| Ok(fs::read_to_string(folder.join(name + ".lua")).ok()))
        .expect("a function");
    let interfaces: Vec<String> = fs::read_dir(root.join("wit"))
        .expect("wit/ is there")
        .map(|file| {
            file.expect("a file").path().file_stem().expect("a name").to_string_lossy().replace('-', "_")
        })
        .filter(|name| name != "guest" && name != "types")
        .collect();
    let harness: Function = lua.load(HARNESS).set_name("=harness").into_function().expect("it is Lua");
    let found: Table = harness.call((read, interfaces)).unwrap_or_else(|error| panic!("{error}"));
    found
        .pairs::<String, Vec<String>>()
        .map(|pair| pair.map(|(name, methods)| (name, methods.into_iter().collect())).expect("names"))
        .collect()
}

#[test]
fn objects_have_the_methods_that_are_described() {
    let classes = classes();
    assert!(classes.len() > 10, "{classes:?}");
    let mut wrong = Vec::new();
    for (name, methods) in &classes {
        let Some(described) = Api::built_in().class(name) else {
            wrong.push(format!("class `{name}` lacks its description"));
            continue;
        };
        for method in methods.iter().filter(|method| !described.methods.contains_key(*method)) {
            wrong.push(format!("{name}:{method} is there, but api/ does not describe it"));
        }
        for method in described.methods.keys().filter(|method| !methods.contains(*method)) {
            wrong.push(format!("{name}:{method} is described, but not there"));
        }
    }
    for (file, described) in Api::built_in().descriptions() {
        for (name, class) in &described.classes {
            if !class.methods.is_empty() && !classes.contains_key(name) {
                wrong
                    .push(format!("api/{file}.yaml: class `{name}` has methods, but there is no such class"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
