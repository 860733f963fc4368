"""Who may use the registry on lb, and what a machine's Docker needs for it."""

from __future__ import annotations

import json
import re
import shlex

from labkit.facts.docker import containers
from labkit.facts.registry import is_registry
from labkit.remote import Shell
from steps.project import REGISTRY, REGISTRY_HOME, REGISTRY_PASSWORD, REGISTRY_USER

LONGEST_SCRIPT = 10_000  # characters of a container's command that are read
# Under which name the registry answers, by which of the two protocols, and whether it asks for a
# password. To a plain request a registry with TLS answers 400. It may still be starting; curl is
# asked only where somebody listens, since one that never does is the commoner case.
ASK_REGISTRY = (
    "end=$((SECONDS + 10)); while :; do for name in NAMES; do"
    ' (: <"/dev/tcp/$(echo $name | tr : /)") 2>/dev/null || continue; for scheme in https http; do'
    " said=$(curl -sk -m 2 -o /dev/null -D - -w '%{http_code}' $scheme://$name/v2/);"
    ' code=$(echo "$said" | tail -n 1); case $code in 200|401)'
    " echo \"$said\" | grep -qi '^docker-distribution-api-version:'"
    " && echo $scheme $code $name && exit 0;; esac;"
    " done; done; [ $SECONDS -lt $end ] || exit 1; sleep 0.2; done"
)
# The engine is only signalled to read its configuration again: it may take its time.
ASK_INSECURE = (
    "for try in $(seq 1 100); do docker info | grep -qxE ' +REGISTRY' && exit 0; sleep 0.1; done;"
    " exit 1"
)


def registry_names(lb: Shell) -> list[str]:
    """HOST:PORT of what may be the registry: where its container on lb is published.

    If it is published nowhere, what passes its visitors on: a page, or a server in front of it.
    """
    running = [one for one in containers(lb) if one.published]
    own = [one for one in running if is_registry(one.image)]
    ports = [one.published.get(5000) or next(iter(one.published.values())) for one in own]
    ports = ports or [port for one in running for port in one.published.values()]
    return [f"lb:{port}" for port in ports] or [REGISTRY]


def registry_login(lb: Shell) -> tuple[str, str]:
    """Who may use the registry: whom its container's command lets in at each start, or the lab's.

    Such a command writes the password file anew, and whom the lab has put there is gone.
    """
    for one in containers(lb):
        config = one.raw["Config"]
        words = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
        if is_registry(one.image) and (login := written_login(" ".join(map(str, words)))):
            return login
    return REGISTRY_USER, REGISTRY_PASSWORD


def written_login(script: str) -> tuple[str, str] | None:
    """User and password that a script gives to htpasswd; None if it does not, or by variables.

    `htpasswd -Bbn USER PASSWORD > FILE`, or `htpasswd -Bbc FILE USER PASSWORD`; -C has a value.
    """
    for said in re.findall(r"\bhtpasswd([ \t]+-[^\n;&|>]*)", script[:LONGEST_SCRIPT]):
        try:
            words = shlex.split(said)
        except ValueError:
            continue
        letters = "".join(word[1:] for word in words if word.startswith("-"))
        rest = [word for before, word in zip(["", *words], words, strict=False)
                if not word.startswith("-") and not re.fullmatch(r"-\w*C", before)]  # fmt: skip
        login = rest if "n" in letters else rest[1:]
        if "b" in letters and len(login) == 2 and "$" not in "".join(login):
            return login[0], login[1]
    return None


def trust_registry(shell: Shell, lb: Shell) -> str:
    """Let this machine's Docker use the registry, and log in to it if it asks for a password.

    With TLS the lab's CA is put where Docker looks for it; a plain registry, which a student may
    have described, is named as insecure. Returns the registry's name, HOST:PORT.
    """
    names = registry_names(lb)
    answer = lb.ask(ASK_REGISTRY.replace("NAMES", shlex.join(names))).text
    scheme, status, name = answer.split() if answer else ("https", "401", names[0])
    if scheme == "http":
        allow_insecure(shell, name)
    else:
        trust_authority(shell, lb, name)
    if status == "401":
        user, password = registry_login(lb)
        shell.run(
            f"echo {shlex.quote(password)} | docker login -u {shlex.quote(user)} --password-stdin"
            f" {shlex.quote(name)}",
            unless=f"grep -q {shlex.quote(json.dumps(name))} ~/.docker/config.json",
        )
    return name


def trust_authority(shell: Shell, lb: Shell, registry: str) -> None:
    """The lab's CA where Docker looks for it; one that was put there by hand stays."""
    authority = lb.read(f"{REGISTRY_HOME}/certs/ca.crt")
    if not authority:
        return
    folder = f"/etc/docker/certs.d/{registry}"
    quoted = shlex.quote(folder)
    shell.run(f"sudo install -d {quoted}", unless=f"test -d {quoted}")
    shell.write(f"{folder}/ca.crt", authority, root=True)


def allow_insecure(shell: Shell, registry: str) -> None:
    """The registry among the insecure ones of this machine's Docker, reloaded and not restarted."""
    path = "/etc/docker/daemon.json"
    settings = json.loads(shell.read(path, root=True) or "{}")
    known = settings.setdefault("insecure-registries", [])
    if registry in known:
        return
    known.append(registry)
    if shell.write(path, json.dumps(settings, indent=2) + "\n", root=True):
        shell.run("sudo systemctl reload docker")
        shell.ask(ASK_INSECURE.replace("REGISTRY", re.escape(registry)))
