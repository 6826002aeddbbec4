//! The state machine as a table.

use korob_payments::model::payment_state::{Happening, State};

#[test]
fn the_table_of_states_is_golden() {
    let mut table = format!("{:22}", "happening");
    for state in State::ALL {
        table += &format!("| {:16} ", state.as_str());
    }
    for happening in Happening::ALL {
        table += &format!("\n{:22}", format!("{happening:?}"));
        for state in State::ALL {
            table += &format!("| {:16} ", state.after(happening).map_or("-", State::as_str));
        }
    }
    assert_eq!(
        table.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"),
        "\
happening             | requires_payment | requires_action  | processing       | authorized       | partially_paid   | succeeded        | canceled
Attempted             | processing       | -                | -                | -                | -                | -                | -
Pended                | -                | processing       | processing       | -                | -                | -                | -
ActionRequired        | -                | requires_action  | requires_action  | -                | -                | -                | -
Authorized            | -                | authorized       | authorized       | -                | -                | -                | -
AttemptEnded          | -                | requires_payment | requires_payment | requires_payment | -                | -                | -
CapturedInPart        | partially_paid   | partially_paid   | partially_paid   | -                | partially_paid   | -                | -
CapturedInFull        | succeeded        | succeeded        | succeeded        | succeeded        | succeeded        | -                | -
Refunded              | -                | -                | -                | -                | partially_paid   | succeeded        | -
ChangedToNothingDue   | succeeded        | succeeded        | succeeded        | succeeded        | succeeded        | succeeded        | -
ChangedToPartDue      | -                | -                | -                | -                | partially_paid   | partially_paid   | -
ChangedToAllDue       | requires_payment | requires_action  | processing       | authorized       | -                | requires_payment | -
Voided                | canceled         | canceled         | canceled         | canceled         | canceled         | canceled         | -"
    );
}
