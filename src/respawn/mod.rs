//! Programs to keep running: what to do when one ends (commands.md section 7). Pure.
