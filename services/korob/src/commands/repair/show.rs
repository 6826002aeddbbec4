//! Shows what would be done, what is left, and what a person is asked.

use check::Report;
use serde_json::{Value, json};

use super::decide::KEEP;
use super::plan::{Plan, Question, Repair};

/// Before anything is done.
pub fn plan(plan: &Plan, report: &Report, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return print_json(plan, report);
    }
    for (at, repair) in plan.repairs.iter().enumerate() {
        print_repair(at + 1, repair);
    }
    print_questions(&plan.questions);
    println!(
        "{} violations: {} repairs proposed, {} for a person to decide",
        report.violations(),
        plan.repairs.len(),
        plan.questions.len()
    );
    Ok(())
}

/// After everything was done that could be.
pub fn rest(plan: &Plan, report: &Report, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return print_json(plan, report);
    }
    for repair in &plan.repairs {
        println!("NOT REPAIRED {}", repair.step);
        for why in &repair.why {
            println!("    {} {}: {}", why.check, why.subject, why.why);
        }
    }
    print_questions(&plan.questions);
    match report.violations() {
        0 => println!("clean: 0 violations, {} notices", report.notices()),
        left => println!("{left} violations are left, {} for a person to decide", plan.questions.len()),
    }
    Ok(())
}

fn print_repair(number: usize, repair: &Repair) {
    println!("{number:>3}. {}", repair.step);
    for why in &repair.why {
        println!("     {} {}: {}", why.check, why.subject, why.why);
    }
}

fn print_questions(questions: &[Question]) {
    for question in questions {
        let finding = &question.finding;
        println!(
            "  ?  {} {}: expected {}, found {}",
            finding.check,
            finding.subject(),
            finding.expected,
            finding.found
        );
        println!("     {}", question.why);
        for choice in &question.choices {
            println!("     korob repair --decide {} : {}", argument(question, choice.name), choice.what);
        }
        println!(
            "     korob repair --decide {} --note '…' : it stays as it is, and the note is written down",
            argument(question, KEEP)
        );
    }
}

/// What is said to choose it.
fn argument(question: &Question, choice: &str) -> String {
    let finding = &question.finding;
    // The narrowest: the id that is this finding's own comes last by its name, or is the only one.
    let own = ["payment_id", "shipment_id", "reservation_id", "return_id", "customer_id", "order_id"];
    let id = own.iter().find_map(|kind| finding.ids.get(*kind)).or_else(|| finding.ids.values().next());
    format!("{}:{}={choice}", finding.check, id.map_or("", String::as_str))
}

fn print_json(plan: &Plan, report: &Report) -> anyhow::Result<()> {
    let repairs =
        plan.repairs.iter().map(|repair| json!({ "call": repair.step.to_string(), "for": repair.why }));
    let questions = plan.questions.iter().map(|question| {
        let names = question.choices.iter().map(|choice| choice.name).chain([KEEP]);
        json!({
            "finding": question.finding,
            "why": question.why,
            "decide": names.map(|name| argument(question, name)).collect::<Vec<_>>(),
        })
    });
    let shown = json!({
        "violations": report.violations(),
        "repairs": repairs.collect::<Vec<Value>>(),
        "questions": questions.collect::<Vec<Value>>(),
    });
    println!("{}", serde_json::to_string_pretty(&shown)?);
    Ok(())
}
