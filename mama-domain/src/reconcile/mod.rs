//! What should be, what is, and what to do about the difference.
//!
//! `contests → desired → (survey) → plan → (perform) → settle`: all but the survey and the performance are functions from
//! data to data, so `mama plan` prints exactly what `mama apply` does.

mod action;
mod actual;
mod agreed;
mod audit;
mod desired;
mod finding;
mod naming;
mod plan;
mod promised;
mod settle;

pub use action::{Action, LinkView, RemoveView, StoreBlob};
pub use actual::{Actual, BlobFact, NoSource, SourceFact, ViewFact};
pub use agreed::{Agreed, Difference, Stale, hold_to};
pub use audit::{Contradiction, audit};
pub use desired::{Reason, Role, Rule, Rules, Shown, Want, Wish, desired};
pub use finding::{Finding, FindingKind};
pub use naming::{Departure, Granted, Named};
pub use plan::{Goal, Plan, Prospect, plan};
pub use promised::Promised;
pub use settle::{Done, Outcome, Refusal, settle};

#[cfg(test)]
mod laws;
