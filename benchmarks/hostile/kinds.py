"""What is submitted to do harm: a right submission with one thing in it that is not.

Each kind is small and stands for a family. Where the reference is right, it is what the kind is
made of; what a kind does not hand in is filled, as ever.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REFERENCE = Path(__file__).parents[2] / "steps" / "reference"
CANARIES = Path(__file__).parents[2] / "tests" / "hostile" / "canary"
DOCKERFILE, SCRIPT = "simple_api/Dockerfile", "simple_api/student_age.py"
COMPOSE, REGISTRY = "docker-compose.yml", "docker-compose-registry.yml"
PAGE, BALANCER = "website/index.php", "haproxy/haproxy.cfg"
RULES = "haproxy/rsyslog-haproxy.conf"
ARTEFACTS = (DOCKERFILE, COMPOSE, REGISTRY, PAGE, BALANCER, RULES)
Document = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One hostile submission. `caught_by` is the check that it must fail.

    Without `caught_by` the harm is in what is ignored, or contained: the rest may be right, and may
    pass. `pack` writes into a folder what a mapping of files cannot say, and gives what is
    submitted; by itself the files are written as they are.
    """

    family: str
    name: str
    steps: str
    files: Mapping[str, bytes]
    caught_by: str = ""
    pack: Callable[[Path], Path] | None = None


def reference(path: str) -> str:
    """A reference artefact."""
    return (REFERENCE / path).read_text(encoding="utf-8")


def kinds(port: int, canary: str) -> list[Kind]:
    """All of them. `port` listens on this computer's loopback, `canary` must not come into being:
    neither here nor on a machine."""
    elsewhere = f"http://127.0.0.1:{port}/"
    return [
        *_compose(canary),
        *_neighbours(canary),
        *_yaml(canary),
        *_dockerfiles(elsewhere, canary),
        *_answers(elsewhere),
        *_pages(elsewhere),
        *_registries(canary),
        *_balancers(elsewhere, canary),
        *_rules(canary),
        *_folders(canary),
    ]


# -- compose files


def _changed(change: Callable[[Document], None]) -> bytes:
    document: Document = yaml.safe_load(reference(COMPOSE))
    change(document)
    return yaml.safe_dump(document, sort_keys=False).encode()


def _of_website(**more: Any) -> bytes:
    return _changed(lambda document: document["services"]["website"].update(more))


def _of_file(**more: Any) -> bytes:
    return _changed(lambda document: document.update(more))


def _mounting(*mounts: Any) -> bytes:
    return _changed(lambda document: document["services"]["website"]["volumes"].extend(mounts))


def _volume(**options: str) -> bytes:
    def change(document: Document) -> None:
        document["services"]["website"]["volumes"].append("disk:/disk")
        document["volumes"] = {"disk": {"driver_opts": options}}

    return _changed(change)


def _lending(kind: str) -> bytes:
    """A file of the machine's as a secret or a config. Compose leaves out what nobody uses."""

    def change(document: Document) -> None:
        document[kind] = {"x": {"file": "/etc/shadow"}}
        document["services"]["website"][kind] = ["x"]

    return _changed(change)


def _compose(canary: str) -> Iterator[Kind]:
    refused = {
        "privileged": _of_website(privileged=True),
        "the machine's processes": _of_website(pid="host"),
        "the machine's shared memory": _of_website(ipc="host"),
        "the machine's users": _of_website(userns_mode="host"),
        "the machine's control groups": _of_website(cgroup="host"),
        "a control group as a parent": _of_website(cgroup_parent="/"),
        "the engine's socket": _mounting("/var/run/docker.sock:/docker.sock"),
        "the whole disk": _mounting("/:/host"),
        "the disk, by a way round": _mounting("./website/../../../:/host"),
        "keys of a login": _mounting("/home/student/.ssh:/keys"),
        "programs of the machine": _mounting("/usr/local/bin:/bin2"),
        "a mount that is handed on to the machine": _mounting(
            {"type": "bind", "source": "./website", "target": "/x",
             "bind": {"propagation": "shared"}}
        ),
        "a capability": _of_website(cap_add=["SYS_ADMIN"]),
        "no filter of system calls": _of_website(security_opt=["seccomp:unconfined"]),
        "a device": _of_website(devices=["/dev/mem:/dev/mem"]),
        "rules for devices": _of_website(device_cgroup_rules=["a *:* rwm"]),
        "a device by deploy": _of_website(deploy={"resources": {"reservations": {
            "devices": [{"capabilities": ["gpu"], "count": 1}]}}}),
        "a setting of the kernel": _of_website(sysctls={"kernel.core_pattern": "|/x"}),
        "another runtime": _of_website(runtime="other"),
        "a log that leaves the machine": _of_website(
            logging={"driver": "syslog", "options": {"syslog-address": "udp://127.0.0.1:514"}}
        ),
        "a secret of the machine": _lending("secrets"),
        "a config of the machine": _lending("configs"),
        "a volume that is the disk": _volume(type="none", o="bind", device="/"),
        "a volume of overlay": _volume(type="overlay", o="lowerdir=/,upperdir=/x,workdir=/y",
                                       device="overlay"),
        "a network on the machine's card": _of_file(networks={"student-list": {
            "driver": "macvlan", "driver_opts": {"parent": "eth0"}}}),
        "a build in the machine's network": _of_website(
            build={"context": "./website", "network": "host"}
        ),
        "a build of the whole disk": _of_website(build={"context": "/"}),
        "a second build context": _of_website(
            build={"context": "./website", "additional_contexts": {"root": "/"}}
        ),
        "a name that is an option": _changed(
            lambda document: document["services"].update({"--build": {"image": "php:apache"}})
        ),
        # A Compose of before these words refuses the file itself, which blocks what would catch it.
        "a key of a later Compose": _of_website(use_api_socket=True),
        "a program as a provider": _of_website(provider={"type": "/bin/sh"}),
        "a command after the start, as root": _of_website(
            post_start=[{"command": f"touch {canary}", "privileged": True}]),
    }  # fmt: skip
    for name, data in refused.items():
        yield Kind("compose", name, "4-5", {COMPOSE: data}, "compose.harmless")
    invalid = {
        "a service's name that is a command": _changed(lambda document: document["services"].update(
            {f"api; sudo touch {canary} #": {"image": "php:apache"}})),
        "a file of settings of root's": _of_website(env_file="/root/.profile"),
        "what another folder's file extends": _of_website(
            extends={"file": "/etc/passwd", "service": "root"}),
        "what is fetched from elsewhere": _of_file(include=["https://127.0.0.1/x.git"]),
    }  # fmt: skip
    for name, data in invalid.items():
        yield Kind("compose", name, "4-5", {COMPOSE: data}, "compose.valid")
    # Compose itself makes a name of its grammar of it, and the file is as valid as with any other.
    yield Kind("compose", "a project's name that is a command", "4-5",
               {COMPOSE: _of_file(name=f"x; touch {canary}")})  # fmt: skip
    yield Kind("compose", "an image's name that is a command", "4-5",
               {COMPOSE: _of_website(image=f"php:apache; touch {canary}")},
               "deploy.running")  # fmt: skip
    yield Kind("compose", "a container's name that is a command", "4-5",
               {COMPOSE: _of_website(container_name=f"x; touch {canary}")},
               "deploy.running")  # fmt: skip


def _neighbours(canary: str) -> Iterator[Kind]:
    """One file is read, and another one might be started."""
    bad = b"services:\n  website:\n    pid: host\n"
    whole = _of_website(pid="host")
    files: dict[str, dict[str, bytes]] = {
        "an override beside the file": {COMPOSE: reference(COMPOSE).encode(),
                                        "docker-compose.override.yml": bad},
        "another file, named in .env": {COMPOSE: reference(COMPOSE).encode(), "bad.yml": whole,
                                        ".env": b"COMPOSE_FILE=bad.yml\n"},
        "a file of an unusual name": {"Docker-Compose.YML": whole},
        "a file four folders down": {"a/b/c/d/compose.yaml": whole, "a.txt": b""},
        "a value that .env turns": {COMPOSE: _of_website(pid="${MODE}"), ".env": b"MODE=host\n"},
        "an included file": {COMPOSE: _of_file(include=["more.yml"]),
                             "more.yml": b"services: {x: {image: 'php:apache', pid: host}}\n"},
        "an extended service": {COMPOSE: _of_website(
            extends={"file": "more.yml", "service": "x"}),
            "more.yml": b"services: {x: {image: 'php:apache', pid: host}}\n"},
    }  # fmt: skip
    for name, given in files.items():
        yield Kind("neighbours", name, "4-5", given, "compose.harmless")
    yield Kind("neighbours", "a value that is set only on web2", "10",
               {COMPOSE: _of_website(pid="${STUDENT_AGE_IMAGE:+host}")},
               "second-server.lists")  # fmt: skip
    yield Kind("neighbours", "settings that are commands", "4-5",
               {COMPOSE: reference(COMPOSE).encode(),
                ".env": f"X=$(touch {canary})\nY=`touch {canary}`\n;touch {canary}\n".encode()},
               "compose.valid")  # fmt: skip


def _yaml(canary: str) -> Iterator[Kind]:
    aliases = "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 10))
    unreadable = {
        "aliases that multiply": f"x0: &x0 [a]\n{aliases}services: *x9\n",
        "brackets without end": "services: " + "[" * 200_000,
        "mappings without end": "services: " + "{a: " * 20_000,
        "numbers that are none": 'services:\n  website:\n    image: !!int ""\n    x: !!bool foo\n',
        "an object of a program's": "services: !!python/object/apply:os.system"
                                    f" ['touch {canary}']\n",
        "a file in a file": "services: {}\n@@file /srv/forged.yml\n@@code 0\n",
    }  # fmt: skip
    for name, text in unreadable.items():
        yield Kind("yaml", name, "4", {COMPOSE: text.encode()}, "compose.valid")
    big = "".join(f"N{n}={'x' * 60}\n" for n in range(25_000)).encode()
    yield Kind("yaml", "six megabytes of settings", "4",
               {COMPOSE: _of_website(env_file=["a.env", "b.env", "c.env"]),
                "a.env": big, "b.env": big, "c.env": big})  # fmt: skip


# -- images


def _with_script() -> dict[str, bytes]:
    return {SCRIPT: (REFERENCE.parent / "starter" / SCRIPT).read_bytes()}


def _dockerfiles(elsewhere: str, canary: str) -> Iterator[Kind]:
    text = reference(DOCKERFILE)
    fails = {
        "a file of the machine's, by a way round": "COPY ../../../../etc/shadow /\n",
        "what is asked of the builder's loopback": f"ADD {elsewhere} /x\n",
        "a setting of the kernel": "RUN echo '|/x' > /proc/sys/kernel/core_pattern\n",
        "the engine's socket": "RUN test -S /var/run/docker.sock\n",
        "a disk of the machine's": "RUN mount -t proc none /mnt\n",
        "an insecure build": "RUN --security=insecure touch /x\n",
        "a build without end": "RUN while true; do sleep 1; done\n",
    }
    for name, line in fails.items():
        yield Kind("Dockerfile", name, "2-3", {DOCKERFILE: (text + line).encode()},
                   "dockerfile.builds")  # fmt: skip
    flood = "RUN head -c 30000000 /dev/zero | tr '\\0' '\\n' >&2\n"
    contained = {
        "a flood on one output": {DOCKERFILE: (text + flood).encode()},
        "a file in the image alone": {DOCKERFILE: (text + f"RUN touch {canary}\n").encode()},
        "a folder whose name is a command": {
            f"$(touch {canary.replace('/', '')})/Dockerfile": text.encode(),
            f"$(touch {canary.replace('/', '')})/student_age.py": _with_script()[SCRIPT],
        },
        "a frontend from elsewhere": {
            DOCKERFILE: ("# syntax=127.0.0.1:5000/frontend\n" + text).encode()
        },
    }
    for name, given in contained.items():
        yield Kind("Dockerfile", name, "2-3", given)


def _answers(elsewhere: str) -> Iterator[Kind]:
    """What the student's own API says, where somebody asks who believes it."""
    replies = {
        "brackets without end": "'[' * 200_000",
        "a number that no machine holds": "'{\"student_ages\": {\"a\": ' + '9' * 100_000 + '}}'",
        "an answer without end": "Response(iter(lambda: 'x' * 65536, None))",
        "an answer that trickles": "Response((time.sleep(1) or 'x' for _ in range(900)))",
        "a redirect to the grader's own computer": f"redirect({elsewhere!r})",
        "headers without end": "('{}', 200, {f'X-{n}': 'x' * 1000 for n in range(500)})",
        "control characters": "'\\x1b]0;x\\x07\\x1b[2J' * 100",
    }
    for name, reply in replies.items():
        script = (
            "import time\nfrom flask import Flask, Response, redirect\napp = Flask(__name__)\n"
            "@app.route('/pozos/api/v1.0/get_student_ages')\ndef ages():\n"
            f"    return {reply}\napp.run(host='0.0.0.0', port=5000, threaded=True)\n"
        )
        files = {DOCKERFILE: reference(DOCKERFILE).encode(), SCRIPT: script.encode()}
        yield Kind("answers", name, "3", files, "build.auth")


# -- the page


def _pages(elsewhere: str) -> Iterator[Kind]:
    text = reference(PAGE)
    form = '<form method="post">'
    forms = {
        "a form that leads elsewhere": f'<form method="post" action="{elsewhere}">',
        "a form that leads elsewhere, without a scheme":
            f'<form method="post" action="{elsewhere.removeprefix("http:")}">',
        "a form behind a user's name":
            f'<form method="post" action="http://web1@{elsewhere.removeprefix("http://")}">',
        "a form that is no address": '<form method="post" action="http://[">',
        "a form that is a file": '<form method="post" action="file:///etc/passwd">',
        "a form that is a script": '<form method="post" action="javascript:alert(1)">',
    }  # fmt: skip
    for name, instead in forms.items():
        yield Kind("page", name, "6-7", {PAGE: text.replace(form, instead).encode()}, "verify.list")
    begins = {
        "a redirect elsewhere": f"header('Location: {elsewhere}'); exit;",
        "a redirect to itself, for ever": "header('Location: ?' . random_int(0, 999999)); exit;",
        "a redirect to a file": "header('Location: file:///etc/passwd'); exit;",
        "a body without end": "while (true) { echo str_repeat('x', 65536); flush(); }",
        "a body that trickles": "while (true) { echo 'x'; @ob_flush(); flush(); sleep(1); }",
        "a packed bomb": "header('Content-Encoding: gzip'); $p = gzencode(str_repeat('x', 50000000)"
                         "); echo $p; exit;",
        "headers without end":
            "for ($n = 0; $n < 2000; $n++) header(\"X-$n: \" . str_repeat('x', 500)); exit;",
        "cookies without end":
            "for ($n = 0; $n < 2000; $n++) setcookie(\"c$n\", str_repeat('x', 500)); exit;",
        "a length that is not true": "header('Content-Length: 5'); echo '<form'; exit;",
    }  # fmt: skip
    for name, line in begins.items():
        changed = text.replace("<?php\n", f"<?php\n{line}\n", 1)
        yield Kind("page", name, "6-7", {PAGE: changed.encode()}, "verify.form")
    before = {
        "tags without end": "'<a ' . str_repeat('x<b ', 15000)",
        "style upon style": "str_repeat('<style ', 8000)",
        "a base elsewhere": f"'<base href=\"{elsewhere}\">'",
        "a refresh elsewhere": f'\'<meta http-equiv="refresh" content="0;url={elsewhere}">\'',
        "pictures from elsewhere": f'\'<img src="{elsewhere}"><script src="{elsewhere}">\'',
    }
    for name, php in before.items():
        changed = text.replace(form, f"<?= {php} ?>\n{form}")
        yield Kind("page", name, "6-7", {PAGE: changed.encode()})


# -- registry


def _registries(canary: str) -> Iterator[Kind]:
    def changed(**more: Any) -> bytes:
        document = yaml.safe_load(reference(REGISTRY))
        document["services"]["registry"].update(more)
        return yaml.safe_dump(document).encode()

    refused = {
        "privileged": {REGISTRY: changed(privileged=True)},
        "the whole disk": {REGISTRY: changed(volumes=["/:/var/lib/registry"])},
    }
    run = "docker run -d -p 5000:5000 --name registry"
    commands = {
        "the whole disk, by a command": f"{run} -v /:/host registry:2",
        "privileged, by a command": f"{run} --privileged registry:2",
        "a mount with two sources":
            f"{run} --mount type=bind,src=/srv/registry,src=/,dst=/x registry:2",
        "a volume that is the disk, by a command":
            f"docker volume create --opt type=none --opt o=bind --opt device=/ d\n"
            f"{run} -v d:/var/lib/registry registry:2",
        "a volume's options in a mount":
            f"{run} --mount type=volume,dst=/x,volume-opt=type=none,volume-opt=o=bind,"
            "volume-opt=device=/ registry:2",
        "a command within a command": f"{run} -e X=$(touch {canary}) --pid host registry:2",
    }  # fmt: skip
    for name, lines in commands.items():
        refused[name] = {"README.md": f"# Mine\n```\n{lines}\n```\n".encode()}
    for name, given in refused.items():
        yield Kind("registry", name, "8", given, "registry.answers")


# -- balancer


def _balancers(elsewhere: str, canary: str) -> Iterator[Kind]:
    text = reference("haproxy/haproxy-11.cfg")

    def below(section: str, line: str) -> bytes:
        return text.replace(f"{section}\n", f"{section}\n    {line}\n", 1).encode()

    refused = {
        "a script": below("global", "lua-load /x.lua"),
        "a script in quotes": below("global", '"lua-load" /x.lua'),
        "a program as a check": below("backend my-backend", "external-check command /bin/sh"),
        "a program beside": (text + f"program x\n    command touch {canary}\n").encode(),
        "processes of its own": below("global", "insecure-fork-wanted"),
        "a setting for what is loaded": below("global", "setenv LD_PRELOAD /x.so"),
        "root": text.replace("user haproxy", "user root").encode(),
        "the engine as a server":
            below("backend my-backend", "server x unix@/run/docker.sock"),
        "a file of the machine's as a page": below("defaults", "errorfile 503 /etc/shadow"),
        "a socket in the place of a file":
            below("frontend website", "bind unix@/etc/cron.d/x"),
        "a backend's name that is a command":
            text.replace("my-backend", f"my-backend;touch{canary}").encode(),
        "a line without end": below("global", "log " + "x" * 100_000),
    }  # fmt: skip
    for name, data in refused.items():
        yield Kind("haproxy", name, "11", {BALANCER: data}, "haproxy.runs")
    # Opened where HAProxy may, since such a socket stands at many right places of other systems.
    apart = below("global", "stats socket /etc/cron.d/x level admin")
    yield Kind("haproxy", "an administrator's socket anywhere", "11", {BALANCER: apart})
    away = below("frontend website", f"http-request redirect location {elsewhere}")
    yield Kind("haproxy", "a redirect elsewhere", "11", {BALANCER: away}, "haproxy.serves")


def _rules(canary: str) -> Iterator[Kind]:
    listens = 'module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="514")\n'
    log = "local2.* /var/log/haproxy.log\n"
    refused = {
        "a program": f'module(load="omprog")\n{listens}{log}'
                     f'action(type="omprog" binary="/usr/bin/touch {canary}")\n',
        "a program in octal": f'module(load="om\\160rog")\n{listens}{log}',
        "a program by the old way": f"{listens}local2.* ^/usr/bin/touch {canary}\n{log}",
        "a file elsewhere": f"{listens}local2.* /etc/cron.d/haproxy.log\n{log}",
        "a file that a template names":
            f'{listens}$template t,"/home/student/.ssh/authorized_keys"\nlocal2.* ?t\n{log}',
        "more configuration": f"$IncludeConfig /srv/student-list/*.conf\n{listens}{log}",
        "a pipe": f"{listens}local2.* |/run/initctl\n{log}",
    }  # fmt: skip
    balancer = reference("haproxy/haproxy-11.cfg").encode()
    for name, rules in refused.items():
        yield Kind("rsyslog", name, "11", {BALANCER: balancer, RULES: rules.encode()},
                   "haproxy.logged")  # fmt: skip


# -- folders and archives


def _zip(path: Path, members: Mapping[str, bytes], *, mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system, info.external_attr = 3, mode << 16
            archive.writestr(info, data)
    return path


def _tar(path: Path, right: Mapping[str, bytes], *others: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in right.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in others:
            archive.addfile(info)
    return path


def _special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def _folders(canary: str) -> Iterator[Kind]:
    right = {DOCKERFILE: reference(DOCKERFILE).encode()}
    link = 0o120777

    def with_links(folder: Path) -> Path:
        _write(folder, right)
        for name, to in {"root": "/", "shadow": "/etc/shadow", "self": "."}.items():
            (folder / name).symlink_to(to)
        os.mkfifo(folder / "pipe")
        return folder

    def with_names(folder: Path) -> Path:
        _write(folder, right)
        for name in ("-rf", "--help", "; touch x", "a\nb", "$(touch x)", "`touch x`", "'\"", "\\"):
            (folder / name).write_bytes(b"x")
        (folder / os.fsdecode(b"\xff\xfe")).write_bytes(b"x")
        return folder

    def with_many(folder: Path) -> Path:
        _write(folder, right)
        for number in range(3000):
            (folder / f"z{number}").touch()
        return folder

    def with_canaries(folder: Path) -> Path:
        files = {path.relative_to(CANARIES).as_posix(): path.read_bytes()
                 for path in CANARIES.rglob("*") if path.is_file()}  # fmt: skip
        return _write(folder, {**files, ".git/hooks/post-checkout": b"#!/bin/sh\ntouch /x\n"})

    packed: dict[str, Callable[[Path], Path]] = {
        "links and pipes": with_links,
        "names that are commands": with_names,
        "three thousand files": with_many,
        "programs and settings of the grader's tools": with_canaries,
        "an archive that leads out": lambda folder: _zip(
            folder / "x.zip", {**right, f"../../../..{canary}": b"", f"{canary}": b""}),
        "an archive of links": lambda folder: _zip(
            folder / "x.zip", {"link": canary.encode()}, mode=link) and _zip(
            folder / "y.zip", right),
        "an archive that is a bomb": lambda folder: _zip(
            folder / "x.zip", {**right, "bomb.txt": bytes(50_000_000)}
        ),
        "devices and links in an archive": lambda folder: _tar(
            folder / "x.tar.gz", right, _special("disk", tarfile.BLKTYPE),
            _special("out", tarfile.SYMTYPE, "/"), _special("hard", tarfile.LNKTYPE, "/etc/shadow"),
            _special("pipe", tarfile.FIFOTYPE)),
        "an archive in an archive in an archive": lambda folder: _tar(
            folder / "x.tar.gz", {
                **right, "inner.tar.gz": gzip.compress(gzip.compress(bytes(50_000_000)))}),
    }  # fmt: skip
    for name, pack in packed.items():
        yield Kind("folder", name, "2", right, pack=pack)


def _write(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def hand_in(kind: Kind, folder: Path) -> Path:
    """Write a kind into an empty folder; what is then graded, a folder or an archive."""
    return kind.pack(folder) if kind.pack else _write(folder, kind.files)
