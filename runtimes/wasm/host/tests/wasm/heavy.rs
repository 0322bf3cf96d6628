//! Hand-made programs that demand much work of the compiler.

use crate::encode::{body, bytes, component, function_type, functions, list, module, name, number, section};

/// `component_instances.py` of the cases: an instance type of `exports`, instantiated `times` in each of `components`.
pub fn instances(exports: usize, times: usize, components: usize) -> Vec<u8> {
    let declarations = (0..exports).map(|index| bytes([&[4, 0], &name(&format!("e{index}")), &[1, 0]]));
    let declarations = [vec![1, 0x40, 0, 1, 0]].into_iter().chain(declarations);
    let ty = bytes([&[0x42], &list(declarations)]);
    let import = section(10, list([bytes([&[0], &name("x"), &[5, 0]])]));
    let alias_type = section(6, list([[3, 2, 1, 0]]));
    let inner = component([alias_type.clone(), import.clone()]);
    let alias_component = section(6, list([[4, 2, 1, 0]]));
    let instance = bytes([&[0, 0], &list([bytes([&name("x"), &[5, 0]])])]);
    let outer =
        component([alias_type, import.clone(), alias_component, section(5, list(vec![instance; times]))]);
    let sections = [section(7, list([ty])), import, section(4, inner)];
    component(sections.into_iter().chain(vec![section(4, outer); components]))
}

pub fn types_of_types() -> Vec<u8> {
    let types = (0..80).map(|index: u64| match index {
        0 => vec![0x6f, 2, 0x7d, 0x7d],
        _ => bytes([&[0x6f, 2], &number(index - 1), &number(index - 1)]),
    });
    let types: Vec<_> = types.chain([bytes([&[0x40, 1], &name("x"), &number(79), &[1, 0]])]).collect();
    let import = bytes([&[0], &name("f"), &[1], &number(80)]);
    component([section(7, list(types)), section(10, list([import]))])
}

pub fn types_inside_types() -> Vec<u8> {
    let levels = 1_000_000;
    component([section(7, bytes([&[1], &[0x42, 1, 1].repeat(levels), &[0x42, 0]]))])
}

pub fn types_of_instances_of_types() -> Vec<u8> {
    let types = (0..200_u64).map(|index| match index {
        0 => vec![0x42, 0],
        _ => bytes([&[0x42, 2, 2, 3, 2, 1], &number(index - 1), &[4, 0], &name("a"), &[5, 0]]),
    });
    let import = bytes([&[0], &name("f"), &[5], &number(199)]);
    component([section(7, list(types)), section(10, list([import]))])
}

pub fn types_that_import_a_large_one() -> Vec<u8> {
    let exports = (0..50_000).map(|index| bytes([&[4, 0], &name(&format!("e{index}")), &[1, 0]]));
    let large = bytes([&[0x42], &list([vec![1, 0x40, 0, 1, 0]].into_iter().chain(exports))]);
    let imports = (0..50_000).map(|index| bytes([&[3, 0], &name(&format!("i{index}")), &[5, 0]]));
    let many = bytes([&[0x41], &list([vec![2, 3, 2, 1, 0]].into_iter().chain(imports))]);
    component([section(7, list([large, many]))])
}

pub fn types_of_a_million_in_a_group() -> Vec<u8> {
    let group = bytes([&[0x4e], &list(vec![function_type(&[0x7f], &[]); 999_000])]);
    module([section(1, list([group]))])
}

pub fn types_of_functions(types: usize) -> Vec<u8> {
    module([section(1, list(vec![function_type(&[0x7f; 1000], &[]); types]))])
}

pub fn types_of_enumerations(cases: usize, types: usize) -> Vec<u8> {
    let ty = bytes([&[0x6d], &list((0..cases).map(|index| name(&format!("f{index}"))))]);
    component([section(7, list(vec![ty; types]))])
}

pub fn types_of_modules(imports: usize, types: usize) -> Vec<u8> {
    let imports = (0..imports).map(|index| bytes([&[0], &name("a"), &name(&format!("b{index}")), &[0, 0]]));
    let ty = bytes([&[0x50], &list([vec![1, 0x60, 0, 0]].into_iter().chain(imports))]);
    component([section(3, list(vec![ty; types]))])
}

pub fn sections_that_are_empty(sections: usize) -> Vec<u8> {
    module([section(0, name("x")).repeat(sections)])
}

pub fn sections_that_are_empty_of_a_component(sections: usize) -> Vec<u8> {
    component([section(7, [0]).repeat(sections)])
}

pub fn elements_of_no_table(segments: usize, elements: u64) -> Vec<u8> {
    let functions = vec![0; usize::try_from(elements).unwrap()];
    module([
        section(1, list([function_type(&[], &[])])),
        section(3, list([[0]])),
        section(9, list(vec![bytes([&[1, 0], &number(elements), &functions]); segments])),
        section(10, list([body(0, &[])])),
    ])
}

/// A program that puts elements into a table of which no compiler knows the place.
pub fn elements_put_by_code(elements: u64) -> Vec<u8> {
    let functions = vec![0; usize::try_from(elements).unwrap()];
    module([
        section(1, list([function_type(&[], &[])])),
        section(3, list([[0]])),
        section(4, list([table(10_000_000)])),
        section(6, list([[0x7f, 0, 0x41, 0, 0x0b]])),
        section(9, list([bytes([&[0, 0x23, 0, 0x0b], &number(elements), &functions])])),
        section(10, list([body(0, &[])])),
    ])
}

pub fn names_that_are_empty(names: u64) -> Vec<u8> {
    let names = bytes([&number(names), &[0, 0].repeat(usize::try_from(names).unwrap())]);
    let names = bytes([&name("name"), &[1], &number(names.len() as u64), &names]);
    module([
        section(1, list([function_type(&[], &[])])),
        section(3, list([[0]])),
        section(10, list([body(0, &[])])),
        section(0, names),
    ])
}

pub fn variants_of_variants() -> Vec<u8> {
    let cases = |ty: &[u8]| list((0..9999).map(|index| bytes([&name(&format!("c{index}")), &[1], ty, &[0]])));
    let types = [
        bytes([&[0x71], &cases(&[0x77])]),
        bytes([&[0x71], &cases(&[0])]),
        bytes([&[0x40, 1], &name("x"), &[1, 1, 0]]),
    ];
    let import = bytes([&[0], &name("f"), &[1, 2]]);
    component([section(7, list(types)), section(10, list([import]))])
}

pub fn record(fields: usize) -> Vec<u8> {
    bytes([&[0x72], &list((0..fields).map(|index| bytes([&name(&format!("f{index}")), &[0x77]])))])
}

pub fn aliases_of_a_large_type() -> Vec<u8> {
    let inner = component([section(6, list(vec![[3, 2, 1, 0]; 500_000]))]);
    component([section(7, list([record(9999)])), section(4, inner)])
}

pub fn aliases_across_levels() -> Vec<u8> {
    let inner = (1..=100).rev().fold(component([]), |inner, level: u64| {
        let alias = bytes([&[3, 2], &number(level), &[0]]);
        component([section(6, list(vec![alias; 5000])), section(4, inner)])
    });
    component([section(7, list([record(9999)])), section(4, inner)])
}

pub fn aliases_that_capture_components() -> Vec<u8> {
    let captures = (0..60_u64).map(|level| {
        let alias = bytes([&[4, 2, 1], &number(level)]);
        section(4, component([section(6, list(vec![alias; 2]))]))
    });
    component([section(4, component([]))].into_iter().chain(captures))
}

pub fn names_of_functions(names: u64) -> Vec<u8> {
    let names = (0..names).map(|index| bytes([&number(index), &name(&format!("function number {index}"))]));
    let names = bytes([&name("name"), &section(1, list(names))]);
    module([
        section(1, list([function_type(&[], &[])])),
        section(3, list([[0]])),
        section(10, list([body(0, &[])])),
        section(0, names),
    ])
}

pub fn names_of_exports() -> Vec<u8> {
    let exports = (0..600).map(|index| bytes([&name(&format!("{index:060000}")), &[0, 0]]));
    let exports = section(7, list(exports));
    functions(&function_type(&[], &[]), exports, &[body(0, &[])])
}

pub fn names_that_are_instantiated() -> Vec<u8> {
    let exports =
        (0..100).map(|index| bytes([&[4, 0], &name(&format!("e{index}-{}", "a".repeat(90_000))), &[1, 0]]));
    let ty = bytes([&[0x42], &list([vec![1, 0x40, 0, 1, 0]].into_iter().chain(exports))]);
    let import = section(10, list([bytes([&[0], &name("x"), &[5, 0]])]));
    let inner = component([
        section(6, list([[3, 2, 1, 0]])),
        import.clone(),
        section(11, list([bytes([&[0], &name("y"), &[5, 0, 0]])])),
    ]);
    let instance = bytes([&[0, 0], &list([bytes([&name("x"), &[5, 0]])])]);
    component([section(7, list([ty])), import, section(4, inner), section(5, list(vec![instance; 990]))])
}

pub fn memory() -> Vec<u8> {
    section(5, [1, 0, 1])
}

pub fn function_of_loads(loads: usize) -> Vec<u8> {
    functions(
        &function_type(&[], &[]),
        memory(),
        &[body(0, &bytes([&[0x41, 0], &[0x28, 0, 0].repeat(loads), &[0x1a]]))],
    )
}

pub fn many_functions_of_loads(count: usize, loads: usize) -> Vec<u8> {
    let one = body(0, &bytes([&[0x41, 0], &[0x28, 0, 0].repeat(loads), &[0x1a]]));
    functions(&function_type(&[], &[]), memory(), &vec![one; count])
}

/// A thousand parameters and as many results.
pub fn wide() -> Vec<u8> {
    function_type(&[0x7f; 1000], &[0x7f; 1000])
}

pub fn arguments() -> Vec<u8> {
    (0..1000).flat_map(|index| bytes([&[0x20], &number(index)])).collect()
}

pub fn function_of_calls(calls: usize) -> Vec<u8> {
    functions(&wide(), vec![], &[body(0, &bytes([&arguments(), &[0x10, 0].repeat(calls)]))])
}

pub fn function_of_loops(loops: usize, locals: u64) -> Vec<u8> {
    let code = bytes([&[0x03, 0x40, 0x20, 0, 0x21, 1, 0x0b]]).repeat(loops);
    functions(&function_type(&[], &[]), vec![], &[body(locals, &code)])
}

pub fn function_of_blocks(blocks: usize) -> Vec<u8> {
    functions(
        &function_type(&[], &[]),
        vec![],
        &[body(0, &bytes([&[0x02, 0x40].repeat(blocks), &[0x0b].repeat(blocks)]))],
    )
}

pub fn function_of_branches() -> Vec<u8> {
    let table = bytes([&[0x41, 0, 0x0e], &list(vec![[0]; 1_000_000]), &[0]]);
    functions(&wide(), vec![], &[body(0, &bytes([&arguments(), &table]))])
}

pub fn data_of_many_segments(segments: usize) -> Vec<u8> {
    module([memory(), section(11, list(vec![[0, 0x41, 0, 0x0b, 1, 0]; segments]))])
}

pub fn table(entries: u64) -> Vec<u8> {
    bytes([&[0x70, 0], &number(entries)])
}

pub fn elements_of_many_segments(segments: usize) -> Vec<u8> {
    // The first one has no known place, so that the others are not written out.
    let first = vec![0, 0x23, 0, 0x0b, 1, 0];
    let segments = [first].into_iter().chain(vec![vec![0, 0x41, 0, 0x0b, 1, 0]; segments]);
    module([
        section(1, list([function_type(&[], &[])])),
        section(3, list([[0]])),
        section(4, list([table(10)])),
        section(6, list([[0x7f, 0, 0x41, 0, 0x0b]])),
        section(9, list(segments)),
        section(10, list([body(0, &[])])),
    ])
}

pub fn elements_of_expressions(elements: usize) -> Vec<u8> {
    let element = bytes([&[4, 0x41, 0, 0x0b], &list(vec![[0xd2, 0, 0x0b]; elements])]);
    module([
        section(1, list([function_type(&[], &[])])),
        section(3, list([[0]])),
        section(4, list([table(1_000_000)])),
        section(9, list([element])),
        section(10, list([body(0, &[])])),
    ])
}

pub fn tables_of_a_million(tables: u64) -> Vec<u8> {
    // The last entry of each.
    let elements =
        (0..tables).map(|index| bytes([&[2], &number(index), &[0x41, 0xff, 0xff, 0x3f, 0x0b, 0, 1, 0]]));
    module([
        section(1, list([function_type(&[], &[])])),
        section(3, list([[0]])),
        section(4, list((0..tables).map(|_| table(1 << 20)))),
        section(9, list(elements)),
        section(10, list([body(0, &[])])),
    ])
}

pub fn globals_of_long_expressions(terms: usize) -> Vec<u8> {
    let long = bytes([&[0x7f, 0, 0x23, 0], &[0x23, 0, 0x6a].repeat(terms), &[0x0b]]);
    let first = vec![0x7f, 0, 0x41, 0, 0x0b];
    module([section(6, list([first].into_iter().chain(vec![long; 10])))])
}

/// A function of core WebAssembly as a component has it: the first one.
pub fn core_function(ty: &[u8]) -> [Vec<u8>; 3] {
    let exports = section(7, list([bytes([&name("f"), &[0, 0]]), bytes([&name("m"), &[2, 0]])]));
    let inner = module([
        section(1, list([ty])),
        section(3, list([[0]])),
        memory(),
        exports,
        section(10, list([body(0, &[0x00])])),
    ]);
    let aliases = section(6, list([bytes([&[0, 0, 1, 0], &name("f")]), bytes([&[0, 2, 1, 0], &name("m")])]));
    [section(1, inner), section(2, list([[0, 0, 0]])), aliases]
}

pub fn canonical_lifts_of_records(fields: usize, lifts: usize) -> Vec<u8> {
    let types = [record(fields), bytes([&[0x40, 1], &name("x"), &[0, 1, 0]])];
    // With the memory and a function to take memory with, which would be refused last.
    let lift = [0, 0, 0, 2, 3, 0, 4, 0, 1];
    component(
        core_function(&function_type(&[0x7f], &[]))
            .into_iter()
            .chain([section(7, list(types)), section(8, list(vec![lift; lifts]))]),
    )
}

pub fn canonical_lowers_of_records(fields: usize, lowers: usize) -> Vec<u8> {
    let types = [record(fields), bytes([&[0x40, 1], &name("x"), &[0, 1, 0]])];
    let import = bytes([&[0], &name("f"), &[1, 1]]);
    // A record must have a name outside.
    let named = bytes([&[0], &name("r"), &[3, 0, 0]]);
    let types = section(7, list([types[0].clone()]));
    let function = section(7, list([bytes([&[0x40, 1], &name("x"), &[1, 1, 0]])]));
    let import = section(10, list([bytes([&import[..import.len() - 1], &[2]])]));
    component(core_function(&function_type(&[0x7f], &[])).into_iter().chain([
        types,
        section(10, list([named])),
        function,
        import,
        section(8, list(vec![[1, 0, 0, 1, 3, 0]; lowers])),
    ]))
}

/// One component's function, handed to `count` instances of another one that calls it.
pub fn adapters(count: usize, fields: usize) -> Vec<u8> {
    let fields = (0..fields).fold(String::new(), |text, index| format!("{text} (field \"f{index}\" string)"));
    let text = format!(
        "(component
            (component $gives
                (core module $m (memory (export \"m\") 1)
                    (func (export \"r\") (param i32 i32 i32 i32) (result i32) unreachable)
                    (func (export \"f\") (param i32)))
                (core instance $i (instantiate $m))
                (type $r' (record {fields})) (export $r \"r\" (type $r'))
                (func (export \"f\") (param \"x\" $r)
                    (canon lift (core func $i \"f\") (memory (core memory $i \"m\")) (realloc (core func $i \"r\")))))
            (component $takes
                (type $r' (record {fields})) (import \"r\" (type $r (eq $r')))
                (import \"f\" (func $f (param \"x\" $r)))
                (core module $m (memory (export \"m\") 1))
                (core instance $i (instantiate $m))
                (core func $l (canon lower (func $f) (memory (core memory $i \"m\"))))
                (core module $n (import \"\" \"f\" (func (param i32))))
                (core instance (instantiate $n (with \"\" (instance (export \"f\" (func $l)))))))
            (instance $g (instantiate $gives)) {})",
        "(instance (instantiate $takes (with \"r\" (type $g \"r\")) (with \"f\" (func $g \"f\"))))".repeat(count)
    );
    wat::parse_str(text).unwrap()
}

pub fn resources_of_instances(resources: usize, instances: usize) -> Vec<u8> {
    let exports = (0..resources)
        .map(|index| bytes([&[0], &name(&format!("r{index}")), &[3], &number(2 * index as u64), &[0]]));
    // Each export is a type of its own too, so every other index.
    let sections =
        exports.flat_map(|export| [section(7, list([[0x3f, 0x7f, 0]])), section(11, list([export]))]);
    let inner = component(sections);
    component([section(4, inner), section(5, list(vec![[0, 0, 0]; instances]))])
}

pub fn modules(components: usize, modules: usize) -> Vec<u8> {
    let each = |index: usize| module([section(1, list([function_type(&vec![0x7f; index], &[])]))]);
    let inner = component((0..modules).map(|index| section(1, each(index % 1000))));
    component((0..components).map(|_| section(4, inner.clone())))
}

pub fn modules_of_many_imports(imports: usize, instances: usize) -> Vec<u8> {
    let import = |index: usize| bytes([&name("a"), &name(&format!("i{index}")), &[0, 0]]);
    let inner =
        module([section(1, list([function_type(&[], &[])])), section(2, list((0..imports).map(import)))]);
    let exports = list((0..imports).map(|index| bytes([&name(&format!("i{index}")), &[0, 0]])));
    let [first, instance, aliases] = core_function(&function_type(&[], &[]));
    let bag = bytes([&[1], &exports]);
    let use_it = bytes([&[0, 1], &list([bytes([&name("a"), &[0x12, 1]])])]);
    component([
        first,
        instance,
        aliases,
        section(1, inner),
        section(2, list([bag])),
        section(2, list(vec![use_it; instances])),
    ])
}

pub fn arguments_of_many_exports() -> Vec<u8> {
    let import = section(10, list([bytes([&[0], &name("f"), &[1, 0]])]));
    let exports = (0..90_000).map(|index| bytes([&[0], &name(&format!("e{index}")), &[1, 0]]));
    let bag = bytes([&[1], &list(exports)]);
    let takes = component([
        section(7, list([vec![0x42, 0]])),
        section(10, list([bytes([&[0], &name("x"), &[5, 0]])])),
    ]);
    let instance = bytes([&[0, 0], &list([bytes([&name("x"), &[5, 0]])])]);
    component([
        section(7, list([vec![0x40, 0, 1, 0]])),
        import,
        section(5, list([bag])),
        section(4, takes),
        section(5, list(vec![instance; 990])),
    ])
}
