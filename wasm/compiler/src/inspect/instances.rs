//! How large a component becomes when all that it instantiates is laid out.
//!
//! A component may instantiate those inside it any number of times, and they those inside them: what is written down in some
//! hundred bytes may stand for more than any compiler can go through. So what each component stands for is added up first.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef,
    Encoding, Payload, Result,
};

/// What is being read: the program, what is inside it, and so on.
#[derive(Default)]
pub(super) struct Instances {
    open: Vec<Component>,
    /// The largest that was read to its end.
    largest: u64,
    imports_a_component: bool,
    whole: u64,
}

/// A component, or a module, which has nothing inside.
#[derive(Default)]
struct Component {
    is_module: bool,
    items: u64,
    /// How large those are that it can instantiate, by their indices.
    known: Vec<u64>,
}

impl Instances {
    /// Takes notice of a part, which was found valid.
    pub fn see(&mut self, payload: &Payload<'_>) -> Result<()> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.open
                    .push(Component { is_module: *encoding == Encoding::Module, ..Component::default() });
            }
            Payload::End(_) => self.end(),
            Payload::InstanceSection(section) => self.add(section.count().into()),
            Payload::ComponentCanonicalSection(section) => self.add(section.count().into()),
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    let items = match instance? {
                        ComponentInstance::Instantiate { component_index, args } => {
                            self.known(0, component_index).saturating_add(args.len() as u64)
                        }
                        ComponentInstance::FromExports(exports) => exports.len() as u64,
                    };
                    self.add(items.saturating_add(1));
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    self.add(1);
                    match alias? {
                        ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                            self.learn(self.known(count, index));
                        }
                        // One of those that are inside a component that was read.
                        ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                            self.learn(self.largest);
                        }
                        _ => {}
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    self.add(1);
                    if matches!(import?.ty, ComponentTypeRef::Component(_)) {
                        self.imports_a_component = true;
                        self.learn(0);
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    self.add(1);
                    let export = export?;
                    if export.kind == ComponentExternalKind::Component {
                        self.learn(self.known(0, export.index));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// How large the program is, by the number of its instances, functions and names that instances are made of. Nothing if that cannot be
    /// known, because it imports components.
    pub fn size(&self) -> Option<u64> {
        (!self.imports_a_component).then_some(self.whole)
    }

    fn end(&mut self) {
        let Some(ended) = self.open.pop() else {
            return;
        };
        self.whole = ended.items;
        if !ended.is_module {
            self.largest = self.largest.max(ended.items);
            self.learn(ended.items);
        }
    }

    fn add(&mut self, items: u64) {
        if let Some(component) = self.open.last_mut() {
            component.items = component.items.saturating_add(items);
        }
    }

    fn learn(&mut self, items: u64) {
        if let Some(component) = self.open.last_mut() {
            component.known.push(items);
        }
    }

    /// How large a component is that the `outward`-th around this one knows.
    fn known(&self, outward: u32, index: u32) -> u64 {
        let around = self.open.iter().rev().nth(usize::try_from(outward).unwrap_or(usize::MAX));
        let found =
            around.and_then(|component| component.known.get(usize::try_from(index).unwrap_or(usize::MAX)));
        found.copied().unwrap_or(self.largest)
    }
}
