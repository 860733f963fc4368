#!/bin/sh
# A configuration file is served; a sub-command or an option goes to the registry; anything else runs.
set -eu
case "$1" in
    *.yml | *.yaml) set -- registry serve "$@" ;;
    serve | garbage-collect | help | -*) set -- registry "$@" ;;
esac
exec "$@"
