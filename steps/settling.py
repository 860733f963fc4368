"""Between steps and checks: containers that run are given the time to listen."""

from __future__ import annotations

from collections.abc import Mapping

from labkit.remote import Shell, everywhere

# Of each running container: its address and the ports that its image exposes.
LISTENERS = (
    "docker ps -q | xargs -r docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}} "
    "{{end}}|{{range $port, $_ := .Config.ExposedPorts}}{{$port}} {{end}}'"
)
# One that has no address, on the machine's network or another container's, is not waited for.
# By the shell itself: an interpreter would take longer to start than most of them take to listen.
WAIT = """{
end=$((SECONDS + 4))
while IFS='|' read -r addresses ports; do
  read -r address rest <<<"$addresses"
  case $address in *[.:]*) ;; *) continue ;; esac
  for port in ${ports:-5000}; do
    case $port in */tcp|5000) ;; *) continue ;; esac
    until timeout 0.5 bash -c ': </dev/tcp/$0/$1' "$address" "${port%/tcp}" 2>/dev/null; do
      [ $SECONDS -lt $end ] || exit
      sleep 0.05
    done
  done
done; }"""


def settle(shells: Mapping[str, Shell]) -> None:
    """Wait until each running container takes connections on its ports, 4 s at most."""
    everywhere(lambda shell: shell.ask(f"{LISTENERS} | {WAIT}"), list(shells.values()))
