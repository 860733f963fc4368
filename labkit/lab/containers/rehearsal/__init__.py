"""The rehearsal of el9: a Debian 13 machine that is dressed as Rocky Linux 9 (see README.md)."""
