//! `registry.find` from Lua: every form of a criterion, and the page's own.

use perilune_tests::App;

const YAML: &str = r#"
version: "1.0"
namespace: app
meta: {team: core}
entries:
  - {name: main, kind: function.lua, source: file://main.lua, method: main, modules: [registry]}
  - name: api_handler
    kind: function.lua
    source: return function() end
    method: main
    meta: {type: handler, version: "2.0", tags: [api, users], priority: 1, nested: {deep: yes}}
  - name: old_handler
    kind: function.lua
    source: return function() end
    method: main
    meta: {type: handler, version: "1.4", tags: [api], priority: 2.5, team: legacy}
  - {name: helpers, kind: library.lua, source: "return {}", meta: {type: lib}}
  - {name: settings, kind: registry.entry, meta: {enabled: true}, limit: 7}
"#;

/// Runs Lua that has `registry`, and `find(filter)`: the names of what is found, joined by spaces.
async fn check(body: &str) {
    let main = format!(
        "local registry = require('registry')
         local function find(filter)
           local names = {{}}
           for i, entry in ipairs(assert(registry.find(filter))) do names[i] = entry.id:gsub('^app:', '') end
           return table.concat(names, ' ')
         end
         local function finds(filter, expected)
           local found = find(filter)
           if found ~= expected then error(('found %q, not %q'):format(found, expected), 2) end
         end
         return function()\n{body}\nend"
    );
    App::new(&[("app.yaml", YAML), ("main.lua", &main)]).main().await;
}

macro_rules! queries {
    ($($name:ident $body:literal)*) => {
        $(#[tokio::test]
        async fn $name() {
            check($body).await;
        })*
    };
}

queries! {
    the_pages_own_query "finds({type = 'handler'}, 'api_handler old_handler')"

    metadata_is_named_with_or_without_meta "
        finds({['meta.type'] = 'handler'}, 'api_handler old_handler')
        finds({meta = {type = 'handler'}}, 'api_handler old_handler')
        finds({['meta.nested.deep'] = 'yes'}, 'api_handler')
        finds({['nested.deep'] = 'yes'}, 'api_handler')
        finds({meta = {nested = {deep = 'yes'}}}, 'api_handler')"

    all_criteria_must_hold "
        finds({type = 'handler', version = '2.0'}, 'api_handler')
        finds({type = 'handler', version = '9'}, '')
        finds({type = 'handler', ['.name'] = 'old*'}, 'old_handler')"

    an_empty_filter_finds_everything_sorted_by_id "
        finds({}, 'api_handler helpers main old_handler settings')
        finds(nil, 'api_handler helpers main old_handler settings')"

    fields_of_the_entry_match_with_stars "
        finds({['.kind'] = 'library.lua'}, 'helpers')
        finds({['.kind'] = '*.lua'}, 'api_handler helpers main old_handler')
        finds({['.name'] = '*_handler'}, 'api_handler old_handler')
        finds({['.name'] = 'old*'}, 'old_handler')
        finds({['.name'] = '*_h*'}, 'api_handler old_handler')
        finds({['.id'] = 'app:settings'}, 'settings')
        finds({['.ns'] = 'app'}, 'api_handler helpers main old_handler settings')
        finds({['.ns'] = 'other'}, '')"

    a_regular_expression "
        finds({['~meta.version'] = '^[0-9]\\\\.0$'}, 'api_handler')
        finds({['~version'] = '4$'}, 'old_handler')"

    a_part_of_a_text_or_of_an_element "
        finds({['*meta.type'] = 'andl'}, 'api_handler old_handler')
        finds({['*meta.tags'] = 'ser'}, 'api_handler')"

    the_beginning_and_the_end_of_a_text "
        finds({['^meta.type'] = 'li'}, 'helpers')
        finds({['$meta.version'] = '.4'}, 'old_handler')"

    a_list_of_texts_asks_for_all_of_them "
        finds({tags = {'api', 'users'}}, 'api_handler')
        finds({tags = {'api'}}, 'api_handler old_handler')
        finds({tags = 'users'}, 'api_handler')"

    numbers_and_booleans_compare_by_value "
        finds({priority = 1}, 'api_handler')
        finds({priority = 1.0}, 'api_handler')
        finds({priority = 2.5}, 'old_handler')
        finds({enabled = true}, 'settings')
        finds({enabled = false}, '')"

    metadata_of_the_file_holds_for_its_entries "
        finds({team = 'core'}, 'api_handler helpers main settings')
        finds({team = 'legacy'}, 'old_handler')"

    what_is_no_criterion_is_refused_and_widens_nothing "
        for _, filter in ipairs({
          {['.knd'] = 'x'}, {['~type'] = '('}, {['~type'] = 7}, {['^type'] = {}}, {['.kind'] = 7}, {meta = 'handler'},
          {['data.limit'] = 7}, {'handler'}, 'handler', 7, true,
        }) do
          local found, err = registry.find(filter)
          assert(found == nil and err:kind() == 'Invalid', tostring(err))
        end"

    snapshots_answer_the_same_queries "
        local snapshot = registry.snapshot()
        assert(registry.snapshot():changes():delete('app:old_handler'):apply())
        assert(#snapshot:find({type = 'handler'}) == 2 and #registry.find({type = 'handler'}) == 1)
        assert(#snapshot:entries() == 5 and snapshot:get('app:old_handler').meta.team == 'legacy')
        assert(#snapshot:namespace('app') == 5)"

    what_is_found_is_the_complete_entry "
        local entry = registry.find({['.name'] = 'settings'})[1]
        assert(entry.id == 'app:settings' and entry.kind == 'registry.entry' and entry.meta.enabled == true and entry.data.limit == 7)"
}
