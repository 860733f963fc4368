#!/bin/bash
# bash, since dash drops variables whose names have hyphens: REGISTRY_HTTP_HEADERS_Access-Control-...
# A configuration file is served; a sub-command or an option goes to the registry; anything else runs.
set -eu
case "$1" in
    *.yml | *.yaml) set -- registry serve "$@" ;;
    serve | garbage-collect | help | -*) set -- registry "$@" ;;
esac
exec "$@"
