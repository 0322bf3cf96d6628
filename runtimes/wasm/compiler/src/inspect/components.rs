//! The work that a component makes for the validator and the compiler.
//!
//! Both walk through a type, an instance or a component each time that it is referred to. So a few bytes may state the
//! product of two numbers, or of many: an instance of 90000 exports, made 990 times in each of 990 components. They
//! cannot be stopped meanwhile. So each reference weighs as much as its target does when it is written out
//! ([`Known::weight`]). The sum is computed while the program is read, before anything else sees it, in time linear in
//! its bytes:
//!
//! | product | weighs |
//! |---|---|
//! | instantiations × exports and imports of the component or module; arguments × what is handed over | the component, each argument |
//! | imports, exports × what their types say, again for each level around them | the type |
//! | aliases × the types, instances or components behind them | what is behind it |
//! | components × what they capture from outside, and those again | all that is captured |
//! | lifted and lowered functions × their parameters, fields, cases | the function's type |
//! | levels of types × levels: types are shared where they are written, and not where they are used | a type's parts, again in each type that has them |
//! | instances inside instances × all of the above | the same again for each ([`Total`]) |
//! | instances × types of resources: the compiler copies its list of them for each | their product ([`MAX_PAIRS`]) |
//! | modules and components × modules and components: the validator keeps a list of all for each | their number ([`MAX_PARTS`]) |

use std::mem;

use libhyperlight_values::limits::MAX_PROGRAM_DEPTH;
use wasmparser::types::TypesRef;
use wasmparser::{
    BinaryReader, CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentImport,
    ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef, ComponentValType, Encoding, Instance,
    Payload, Result,
};

use super::scope::{Known, Scope, Total, at, named};
use super::types::{self, Excess};

/// Maximum weight of all references in a program's components, as written.
pub(super) const MAX_WEIGHT: u64 = 1 << 20;

/// Maximum weight of the whole program with everything inside instances, counted again for each of those.
pub(super) const MAX_LAID_OUT: u64 = 1 << 20;

/// Maximum number of instances, functions and names of instances, with those of all instances inside.
pub(super) const MAX_ITEMS: u64 = 100_000;

/// Maximum product: instances of components times types of resources.
pub(super) const MAX_PAIRS: u64 = 10_000_000;

/// Maximum number of modules and components, nested or side by side.
pub(super) const MAX_PARTS: u64 = 1000;

/// Maximum levels of types within types: the validator's own limit for values, and some for the levels around them.
#[expect(clippy::cast_possible_truncation, reason = "it is small")]
pub(super) const MAX_DEPTH: u32 = MAX_PROGRAM_DEPTH as u32;

/// The parts that are being read: the program, a part inside it, and so on.
#[derive(Debug, Default)]
pub(super) struct Components<'a> {
    current: Scope<'a>,
    /// The scopes around the current one, the innermost last.
    around: Vec<Scope<'a>>,
    /// The weight of everything so far.
    weight: u64,
    /// The depth of the deepest type.
    depth: u32,
    /// The number of modules and components.
    parts: u64,
    imports_a_component: bool,
    /// The program, once it was read to its end.
    whole: Total,
}

impl<'a> Components<'a> {
    /// Notes a part of the program before it is known to be valid.
    pub fn see(&mut self, program: &'a [u8], payload: &Payload<'a>) -> Result<Option<Excess>> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.parts += 1;
                self.enter(Scope::new());
                self.current.is_module = *encoding == Encoding::Module;
            }
            Payload::End(_) => self.end(),
            // A module has no use for the weight of references.
            _ if self.around.len() == 1 && self.current.is_module => {}
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    let import = import?;
                    for name in [import.module, import.name] {
                        self.current.imports(name, &Known::small());
                    }
                }
            }
            Payload::ExportSection(section) => {
                for export in section.clone() {
                    self.current.imports(export?.name, &Known::small());
                }
            }
            Payload::ComponentTypeSection(section) => {
                let range = section.range();
                let bytes = program.get(range.clone()).unwrap_or_default();
                return types::read(self, BinaryReader::new(bytes, range.start));
            }
            Payload::CoreTypeSection(section) => {
                for ty in section.clone() {
                    let known = types::core_type(&ty?);
                    self.declare_core_type(known);
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section.clone() {
                    self.core_instance(&instance?);
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    self.instance(&instance?);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    self.alias(&alias?);
                    self.count(1);
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section.clone() {
                    self.canonical(&function?);
                    self.count(1);
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    let import = import?;
                    self.imports_a_component |= matches!(import.ty, ComponentTypeRef::Component(_));
                    self.import(&import);
                    self.count(1);
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    let export = export?;
                    let item = self.item(export.kind, export.index);
                    self.charge(item.weight());
                    let known = export.ty.map_or(item, |ty| types::referred(self, &ty));
                    self.export(export.name.name, export.kind, known);
                    self.count(1);
                }
            }
            _ => {}
        }
        Ok(self.is_too_heavy().then_some(Excess::Weight))
    }

    /// Returns true if the index spaces are those of the validator, which has just taken the same part.
    pub fn agrees(&self, types: TypesRef<'_>) -> bool {
        let here = &self.current;
        let count = |space: &[Known<'_>]| u32::try_from(space.len()).unwrap_or(u32::MAX);
        here.is_module
            || self.around.is_empty()
            || [
                (count(&here.types), types.component_type_count()),
                (count(&here.core_types), types.core_type_count_in_component()),
                (count(&here.modules), types.module_count()),
                (here.core_instances, types.core_instance_count()),
                (count(&here.functions), types.component_function_count()),
                (count(&here.instances), types.component_instance_count()),
                (count(&here.components), types.component_count()),
            ]
            .into_iter()
            .all(|(ours, theirs)| ours == theirs)
    }

    /// The parts of the program when all its instances are laid out. `None` if they are unknown, because it imports
    /// components.
    pub fn whole(&self) -> Option<Total> {
        (!self.imports_a_component).then_some(self.whole)
    }

    pub fn weight(&self) -> u64 {
        self.weight
    }

    pub fn depth(&self) -> u32 {
        self.depth
    }

    pub fn parts(&self) -> u64 {
        self.parts
    }

    pub fn is_too_heavy(&self) -> bool {
        self.weight > MAX_WEIGHT
    }

    pub fn here(&self) -> &Scope<'a> {
        &self.current
    }

    pub fn enter(&mut self, scope: Scope<'a>) {
        self.around.push(mem::replace(&mut self.current, scope));
    }

    /// Ends the current type. Returns its properties.
    pub fn leave(&mut self) -> Known<'a> {
        self.close().close()
    }

    pub fn declare_type(&mut self, known: Known<'a>) {
        self.charge(1);
        self.depth = self.depth.max(known.depth);
        self.current.total.add(Total { resources: known.resources, ..Total::default() });
        self.current.types.push(known);
    }

    pub fn declare_core_type(&mut self, known: Vec<Known<'a>>) {
        for known in known {
            self.charge(known.size);
            self.current.core_types.push(known);
        }
    }

    pub fn import(&mut self, import: &ComponentImport<'a>) {
        let known = types::referred(self, &import.ty);
        self.charge(named(import.name.name).saturating_add(known.weight()));
        self.current.imports(import.name.name, &known);
        self.current.total.add(Total { resources: known.resources, ..Total::default() });
        self.introduce(import.ty.kind(), known);
    }

    /// An export, or a declaration of one in a type.
    pub fn export(&mut self, name: &'a str, kind: ComponentExternalKind, known: Known<'a>) {
        self.charge(named(name).saturating_add(known.weight()));
        self.current.exports(name, known.clone());
        self.introduce(kind, known);
    }

    pub fn alias(&mut self, alias: &ComponentAlias<'a>) {
        match *alias {
            ComponentAlias::InstanceExport { kind, instance_index, name } => {
                let known = at(&self.current.instances, instance_index).member(name);
                self.charge(named(name).saturating_add(known.weight()));
                self.introduce(kind, known);
            }
            ComponentAlias::CoreInstanceExport { name, .. } => self.charge(named(name)),
            ComponentAlias::Outer { kind, count, index } => {
                let around = self.outwards(count);
                let known = match kind {
                    ComponentOuterAliasKind::CoreModule => at(&around.modules, index),
                    ComponentOuterAliasKind::CoreType => at(&around.core_types, index),
                    ComponentOuterAliasKind::Type => at(&around.types, index),
                    ComponentOuterAliasKind::Component => at(&around.components, index),
                };
                self.charge(known.weight().saturating_add(1));
                // Captures from outside are copied with the component, and with everything that captures it.
                if count > 0
                    && matches!(
                        kind,
                        ComponentOuterAliasKind::CoreModule | ComponentOuterAliasKind::Component
                    )
                {
                    let captured = known.captured.saturating_add(1);
                    self.current.captured = self.current.captured.saturating_add(captured);
                }
                match kind {
                    ComponentOuterAliasKind::CoreModule => self.current.modules.push(known),
                    ComponentOuterAliasKind::CoreType => self.current.core_types.push(known),
                    ComponentOuterAliasKind::Type => self.current.types.push(known),
                    ComponentOuterAliasKind::Component => self.current.components.push(known),
                }
            }
        }
    }

    fn core_instance(&mut self, instance: &Instance<'a>) {
        let weight = match instance {
            Instance::Instantiate { module_index, args } => {
                let names = args.iter().map(|argument| named(argument.name));
                names.fold(at(&self.current.modules, *module_index).weight(), u64::saturating_add)
            }
            Instance::FromExports(exports) => {
                exports.iter().map(|export| named(export.name)).fold(1, u64::saturating_add)
            }
        };
        self.charge(weight);
        self.count(1);
        self.current.core_instances += 1;
    }

    fn instance(&mut self, instance: &ComponentInstance<'a>) {
        let known = match instance {
            ComponentInstance::Instantiate { component_index, args } => {
                let component = at(&self.current.components, *component_index);
                for argument in args {
                    let item = self.item(argument.kind, argument.index);
                    self.charge(named(argument.name).saturating_add(item.weight()));
                }
                self.count(args.len() as u64 + 1);
                self.charge(component.weight());
                self.current.total.add(component.inside);
                self.current.total.add(Total {
                    instances: 1,
                    resources: component.resources,
                    ..Total::default()
                });
                Known { inside: Total::default(), ..component }
            }
            ComponentInstance::FromExports(exports) => {
                let mut scope = Scope::new();
                for export in exports {
                    let item = self.item(export.kind, export.index);
                    scope.exports(export.name.name, item);
                }
                self.count(exports.len() as u64 + 1);
                let known = scope.close();
                self.charge(known.weight());
                known
            }
        };
        self.current.instances.push(known);
    }

    fn canonical(&mut self, function: &CanonicalFunction) {
        let here = &self.current;
        let known = match function {
            CanonicalFunction::Lift { type_index, .. } => {
                let known = at(&here.types, *type_index);
                self.current.functions.push(known.clone());
                known
            }
            CanonicalFunction::Lower { func_index, .. } => at(&here.functions, *func_index),
            CanonicalFunction::TaskReturn { result: Some(ComponentValType::Type(index)), .. }
            | CanonicalFunction::StreamNew { ty: index }
            | CanonicalFunction::StreamRead { ty: index, .. }
            | CanonicalFunction::StreamWrite { ty: index, .. }
            | CanonicalFunction::FutureNew { ty: index }
            | CanonicalFunction::FutureRead { ty: index, .. }
            | CanonicalFunction::FutureWrite { ty: index, .. } => at(&here.types, *index),
            _ => Known::small(),
        };
        self.charge(known.weight());
    }

    /// The item at an index in the index space of its kind.
    fn item(&self, kind: ComponentExternalKind, index: u32) -> Known<'a> {
        let here = &self.current;
        match kind {
            ComponentExternalKind::Module => at(&here.modules, index),
            ComponentExternalKind::Func => at(&here.functions, index),
            ComponentExternalKind::Type => at(&here.types, index),
            ComponentExternalKind::Instance => at(&here.instances, index),
            ComponentExternalKind::Component => at(&here.components, index),
            // None exist without a proposal that is not supported.
            ComponentExternalKind::Value => Known::small(),
        }
    }

    /// Adds an import, an export or an alias to its index space.
    fn introduce(&mut self, kind: ComponentExternalKind, known: Known<'a>) {
        self.depth = self.depth.max(known.depth);
        match kind {
            ComponentExternalKind::Module => self.current.modules.push(known),
            ComponentExternalKind::Func => self.current.functions.push(known),
            ComponentExternalKind::Type => self.current.types.push(known),
            ComponentExternalKind::Instance => self.current.instances.push(known),
            ComponentExternalKind::Component => self.current.components.push(known),
            ComponentExternalKind::Value => {}
        }
    }

    fn outwards(&self, count: u32) -> &Scope<'a> {
        let found = match usize::try_from(count) {
            Ok(0) | Err(_) => None,
            Ok(count) => self.around.len().checked_sub(count).and_then(|at| self.around.get(at)),
        };
        found.unwrap_or(&self.current)
    }

    fn count(&mut self, items: u64) {
        self.current.total.items = self.current.total.items.saturating_add(items);
    }

    pub fn charge(&mut self, weight: u64) {
        self.weight = self.weight.saturating_add(weight);
        self.current.total.weight = self.current.total.weight.saturating_add(weight);
    }

    fn close(&mut self) -> Scope<'a> {
        let around = self.around.pop().unwrap_or_default();
        mem::replace(&mut self.current, around)
    }

    /// Ends a module or a component.
    fn end(&mut self) {
        let ended = self.close();
        let (is_module, total, captured) = (ended.is_module, ended.total, ended.captured);
        let mut known = ended.close();
        self.whole = total;
        if is_module {
            self.current.modules.push(known);
            return;
        }
        known.inside = total;
        known.captured = known.captured.saturating_add(captured);
        self.depth = self.depth.max(known.depth);
        // The parts inside may capture parts outside of this one, too.
        self.current.captured = self.current.captured.saturating_add(captured);
        self.charge(captured.saturating_add(1));
        self.current.components.push(known);
    }
}
