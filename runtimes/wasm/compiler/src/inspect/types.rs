//! Reads the types that a component declares, and computes their sizes.
//!
//! Types of components and instances hold declarations, which may hold types again. The validator's own reader recurses
//! for each level, and each level takes a part of the stack: a few bytes of a program are enough to exhaust it. So they
//! are read here first, with a list of open scopes instead, and are not passed on if they are nested too deep.

use wasmparser::{
    BinaryReader, ComponentAlias, ComponentDefinedType, ComponentExternName, ComponentImport, ComponentType,
    ComponentTypeRef, ComponentValType, CoreType, ModuleTypeDeclaration, OuterAliasKind, Result, TypeBounds,
};

use super::components::Components;
use super::scope::{Known, Scope, at, named};

/// Levels of declarations inside declarations.
const MAX_LEVELS: usize = 100;

/// The types that were read are valid, but too many or too large.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Excess {
    Levels,
    Weight,
}

/// Reads a section of types, and adds them to `components`.
pub(super) fn read<'a>(
    components: &mut Components<'a>,
    mut reader: BinaryReader<'a>,
) -> Result<Option<Excess>> {
    // The number of declarations still to come, in each open scope.
    let mut open = vec![reader.read_var_u32()?];
    loop {
        let level = open.len();
        let Some(left) = open.last_mut() else {
            return Ok(None);
        };
        if components.is_too_heavy() {
            return Ok(Some(Excess::Weight));
        }
        if *left == 0 {
            open.pop();
            if level > 1 {
                let known = components.leave();
                components.declare_type(known);
            }
            continue;
        }
        *left -= 1;
        // The section itself holds types; everything inside holds declarations.
        let declaration = if level == 1 { 1 } else { reader.read_u8()? };
        match declaration {
            0 => {
                let ty: CoreType<'a> = reader.read()?;
                let known = core_type(&ty);
                components.declare_core_type(known);
            }
            1 => {
                let mut ahead = reader.clone();
                if matches!(ahead.read_u8()?, 0x41 | 0x42) {
                    if level > MAX_LEVELS {
                        return Ok(Some(Excess::Levels));
                    }
                    open.push(ahead.read_var_u32()?);
                    components.enter(Scope::new());
                    reader = ahead;
                } else {
                    let ty: ComponentType<'a> = reader.read()?;
                    let known = plain(components, &ty);
                    components.declare_type(known);
                }
            }
            2 => {
                let alias: ComponentAlias<'a> = reader.read()?;
                components.alias(&alias);
            }
            3 => {
                let import: ComponentImport<'a> = reader.read()?;
                components.import(&import);
            }
            4 => {
                let name: ComponentExternName<'a> = reader.read()?;
                let ty: ComponentTypeRef = reader.read()?;
                let known = referred(components, &ty);
                components.export(name.name, ty.kind(), known);
            }
            // The validator reports the fault.
            _ => return Ok(None),
        }
    }
}

/// The target of a reference to a type.
pub(super) fn referred<'a>(components: &Components<'a>, ty: &ComponentTypeRef) -> Known<'a> {
    match *ty {
        ComponentTypeRef::Module(index) => at(&components.here().core_types, index),
        ComponentTypeRef::Func(index)
        | ComponentTypeRef::Instance(index)
        | ComponentTypeRef::Component(index)
        | ComponentTypeRef::Type(TypeBounds::Eq(index)) => at(&components.here().types, index),
        ComponentTypeRef::Type(TypeBounds::SubResource) => Known::resource(),
        ComponentTypeRef::Value(ty) => value(components, ty),
    }
}

/// A type that holds no declarations.
fn plain<'a>(components: &Components<'a>, ty: &ComponentType<'a>) -> Known<'a> {
    let mut known = Known::small();
    match ty {
        ComponentType::Func(ty) => {
            for (name, ty) in &ty.params {
                known.contains(name, &value(components, *ty));
            }
            ty.result.iter().for_each(|ty| known.contains("", &value(components, *ty)));
        }
        ComponentType::Defined(ty) => defined(components, ty, &mut known),
        ComponentType::Resource { .. } => return Known::resource(),
        // Their declarations are read one by one.
        ComponentType::Component(_) | ComponentType::Instance(_) => {}
    }
    known
}

fn defined<'a>(components: &Components<'a>, ty: &ComponentDefinedType<'a>, known: &mut Known<'a>) {
    let mut add = |name: &str, ty: &ComponentValType| known.contains(name, &value(components, *ty));
    match ty {
        ComponentDefinedType::Primitive(_) => {}
        ComponentDefinedType::Record(fields) => fields.iter().for_each(|(name, ty)| add(name, ty)),
        ComponentDefinedType::Variant(cases) => {
            for case in cases {
                add(
                    case.name,
                    &case.ty.unwrap_or(ComponentValType::Primitive(wasmparser::PrimitiveValType::Bool)),
                );
            }
        }
        ComponentDefinedType::List(ty)
        | ComponentDefinedType::FixedLengthList(ty, _)
        | ComponentDefinedType::Option(ty) => add("", ty),
        ComponentDefinedType::Map(key, ty) => [key, ty].into_iter().for_each(|ty| add("", ty)),
        ComponentDefinedType::Tuple(types) => types.iter().for_each(|ty| add("", ty)),
        ComponentDefinedType::Flags(names) | ComponentDefinedType::Enum(names) => {
            for name in names {
                known.size = known.size.saturating_add(named(name));
            }
        }
        ComponentDefinedType::Result { ok, err } => ok.iter().chain(err).for_each(|ty| add("", ty)),
        ComponentDefinedType::Future(ty) | ComponentDefinedType::Stream(ty) => {
            ty.iter().for_each(|ty| add("", ty));
        }
        ComponentDefinedType::Own(_) | ComponentDefinedType::Borrow(_) => known.depth += 1,
    }
}

fn value<'a>(components: &Components<'a>, ty: ComponentValType) -> Known<'a> {
    match ty {
        ComponentValType::Primitive(_) => Known::small(),
        ComponentValType::Type(index) => at(&components.here().types, index),
    }
}

/// A type of core WebAssembly.
pub(super) fn core_type<'a>(ty: &CoreType<'a>) -> Vec<Known<'a>> {
    match ty {
        // Types of the same form are one type: to refer to one is to compare its number.
        CoreType::Rec(group) => group.types().map(|_| Known::small()).collect(),
        CoreType::Module(declarations) => {
            let mut known = Known::small();
            for declaration in declarations {
                match declaration {
                    ModuleTypeDeclaration::Import(import) => {
                        known.contains(import.module, &Known::small());
                        known.contains(import.name, &Known::small());
                    }
                    ModuleTypeDeclaration::Export { name, .. } => known.contains(name, &Known::small()),
                    ModuleTypeDeclaration::OuterAlias { kind: OuterAliasKind::Type, .. }
                    | ModuleTypeDeclaration::Type(_) => {}
                }
            }
            vec![known]
        }
    }
}
