//! The state machine of returns against its golden table. `UPDATE_GOLDEN=1` writes it anew.

use std::fmt::Write;
use std::path::Path;

use korob_orders::model::return_state::ReturnState;

#[test]
fn the_table_is_the_golden_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/return_states.txt");
    let table = table();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), table);
}

#[test]
fn names_read_back() {
    for state in ReturnState::ALL {
        assert_eq!(state.name().parse(), Ok(state));
    }
}

/// One row per state: where it may go, and who may move it there.
fn table() -> String {
    let mut table = "# from -> to: who may move it\n".to_owned();
    for from in ReturnState::ALL {
        for to in ReturnState::ALL {
            let movers: Vec<_> =
                from.movers(to).iter().map(|mover| format!("{mover:?}").to_lowercase()).collect();
            if !movers.is_empty() {
                writeln!(table, "{from} -> {to}: {}", movers.join(", ")).unwrap();
            }
        }
        if ReturnState::ALL.into_iter().all(|to| from.movers(to).is_empty()) {
            writeln!(table, "{from} is final").unwrap();
        }
    }
    table
}
