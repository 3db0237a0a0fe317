//! ipfail: moves resources to the node that sees more ping nodes (commands.md section 10).
