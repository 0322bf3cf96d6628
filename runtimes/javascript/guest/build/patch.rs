//! Applies unified diffs, and only exactly: a patch that does not fit line by line is an error, because it was made for
//! another version of the engine.
//!
//! All patches are made against the unpatched files and do not touch the same lines.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

/// The hunks of all patches, by the file that they change and the line where they start.
pub struct Patches(BTreeMap<String, BTreeMap<usize, Hunk>>);

/// Lines with their sign: kept, removed, inserted.
struct Hunk(Vec<String>);

impl Patches {
    /// The patches of a folder.
    pub fn read(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let mut patches = Self(BTreeMap::new());
        for file in fs::read_dir(folder)? {
            let file = file?.path();
            let text = fs::read_to_string(&file)?;
            patches.add(&text).ok_or_else(|| format!("{} is no unified diff", file.display()))?;
        }
        Ok(patches)
    }

    /// A file with its hunks applied. The hunks are removed from the list.
    pub fn apply(&mut self, name: &str, text: &str) -> Result<String, Box<dyn Error>> {
        let Some(hunks) = self.0.remove(name) else {
            return Ok(text.to_owned());
        };
        let mut lines = text.lines();
        let (mut out, mut at) = (String::with_capacity(text.len()), 1);
        let mut put = |line: &str| {
            out.push_str(line);
            out.push('\n');
        };
        for (start, Hunk(hunk)) in hunks {
            let before = start.checked_sub(at).ok_or("two patches change the same lines")?;
            lines.by_ref().take(before).for_each(&mut put);
            at = start;
            for line in &hunk {
                let (sign, line) = line.split_at(line.len().min(1));
                if sign == "+" {
                    put(line);
                    continue;
                }
                if lines.next() != Some(line) {
                    return Err(format!("{name}:{at} is not what its patch expects: `{line}`").into());
                }
                at += 1;
                if sign != "-" {
                    put(line);
                }
            }
        }
        lines.for_each(put);
        Ok(out)
    }

    /// Ends the work: every patch must have found its file.
    pub fn finish(self) -> Result<(), Box<dyn Error>> {
        match self.0.keys().next() {
            Some(name) => Err(format!("there is no {name} to patch").into()),
            None => Ok(()),
        }
    }

    fn add(&mut self, text: &str) -> Option<()> {
        let mut file = None;
        let mut hunk: Option<&mut Hunk> = None;
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("+++ b/") {
                file = Some(self.0.entry(name.to_owned()).or_default());
                hunk = None;
            } else if line.starts_with("--- a/") {
                hunk = None;
            } else if let Some(place) = line.strip_prefix("@@ -") {
                let start = place.split(',').next()?.parse().ok()?;
                hunk = Some(file.as_mut()?.entry(start).or_insert(Hunk(Vec::new())));
            } else if let Some(hunk) = &mut hunk {
                hunk.0.push(line.to_owned());
            }
        }
        Some(())
    }
}
