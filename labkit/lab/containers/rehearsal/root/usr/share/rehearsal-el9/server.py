"""Serves this machine's packages over HTTPS, as download.docker.com, to this machine alone."""

import functools
import http.server
import ssl

HOME = "/usr/share/rehearsal-el9"

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{HOME}/server.crt", f"{HOME}/server.key")
handler = functools.partial(
    http.server.SimpleHTTPRequestHandler, directory=f"{HOME}/download.docker.com"
)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 443), handler)
# The handshake is made by the thread of a connection: one that says nothing holds up no other.
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
