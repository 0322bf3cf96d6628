//! The state of a component while it is read: its index spaces, and the written-out size of everything in them.
//!
//! The validator walks through a type, an instance or a component each time that it is referred to, and copies the
//! names of an instance's exports. So each of them has a *size*: one for itself, one for each sixteen bytes of its
//! names, and the sizes of everything that it refers to. A reference weighs as much as the size of its target.

use std::collections::HashMap;
use std::rc::Rc;

/// A target of references.
#[derive(Clone, Debug, Default)]
pub(super) struct Known<'a> {
    /// Its size, written out.
    pub size: u64,
    /// Levels of types within types.
    pub depth: u32,
    /// Exported resource types: each has a path, which grows with every level around it.
    pub resources: u64,
    /// Components inside, with those that they have captured from around them: all are copied with it.
    pub captured: u64,
    /// The exports of an instance of it.
    pub members: Option<Rc<HashMap<&'a str, Self>>>,
    /// Of a component: the parts of one instance of it.
    pub inside: Total,
}

impl<'a> Known<'a> {
    /// An item that is no larger than the reference to it.
    pub fn small() -> Self {
        Self { size: 1, depth: 1, ..Self::default() }
    }

    /// A resource type.
    pub fn resource() -> Self {
        Self { resources: 1, ..Self::small() }
    }

    /// Adds a part.
    pub fn contains(&mut self, name: &str, part: &Self) {
        self.size = self.size.saturating_add(named(name)).saturating_add(part.weight());
        self.depth = self.depth.max(part.depth.saturating_add(1));
        self.resources = self.resources.saturating_add(part.resources);
        self.captured = self.captured.saturating_add(part.captured);
    }

    /// The weight of a reference to it.
    pub fn weight(&self) -> u64 {
        self.size.saturating_add(self.resources).saturating_add(self.captured)
    }

    /// Its export with that name; if that is unknown, one as large as the whole.
    pub fn member(&self, name: &str) -> Self {
        match self.members.as_ref().map(|members| members.get(name)) {
            Some(Some(found)) => found.clone(),
            // The validator refuses that.
            Some(None) => Self::small(),
            None => self.clone(),
        }
    }
}

/// The parts of one instance of a component, those inside it included.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Total {
    /// Instances, functions and names of instances.
    pub items: u64,
    /// The weights of all references.
    pub weight: u64,
    /// Instances of components.
    pub instances: u64,
    /// Types of resources.
    pub resources: u64,
}

impl Total {
    pub fn add(&mut self, other: Self) {
        self.items = self.items.saturating_add(other.items);
        self.weight = self.weight.saturating_add(other.weight);
        self.instances = self.instances.saturating_add(other.instances);
        self.resources = self.resources.saturating_add(other.resources);
    }
}

/// The weight of a name, with its entry.
pub(super) fn named(name: &str) -> u64 {
    1 + (name.len() / 16) as u64
}

/// The index spaces of a component, a module, or the type of a component or an instance.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    pub is_module: bool,
    pub types: Vec<Known<'a>>,
    pub core_types: Vec<Known<'a>>,
    pub modules: Vec<Known<'a>>,
    pub core_instances: u32,
    pub functions: Vec<Known<'a>>,
    pub instances: Vec<Known<'a>>,
    pub components: Vec<Known<'a>>,
    /// Its own properties, as far as it was read.
    pub own: Known<'a>,
    /// Its parts when it is instantiated.
    pub total: Total,
    /// Components and modules captured from outside, here and inside.
    pub captured: u64,
    exports: HashMap<&'a str, Known<'a>>,
}

impl<'a> Scope<'a> {
    pub fn new() -> Self {
        Self { own: Known::small(), ..Self::default() }
    }

    /// Notes an import, or a declaration of one in a type.
    pub fn imports(&mut self, name: &str, item: &Known<'a>) {
        self.own.contains(name, item);
    }

    /// Notes an export.
    pub fn exports(&mut self, name: &'a str, item: Known<'a>) {
        self.own.contains(name, &item);
        self.exports.insert(name, item);
    }

    /// The finished item, at its end.
    pub fn close(self) -> Known<'a> {
        Known { members: Some(Rc::new(self.exports)), ..self.own }
    }
}

/// The item at an index. If there is none, the validator refuses the program.
pub(super) fn at<'a>(space: &[Known<'a>], index: u32) -> Known<'a> {
    usize::try_from(index).ok().and_then(|index| space.get(index)).cloned().unwrap_or_else(Known::small)
}
