//! Files that git-lfs has left out.

/// What a file that is only a git-lfs pointer is, and what to do, to stand behind its name; `None` for other files. Its
/// first bytes are enough: eight of them tell it from a safetensors file, whose header would be as long as a disk.
pub(crate) fn lfs_pointer(start: &[u8]) -> Option<&'static str> {
    const START: &[u8] = b"version https://git-lfs.github.com/spec/";
    let length = START.len().min(start.len());
    (length >= 8 && start[..length] == START[..length]).then_some(
        "is a git-lfs pointer and not the file itself; run `git lfs pull` in the checkpoint's folder, or download the file",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_told_from_other_files() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
        for length in [8, 20, pointer.len()] {
            assert!(lfs_pointer(&pointer[..length]).is_some(), "{length} bytes");
        }
        for other in [&b""[..], b"version", b"version https://example.org/spec/v1", b"{\"version\": 1}"] {
            assert!(lfs_pointer(other).is_none());
        }
    }
}
