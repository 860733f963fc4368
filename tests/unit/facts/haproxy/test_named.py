"""The files that a configuration names, as HAProxy would look for them."""

from __future__ import annotations

import pytest

from labkit.facts.haproxy.named import Named, named_files


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("frontend f\n bind :443 ssl crt /etc/haproxy/site.pem alpn h2\n",
         [Named("/etc/haproxy/site.pem", is_certificate=True)]),
        ("global\n crt-base /etc/ssl/private\nfrontend f\n bind :443 ssl crt site.pem\n",
         [Named("/etc/ssl/private/site.pem", is_certificate=True)]),
        ("global\n crt-base /etc/ssl/private\nfrontend f\n bind :443 ssl crt /a.pem crt /b/\n",
         [Named("/a.pem", is_certificate=True), Named("/b", is_certificate=True)]),
        ("backend b\n server a web1:443 ssl verify required ca-file /etc/ssl/ca.crt\n",
         [Named("/etc/ssl/ca.crt", is_certificate=True)]),
        ("backend b\n server a web1:443 ssl verify required ca-file @system-ca\n", []),
        ("frontend f\n bind :443 ssl crt site.pem\n", []),
        ('defaults\n errorfile 503 "/etc/haproxy/errors/503.http"\n',
         [Named("/etc/haproxy/errors/503.http")]),
        ("frontend f\n acl x src -f /a.lst\n use_backend %[hdr(host),map_str(/b.map,x)]\n",
         [Named("/a.lst"), Named("/b.map")]),
        ("frontend f\n http-request return status 200 content-type text/html file /srv/x.html\n",
         [Named("/srv/x.html")]),
        ("# errorfile 503 /x\nfrontend f\n bind :80\n", []),
    ],
)  # fmt: skip
def test_each_file_is_named_once(text: str, found: list[Named]) -> None:
    assert named_files(text + text) == found


def test_a_name_without_a_suffix_is_a_folder_of_certificates() -> None:
    assert Named("/etc/haproxy/certs", is_certificate=True).is_folder
    assert not Named("/etc/haproxy/site.pem", is_certificate=True).is_folder
    assert not Named("/etc/haproxy/hosts").is_folder
