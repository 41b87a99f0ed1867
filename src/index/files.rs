//! The files of a site: which there are, what they are, and where they will be found.

use std::path::{Path, PathBuf};

use felsic_search::cut::Kind;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use walkdir::{DirEntry, WalkDir};

use super::document::kind_of;
use super::options::IndexOptions;
use crate::error::{Code, Error, Result};
use crate::source::io_error;

/// Files that are read where no glob says which.
const INCLUDED: [&str; 6] = ["*.md", "*.markdown", "*.html", "*.htm", "*.xhtml", "*.txt"];
/// Files of these that are no documents: what crawlers read, pages for errors, and what Sphinx, mdBook and their like keep beside
/// the pages that they build. The last three only at the top: below it they may be documentation of something with such a name.
const EXCLUDED: [&str; 9] = [
    "robots.txt",
    "humans.txt",
    "llms*.txt",
    "404.html",
    "_sources/**",
    "_static/**",
    "/genindex*.html",
    "/search.html",
    "/print.html",
];
/// Folders that are never entered, apart from hidden ones.
const NEVER: &str = "node_modules";
/// Longest id that a page takes, in UTF-16 code units.
pub(super) const LONGEST_ID: usize = 1024;
/// Most files of a site.
const MOST_FILES: usize = 1_000_000;

/// A file that may become a document.
pub(super) struct SiteFile {
    /// Its path below the folder, with `/` between names.
    pub id: String,
    pub path: PathBuf,
    pub kind: Kind,
}

/// What a folder has.
pub(super) struct Site {
    /// In the order of their ids' bytes.
    pub files: Vec<SiteFile>,
    /// Files that cannot be named in an index, with the reason.
    pub refused: Vec<(String, Error)>,
    /// Symbolic links, which are not followed: they may lead out of the site, or in circles.
    pub links: usize,
}

/// Finds the files of a site; those in `out`, where the index is going to be, are none of it.
///
/// # Errors
/// [`Code::NotFound`] if the folder does not exist or has no file to read, [`Code::Io`] if it cannot be read,
/// [`Code::InputInvalid`] for a glob that is none.
pub(super) fn files(folder: &Path, out: &Path, options: &IndexOptions) -> Result<Site> {
    let included: Vec<String> = match options.include.is_empty() {
        true => INCLUDED.map(String::from).to_vec(),
        false => options.include.clone(),
    };
    let mut excluded = options.exclude.clone();
    if options.include.is_empty() {
        excluded.extend(EXCLUDED.map(String::from));
    }
    let (included, excluded) = (globs(&included)?, globs(&excluded)?);
    if !folder.metadata().map_err(|error| io_error(folder, "read", error))?.is_dir() {
        return Err(Error::new(Code::InputInvalid, format!("{} is not a folder", folder.display())));
    }
    // What does not exist yet cannot be found in the folder either.
    let out = out.canonicalize().ok();
    let is_out =
        |entry: &DirEntry| entry.file_type().is_dir() && out.is_some() && entry.path().canonicalize().ok() == out;
    let mut site = Site { files: Vec::new(), refused: Vec::new(), links: 0 };
    let walk = WalkDir::new(folder).follow_root_links(true).into_iter();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || !(is_passed_over(entry) || is_out(entry))) {
        let entry = entry.map_err(|error| walk_error(folder, error))?;
        if entry.file_type().is_symlink() {
            site.links += 1;
        }
        if !entry.file_type().is_file() {
            continue;
        }
        let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        if !included.is_match(below) || excluded.is_match(below) {
            continue;
        }
        let (id, path) = (id(below), entry.path().to_path_buf());
        match (id, kind_of(below)) {
            (Ok(id), Some(kind)) => site.files.push(SiteFile { id, path, kind }),
            (Ok(id), None) => site.refused.push((id, unknown_kind())),
            (Err(error), _) => site.refused.push((below.display().to_string(), error)),
        }
        if site.files.len() > MOST_FILES {
            let message = format!("{} has more than {MOST_FILES} files; index its parts one by one", folder.display());
            return Err(Error::new(Code::InputInvalid, message));
        }
    }
    site.files.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    site.refused.sort_by(|(a, _), (b, _)| a.cmp(b));
    match site.files.is_empty() && site.refused.is_empty() {
        true => Err(nothing(folder, &site)),
        false => Ok(site),
    }
}

/// Returns whether a file or folder is hidden, or never part of a site.
fn is_passed_over(entry: &DirEntry) -> bool {
    let name = entry.file_name().as_encoded_bytes();
    name.starts_with(b".") || name == NEVER.as_bytes()
}

fn nothing(folder: &Path, site: &Site) -> Error {
    let links = match site.links {
        0 => String::new(),
        links => format!(" ({links} symbolic links are not followed)"),
    };
    let message = format!("{} has no file to read{links}; --include names other files", folder.display());
    Error::new(Code::NotFound, message)
}

fn unknown_kind() -> Error {
    Error::new(Code::InputInvalid, "felsic does not know this kind of file; leave it out with --exclude")
}

fn walk_error(folder: &Path, error: walkdir::Error) -> Error {
    let path = error.path().unwrap_or(folder).to_path_buf();
    match error.into_io_error() {
        Some(error) => io_error(&path, "read", error),
        None => Error::new(Code::Io, format!("cannot read {}", path.display())),
    }
}

/// Returns the id of a file: its path, with `/` on every system.
fn id(below: &Path) -> Result<String> {
    let names: Option<Vec<&str>> = below.iter().map(std::ffi::OsStr::to_str).collect();
    let id = names.map(|names| names.join("/"));
    match id.filter(|id| id.encode_utf16().count() <= LONGEST_ID) {
        Some(id) => Ok(id),
        None => {
            Err(Error::new(Code::InputInvalid, format!("its path is not UTF-8 or longer than {LONGEST_ID}; rename it")))
        }
    }
}

/// Compiles globs. One without a slash matches in every folder, one that ends with a slash everything in a folder.
fn globs(patterns: &[String]) -> Result<GlobSet> {
    let invalid = |pattern: &str, error: globset::Error| {
        Error::new(Code::InputInvalid, format!("{pattern:?} is not a glob")).because(error)
    };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let (inner, end) = pattern.strip_suffix('/').map_or((pattern.as_str(), ""), |inner| (inner, "/**"));
        let start = match inner.strip_suffix("/**").unwrap_or(inner) {
            name if !name.contains('/') => "**/",
            _ => "",
        };
        let whole = format!("{start}{}{end}", inner.trim_start_matches('/'));
        set.add(
            GlobBuilder::new(&whole)
                .literal_separator(true)
                .case_insensitive(true)
                .build()
                .map_err(|error| invalid(pattern, error))?,
        );
    }
    set.build().map_err(|error| invalid("the globs together", error))
}

/// Returns the URL of a document: the path below the folder, behind the base; that of `index.html` is the folder's.
pub(super) fn url(id: &str, base: Option<&str>) -> String {
    let (folder, name) = id.rsplit_once('/').map_or(("", id), |(folder, name)| (folder, name));
    let mut url = base.unwrap_or_default().to_string();
    for part in folder.split('/').filter(|part| !part.is_empty()) {
        escape(part, &mut url);
        url.push('/');
    }
    if !matches!(name, "index.html" | "index.htm" | "index.xhtml") {
        escape(name, &mut url);
    }
    // An empty URL would be that of the page that shows it.
    if url.is_empty() { "./".to_string() } else { url }
}

/// Writes a name as a segment of a URL's path.
fn escape(name: &str, url: &mut String) {
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'!'
            | b'$'
            | b'&'
            | b'\''
            | b'('
            | b')'
            | b'*'
            | b'+'
            | b','
            | b';'
            | b'='
            | b'@' => url.push(char::from(byte)),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn site(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, "text").expect("written");
        }
        folder
    }

    fn ids(folder: &Path, include: &[&str], exclude: &[&str]) -> Vec<String> {
        let options = IndexOptions {
            include: include.iter().map(ToString::to_string).collect(),
            exclude: exclude.iter().map(ToString::to_string).collect(),
            ..IndexOptions::default()
        };
        let site = files(folder, &folder.join("out"), &options).expect("a site");
        site.files.into_iter().map(|file| file.id).collect()
    }

    #[test]
    fn reads_pages_and_nothing_around_them() {
        let folder = site(&[
            "index.html",
            "b/index.html",
            "b/A.HTML",
            "a.md",
            "notes.txt",
            "robots.txt",
            "x/404.html",
            "print.html",
            "b/search.html",
            "script.js",
            ".git/x.md",
            "node_modules/a/README.md",
            "_sources/index.txt",
            "b/_static/y/about.html",
            "out/1.txt",
        ]);
        assert_eq!(
            ids(folder.path(), &[], &[]),
            ["a.md", "b/A.HTML", "b/index.html", "b/search.html", "index.html", "notes.txt"]
        );
        // What a user names replaces what is usual.
        let pages = ["b/A.HTML", "b/_static/y/about.html", "b/index.html", "b/search.html", "index.html", "print.html"];
        assert_eq!(ids(folder.path(), &["*.html"], &["x/"]), pages);
        assert_eq!(
            ids(folder.path(), &["b/*.html", "*.js"], &["index.html"]),
            ["b/A.HTML", "b/search.html", "script.js"]
        );
        assert_eq!(ids(folder.path(), &["/*.txt"], &[]), ["notes.txt", "robots.txt"]);
    }

    #[test]
    fn a_folder_without_files_is_an_error_and_so_is_none() {
        let folder = site(&["a.png", ".hidden.md"]);
        let code = |folder: &Path, options: &IndexOptions| match files(folder, Path::new("out"), options) {
            Ok(site) => panic!("{} files", site.files.len()),
            Err(error) => error.code(),
        };
        let options = IndexOptions::default();
        assert_eq!(code(folder.path(), &options), Code::NotFound);
        assert_eq!(code(&folder.path().join("none"), &options), Code::NotFound);
        assert_eq!(code(&folder.path().join("a.png"), &options), Code::InputInvalid);
        let options = IndexOptions { include: vec!["a[".into()], ..options };
        assert_eq!(code(folder.path(), &options), Code::InputInvalid);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_counted_and_not_followed_and_names_must_be_text() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        let folder = site(&["a/b.md"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/loop")).expect("a link");
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("passwd.txt")).expect("a link");
        fs::write(folder.path().join(OsStr::from_bytes(b"\xff.md")), "text").expect("written");
        let site = files(folder.path(), &folder.path().join("out"), &IndexOptions::default()).expect("a site");
        assert_eq!((site.files.len(), site.links, site.refused.len()), (1, 2, 1));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("a"), &link).expect("a link");
        assert_eq!(ids(&link, &[], &[]), ["b.md"], "the folder itself may be a link");
    }

    #[test]
    fn urls_are_those_of_a_static_host() {
        assert_eq!(url("a/index.html", Some("https://example.org/docs/")), "https://example.org/docs/a/");
        assert_eq!(url("index.html", Some("/")), "/");
        assert_eq!(url("index.html", None), "./");
        assert_eq!(url("a b/ü#?.md", Some("/d/")), "/d/a%20b/%C3%BC%23%3F.md");
        assert_eq!(url("a/b.html", None), "a/b.html");
        assert_eq!(url("x:y.html", None), "x%3Ay.html", "it is no scheme");
    }
}
