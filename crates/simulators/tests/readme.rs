//! The README tells of every fault and every system.

use simulators::{Fault, System};

#[test]
fn every_fault_and_system_is_explained() {
    let text = include_str!("../README.md");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
    let named = |name: &str| rows.iter().any(|row| row.contains(&format!("`{name}`")));
    let faults = Fault::ALL.iter().map(|fault| fault.name()).filter(|name| !named(name));
    let systems = System::ALL.iter().map(|system| system.name()).filter(|name| !named(name));
    assert_eq!(faults.chain(systems).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn the_table_says_which_systems_have_a_fault() {
    let text = include_str!("../README.md");
    for fault in Fault::ALL {
        let row = text.lines().find(|line| line.starts_with("| `") && line.contains(&format!("`{fault}`")));
        let last = row.expect("a row").trim_end_matches(" |").rsplit("| ").next().expect("a column");
        for system in System::ALL {
            let listed = match last.strip_prefix("all") {
                Some(but) => !but.contains(system.name()),
                None => last.split(", ").any(|name| name == system.name()),
            };
            assert_eq!(system.can_have(fault), listed, "{fault} of {system}: {last}");
        }
    }
}
