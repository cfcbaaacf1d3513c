//! Rust source as the paths it names. Tokens, not text: comments and strings say nothing, macros and attributes do.
//! What is compiled for tests alone is left out.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One file, and what it names.
pub struct Source {
    pub file: PathBuf,
    /// The room it is in: the first module below the crate. Nothing for the crate's root.
    pub room: Option<String>,
    /// Paths of two segments or more. Those of the crate itself begin with `crate`.
    pub paths: BTreeSet<String>,
    /// Every identifier.
    pub words: BTreeSet<String>,
    /// Methods that are called with arguments, once for each call.
    pub calls: Vec<String>,
}

/// One file by itself.
pub fn of_file(file: &Path) -> Source {
    read(file, Vec::new()).0
}

/// The files that make up a crate, from its root file on.
pub fn of_crate(root: &Path) -> Vec<Source> {
    let dir = root.parent().expect("a file is in a directory");
    let mut sources = Vec::new();
    follow(root, dir, Vec::new(), &mut sources);
    sources
}

fn follow(file: &Path, children: &Path, module: Vec<String>, sources: &mut Vec<Source>) {
    let (source, modules) = read(file, module.clone());
    sources.push(source);
    for name in modules {
        let below = children.join(&name);
        let beside = children.join(format!("{name}.rs"));
        let file = if beside.exists() { beside } else { below.join("mod.rs") };
        follow(&file, &below, [module.clone(), vec![name]].concat(), sources);
    }
}

/// A file, and the modules it has in files of their own.
fn read(file: &Path, module: Vec<String>) -> (Source, Vec<String>) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut reader = Reader { module, ..Reader::default() };
    reader.read(tokens);
    let Reader { module, paths, words, calls, modules } = reader;
    (Source { file: file.to_owned(), room: module.first().cloned(), paths, words, calls }, modules)
}

#[derive(Default)]
struct Reader {
    module: Vec<String>,
    paths: BTreeSet<String>,
    words: BTreeSet<String>,
    calls: Vec<String>,
    /// Modules in files of their own.
    modules: Vec<String>,
}

impl Reader {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut rest = tokens.as_slice();
        let mut after_dot = false;
        while let Some((token, next)) = rest.split_first() {
            let method = std::mem::take(&mut after_dot);
            rest = match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' && is_cfg_test(next) => skip_item(&next[1..]),
                TokenTree::Ident(word) if word == "mod" => self.module(next),
                TokenTree::Ident(word) if method && has_arguments(next) => {
                    self.calls.push(word.to_string());
                    next
                }
                TokenTree::Ident(_) => self.path(rest, &[]),
                TokenTree::Group(group) => {
                    self.read(group.stream());
                    next
                }
                TokenTree::Punct(punct) => {
                    after_dot = punct.as_char() == '.';
                    next
                }
                TokenTree::Literal(_) => next,
            };
        }
    }

    /// `mod name;` or `mod name { … }`.
    fn module<'a>(&mut self, rest: &'a [TokenTree]) -> &'a [TokenTree] {
        let [TokenTree::Ident(name), body, next @ ..] = rest else { return rest };
        match body {
            TokenTree::Group(group) => {
                self.module.push(name.to_string());
                self.read(group.stream());
                self.module.pop();
            }
            _ => self.modules.push(name.to_string()),
        }
        next
    }

    /// `a::b::c`, or a tree of them: `a::{b, c::d}`.
    fn path<'a>(&mut self, mut rest: &'a [TokenTree], before: &[String]) -> &'a [TokenTree] {
        let mut path = before.to_vec();
        while let [TokenTree::Ident(segment), next @ ..] = rest {
            self.words.insert(segment.to_string());
            path.push(segment.to_string());
            rest = next;
            let [TokenTree::Punct(colon), TokenTree::Punct(second), next @ ..] = rest else { break };
            if (colon.as_char(), second.as_char()) != (':', ':') {
                break;
            }
            rest = next;
            if let [TokenTree::Group(tree), next @ ..] = rest {
                self.tree(tree, &path);
                return next;
            }
        }
        if path.len() > 1 {
            self.paths.insert(self.absolute(&path));
        }
        rest
    }

    fn tree(&mut self, tree: &Group, before: &[String]) {
        let tokens: Vec<TokenTree> = tree.stream().into_iter().collect();
        let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ',');
        for branch in tokens.split(is_comma) {
            self.path(branch, before);
        }
    }

    /// With `super` and `self` resolved.
    fn absolute(&self, path: &[String]) -> String {
        let supers = path.iter().take_while(|segment| *segment == "super").count();
        let here = |up: usize| self.module[..self.module.len().saturating_sub(up)].to_vec();
        let (base, rest) = match path[0].as_str() {
            "super" => (Some(here(supers)), &path[supers..]),
            "self" => (Some(here(0)), &path[1..]),
            _ => (None, path),
        };
        let base = base.map(|base| [vec!["crate".to_owned()], base].concat()).unwrap_or_default();
        [base.as_slice(), rest].concat().join("::")
    }
}

/// After `#`: `[cfg(test)]`.
fn is_cfg_test(rest: &[TokenTree]) -> bool {
    rest.first().is_some_and(|attribute| attribute.to_string().replace(' ', "") == "[cfg(test)]")
}

/// To the end of the item: its body, or its semicolon.
fn skip_item(rest: &[TokenTree]) -> &[TokenTree] {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    };
    rest.iter().position(ends).map_or(&[], |end| &rest[end + 1..])
}

fn has_arguments(rest: &[TokenTree]) -> bool {
    matches!(rest.first(), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis && !group.stream().is_empty())
}

#[cfg(test)]
mod tests {
    use super::Reader;

    fn read(text: &str) -> Reader {
        let mut reader = Reader { module: vec!["room".to_owned(), "file".to_owned()], ..Reader::default() };
        reader.read(text.parse().expect("tokens"));
        reader
    }

    #[test]
    fn paths_are_found_wherever_they_stand() {
        let reader = read(
            r#"
            use kube::{Api, core::{Selector as S, self}, runtime::*};
            use super::super::other::Thing;
            pub mod inner { use super::up; }
            /// Says tokio::spawn, and uses nothing.
            #[derive(JsonSchema, schemars::Other)]
            fn f(_: Option<reqwest::Url>) { json!({ "a": [tokio::time::now()] }); "hyper::text"; x.submit(1, 2); x.wait() }
            #[cfg(test)]
            mod tests { use axum::Router; }
            mod below;
            "#,
        );
        let paths: Vec<&str> = reader.paths.iter().map(String::as_str).collect();
        assert_eq!(
            paths,
            [
                "crate::other::Thing",
                "crate::room::file::up",
                "kube::Api",
                "kube::core::Selector",
                "kube::core::self",
                "kube::runtime",
                "reqwest::Url",
                "schemars::Other",
                "tokio::time::now",
            ]
        );
        assert_eq!(reader.modules, ["below"]);
        assert_eq!(reader.calls, ["submit"]);
    }
}
