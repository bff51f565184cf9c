"""A YAML file -> Suite -> Plan: everything that a suite says is checked here, and nowhere later."""
