//! Module `registry` as Lua sees it. Filters, changes and versions have their own tests beside crate `perilune-registry`.

use perilune::Kind;
use perilune_tests::{App, lua_tests};

const READ_ONLY: &str = r#"
version: '1.0'
namespace: app
entries:
  - {name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [registry]}
"#;

lua_tests! {
    entries_are_read_by_id("registry") r#"
        local registry = require("registry")
        local entry = registry.get("app:main")
        assert(entry.id == "app:main" and entry.kind == "function.lua" and entry.data.method == "main")
        for _, id in ipairs({ "app:none", "none", "" }) do
            local none, err = registry.get(id)
            assert(none == nil and err:kind() == errors.NOT_FOUND, id)
        end
        assert(select(2, registry.get(5)):kind() == errors.INVALID)
        local id = registry.parse_id("a.b:c")
        assert(id.ns == "a.b" and id.name == "c" and registry.parse_id("c").ns == "")
    "#

    entries_are_found_by_metadata("registry") r#"
        local registry = require("registry")
        local entry = { id = "app:x", kind = "registry.entry", meta = { type = "handler", tags = { "api" } } }
        assert(registry.snapshot():changes():create(entry):apply())
        for _, filter in ipairs({
            { type = "handler" }, { ["meta.type"] = "handler" }, { meta = { type = "handler" } }, { tags = "api" },
            { [".name"] = "x" }, { ["^type"] = "hand" },
        }) do
            local found = registry.find(filter)
            assert(#found == 1 and found[1].id == "app:x")
        end
        assert(#registry.find({ type = "other" }) == 0 and #registry.find() == 2)
        assert(select(2, registry.find({ ["~type"] = "(" })):kind() == errors.INVALID)
    "#

    a_change_makes_a_version_and_leaves_snapshots_alone("registry") r#"
        local registry = require("registry")
        local before = registry.snapshot()
        local version = before:changes():create({ id = "app:x", kind = "registry.entry", meta = { n = 1 } }):apply()
        assert(version:id() == 1 and version:string() == "v1" and version:previous():id() == 0 and version:next() == nil)
        assert(registry.current_version() == version and before:version():next() == version)
        assert(before:get("app:x") == nil and #before:entries() == 1 and #registry.snapshot():entries() == 2)
        assert(registry.snapshot_at(1):get("app:x").meta.n == 1 and #registry.snapshot():namespace("app") == 2)
        assert(#registry.versions() == 2 and registry.history():get_version(1) == version)
    "#

    a_change_to_an_outdated_version_is_a_conflict("registry") r#"
        local registry = require("registry")
        local outdated = registry.snapshot()
        assert(outdated:changes():create({ id = "app:x", kind = "registry.entry" }):apply())
        local none, err = outdated:changes():delete("app:main"):apply()
        assert(none == nil and err:kind() == errors.CONFLICT)
    "#

    an_earlier_version_can_be_made_current("registry") r#"
        local registry = require("registry")
        local first = registry.snapshot():changes():create({ id = "app:x", kind = "registry.entry" }):apply()
        assert(registry.snapshot():changes():delete("app:x"):apply())
        assert(registry.get("app:x") == nil and registry.apply_version(first) == true and registry.get("app:x"))
        local done, err = registry.apply_version(99)
        assert(done == false and err:kind() == errors.NOT_FOUND)
        assert(select(2, registry.snapshot_at(0)):kind() == errors.INVALID)
    "#

    changes_list_their_operations("registry") r#"
        local registry = require("registry")
        local changes = registry.snapshot():changes():update({ id = "app:main", kind = "function.lua" }):delete("app:x")
        local ops = changes:ops()
        assert(#ops == 2 and ops[1].kind == "entry.update" and ops[2].kind == "entry.delete" and ops[2].entry.id == "app:x")
        assert(select(2, registry.snapshot():changes():apply()):kind() == errors.INVALID)
    "#

    a_delta_turns_one_list_into_another("registry") r#"
        local registry = require("registry")
        local function entry(name, n) return { id = "app:" .. name, kind = "registry.entry", meta = { n = n } } end
        local ops = registry.build_delta({ entry("a", 1), entry("b", 1), entry("c", 1) }, { entry("b", 2), entry("c", 1), entry("d", 1) })
        local kinds = {}
        for _, op in ipairs(ops) do kinds[op.entry.id] = op.kind end
        assert(#ops == 3 and kinds["app:a"] == "entry.delete" and kinds["app:b"] == "entry.update" and kinds["app:d"] == "entry.create")
        local none, err = registry.build_delta({}, { 1 })
        assert(none == nil and err:kind() == errors.INVALID and err:message():find("^entries%[1%]: "))
    "#
}

#[tokio::test]
async fn a_read_only_registry_refuses_changes() {
    let source = "return function()
        local registry = require('registry')
        local version, err = registry.snapshot():changes():delete('app:main'):apply()
        return nil, err
    end";
    let app = App::with(&[("app.yaml", READ_ONLY), ("main.lua", source)], |builder| {
        builder.registry_writable(false)
    });
    let failure = app.main_fails().await;
    assert_eq!(failure.kind, Kind::PermissionDenied);
    assert_eq!(failure.message, "app:main may not change entries: this host's registry is read-only");
}
