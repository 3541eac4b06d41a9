//! The pure planner, and the checker that goes over every plan.
