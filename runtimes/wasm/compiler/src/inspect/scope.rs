//! What a component knows while it is read: its index spaces, and how large everything in them is when it is written out.
//!
//! The validator walks a type, an instance or a component through each time that it is referred to, and copies the names of what
//! an instance has. So each of them has a *size*: one for itself, one for each sixteen bytes of its names, and the sizes of all that
//! it refers to. Whoever refers to it weighs that much.

use std::collections::HashMap;
use std::rc::Rc;

/// Something that can be referred to.
#[derive(Clone, Debug, Default)]
pub(super) struct Known<'a> {
    /// How large it is, written out.
    pub size: u64,
    /// Levels of types within types.
    pub depth: u32,
    /// Resource types that it exports: each has a path, which grows with every level around it.
    pub resources: u64,
    /// Components that it holds, with those that they have captured from around them: all are copied with it.
    pub captured: u64,
    /// What an instance of it exports.
    pub members: Option<Rc<HashMap<&'a str, Self>>>,
    /// Of a component: what one instance of it is made of.
    pub inside: Total,
}

impl<'a> Known<'a> {
    /// Something that is no larger than the reference to it.
    pub fn small() -> Self {
        Self { size: 1, depth: 1, ..Self::default() }
    }

    /// A type of resources.
    pub fn resource() -> Self {
        Self { resources: 1, ..Self::small() }
    }

    /// Adds something that it is made of.
    pub fn contains(&mut self, name: &str, part: &Self) {
        self.size = self.size.saturating_add(named(name)).saturating_add(part.weight());
        self.depth = self.depth.max(part.depth.saturating_add(1));
        self.resources = self.resources.saturating_add(part.resources);
        self.captured = self.captured.saturating_add(part.captured);
    }

    /// What it weighs to refer to it.
    pub fn weight(&self) -> u64 {
        self.size.saturating_add(self.resources).saturating_add(self.captured)
    }

    /// What it exports under a name; if that cannot be known, as much as it is itself.
    pub fn member(&self, name: &str) -> Self {
        match self.members.as_ref().map(|members| members.get(name)) {
            Some(Some(found)) => found.clone(),
            // The validator refuses that.
            Some(None) => Self::small(),
            None => self.clone(),
        }
    }
}

/// What one instance of a component is made of, those inside it included.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Total {
    /// Instances, functions and names that instances are made of.
    pub items: u64,
    /// The weights of all that it refers to.
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

/// What a name weighs, with the entry that it is the name of.
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
    /// What it is itself, as far as it was read.
    pub own: Known<'a>,
    /// What it is made of when it is instantiated.
    pub total: Total,
    /// Components and modules that it, and what is inside it, have from outside.
    pub captured: u64,
    exports: HashMap<&'a str, Known<'a>>,
}

impl<'a> Scope<'a> {
    pub fn new() -> Self {
        Self { own: Known::small(), ..Self::default() }
    }

    /// Takes notice of an import or of what a type says about one.
    pub fn imports(&mut self, name: &str, item: &Known<'a>) {
        self.own.contains(name, item);
    }

    /// Takes notice of an export.
    pub fn exports(&mut self, name: &'a str, item: Known<'a>) {
        self.own.contains(name, &item);
        self.exports.insert(name, item);
    }

    /// What it has become, at its end.
    pub fn close(self) -> Known<'a> {
        Known { members: Some(Rc::new(self.exports)), ..self.own }
    }
}

/// What stands at an index. Where nothing does, the validator refuses the program.
pub(super) fn at<'a>(space: &[Known<'a>], index: u32) -> Known<'a> {
    usize::try_from(index).ok().and_then(|index| space.get(index)).cloned().unwrap_or_else(Known::small)
}
