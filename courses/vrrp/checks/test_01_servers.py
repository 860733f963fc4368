"""a) Two web servers with a page each, and HAProxy on both balancers."""

from __future__ import annotations

from subject.machines import BALANCERS, WEBS

from checks.http import page_at
from labkit.course import check, expect
from labkit.lab import Lab
from labkit.locale import _
from labkit.remote import Shell, Shells

VISITS = 8


@check(
    points=0.5,
    probes="GET / is sent to web1 and to web2, from outside; each must answer with status 200.",
    why="Behind two balancers there must be somebody to balance between.",
    hints=[
        "What does a browser see at each web server's own address?",
        "nginx serves /var/www/html/index.html on port 80, once it is started.",
        "On web1 and web2: sudo systemctl enable --now nginx; sudo firewall-cmd --add-service=http",
    ],
)
def test_pages(lab: Lab) -> None:
    """Each web server has a page."""
    machines = lab.machines()
    for web in WEBS:
        status, seen = page_at(machines[web].address)
        expect(
            status == 200,
            expected=_("a page, with status 200"),
            seen=_("status {status}", status=status) if status else seen,
            where=f"http://{web}/",
        )


@check(
    points=0.5,
    needs="servers.pages",
    probes="The pages of web1 and web2 are compared; they must differ.",
    why="If both pages are the same, nobody can see who has answered.",
    hints=[
        "How would you see which of the two has answered?",
        "Each page names its server.",
        "In /var/www/html/index.html of web1: Served by web1. Of web2: Served by web2.",
    ],
)
def test_differ(lab: Lab) -> None:
    """Each web server has a page of its own."""
    machines = lab.machines()
    pages = [page_at(machines[web].address)[1] for web in WEBS]
    expect(
        pages[0] != pages[1],
        expected=_("a page that says which server it comes from"),
        seen=_("the same page twice"),
        where="web2:/var/www/html/index.html",
    )


def _must_balance(lab: Lab, name: str) -> None:
    machines = lab.machines()
    wanted = {page_at(machines[web].address)[1] for web in WEBS}
    seen = [page_at(machines[name].address) for _visit in range(VISITS)]
    statuses = sorted({status for status, _page in seen})
    expect(
        statuses == [200],
        expected=_("a page, with status 200"),
        seen=", ".join(_("status {status}", status=one) if one else seen[0][1] for one in statuses),
        where=f"http://{name}/",
    )
    expect(
        wanted <= {page for _status, page in seen},
        expected=_("both pages in turn"),
        seen=_("one page only, in {visits} visits", visits=VISITS),
        where=f"http://{name}/",
    )


BALANCE_PROBES = (
    "GET / is sent eight times to this balancer; both web servers' pages must be among the answers."
)
BALANCE_WHY = (
    "Whichever balancer holds the address has to do the whole work, so both must be able to."
)
BALANCE_HINTS = (
    "What does HAProxy itself say of its file?",
    "The same haproxy.cfg on lb1 and lb2: a frontend on port 80, a backend with both web servers.",
    "balance roundrobin; server web1 web1:80 check; server web2 web2:80 check",
)


@check(
    points=0.75,
    needs="servers.differ",
    probes=BALANCE_PROBES,
    why=BALANCE_WHY,
    hints=BALANCE_HINTS,
)
def test_balances_lb1(lab: Lab) -> None:
    """lb1 serves both web servers' pages."""
    _must_balance(lab, "lb1")


@check(
    points=0.75,
    needs="servers.differ",
    probes=BALANCE_PROBES,
    why=BALANCE_WHY,
    hints=BALANCE_HINTS,
)
def test_balances_lb2(lab: Lab) -> None:
    """lb2 serves both web servers' pages."""
    _must_balance(lab, "lb2")


@check(
    points=0.5,
    needs=["servers.balances_lb1", "servers.balances_lb2"],
    probes=("haproxy.cfg is read on lb1 and on lb2: each web server there must have a check."),
    why=(
        "A balancer that never checks its servers sends every second visitor to one that is gone."
    ),
    hints=[
        "What would HAProxy do if web2 were stopped?",
        "The word check on a server's line.",
        "server web1 web1:80 check; server web2 web2:80 check; sudo systemctl reload haproxy",
    ],
)
def test_checked(shells: Shells) -> None:
    """Both balancers check their servers."""
    for name in BALANCERS:
        unchecked = _unchecked(shells[name])
        expect(
            not unchecked,
            expected=_("a health check of every web server"),
            seen=_("none of {names}", names=", ".join(unchecked)),
            where=f"{name}:/etc/haproxy/haproxy.cfg",
        )


def _unchecked(balancer: Shell) -> list[str]:
    """The servers without `check`, as haproxy -c reads the file: none if its words say so."""
    text = balancer.read("/etc/haproxy/haproxy.cfg", root=True) or ""
    lines = [line.partition("#")[0].split() for line in text.splitlines()]
    inherited = any(words[:1] == ["default-server"] and "check" in words for words in lines)
    return [
        words[1]
        for words in lines
        if words[:1] == ["server"] and len(words) > 2 and not inherited and "check" not in words[3:]
    ]
