//! The state machine as a table.

use korob_payments::model::payment_state::{Happening, State};

#[test]
fn the_table_of_states_is_golden() {
    use Happening::{CapturedInFull, CapturedInPart, Refunded, Voided};
    let mut table = String::from("state            | part           | full      | refunded       | voided\n");
    for state in State::ALL {
        let after = |happening| state.after(happening).map_or("-", State::as_str);
        table += &format!(
            "{:16} | {:14} | {:9} | {:14} | {}\n",
            state.as_str(),
            after(CapturedInPart),
            after(CapturedInFull),
            after(Refunded),
            after(Voided)
        );
    }
    assert_eq!(
        table,
        "\
state            | part           | full      | refunded       | voided
requires_payment | partially_paid | succeeded | -              | canceled
requires_action  | partially_paid | succeeded | -              | canceled
processing       | partially_paid | succeeded | -              | canceled
partially_paid   | partially_paid | succeeded | partially_paid | canceled
succeeded        | -              | -         | succeeded      | canceled
canceled         | -              | -         | -              | -
"
    );
}
