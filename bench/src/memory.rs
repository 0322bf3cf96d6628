//! The memory that machines hold, the kernel's part included.
//!
//! The memory control group of a process counts the process's own pages and those that the kernel holds for it
//! (`Documentation/admin-guide/cgroup-v2.rst`, *Memory*; KVM accounts its allocations for a machine). So a process
//! whose memory is measured moves into a group of its own. If none can be made, only the machine's count of available
//! memory is left, which everything else that runs affects.

use std::fs;
use std::path::{Path, PathBuf};

use procfs::process::{MountInfo, Process};
use procfs::{Current, Meminfo, ProcessCGroup};

/// Counts bytes.
#[derive(Debug)]
pub enum Counter {
    /// The file with the number of bytes that a control group holds.
    Group(PathBuf),
    /// The whole machine.
    Machine,
}

impl Counter {
    /// For this process, and from now on. Its control group lasts until [`Counter::remove_groups`].
    pub fn of_this_process() -> Self {
        let name = format!("{PREFIX}{}", std::process::id());
        let joined = parent_group().and_then(|(parent, usage)| {
            let group = parent.join(name);
            fs::create_dir(&group).ok()?;
            fs::write(group.join("cgroup.procs"), std::process::id().to_string()).ok()?;
            let usage = group.join(usage);
            fs::read(&usage).is_ok().then_some(usage)
        });
        joined.map_or(Self::Machine, Self::Group)
    }

    /// Removes the groups of ended processes.
    pub fn remove_groups() {
        let Some((parent, _)) = parent_group() else { return };
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                // One that is in use stays.
                let _ = fs::remove_dir(entry.path());
            }
        }
    }

    /// Bytes that are held now; only differences mean something.
    pub fn held(&self) -> f64 {
        match self {
            Self::Group(usage) => fs::read_to_string(usage).unwrap().trim().parse().unwrap(),
            Self::Machine => -(Meminfo::current().unwrap().mem_available.unwrap() as f64),
        }
    }

    /// Returns true if nothing but this process is counted.
    pub fn is_exact(&self) -> bool {
        matches!(self, Self::Group(_))
    }
}

/// Anonymous bytes of this process.
pub fn anonymous() -> f64 {
    Process::myself().unwrap().status().unwrap().rssanon.unwrap() as f64 * 1024.0
}

const PREFIX: &str = "libhyperlight-bench-";

/// The folder of this process's own memory control group, and the name of its file with the number of bytes.
fn parent_group() -> Option<(PathBuf, &'static str)> {
    let process = Process::myself().ok()?;
    let (groups, mounts) = (process.cgroups().ok()?, process.mountinfo().ok()?);
    let folder = |group: &ProcessCGroup, mount: &MountInfo| {
        // What is mounted may be a part of the hierarchy only.
        let inside = Path::new(&group.pathname).strip_prefix(&mount.root).ok()?;
        Some(mount.mount_point.join(inside))
    };
    // The first version has a hierarchy for each controller.
    let own = |group: &&ProcessCGroup| group.controllers.iter().any(|name| name == "memory");
    let memory = |mount: &&MountInfo| mount.fs_type == "cgroup" && mount.super_options.contains_key("memory");
    if let (Some(group), Some(mount)) = (groups.0.iter().find(own), mounts.iter().find(memory)) {
        return Some((folder(group, mount)?, "memory.usage_in_bytes"));
    }
    // In the second they share one, whose number is 0.
    let group = groups.0.iter().find(|group| group.hierarchy == 0)?;
    let mount = mounts.iter().find(|mount| mount.fs_type == "cgroup2")?;
    Some((folder(group, mount)?, "memory.current"))
}
