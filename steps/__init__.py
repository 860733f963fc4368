"""The practical's tasks: a module per step, beside its reference artefacts and its starter."""
