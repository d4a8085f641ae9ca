"""A TCP echo server on loopback: what comes in goes back, line by line."""

import socketserver
import sys


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        print(f"connected: {self.client_address[0]}:{self.client_address[1]}")
        for line in self.rfile:
            self.wfile.write(line)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    with Server(("127.0.0.1", int(sys.argv[1])), Echo) as server:
        print(f"echo server listens on 127.0.0.1:{sys.argv[1]}")
        server.serve_forever()
