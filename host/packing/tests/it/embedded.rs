//! Files of `fs.embed` entries.

use crate::support::{App, listed, text};
use insta::assert_snapshot;
use perilune_pack::Content;

fn app(entry: &str) -> App {
    let yaml = format!("namespace: app\nentries:\n  - {{name: files, kind: fs.embed, {entry}}}\n");
    let app = App::new(&[("app.yaml", &yaml)]);
    for path in [
        "web/index.html",
        "web/img/a.png",
        "web/img/b.jpg",
        "web/.secret",
        "web/.git/config",
        "web/.well-known/x",
        "other/c.html",
    ] {
        app.write(path, path);
    }
    app
}

fn embedded(entry: &str) -> String {
    let pack = app(entry).pack(None);
    let files: Vec<String> = pack.files(Content::Embedded).map(|file| file.path().to_owned()).collect();
    files.join(" ")
}

#[test]
fn the_files_of_the_folder_go_in_without_hidden_ones() {
    assert_eq!(embedded("directory: web"), "web/.well-known/x web/img/a.png web/img/b.jpg web/index.html");
    assert_eq!(
        text(&app("directory: web").pack(None), Content::Embedded, "web/index.html"),
        "web/index.html"
    );
}

#[test]
fn patterns_choose_among_them() {
    assert_eq!(embedded("directory: web, files: '**/*.png'"), "web/img/a.png");
    assert_eq!(
        embedded("directory: web, files: ['*.html', 'img/*.{png,jpg}']"),
        "web/img/a.png web/img/b.jpg web/index.html"
    );
    assert_eq!(embedded("directory: web, files: '*'"), "web/index.html");
    assert_eq!(embedded("directory: ., files: '**/*.html'"), "other/c.html web/index.html");
}

#[test]
fn folders_of_several_entries_may_overlap() {
    let app = app("directory: web");
    app.write("more.yaml", "namespace: more\nentries: [{name: files, kind: fs.embed, directory: web/img}, {name: others, kind: fs.embed, directory: other}]\n");
    assert_snapshot!(listed(&app.pack(None)).join("\n"), @r"
    document app.yaml
    document more.yaml
    embedded other/c.html
    embedded web/.well-known/x
    embedded web/img/a.png
    embedded web/img/b.jpg
    embedded web/index.html
    ");
}

#[test]
fn the_folder_may_be_that_of_the_entry() {
    let app = App::new(&[
        (
            "part/part.yaml",
            "namespace: part\nentries: [{name: files, kind: fs.embed, directory: assets, base: module}]\n",
        ),
        ("part/assets/x", "x"),
    ]);
    assert_eq!(text(&app.pack(None), Content::Embedded, "part/assets/x"), "x");
}

#[test]
fn a_folder_that_is_missing_or_elsewhere_is_refused() {
    let Err(error) = app("directory: none").try_pack(None) else { panic!("there is no such folder") };
    assert_snapshot!(error, @"app:files: field `directory`: `none`: there is no such file or directory");
    let refused = ["directory: ../x", "directory: /etc", "directory: web, files: '[a'"].map(|entry| {
        let yaml = format!("namespace: app\nentries:\n  - {{name: files, kind: fs.embed, {entry}}}\n");
        let app = App::new(&[("app.yaml", &yaml)]);
        let report =
            perilune_registry::Registry::load(app.path(), crate::support::rules()).expect_err("refused");
        report.to_string()
    });
    assert_snapshot!(refused.join("\n"));
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere_else() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().expect("a folder");
    std::fs::write(outside.path().join("secret"), "secret").expect("written");
    let app = app("directory: web");
    symlink(outside.path().join("secret"), app.path().join("web/out")).expect("linked");
    let Err(error) = app.try_pack(None) else { panic!("it leads out") };
    assert_snapshot!(error, @"app:files: `out`: it leads out of the directory");
    std::fs::remove_file(app.path().join("web/out")).expect("removed");
    symlink("index.html", app.path().join("web/start.html")).expect("linked");
    assert_eq!(
        text(&app.pack(None), Content::Embedded, "web/start.html"),
        "web/index.html",
        "a link inside is followed"
    );
    let app = self::app("directory: node_modules/web");
    app.write("node_modules/web/img/a.png", "a");
    symlink("img", app.path().join("node_modules/web/pictures")).expect("linked");
    let Err(error) = app.try_pack(None) else { panic!("a directory by two names") };
    assert_snapshot!(error);
}
