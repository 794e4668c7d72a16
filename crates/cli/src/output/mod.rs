//! Tables and progress for a terminal, shared by the subcommands.
