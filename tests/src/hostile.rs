//! Hostile guests: components with the right exports whose code is not Lua's, made from core WebAssembly text.

use perilune_cell::{CellSpec, Engine, EngineOptions, Guest, Host, Identity, Limits, Pid};
use perilune_modules::{ALWAYS, MODULES};
use perilune_value::Failure;
use std::path::Path;
use std::sync::Arc;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A component from a core module in text form, with all interfaces of `wit/` to import.
pub fn component(core: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let (package, _) = resolve.push_dir(wit).expect("wit/ is valid");
    let mut world = String::from("package perilune:hostile;\nworld hostile {\n");
    for name in resolve.packages[package].interfaces.keys() {
        let word = match name.as_str() {
            "guest" => "export",
            "types" => continue,
            _ => "import",
        };
        world.push_str(&format!("  {word} perilune:cell/{name}@0.1.0;\n"));
    }
    world.push('}');
    let hostile = resolve.push_str("hostile.wit", &world).expect("the world is valid");
    let world = resolve.select_world(&[hostile], Some("hostile")).expect("the world exists");
    let mut module = wat::parse_str(core).expect("the core module is valid");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).expect("metadata");
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(&module).expect("a module");
    encoder.encode().expect("a component")
}

/// A core module with all exports of the contract; `start` runs `body`, whose locals and imports are given.
pub fn core(imports: &str, body: &str) -> String {
    let result = "(result i32)";
    format!(
        r#"(module
          {imports}
          (memory (export "memory") 2)
          (global $next (mut i32) (i32.const 4096))
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (local $at i32)
            (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
            (global.set $next (i32.add (local.get $at) (local.get 3)))
            (local.get $at))
          (func (export "perilune:cell/guest@0.1.0#check") (param i32 i32 i32 i32) {result} (i32.const 1024))
          (func (export "perilune:cell/guest@0.1.0#compile") (param i32 i32 i32 i32) {result} (i32.const 1024))
          (func (export "perilune:cell/guest@0.1.0#load") (param i32 i32 i64 i64) {result} (i32.const 1024))
          (func (export "perilune:cell/guest@0.1.0#start") (param i32 i32 i32 i32 i64 i64) {result}
            {body}
            (i32.const 1024))
          (func (export "perilune:cell/guest@0.1.0#turn") (param i32 i32) {result} (i32.const 1024))
          (func (export "perilune:cell/guest@0.1.0#memory") {result} (i32.const 1024))
          (func (export "perilune:cell/guest@0.1.0#settle"))
          (func (export "perilune:cell/guest@0.1.0#compact") {result} (i32.const 1024))
          (func (export "perilune:cell/guest@0.1.0#reserve") (param i32)))"#
    )
}

/// Surroundings in which nothing is heard and messages go nowhere.
pub struct Quiet;

impl Host for Quiet {
    fn print(&self, _cell: &Identity, _line: &[u8], _location: &str) {}
}

/// Starts a hostile component as entry `app:evil` with these modules granted.
pub async fn start(component: &[u8], granted: &[&str], limits: Limits) -> Result<Vec<u8>, Failure> {
    let engine = Engine::new(EngineOptions { max_cells: 4, cache: None, ..EngineOptions::default() })
        .expect("an engine");
    let guest = Guest::new(&engine, component, ALWAYS, MODULES).expect("the component compiles");
    let template = guest.template(granted.iter().copied()).expect("the component links");
    let spec = CellSpec {
        identity: Identity { entry: "app:evil".into(), pid: Pid::numbered("test".into(), 1) },
        limits,
        host: Arc::new(Quiet),
        context: Arc::new(()),
        extensions: Arc::new([]),
    };
    let mut cell = template.instantiate(spec).await?;
    cell.run("main", &[0x90], None).await
}
