"""How faithful is an explanation? Measured against masks, against cheats that know nothing, and the best possible: `docs/audit.md`."""
